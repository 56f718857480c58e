"""The writer: group commit, isolation of operations, trouble and recovery."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from wabox.errors import Unavailable
from wabox.sqlite.connection import open_reader, open_writer
from wabox.sqlite.writer import BATCH, CHECKPOINT_AFTER, SLICE, Writer


class Bench:
    """A writer on a table of its own, and the means to make operations share a commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        connection = open_writer(path)
        connection.execute("CREATE TABLE line (n INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("PRAGMA foreign_keys = 1")
        self.commits = 0
        connection.set_trace_callback(self._trace)
        self.writer = Writer(connection, patience=0)
        self._reader = open_reader(path)

    def _trace(self, statement: str) -> None:
        self.commits += statement == "COMMIT"

    def lines(self) -> list[int]:
        return [row[0] for row in self._reader.execute("SELECT n FROM line ORDER BY n")]

    def add(self, n: int, text: str = "") -> asyncio.Future[int]:
        return self.writer.submit(adding(n, text))

    async def together(self, *operations: Callable[[sqlite3.Connection], object]) -> list[object]:
        """Hand these in within one turn of the loop, so that they meet in one batch."""
        futures = [self.writer.submit(operation) for operation in operations]
        self.commits = 0
        return await asyncio.gather(*futures, return_exceptions=True)

    async def close(self) -> None:
        self._reader.close()
        await self.writer.close()


def adding(n: int, text: str = "") -> Callable[[sqlite3.Connection], int]:
    def operation(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO line VALUES (?, ?)", (n, text))
        return n

    return operation


def broken(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO line VALUES (99, 'must be undone')")
    raise KeyError("a bug")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path / "line.db")
    yield made
    await made.close()


async def test_an_operation_is_committed_when_its_result_is_there(bench: Bench) -> None:
    """Another connection sees it as soon as the future resolves."""
    assert await bench.add(1) == 1
    assert bench.lines() == [1]
    assert bench.writer.waiting == 0
    assert bench.writer.age == 0


async def test_what_waits_shares_one_commit(bench: Bench) -> None:
    """A hundred operations that meet cost one commit, and run in the order in which they were handed in."""
    order: list[int] = []

    def noting(n: int) -> Callable[[sqlite3.Connection], int]:
        def operation(connection: sqlite3.Connection) -> int:
            order.append(n)
            return adding(n)(connection)

        return operation

    assert await bench.together(*(noting(n) for n in range(100))) == list(range(100))
    assert bench.commits == 1
    assert order == list(range(100))


async def test_an_operation_that_fails_fails_alone(bench: Bench) -> None:
    """Its caller gets its exception, nothing of it stays, and its neighbours are committed as if it had not been there."""
    results = await bench.together(adding(1), adding(2), broken, adding(2), adding(3))
    assert results[0:2] == [1, 2]
    assert isinstance(results[2], KeyError)
    assert isinstance(results[3], sqlite3.IntegrityError)
    assert results[4] == 3
    assert bench.lines() == [1, 2, 3]
    assert bench.writer.trouble is None


async def test_a_lone_operation_that_fails_leaves_nothing(bench: Bench) -> None:
    """The exception comes through, and the next operation finds the connection in order."""
    with pytest.raises(KeyError):
        await bench.writer.submit(broken)
    await bench.add(1)
    assert bench.lines() == [1]


async def test_what_follows_a_commit_happens_before_anybody_hears_of_it(bench: Bench) -> None:
    """`then` is called in the order of commits, also for a caller who went away, and never for what failed."""
    heard: list[object] = []
    left = bench.writer.submit(adding(1), heard.append)
    failed = bench.writer.submit(broken, heard.append)
    faulty = bench.writer.submit(adding(2), lambda _: heard.append(1 / 0))
    last = bench.writer.submit(adding(3), heard.append)
    left.cancel()
    with pytest.raises(KeyError):
        await failed
    assert await faulty == 2
    assert await last == 3
    assert heard == [1, 3]
    assert bench.lines() == [1, 2, 3]


async def test_the_loop_turns_while_a_commit_waits_for_the_disk(bench: Bench) -> None:
    """What is handed in meanwhile makes the next batch, however much it is."""
    waits, go_on = threading.Event(), threading.Event()

    def slow(statement: str) -> None:
        if statement == "COMMIT":
            waits.set()
            go_on.wait()

    def watched(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(slow)

    first = bench.writer.submit(watched)
    await asyncio.to_thread(waits.wait)
    later = [bench.add(n) for n in range(2 * BATCH)]
    await asyncio.sleep(0)
    assert bench.writer.waiting == 1 + 2 * BATCH
    assert bench.lines() == []
    go_on.set()
    await first
    assert await asyncio.gather(*later) == bench.lines() == list(range(2 * BATCH))


async def test_a_long_batch_lets_others_have_their_turn(tmp_path: Path) -> None:
    """The loop gets on between operations, and what it brings still joins."""
    now = 0.0
    connection = open_writer(tmp_path / "line.db")
    connection.execute("CREATE TABLE line (n INTEGER PRIMARY KEY, text TEXT)")
    writer = Writer(connection, monotonic=lambda: now)
    order: list[str] = []

    def long(name: str) -> Callable[[sqlite3.Connection], None]:
        def operation(_: sqlite3.Connection) -> None:
            nonlocal now
            now += 2 * SLICE
            order.append(name)

        return operation

    futures = [writer.submit(long("first")), writer.submit(long("second"))]
    asyncio.get_running_loop().call_soon(order.append, "something else")
    await asyncio.gather(*futures)
    assert order == ["first", "something else", "second"]
    await writer.close()


async def test_a_full_disk_refuses_what_does_not_fit(bench: Bench) -> None:
    """What still fits is stored, of the rest nothing; with space again the writer works again, on the same connection."""
    await bench.writer.submit(lambda connection: connection.execute("PRAGMA max_page_count = 3").fetchall())
    results = await bench.together(adding(1), adding(2, "x" * 100_000), adding(3), broken)
    assert [type(result) for result in results] == [int, Unavailable, int, KeyError]
    assert "database or disk is full" in str(results[1])
    assert bench.lines() == [1, 3]
    with pytest.raises(Unavailable):
        await bench.add(2, "x" * 100_000)
    assert bench.writer.trouble == "database or disk is full"
    await bench.writer.submit(lambda connection: connection.execute("PRAGMA max_page_count = 100000").fetchall())
    assert bench.writer.trouble is None
    assert await bench.together(adding(2, "x" * 100_000), adding(4)) == [2, 4]
    assert bench.lines() == [1, 2, 3, 4]


async def test_a_disk_that_fills_in_the_second_run_is_no_different(bench: Bench) -> None:
    """An operation that fails by itself sends the batch into its guarded run, and there it meets the full disk."""
    await bench.writer.submit(lambda connection: connection.execute("PRAGMA max_page_count = 3").fetchall())
    results = await bench.together(adding(1), broken, adding(2, "x" * 100_000))
    assert [type(result) for result in results] == [int, KeyError, Unavailable]
    assert bench.lines() == [1]


async def test_a_commit_that_fails_is_nobodys_success(bench: Bench) -> None:
    """When COMMIT itself fails, everything in it is undone; the next batch is a new attempt."""

    def unfinished(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO child VALUES (77)")  # a deferred constraint is checked by COMMIT

    await bench.writer.submit(
        lambda connection: connection.execute("CREATE TABLE child (n REFERENCES line DEFERRABLE INITIALLY DEFERRED)")
    )
    results = await bench.together(adding(1), unfinished)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert bench.lines() == []
    await bench.add(1)
    assert bench.lines() == [1]


async def test_somebody_elses_lock_is_waited_out_or_reported(bench: Bench) -> None:
    """A person who writes to the file by hand makes the store unavailable, not wrong."""
    intruder = sqlite3.connect(bench.path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        await bench.add(1)
    patient = Writer(open_writer(bench.path))
    waits = patient.submit(adding(2))
    for _ in range(3):
        await asyncio.sleep(0)  # the loop turns
    assert not waits.done()
    intruder.execute("ROLLBACK")
    intruder.close()
    assert await waits == 2
    await patient.close()
    await bench.add(1)
    assert bench.lines() == [1, 2]


async def test_closing_writes_what_was_handed_in(tmp_path: Path) -> None:
    """Then the log is folded into the database, and whoever comes later is refused."""
    bench = Bench(tmp_path / "line.db")
    futures = [bench.add(n) for n in range(5)]
    await bench.close()
    assert await asyncio.gather(*futures) == [0, 1, 2, 3, 4]
    assert not (tmp_path / "line.db-wal").exists()
    with pytest.raises(Unavailable, match="closed"):
        bench.writer.submit(adding(9))
    await bench.writer.close()


async def test_age_and_number_of_waiting_operations(tmp_path: Path) -> None:
    """Both count from when an operation is handed in until it is committed."""
    now = 100.0
    connection = open_writer(tmp_path / "line.db")
    writer = Writer(connection, monotonic=lambda: now)
    first = writer.submit(lambda _: None)
    now = 100.1
    second = writer.submit(lambda _: None)
    now = 100.25
    assert writer.waiting == 2
    assert writer.age == pytest.approx(0.25)
    await asyncio.gather(first, second)
    assert (writer.waiting, writer.age) == (0, 0)
    await writer.close()


async def test_a_quiet_moment_is_used_for_a_checkpoint(tmp_path: Path) -> None:
    """After enough writes, and once nothing waits, the log's pages are in the database itself."""
    connection = open_writer(tmp_path / "line.db")
    connection.execute("CREATE TABLE line (n INTEGER PRIMARY KEY, text TEXT)")
    done = threading.Event()
    connection.set_trace_callback(lambda statement: done.set() if "wal_checkpoint" in statement else None)
    writer = Writer(connection, idle=0)
    for n in range(CHECKPOINT_AFTER - 1):
        await writer.submit(adding(n, "x" * 1000))
    assert not done.is_set()
    await writer.submit(adding(999))
    assert await asyncio.to_thread(done.wait, 10)
    await writer.submit(lambda _: None)
    assert (tmp_path / "line.db").stat().st_size > CHECKPOINT_AFTER * 1000
    await writer.close()
