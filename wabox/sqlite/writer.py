"""The one thread that writes.

Callers hand in *operations*: functions of the connection. The thread takes whatever waits, runs it in order inside one
transaction, commits once, and tells all of them at once. It never lingers for more: while a commit is on its way to the
disk, the next batch gathers by itself (1.1 operations per commit at 500 messages/s, 5 to 12 when saturated), and that makes
``synchronous=FULL`` as fast as anything weaker.

An operation that raises fails alone: the batch is undone and run again with a savepoint around each, and only the culprit's
caller hears of it. That second run is why an operation must have no effect but on the database. When the disk is full, each
operation of the batch gets a commit of its own, so that what still fits is stored and a large one does not take its neighbours
with it. Otherwise trouble with the file fails the whole batch. Both are :class:`~wabox.errors.Unavailable`: nothing was stored,
nobody may acknowledge; and each batch is a new attempt, so the store recovers as soon as the disk does.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import structlog

from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

BATCH = 256
"""Operations per commit at most, so that one commit stays short: 20 ms of units of work."""
IDLE_SECONDS = 0.2
"""Quiet time after which a checkpoint disturbs nobody. Under load the automatic one inside a commit does the work."""
CHECKPOINT_AFTER = 32
"""Operations since the last idle checkpoint that make one worthwhile: some 256 pages of log."""

# Primary result codes (sqlite.org/rescode.html) that speak of the file or the machine, not of the statement.
_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


class _Task(Generic[T]):
    __slots__ = ("error", "future", "operation", "result", "then")

    def __init__(self, operation: Operation[T], then: Callable[[T], None] | None, future: asyncio.Future[T]) -> None:
        self.operation = operation
        self.then = then
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None


class Writer:
    """Owns the writing connection. Submit from one event loop."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        idle: float = IDLE_SECONDS,
    ) -> None:
        """Takes the connection over: nobody else may use it, :meth:`close` closes it."""
        self._idle = idle
        self._connection = connection
        self._monotonic = monotonic
        self._queue: queue.SimpleQueue[_Task[Any] | None] = queue.SimpleQueue()
        # When each operation that is not yet committed was handed in, oldest first. The loop appends, the thread pops:
        # both are atomic.
        self._since: deque[float] = deque()
        self._closed = False
        self.trouble: str | None = None
        """Why the last batch could not be written; None when it could."""
        self._told, self._told_at = False, float("-inf")
        self._thread = threading.Thread(target=self._run, name="wabox-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Operations handed in and not yet committed."""
        return len(self._since)

    @property
    def age(self) -> float:
        """Seconds that the oldest of them has waited."""
        try:
            return self._monotonic() - self._since[0]
        except IndexError:
            return 0.0

    def submit(self, operation: Operation[T], then: Callable[[T], None] | None = None) -> asyncio.Future[T]:
        """The operation's result, once it is durable.

        ``then`` is called with the result on the event loop, in the order of the commits, before the future resolves and
        also when nobody waits for it any more. Raises Unavailable, now or through the future; an operation's own
        exception comes through the future.
        """
        if self._closed:
            raise Unavailable("The store is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._since.append(self._monotonic())
        self._queue.put(_Task(operation, then, future))
        return future

    async def close(self) -> None:
        """Write what was handed in, fold the log into the database, close it."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    # ---- on the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        unfolded = 0
        running = True
        while running:
            try:
                task = self._queue.get(timeout=self._idle) if unfolded >= CHECKPOINT_AFTER else self._queue.get()
            except queue.Empty:
                self._checkpoint("PASSIVE")
                unfolded = 0
                continue
            batch: list[_Task[Any]] = []
            while task is not None:
                batch.append(task)
                if len(batch) == BATCH:
                    break
                try:
                    task = self._queue.get_nowait()
                except queue.Empty:
                    break
            else:
                running = False
            if batch:
                self._write(batch)
                unfolded += len(batch)
                for _ in batch:
                    self._since.popleft()
                # A loop that is gone has nobody left to tell.
                with contextlib.suppress(RuntimeError):
                    batch[0].future.get_loop().call_soon_threadsafe(_resolve, batch)
        self._checkpoint("TRUNCATE")
        self._connection.close()

    def _write(self, batch: list[_Task[Any]]) -> None:
        try:
            try:
                self._transaction(batch)
            except Exception as error:
                self._undo()
                if _is_trouble(error):
                    raise
                self._transaction_guarded(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing was committed and everybody must hear it
            self._undo()
            if _code(error) == sqlite3.SQLITE_FULL and len(batch) > 1:
                for task in batch:
                    self._write([task])
                return
            self._say(error)
            for task in batch:
                task.error = Unavailable(
                    f"The data folder cannot be written: {error}. Nothing was stored; wabox goes on by itself when it can."
                )
                task.error.__cause__ = error
        else:
            self._say(None)

    def _transaction(self, batch: list[_Task[Any]]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for task in batch:
            task.result = task.operation(connection)
        connection.execute("COMMIT")

    def _transaction_guarded(self, batch: list[_Task[Any]]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for task in batch:
            connection.execute("SAVEPOINT operation")
            try:
                task.result = task.operation(connection)
            except Exception as error:
                if _is_trouble(error):
                    raise
                connection.execute("ROLLBACK TO operation")
                task.error = error
            connection.execute("RELEASE operation")
        connection.execute("COMMIT")

    def _undo(self) -> None:
        # SQLite has undone some failures by itself.
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _say(self, error: Exception | None) -> None:
        # Where the log goes to the disk that is full, the line about it fails as well: this thread must outlive that.
        with contextlib.suppress(OSError, ValueError):
            self._report(error)

    def _report(self, error: Exception | None) -> None:
        self.trouble = None if error is None else str(error)
        # On a disk that is nearly full, small writes succeed among large ones that do not: one line a second is enough.
        if (error is not None) == self._told or self._monotonic() - self._told_at < 1.0:
            return
        self._told, self._told_at = error is not None, self._monotonic()
        if error is None:
            log.info("store.recovered")
        else:
            log.error("store.unavailable", error=str(error), exc_info=None if _is_trouble(error) else error)

    def _checkpoint(self, mode: str) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()


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


def _is_trouble(error: Exception) -> bool:
    return _code(error) in _TROUBLE


def _code(error: Exception) -> int:
    """The primary result code; 0 for what is not SQLite's."""
    # Errors that the module raises by itself (a closed connection, a value that does not fit) carry no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF if isinstance(error, sqlite3.Error) else 0
