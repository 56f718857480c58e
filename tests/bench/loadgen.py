"""The load generator: keep-alive connections, prepared requests, open or closed loop.

Open loop: request *i* is due at ``start + i / rate`` and its latency counts from that moment, whether or not a connection
was free: a server that stalls cannot slow the arrivals down and so hide its stall (no coordinated omission). Waiting for the
due moment spins, because a timer is no finer than a millisecond. It needs a core of its own.

Closed loop: each of N connections sends its next request when the last one was answered. It finds the saturation; its
latencies mean little.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

Answered = Callable[[int], None]
"""Called with the status of the answer; 0 when the connection broke before it came."""

BURST = 32
"""Requests written without looking at what has arrived."""
PAUSE = 0.05
"""s that a connection of the closed loop waits after a 503."""


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._buffer = b""
        self._answered: Answered | None = None
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)  # uvloop's are no subclass of it

    def send(self, request: bytes, answered: Answered) -> None:
        assert self.transport is not None
        self._answered = answered
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0 or len(buffer) < end + 4 + _content_length(buffer[:end]):
            self._buffer = buffer
            return
        self._buffer = b""
        answered, self._answered = self._answered, None
        if b"connection: close" in buffer[:end].lower():
            self.transport = None
        if answered is not None:
            answered(int(buffer[9:12]))
        self._pool.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(0)
        self._pool.lost(self)


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    if at < 0:
        return 0
    return int(head[at + 15 :].split(b"\r\n", 1)[0])


class Pool:
    """Connections to one server; what finds none free waits in line."""

    def __init__(self) -> None:
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._line: deque[tuple[bytes, Answered]] = deque()
        self.size = 0

    async def open(self, port: int, size: int) -> None:
        """``size`` connections to 127.0.0.1:``port``; OSError when it does not answer."""
        loop = asyncio.get_running_loop()
        for _ in range(size):
            _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", port)
            self._all.add(connection)
            self._idle.append(connection)
        self.size = len(self._all)

    def send(self, request: bytes, answered: Answered) -> None:
        """On a free connection now, or on the next that becomes free. With no connection left: answered(0) at once."""
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is not None and not connection.transport.is_closing():
                connection.send(request, answered)
                return
        if self._all:
            self._line.append((request, answered))
        else:
            answered(0)

    async def post(self, request: bytes) -> int:
        """The status of the answer; 0 when the connection broke."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.send(request, lambda status: None if future.done() else future.set_result(status))
        return await future

    def free(self, connection: Connection) -> None:
        if connection.transport is None:
            self.lost(connection)
        elif self._line:
            connection.send(*self._line.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if not self._all:
            line, self._line = self._line, deque()
            for _, answered in line:
                answered(0)

    def close(self) -> None:
        for connection in list(self._all):
            if connection.transport is not None:
                connection.transport.close()
        self._all.clear()
        self._idle.clear()


@contextlib.asynccontextmanager
async def connected(port: int, size: int) -> AsyncIterator[Pool]:
    """A pool for one run: servers close connections that were idle for some seconds."""
    pool = Pool()
    await pool.open(port, size)
    try:
        yield pool
    finally:
        pool.close()


@dataclass
class Load:
    """What one run of the generator saw."""

    offered: int = 0
    seconds: float = 0.0
    """From the first due moment to the last answer."""
    statuses: Counter[int] = field(default_factory=Counter)
    """How often each status came; 0: the connection broke or no answer came in time."""
    latencies: list[float] = field(default_factory=list)
    """s, of the answers that said 200."""
    lag: float = 0.0
    """s: the most that a request was written after it was due. Over a few ms, the generator itself was too slow."""

    @property
    def acknowledged(self) -> int:
        return self.statuses[200]


async def open_loop(
    pool: Pool, requests: Sequence[bytes], rate: float, *, due: list[float] | None = None, patience: float = 20.0
) -> Load:
    """Send ``requests`` at ``rate`` per second; ``due`` receives the moment at which each was due (``perf_counter``)."""
    load = Load(offered=len(requests))
    step = 1.0 / rate
    start = perf_counter() + 0.01
    total = len(requests)
    written = 0
    complete = asyncio.Event()

    def answer(index: int) -> Answered:
        def answered(status: int) -> None:
            load.statuses[status] += 1
            if status == 200:
                load.latencies.append(perf_counter() - (start + index * step))
            if load.statuses.total() == total:
                complete.set()

        return answered

    if due is not None:
        due.extend(start + index * step for index in range(total))
    while written < total:
        late = perf_counter() - (start + written * step)
        if late >= 0:
            load.lag = max(load.lag, late)
            pool.send(requests[written], answer(written))
            written += 1
            if written % BURST:
                continue
        await asyncio.sleep(0)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(complete.wait(), patience)
    load.seconds = perf_counter() - start
    load.statuses[0] += total - load.statuses.total()
    return load


async def closed_loop(pool: Pool, requests: Iterator[bytes], seconds: float) -> Load:
    """Keep every connection of the pool busy for ``seconds``, or until ``requests`` end."""
    load = Load()
    start = perf_counter()
    end = start + seconds
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    active = pool.size

    def next_request() -> None:
        nonlocal active
        request = next(requests, None) if perf_counter() < end else None
        if request is None:
            active -= 1
            if not active:
                done.set()
            return
        load.offered += 1
        sent = perf_counter()

        def answered(status: int) -> None:
            load.statuses[status] += 1
            if status == 200:
                load.latencies.append(perf_counter() - sent)
                loop.call_soon(next_request)
            else:
                loop.call_later(PAUSE, next_request)

        pool.send(request, answered)

    for _ in range(pool.size):
        next_request()
    await asyncio.wait_for(done.wait(), seconds + 30)
    load.seconds = perf_counter() - start
    return load
