"""What people at their consoles cost, and how long they wait: 200 of them listen while the bot answers 200 messages a second.

``fan-out`` is the CPU time of the server with the listeners less the same traffic without, as a share of one core (goal: under
10 %). ``reply`` is from an agent's POST to the moment Meta has its message, under both (goal: p95 under 100 ms). ``open`` is a
case whose transcript has 5,000 lines, from the GET to its last byte, on an otherwise idle server (goal: under 50 ms).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from tests.bench import machine
from tests.bench.fakegraph import FakeGraph
from tests.bench.loadgen import connected, open_loop
from tests.bench.process import Process
from tests.bench.subject import SERVE, running, undisturbed
from tests.bench.webhooks import message_body, request

AGENTS = 25_000
"""Customers with a case: none of those who make the traffic."""


class Desk:
    """The API, one connection a call."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"

    async def call(self, method: str, path: str, body: Any = None, *, plain: bool = False) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 26)
        data = b"" if body is None else json.dumps(body).encode()
        more = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
        writer.write(f"{method} {path} {self._head}{more}".encode() + data)
        answer = await reader.read()
        writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(f"{method} {path}: {head[:200]!r} {content[:300]!r}")
        return content if plain else json.loads(content)

    async def listen(self, heard: list[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"GET /api/v1/events {self._head}\r\n".encode())
        while chunk := await reader.read(1 << 16):
            heard[0] += chunk.count(b"data:")


@asynccontextmanager
async def listeners(desk: Desk, count: int, heard: list[int]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(desk.listen(heard)) for _ in range(count)]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def traffic(server: Process, rate: int, seconds: float) -> None:
    async with connected(server.port, 8) as pool:
        await open_loop(pool, SERVE.make(round(rate * seconds)), rate)


async def write(server: Process, user: int, *texts: str) -> None:
    async with connected(server.port, 1) as pool:
        for text in texts:
            body = message_body(f"wamid.HBgNDESK{perf_counter()}", user, text, int(time.time()))
            await pool.post(request(body))
            await asyncio.sleep(0.2)


async def replies(desk: Desk, graph: FakeGraph, cases: Sequence[str], seconds: float) -> list[float]:
    """s from each POST to Meta, four a second."""
    took: list[float] = []
    end = perf_counter() + seconds
    number = 0
    while perf_counter() < end:
        number += 1
        words = f"reply {number}"
        begin = perf_counter()
        body = {"agent": "a", "by": "A", "text": words, "claim": True}
        await desk.call("POST", f"/api/v1/handoffs/{cases[number % len(cases)]}/reply", body)
        await asyncio.sleep(0.15)
        at = next((one.at for one in reversed(graph.received) if one.text == words), None)
        took.append(9.9 if at is None else at - begin)
        await asyncio.sleep(0.1)
    return took


def lengthen(data: Path, case: str, lines: int) -> None:
    """The transcript of its conversation has so many lines."""
    connection = sqlite3.connect(data / "wabox.db", timeout=30)
    (key,) = connection.execute("SELECT conversation FROM handoffs WHERE id = ?", (case,)).fetchone()
    understood = ["classifier", "order", 0.9, "en"]
    kinds = (
        ("in", {"channel": "whatsapp", "type": "text", "text": "where is my parcel?", "understood": understood}),
        ("out", {"type": "text", "text": {"body": "It is on its way."}, "to": "+5215550002222"}),
    )
    rows = [(key, 1000 + n, kinds[n % 2][0], f"r{n}", json.dumps(kinds[n % 2][1]).encode()) for n in range(lines)]
    connection.executemany("INSERT INTO transcript (conversation, at, kind, ref, body) VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


async def run(count: int, rate: int, seconds: float, lines: int) -> None:
    async with running(SERVE) as (server, graph):
        data = server._log.parent / "data"
        desk = Desk(server.port, (data / "token").read_text().strip())
        for user in range(AGENTS, AGENTS + 4):
            await write(server, user, "hello", "I want to talk to a person")
        await server.rest()
        cases = [one["id"] for one in await desk.call("GET", "/api/v1/handoffs")]
        async with undisturbed():
            before = machine.cpu_seconds(server.pid)
            await traffic(server, rate, seconds)
            await server.rest()
            alone = machine.cpu_seconds(server.pid) - before
            heard = [0]
            async with listeners(desk, count, heard):
                before = machine.cpu_seconds(server.pid)
                await traffic(server, rate, seconds)
                await asyncio.sleep(1)
                both = machine.cpu_seconds(server.pid) - before
                share = (both - alone) / seconds
                print(f"fan-out: {count} listeners, {heard[0]:,} events, {share:.1%} of a core", flush=True)
                load = asyncio.create_task(traffic(server, rate, seconds))
                took = sorted(await replies(desk, graph, cases, seconds))
                await load
            p95 = took[int(len(took) * 0.95)]
            print(f"reply: {len(took)}, p50 {statistics.median(took) * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms", flush=True)
            await server.rest()
            lengthen(data, cases[0], lines)
            opened = []
            for _ in range(10):
                begin = perf_counter()
                content = await desk.call("GET", f"/api/v1/handoffs/{cases[0]}", plain=True)
                opened.append(perf_counter() - begin)
            middle = statistics.median(opened) * 1e3
            print(
                f"open: {lines} lines, {len(content) / 1e6:.1f} MB, p50 {middle:.0f} ms, worst {max(opened) * 1e3:.0f} ms"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--lines", type=int, default=5000)
    given = parser.parse_args()
    uvloop.run(run(given.listeners, given.rate, given.seconds, given.lines))


if __name__ == "__main__":
    main()
