"""The one connection that writes.

Callers hand in *operations*: functions of the connection. Whatever waits runs in order inside one transaction, which commits
once, and then all of them hear of it. It never lingers for more: while a commit is on its way to the disk, the next batch
gathers by itself (1.1 operations per commit at 500 messages/s, 5 to 12 when saturated), and that makes ``synchronous=FULL`` as
fast as anything weaker.

The statements run on the event loop, a few milliseconds of them at a time. Only what waits for the disk, or for somebody else's
lock, runs on a thread. Python gives its lock away around each statement: on a thread of their own the twenty statements of a
message waited for a busy loop twenty times, up to 5 ms each time.

An operation that raises fails alone: the batch is undone and run again with a savepoint around each, and only the culprit's
caller hears of it. That second run is why an operation must have no effect but on the database. When the disk is full, each
operation of the batch gets a commit of its own, so that what still fits is stored and a large one does not take its neighbours
with it. Otherwise trouble with the file fails the whole batch. Both are :class:`~wabox.errors.Unavailable`: nothing was stored,
nobody may acknowledge; and each batch is a new attempt, so the store recovers as soon as the disk does.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import structlog

from wabox.core.histogram import OPERATIONS, Histogram
from wabox.errors import Unavailable
from wabox.sqlite.damage import is_damage, sentence
from wabox.sqlite.disk import Disk
from wabox.sqlite.trouble import code, is_trouble

log = structlog.get_logger(__name__)

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

BATCH = 256
"""Operations per commit at most, so that one commit stays short: 20 ms of units of work."""
SLICE = 0.003
"""s that the event loop spends on operations at a time."""
PATIENCE = 5.0
"""s to wait while somebody else locks the file: a person who writes to it by hand."""
IDLE_SECONDS = 0.2
"""Quiet time after which a checkpoint disturbs nobody. Under load the automatic one inside a commit does the work."""
CHECKPOINT_AFTER = 32
"""Operations since the last idle checkpoint that make one worthwhile: some 256 pages of log."""


class _Task(Generic[T]):
    __slots__ = ("error", "future", "operation", "result", "since", "then")

    def __init__(
        self, operation: Operation[T], then: Callable[[T], None] | None, future: asyncio.Future[T], since: float
    ) -> None:
        self.operation = operation
        self.then = then
        self.future = future
        self.since = since
        self.result: Any = None
        self.error: Exception | None = None


class Writer:
    """Owns the writing connection. Belongs to one event loop."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        idle: float = IDLE_SECONDS,
        patience: float = PATIENCE,
    ) -> None:
        """Takes the connection over: nobody else may use it, :meth:`close` closes it."""
        connection.execute("PRAGMA busy_timeout = 0").fetchall()  # the loop waits for nobody's lock
        self._connection = connection
        self._monotonic = monotonic
        self._idle = idle
        self._patience = patience
        self._waiting: deque[_Task[Any]] = deque()
        self._batch: list[_Task[Any]] = []
        self._alone = 0
        """So many operations at the head of the queue get a commit each."""
        self._working = False
        """The connection is in use, or about to be."""
        self._rested: asyncio.Event | None = None
        self._chores: deque[tuple[Callable[[sqlite3.Connection], None], asyncio.Future[None]]] = deque()
        self._unfolded = 0
        self._folding: asyncio.TimerHandle | None = None
        self._last = 0.0
        self._closed = False
        self._damage: str | None = None
        self.trouble: str | None = None
        """Why the last batch could not be written; None when it could."""
        self._told, self._told_at = False, float("-inf")
        self._disk = Disk()
        self.batches = Histogram(OPERATIONS)
        """Operations per commit."""
        self.commits = Histogram()
        """Seconds that commits waited for the disk."""
        self._asked_at = 0.0

    @property
    def waiting(self) -> int:
        """Operations handed in and not yet committed."""
        return len(self._batch) + len(self._waiting)

    @property
    def age(self) -> float:
        """Seconds that the oldest of them has waited."""
        oldest = self._batch or self._waiting
        return self._monotonic() - oldest[0].since if oldest else 0.0

    def submit(self, operation: Operation[T], then: Callable[[T], None] | None = None) -> asyncio.Future[T]:
        """The operation's result, once it is durable.

        ``then`` is called with the result, in the order of the commits, before the future resolves and also when nobody
        waits for it any more. Raises Unavailable, now or through the future; an operation's own exception comes through
        the future.
        """
        if self._closed:
            raise Unavailable("The store is closed.")
        if self._damage is not None:
            raise Unavailable(self._damage)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Task(operation, then, future, self._monotonic()))
        if not self._working:
            # Soon, not now: what else this turn of the loop brings shares the commit.
            self._working = True
            loop.call_soon(self._begin)
        return future

    def alone(self, chore: Callable[[sqlite3.Connection], None]) -> asyncio.Future[None]:
        """Call it on the thread, between two batches and outside of a transaction; Unavailable when it fails."""
        if self._closed:
            raise Unavailable("The store is closed.")
        loop = asyncio.get_running_loop()
        self._chores.append((chore, future := loop.create_future()))
        if not self._working:
            self._working = True
            loop.call_soon(self._next)
        return future

    def damaged(self, why: str) -> None:
        """The file is damaged: nothing more is written to it."""
        if self._damage is None:
            self._damage = self.trouble = why
            with contextlib.suppress(OSError, ValueError):
                log.critical("store.damaged", error=why)

    async def close(self) -> None:
        """Write what was handed in, fold the log into the database, close it."""
        if not self._closed:
            self._closed = True
            if self._folding is not None:
                self._folding.cancel()
            if self._working:
                self._rested = asyncio.Event()
                await self._rested.wait()
            self._disk.last(self._end)
        await asyncio.to_thread(self._disk.join)

    # ---- a batch ---------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if code(error) == sqlite3.SQLITE_BUSY:
                self._disk.do(self._lock, self._begun)
            else:
                self._begun(error)
        else:
            self._proceed()

    def _begun(self, error: Exception | None) -> None:
        if error is None:
            self._proceed()
            return
        while self._waiting and len(self._batch) < BATCH:
            self._batch.append(self._waiting.popleft())
        self._failed(error)

    def _proceed(self) -> None:
        connection, waiting, batch = self._connection, self._waiting, self._batch
        most = 1 if self._alone else BATCH
        until = self._monotonic() + SLICE
        try:
            while waiting and len(batch) < most:
                task = waiting.popleft()
                batch.append(task)
                task.result = task.operation(connection)
                if self._monotonic() > until:
                    asyncio.get_running_loop().call_soon(self._proceed)
                    return
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody must hear of it
            self._undo()
            try:
                if is_trouble(error):
                    raise
                self._guarded()
            except Exception as found:  # noqa: BLE001 - see above
                self._failed(found)
                return
        self._asked_at = self._monotonic()
        self._disk.do(self._commit, self._committed)

    def _guarded(self) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for task in self._batch:
            connection.execute("SAVEPOINT operation")
            try:
                task.result = task.operation(connection)
            except Exception as error:
                if is_trouble(error):
                    raise
                connection.execute("ROLLBACK TO operation")
                task.error = error
            connection.execute("RELEASE operation")

    def _committed(self, error: Exception | None) -> None:
        if error is not None:
            self._failed(error)
            return
        self.commits.observe(self._monotonic() - self._asked_at)
        self.batches.observe(len(self._batch))
        self._say(None)
        self._over()

    def _failed(self, error: Exception) -> None:
        """Nothing of the batch was committed."""
        self._undo()
        if code(error) == sqlite3.SQLITE_FULL and len(self._batch) > 1:
            for task in self._batch:
                task.error = None
            self._alone = len(self._batch)
            self._waiting.extendleft(reversed(self._batch))
            self._batch = []
            self._begin()
            return
        if is_damage(error):
            self.damaged(sentence("The database", error))
        self._say(error)
        for task in self._batch:
            task.error = Unavailable(
                self._damage
                or f"The data folder cannot be written: {error}. Nothing was stored; wabox goes on by itself when it can."
            )
            task.error.__cause__ = error
        self._over()

    def _over(self) -> None:
        batch, self._batch = self._batch, []
        self._unfolded += len(batch)
        if self._alone:
            self._alone -= 1
        _resolve(batch)
        self._next()

    def _next(self) -> None:
        loop = asyncio.get_running_loop()
        if self._chores:
            chore, future = self._chores.popleft()
            self._disk.do(lambda: chore(self._connection), lambda error: self._done(future, error))
            return
        if self._waiting:
            loop.call_soon(self._begin)  # after those who were just told and may have more
            return
        self._working = False
        if self._rested is not None:
            self._rested.set()
        elif self._unfolded >= CHECKPOINT_AFTER:
            self._last = loop.time()
            if self._folding is None:
                self._folding = loop.call_later(self._idle, self._fold)

    def _done(self, future: asyncio.Future[None], error: Exception | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(Unavailable(f"The data folder cannot be written: {error}."))
        self._next()

    def _fold(self) -> None:
        loop = asyncio.get_running_loop()
        self._folding = None
        left = self._last + self._idle - loop.time()
        if self._working or left > 0:
            self._folding = loop.call_later(max(left, self._idle), self._fold)
            return
        self._working = True
        self._unfolded = 0
        self._disk.do(self._checkpoint, lambda _: self._next())

    def _undo(self) -> None:
        # SQLite has undone some failures by itself.
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _say(self, error: Exception | None) -> None:
        # Where the log goes to the disk that is full, the line about it fails as well: the writer must outlive that.
        with contextlib.suppress(OSError, ValueError):
            self._report(error)

    def _report(self, error: Exception | None) -> None:
        if self._damage is not None:
            return
        self.trouble = None if error is None else str(error)
        # On a disk that is nearly full, small writes succeed among large ones that do not: one line a second is enough.
        if (error is not None) == self._told or self._monotonic() - self._told_at < 1.0:
            return
        self._told, self._told_at = error is not None, self._monotonic()
        if error is None:
            log.info("store.recovered")
        else:
            log.error("store.unavailable", error=str(error), exc_info=None if is_trouble(error) else error)

    # ---- on the thread -------------------------------------------------------------------------------------------------

    def _lock(self) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {round(self._patience * 1000)}").fetchall()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0").fetchall()

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _checkpoint(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _end(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.close()


def _resolve(batch: list[_Task[Any]]) -> None:
    """On the event loop: tell everybody of one commit."""
    for task in batch:
        if task.error is not None:
            if not task.future.done():
                task.future.set_exception(task.error)
            continue
        if task.then is not None:
            try:
                task.then(task.result)
            except Exception as error:  # what is committed is committed, and the others must hear of it
                log.error("store.after_commit", exc_info=error)
        if not task.future.done():
            task.future.set_result(task.result)
