"""What people at their consoles cost, and how long they wait: 200 of them listen while the bot answers 200 messages a second.

``fan-out`` is the CPU time of the server with the listeners less the same traffic without, as a share of one core (goal: under
10 %). ``reply`` is from an agent's POST to the moment Meta has its message, under both (goal: p95 under 100 ms). ``open`` is a
case whose transcript has 5,000 lines, from the GET to its last byte, on an otherwise idle server (goal: under 50 ms).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sqlite3
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from tests.bench import machine
from tests.bench.fakegraph import FakeGraph, Received
from tests.bench.loadgen import connected, open_loop
from tests.bench.process import Process
from tests.bench.subject import SERVE, running, undisturbed
from tests.bench.webhooks import message_body, request

WAITING = 25_000
"""The first of the customers with a case: none of those who make the traffic."""
CASES = 100
"""So many that no customer hears more often than WhatsApp lets them: 1 message in 6 s after a burst of 45."""
PEOPLE = 10
"""Agents who write at the same time."""
PACE = 0.5
"""s from one reply of an agent to their next: 10 of them write 20 a second, each customer hears every 5 s."""
PATIENCE = 10.0
"""s after which a reply counts as one that took so long."""


class Busy(Exception):
    """503: try again."""


class Line:
    """One connection to the API that stays, with one call on it at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    async def call(self, method: str, path: str, body: Any = None) -> bytes:
        data = b"" if body is None else json.dumps(body).encode()
        more = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self._writer.write(f"{method} {path} {self._head}{more}".encode() + data)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        content = await self._reader.readexactly(int(length[1]) if length else 0)
        if b" 503 " in head.split(b"\r\n")[0]:
            raise Busy(content.decode())
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(f"{method} {path}: {head[:200]!r} {content[:300]!r}")
        return content

    def close(self) -> None:
        self._writer.close()


class Desk:
    """The API, as people's pages and shells call it."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"

    async def line(self) -> Line:
        return Line(*await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 26), self._head)

    async def call(self, method: str, path: str, body: Any = None, *, plain: bool = False) -> Any:
        """On a connection of its own."""
        line = await self.line()
        content = await line.call(method, path, body)
        line.close()
        return content if plain else json.loads(content)

    async def listen(self, heard: list[int]) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: Listener(heard), "127.0.0.1", self._port)
        transport.write(f"GET /api/v1/events {self._head}\r\n".encode())
        return transport


class Listener(asyncio.Protocol):
    """Counts events. It is a bare protocol: 40,000 events a second through streams would keep the generator from its clock,
    and a reply that has arrived would be seen late."""

    def __init__(self, heard: list[int]) -> None:
        self._heard = heard

    def data_received(self, data: bytes) -> None:
        self._heard[0] += data.count(b"data:")


@asynccontextmanager
async def listeners(desk: Desk, number: int, heard: list[int]) -> AsyncIterator[None]:
    transports = [await desk.listen(heard) for _ in range(number)]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for transport in transports:
            transport.close()


async def traffic(server: Process, rate: int, seconds: float) -> None:
    async with connected(server.port, 8) as pool:
        await open_loop(pool, SERVE.make(round(rate * seconds)), rate)


async def say(server: Process, users: Sequence[int], text: str) -> None:
    async with connected(server.port, 8) as pool:
        now = int(time.time())
        bodies = (message_body(f"wamid.HBgNDESK{user}{len(text):04}", user, text, now) for user in users)
        await open_loop(pool, [request(body) for body in bodies], 100)


class Arrivals:
    """When Meta had each reply, known by its words: told by the fake Graph, not looked for."""

    def __init__(self, graph: FakeGraph) -> None:
        self._graph = graph
        self._awaited: dict[str, asyncio.Future[float]] = {}

    def of(self, words: str) -> asyncio.Future[float]:
        """Resolves with ``perf_counter`` at its arrival."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._awaited[words] = future
        return future

    def __call__(self, received: Received) -> None:
        future = self._awaited.pop(received.text, None)
        if future is not None and not future.done():
            future.set_result(received.at)


async def agent(
    desk: Desk, arrivals: Arrivals, cases: Sequence[str], name: str, seconds: float, refused: list[int]
) -> list[float]:
    """s from each first POST to Meta: they go round their cases on one connection and write every :data:`PACE` s. What is
    refused because the disk is too slow is tried again, as the console does."""
    took: list[float] = []
    line = await desk.line()
    end = perf_counter() + seconds
    for number in count():
        begin = perf_counter()
        if begin >= end:
            break
        words = f"{name} writes {number}"
        arrived = arrivals.of(words)
        body = {"id": f"{name}-{number}", "agent": name, "by": name, "text": words, "claim": True}
        while True:
            try:
                await line.call("POST", f"/api/v1/handoffs/{cases[number % len(cases)]}/reply", body)
                break
            except Busy:
                refused[0] += 1
                await asyncio.sleep(0.05)
        try:
            took.append(await asyncio.wait_for(arrived, PATIENCE) - begin)
        except TimeoutError:
            took.append(PATIENCE)
        await asyncio.sleep(max(0.0, PACE - (perf_counter() - begin)))
    line.close()
    return took


async def replies(
    desk: Desk, arrivals: Arrivals, cases: Sequence[str], seconds: float, refused: list[int]
) -> list[float]:
    """Of :data:`PEOPLE` at once, each with cases of their own; they do not begin together."""

    async def one(number: int) -> list[float]:
        await asyncio.sleep(PACE * number / PEOPLE)
        return await agent(desk, arrivals, cases[number::PEOPLE], f"a{number}", seconds, refused)

    return [took for some in await asyncio.gather(*map(one, range(PEOPLE))) for took in some]


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


async def run(people: int, rate: int, seconds: float, lines: int) -> None:
    async with running(SERVE) as (server, graph):
        data = server._log.parent / "data"
        desk = Desk(server.port, (data / "token").read_text().strip())
        customers = range(WAITING, WAITING + CASES)
        for text in ("hello", "I want to talk to a person"):
            await say(server, customers, text)
            await server.rest()
        cases = [one["id"] for one in await desk.call("GET", f"/api/v1/handoffs?limit={CASES}")]
        if len(cases) != CASES:
            raise RuntimeError(f"{len(cases)} cases were opened, not {CASES}")
        async with undisturbed():
            before = machine.cpu_seconds(server.pid)
            await traffic(server, rate, seconds)
            await server.rest()
            alone = machine.cpu_seconds(server.pid) - before
            heard = [0]
            async with listeners(desk, people, heard):
                before = machine.cpu_seconds(server.pid)
                await traffic(server, rate, seconds)
                await asyncio.sleep(1)
                both = machine.cpu_seconds(server.pid) - before
                share = (both - alone) / seconds
                print(f"fan-out: {people} listeners, {heard[0]:,} events, {share:.1%} of a core", flush=True)
                graph.hear(arrivals := Arrivals(graph))
                load = asyncio.create_task(traffic(server, rate, seconds))
                took = sorted(await replies(desk, arrivals, cases, seconds, refused := [0]))
                await load
            p95 = took[int(len(took) * 0.95)]
            print(
                f"reply: {len(took)}, p50 {statistics.median(took) * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms,"
                f" 503 and again {refused[0]}",
                flush=True,
            )
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
