"""What one POST to the Graph API costs, with each HTTP client that could carry it: ``python -m tests.bench.bench_client``.

The fake Graph API (50 ms per answer) runs on core 1, the client under uvloop on core 0. Closed loop: so many requests always
in flight. Open loop: so many begun each second, whatever becomes of them, and latency counted from when each was due; that
is where a pool that grows dearer with every connection breaks down. ``us`` is this process's CPU time per request.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import cycle
from pathlib import Path

import aiohttp
import httpx
import msgspec
import uvloop
from httpx_aiohttp import AiohttpTransport

from tests.bench import machine
from tests.bench.fakegraph import FakeGraph
from wabox.core.delivery import OutboundMessage
from wabox.whatsapp.client import CloudMessenger
from wabox.whatsapp.transport import KeepAliveTransport

NUMBER = "200000000000002"
BODY = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": "+5215550002222",
    "type": "text",
    "text": {
        "body": "Tu pedido 4711 va en camino y llega hoy entre las 4 y las 6 de la tarde. ¿Algo más?",
        "preview_url": False,
    },
}
HEADERS = {"Authorization": "Bearer " + "x" * 200, "Content-Type": "application/json"}
TIMEOUT = httpx.Timeout(20, connect=5)
LIMITS = httpx.Limits(max_connections=256, max_keepalive_connections=256)

Send = Callable[[], Awaitable[object]]


def content() -> bytes:
    return msgspec.json.encode({**BODY, "biz_opaque_callback_data": "ob-1"})


@contextlib.asynccontextmanager
async def through_clients(url: str, *clients: httpx.AsyncClient) -> AsyncIterator[Send]:
    turn = cycle(clients)

    async def send() -> None:
        (await next(turn).post(url, content=content(), headers=HEADERS)).raise_for_status()

    try:
        yield send
    finally:
        for client in clients:
            await client.aclose()


def stock(url: str) -> contextlib.AbstractAsyncContextManager[Send]:
    return through_clients(url, httpx.AsyncClient(limits=LIMITS, timeout=TIMEOUT))


def many(url: str) -> contextlib.AbstractAsyncContextManager[Send]:
    ten = httpx.Limits(max_connections=10, max_keepalive_connections=10)
    patient = httpx.Timeout(20, connect=5, pool=60)
    return through_clients(url, *(httpx.AsyncClient(limits=ten, timeout=patient) for _ in range(8)))


def via_aiohttp(url: str) -> contextlib.AbstractAsyncContextManager[Send]:
    return through_clients(url, httpx.AsyncClient(transport=AiohttpTransport(limits=LIMITS), timeout=TIMEOUT))


def own_in_client(url: str) -> contextlib.AbstractAsyncContextManager[Send]:
    return through_clients(url, httpx.AsyncClient(transport=KeepAliveTransport(), timeout=TIMEOUT))


@contextlib.asynccontextmanager
async def plain_aiohttp(url: str) -> AsyncIterator[Send]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as session:

        async def send() -> None:
            async with session.post(url, data=content(), headers=HEADERS) as answer:
                await answer.read()

        yield send


@contextlib.asynccontextmanager
async def messenger(url: str, transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Send]:
    cloud = CloudMessenger(url.removesuffix(f"/{NUMBER}/messages"), "x" * 200, transport=transport)
    message = OutboundMessage(id="ob-1", conversation_id="c", number_id=NUMBER, body=BODY, created_at=0)

    async def send() -> None:
        result = await cloud.send(message)
        if result.verdict != "sent":
            raise RuntimeError(result.reason)

    yield send
    await cloud.aclose()


def messenger_aiohttp(url: str) -> contextlib.AbstractAsyncContextManager[Send]:
    return messenger(url, AiohttpTransport(limits=LIMITS))


CLIENTS: dict[str, Callable[[str], contextlib.AbstractAsyncContextManager[Send]]] = {
    "httpx": stock,
    "httpx, 8 clients x 10 connections": many,
    "httpx + httpx-aiohttp": via_aiohttp,
    "httpx + wabox transport": own_in_client,
    "aiohttp, its own API": plain_aiohttp,
    "CloudMessenger + httpx-aiohttp": messenger_aiohttp,
    "CloudMessenger (wabox transport)": messenger,
}


async def closed_loop(send: Send, in_flight: int, seconds: float) -> str:
    done = 0
    end = time.perf_counter() + seconds

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await send()
            done += 1

    await asyncio.gather(*(send() for _ in range(in_flight)))
    cpu, start = time.process_time(), time.perf_counter()
    end = start + seconds
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    cpu, took = time.process_time() - cpu, time.perf_counter() - start
    return f"{cpu / done * 1e6:7.0f} us {done / took:6.0f}/s"


async def open_loop(send: Send, rate: float, seconds: float) -> str:
    late: list[float] = []
    failed = 0

    async def one(due: float) -> None:
        nonlocal failed
        try:
            await send()
        except (httpx.HTTPError, RuntimeError, OSError):
            failed += 1
        else:
            late.append((time.perf_counter() - due) * 1000)

    tasks = set()
    cpu, start = time.process_time(), time.perf_counter()
    for number in range(int(rate * seconds)):
        due = start + number / rate
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        tasks.add(asyncio.create_task(one(due)))
    _, pending = await asyncio.wait(tasks, timeout=10)
    cpu, took = time.process_time() - cpu, time.perf_counter() - start
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    lost = f", {failed} failed, {len(pending)} never" if failed or pending else ""
    p50, p99 = machine.percentile(late, 50), machine.percentile(late, 99)
    return f"{cpu / max(1, len(late)) * 1e6:7.0f} us {len(late) / took:6.0f}/s  p50 {p50:6.0f} p99 {p99:6.0f} ms{lost}"


async def compare(url: str, names: list[str], seconds: float) -> None:
    for title, load in (
        *((f"{n} in flight", (closed_loop, n)) for n in (10, 50, 128)),
        *((f"{rate}/s offered", (open_loop, rate)) for rate in (400, 1200)),
    ):
        print(f"\n{title}", flush=True)
        for name in names:
            measure, argument = load
            noise = machine.Noise()
            async with CLIENTS[name](url) as send:
                try:
                    figures = await measure(send, argument, seconds)
                except httpx.HTTPError as error:
                    figures = f"gave up: {type(error).__name__}"
            print(f"  {name:36} {figures}   (others: {noise.cores():.2f} cores)", flush=True)


def serve_graph(delay: float) -> None:
    """The other process: prints its address, then answers until it is killed."""

    async def main() -> None:
        graph = FakeGraph(delay)
        await graph.start()
        print(graph.url, flush=True)
        while True:
            await asyncio.sleep(1)
            graph.received.clear()

    machine.pin(1)
    uvloop.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", help="clients whose name contains this")
    parser.add_argument("--graph", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.graph is not None:
        serve_graph(options.graph)
        return
    graph = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_client", "--graph", "0.05"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert graph.stdout is not None
        url = f"{graph.stdout.readline().strip()}/{NUMBER}/messages"
        machine.pin(0)
        names = [name for name in CLIENTS if not options.only or options.only in name]
        uvloop.run(compare(url, names, options.seconds))
    finally:
        graph.kill()
        graph.wait()


if __name__ == "__main__":
    main()
