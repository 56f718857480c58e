"""How the hot path should write: three ways to commit each insert before its caller goes on, in one run.

    python -m tests.bench writer          (python -m tests.bench.bench_writer [--seconds 1.5] [--runs 3])

The document behind wabox names aiosqlite; its plain use is one commit per insert. The other two share commits: a task that
collects what waits and hands it to aiosqlite, and our own thread (``wabox.sqlite.writer``). All three on the same pragmas
(WAL, ``synchronous=FULL``, verified), an id that must be unique and 1 KB of body per insert, N clients that each wait for
their commit. CPU is the process's, both threads; ratios hold on a busy machine, single figures do not.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiosqlite
import uvloop

from tests.bench.machine import Noise, facts, median, percentile
from wabox.sqlite.connection import open_writer
from wabox.sqlite.writer import Writer

CLIENTS = (1, 50, 200, 500)
BODY = b"x" * 1024
TABLE = "CREATE TABLE message (id TEXT PRIMARY KEY, session TEXT NOT NULL, body BLOB NOT NULL)"
INSERT = "INSERT INTO message VALUES (?, ?, ?)"
BATCH = 512

Values = tuple[str, str, bytes]


class Subject(ABC):
    name: str

    @abstractmethod
    async def start(self, path: Path) -> None: ...

    @abstractmethod
    async def insert(self, values: Values) -> None:
        """Returns when it is committed."""

    @abstractmethod
    async def stop(self) -> None: ...


async def opened(path: Path) -> aiosqlite.Connection:
    """An aiosqlite connection on the very pragmas of our own."""
    database = aiosqlite.Connection(lambda: open_writer(path), iter_chunk_size=64)
    await database
    (synchronous,) = await (await database.execute("PRAGMA synchronous")).fetchone() or (None,)
    assert synchronous == 2, "not FULL"
    return database


class OneByOne(Subject):
    name = "aiosqlite, one commit per insert"

    async def start(self, path: Path) -> None:
        self._database = await opened(path)

    async def insert(self, values: Values) -> None:
        # Autocommit: the one hop to aiosqlite's thread that an insert must make, and no more.
        await self._database.execute(INSERT, values)

    async def stop(self) -> None:
        await self._database.close()


class Batched(Subject):
    name = "aiosqlite, batched"

    async def start(self, path: Path) -> None:
        self._database = await opened(path)
        self._waiting: asyncio.Queue[tuple[Values, asyncio.Future[None]]] = asyncio.Queue()
        self._task = asyncio.create_task(self._collect())

    async def _collect(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._database.execute("BEGIN IMMEDIATE")
            await self._database.executemany(INSERT, [values for values, _ in batch])
            await self._database.commit()
            for _, done in batch:
                done.set_result(None)

    async def insert(self, values: Values) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((values, done))
        await done

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._database.close()


class Own(Subject):
    name = "own writer thread"

    async def start(self, path: Path) -> None:
        self._writer = Writer(open_writer(path))

    async def insert(self, values: Values) -> None:
        def operation(connection: sqlite3.Connection) -> None:
            connection.execute(INSERT, values)

        await self._writer.submit(operation)

    async def stop(self) -> None:
        await self._writer.close()


SUBJECTS: tuple[Callable[[], Subject], ...] = (OneByOne, Batched, Own)


async def measure(subject: Subject, folder: Path, clients: int, seconds: float) -> tuple[float, float, float, float]:
    """Inserts per second, p50 and p99 in ms, CPU µs per insert."""
    path = folder / "message.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA page_size = 2048")
        database.execute(TABLE)
    database.close()
    await subject.start(path)
    times: list[float] = []
    ids = itertools.count()

    async def client(until: float) -> None:
        while (began := time.perf_counter()) < until:
            number = next(ids)
            await subject.insert(
                (f"wamid.HBgNNTIxNTU1MDAwMjIyMhUCABIYFjNFQjBDQTk4{number:010d}", f"s{number % 997}", BODY)
            )
            times.append((time.perf_counter() - began) * 1000)

    cpu, began = time.process_time(), time.perf_counter()
    waiting: list[Awaitable[None]] = [client(began + seconds) for _ in range(clients)]
    await asyncio.gather(*waiting)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    await subject.stop()
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM message").fetchone() == (len(times),), "an insert is missing"
    database.close()
    return len(times) / took, percentile(times, 50), percentile(times, 99), cpu / len(times) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="aiosqlite against our own writer thread, synchronous=FULL")
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    rates: dict[tuple[str, int], float] = {}
    costs: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory(prefix="wabox-bench-") as made:
        print(facts(Path(made)))
        noise = Noise()
        print(
            f"{'synchronous=FULL, 1 KB per insert':36}{'clients':>8}{'ins/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs/ins':>12}"
        )
        for clients in CLIENTS:
            runs: dict[str, list[tuple[float, float, float, float]]] = {}
            for run in range(arguments.runs):
                for number, make in enumerate(SUBJECTS):  # in turn, so that a busy spell hits all of them
                    subject = make()
                    folder = Path(made) / f"{clients}-{run}-{number}"
                    folder.mkdir()
                    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                        figures = runner.run(measure(subject, folder, clients, arguments.seconds))
                    runs.setdefault(subject.name, []).append(figures)
            for name, figures_of in runs.items():
                rate, p50, p99, cost = (median(list(values)) for values in zip(*figures_of, strict=True))
                rates[name, clients], costs[name, clients] = rate, cost
                print(f"{name:36}{clients:8}{rate:9.0f}{p50:9.2f}{p99:9.2f}{cost:12.0f}")
        print(f"others kept {noise.cores():.2f} cores busy meanwhile")
    one, batched, own = OneByOne.name, Batched.name, Own.name
    print(
        f"We keep our own thread: with 200 clients it makes {rates[own, 200] / rates[one, 200]:.1f} times the inserts of one "
        f"commit each, for {costs[own, 200] / costs[one, 200]:.2f} of the CPU, and one insert alone costs "
        f"{costs[own, 1] / costs[batched, 1]:.2f} of what batching over aiosqlite does "
        f"({rates[own, 200] / rates[batched, 200]:.2f} times its inserts with 200 clients): a batch there takes three "
        "hops between threads, here one; and only here can an operation that fails be undone without its neighbours."
    )


if __name__ == "__main__":
    main()
