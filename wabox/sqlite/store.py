"""The store: all storage ports on one data folder."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from wabox.core.conversation import CommitResult, ConversationSummary, Record, Session, UnitOfWork
from wabox.core.delivery import Attempt, OutboundMessage
from wabox.core.handoff import Handoff
from wabox.core.message import Arrival
from wabox.core.ports import Clock, StoreStats
from wabox.errors import ConversationError, Unavailable
from wabox.sqlite import (
    conversations,
    dead_letters,
    handoffs,
    inbox,
    ingress,
    other_changes,
    outbox,
    seen,
    stray_statuses,
    timers,
    transcript,
    units,
)
from wabox.sqlite.connection import DATABASE, open_reader, open_writer
from wabox.sqlite.folder import FolderLock, prepare
from wabox.sqlite.lanes import SqliteLanes
from wabox.sqlite.marks import Marks
from wabox.sqlite.migrate import migrate
from wabox.sqlite.writer import Writer

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SNAPSHOT_LIMIT = 1024 * 1024
TIMERS_HELD = 10_000
"""Due timers in the lanes at once; more wait for the next sweep (a long downtime may leave a million)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Beyond these, ``put`` refuses at once: Meta repeats a webhook, a customer's patience does not."""

    age: float = 0.150
    """s that the oldest uncommitted write may wait."""
    waiting: int = 5000
    """Uncommitted writes."""
    backlog: int = 2000
    """Customers' messages that wait to be handled."""


async def open_store(
    folder: Path,
    clock: Clock,
    *,
    limits: Limits | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> SqliteStore:
    """Make or open the database in ``folder``, and keep every other process out of it.

    Raises DataFolderBusy when another wabox has it, StorageError when it cannot be used.
    """

    def opened() -> SqliteStore:
        prepare(folder)
        lock = FolderLock(folder)
        connections: list[sqlite3.Connection] = []
        try:
            path = folder / DATABASE
            connections.append(open_writer(path))
            migrate(connections[0], str(path))
            connections.extend((open_reader(path), open_reader(path)))
            writer, reader, people = connections
            return SqliteStore(lock, writer, reader, people, clock, limits or Limits(), monotonic, sleep)
        except BaseException:
            for connection in reversed(connections):
                connection.close()
            lock.release()
            raise

    return await asyncio.to_thread(opened)


class SqliteStore:
    """Implements Ingress, Sessions, Timers and Records; :attr:`lanes` implements Lanes. Made by :func:`open_store`."""

    def __init__(
        self,
        lock: FolderLock,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        people: sqlite3.Connection,
        clock: Clock,
        limits: Limits,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._lock = lock
        self._clock = clock
        self._limits = limits
        self._numbers = inbox.numbers(writer)
        self._reader = reader
        self._people_reader = people
        self._people = ThreadPoolExecutor(1, thread_name_prefix="wabox-records")
        self.writer = Writer(writer, monotonic=monotonic)
        self.lanes = SqliteLanes(self._load_inbox, sleep=sleep)
        self._marks = Marks(self.writer, sleep=sleep)

    async def close(self) -> None:
        """Write what was handed in, then let go of the folder. Drain the lanes before."""
        await self.lanes.drain(0)
        await self._marks.close()
        await asyncio.to_thread(self._people.shutdown)
        self._people_reader.close()
        self._reader.close()
        # Last, because the last connection to close folds the log into the database: only the writer may do that.
        await self.writer.close()
        self._lock.release()

    # ---- Ingress -------------------------------------------------------------------------------------------------------

    async def put(self, arrival: Arrival) -> None:
        limits, writer = self._limits, self.writer
        if writer.age > limits.age:
            raise Unavailable(f"The disk is too slow: a write has waited for {writer.age * 1000:.0f} ms.")
        if writer.waiting > limits.waiting:
            raise Unavailable(f"Overloaded: {writer.waiting} writes wait.")
        waiting = self.lanes.backlog - self.lanes.due
        if arrival.messages and waiting > limits.backlog:
            raise Unavailable(f"Overloaded: {waiting} messages wait to be handled.")
        operation = partial(ingress.store, arrival=arrival, now=self._clock(), numbers=self._numbers)
        await writer.submit(operation, self.lanes.feed)

    def _load_inbox(self, after: int, limit: int, conversation_id: str | None) -> list[inbox.Row]:
        rows: list[inbox.Row] = []
        while (wanted := limit - len(rows)) > 0:
            found, unreadable = self._read(inbox.load, after, wanted, conversation_id)
            rows += found
            if unreadable:
                log.error("inbox.unreadable", messages=len(unreadable), reason=next(iter(unreadable.values())))
                buried = self.writer.submit(partial(inbox.bury, unreadable=unreadable, now=self._clock()))
                buried.add_done_callback(lambda future: future.exception())  # they are met again at the next start
            if len(found) + len(unreadable) < wanted:
                break
            after = max([*unreadable, *(seq for seq, _ in found)])
        return rows

    # ---- Sessions ------------------------------------------------------------------------------------------------------

    async def open(self, conversation_id: str) -> Session:
        return self._read(conversations.load, conversation_id)

    async def commit(self, unit: UnitOfWork) -> CommitResult:
        if unit.snapshot is not None and len(unit.snapshot) > SNAPSHOT_LIMIT:
            raise ConversationError(
                f"The conversation {unit.conversation_id} has grown to {len(unit.snapshot)} bytes of state; "
                f"the limit is {SNAPSHOT_LIMIT}. Does a flow keep appending to its context?"
            )
        return await self.writer.submit(partial(units.commit, unit=unit))

    async def settle(self, attempts: Sequence[Attempt], *, durable: bool = True) -> None:
        if durable or any(attempt.status in outbox.PENDING for attempt in attempts):
            await self._marks.write(attempts)
        else:
            self._marks.write_soon(attempts)

    async def pending(self, conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        # What is marked as settled is settled, though the row does not say so yet.
        marked = self._marks.waiting
        rows = self._read(outbox.load, conversation_id, limit + len(marked))
        return [row for row in rows if row.id not in marked][:limit]

    async def unsent(self) -> Sequence[str]:
        return self._read(outbox.list_unsent)

    # ---- Timers --------------------------------------------------------------------------------------------------------

    async def sweep(self, now: int, limit: int) -> int:
        moved = 0
        more = True
        while more and (wanted := min(limit - moved, TIMERS_HELD - self.lanes.due)) > 0:
            operation = partial(timers.take_due, now=now, limit=wanted, numbers=self._numbers)
            rows, more = await self.writer.submit(operation, lambda taken: self.lanes.feed(taken[0]))
            moved += len(rows)
        return moved

    # ---- Records -------------------------------------------------------------------------------------------------------

    async def append(self, conversation_id: str, records: Sequence[Record]) -> None:
        now = self._clock()

        def operation(connection: sqlite3.Connection) -> None:
            transcript.add(connection, conversations.add(connection, conversation_id, now), records)

        await self.writer.submit(operation)

    async def transcript(self, conversation_id: str, limit: int = 200) -> Sequence[Record]:
        return await self._read_for_people(transcript.list_, conversation_id, limit)

    async def conversations(self, limit: int = 100) -> Sequence[ConversationSummary]:
        return await self._read_for_people(conversations.list_, limit)

    async def handoffs(self, limit: int = 100) -> Sequence[Handoff]:
        return await self._read_for_people(handoffs.list_open, limit)

    async def stats(self) -> StoreStats:
        return await self._read_for_people(_stats)

    async def prune(self, now: int) -> None:
        for table in (seen, outbox, stray_statuses, other_changes, dead_letters):
            after: int | None = 0
            while after is not None:
                # Small steps: a webhook waits for one of them at most.
                after = await self.writer.submit(partial(table.prune, now=now, after=after))

    # ---- reading -------------------------------------------------------------------------------------------------------

    def _read(self, query: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return query(self._reader, *args, **kwargs)
        except sqlite3.Error as error:
            raise Unavailable(f"The database cannot be read: {error}.") from error

    async def _read_for_people(
        self, query: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        # One thread, so one reader at a time; a count over a million rows must not hold up the event loop.
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._people, partial(query, self._people_reader, *args, **kwargs)
            )
        except (sqlite3.Error, RuntimeError) as error:
            raise Unavailable(f"The database cannot be read: {error}.") from error


def _stats(connection: sqlite3.Connection) -> StoreStats:
    return StoreStats(
        conversations=conversations.count(connection),
        inbox=inbox.count(connection),
        outbox=outbox.count_pending(connection),
        handoffs_waiting=handoffs.count_waiting(connection),
        dead_letters=dead_letters.count(connection),
    )
