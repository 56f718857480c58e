"""The store: all storage ports on one data folder."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import structlog

from wabox.core.conversation import CommitResult, ConversationSummary, Record, Session, UnitOfWork, after
from wabox.core.delivery import Attempt, Delivery, OutboundMessage
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation, Outcome
from wabox.core.keep import DEFAULT, Keep
from wabox.core.message import Arrival
from wabox.core.ports import Clock, StoreStats
from wabox.core.version import Version
from wabox.errors import ConversationError, StorageError
from wabox.files.mediafolder import MediaFolder
from wabox.sqlite import (
    broadcasts,
    conversations,
    deliveries,
    failures,
    handoffs,
    inbox,
    ingress,
    invocations,
    outbox,
    retention,
    timers,
    transcript,
    units,
    upgrade,
    versions,
)
from wabox.sqlite.accounts import SqliteAccounts
from wabox.sqlite.admission import Limits, admit, crowded
from wabox.sqlite.alerts import SqliteAlerts
from wabox.sqlite.connection import DATABASE, open_reader, open_writer
from wabox.sqlite.damage import Large, look_at_start
from wabox.sqlite.desk import SqliteDesk
from wabox.sqlite.folder import FolderLock, prepare
from wabox.sqlite.lanes import SqliteLanes
from wabox.sqlite.levels import Levels, stats
from wabox.sqlite.marks import Marks
from wabox.sqlite.medialibrary import SqliteMedia
from wabox.sqlite.migrate import migrate, version
from wabox.sqlite.outgoing import Outgoing
from wabox.sqlite.purse import SqlitePurse
from wabox.sqlite.reader import PeoplesReader, Reader
from wabox.sqlite.recent import Recent
from wabox.sqlite.register import Register
from wabox.sqlite.tallies import SqliteTallies
from wabox.sqlite.writer import Writer

log = structlog.get_logger(__name__)

SNAPSHOT_LIMIT = 1024 * 1024
BUSY = 128
"""Uncommitted writes while which no lane starts: 10 ms of work."""
CALM = 16
"""Uncommitted writes beyond which no timer starts: they are what a webhook waits for."""
TIMERS_STEP = 100
"""Due timers moved per transaction: 3 ms, so that no webhook waits long for its own."""
TIMERS_HELD = 10_000
"""Due timers in the lanes at once; more wait for the next sweep (a long downtime may leave a million)."""


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
            if not path.exists():
                path.touch(mode=0o600)  # the log gets the same permissions
            connections.append(open_writer(path))
            look_at_start(connections[0], path)
            upgrade.secure(folder, version(connections[0]), clock())
            migrate(connections[0], str(path))
            connections.extend((open_reader(path), open_reader(path)))
            writer, reader, people = connections
            files = MediaFolder(folder)
            return SqliteStore(folder, lock, writer, reader, people, files, clock, limits or Limits(), monotonic, sleep)
        except BaseException as error:
            for connection in reversed(connections):
                connection.close()
            lock.release()
            if isinstance(error, sqlite3.Error):
                raise StorageError(
                    f"{folder / DATABASE} cannot be used: {error}. Is the disk full or damaged?"
                ) from error
            raise

    return await asyncio.to_thread(opened)


class SqliteStore:
    """Ingress, Sessions, Timers, Calls, Records; its attributes are Lanes, MediaLibrary, Purse. Made by :func:`open_store`."""

    def __init__(
        self,
        folder: Path,
        lock: FolderLock,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        people: sqlite3.Connection,
        files: MediaFolder,
        clock: Clock,
        limits: Limits,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._lock = lock
        self._clock = clock
        self._limits = limits
        self._inbox = inbox.Inbox(writer)
        self.writer = Writer(writer, monotonic=monotonic)
        self._reader = Reader(reader, self.writer.damaged)
        self._people = PeoplesReader(people, self.writer.damaged)
        self.desk, self.alerts = SqliteDesk(self._people, self.writer), SqliteAlerts(self.writer, self._people)
        self.large = Large(folder / DATABASE, self.writer.damaged)
        self.accounts = SqliteAccounts(self.writer, self._reader)
        self.outgoing = Outgoing(self.writer, self._people)
        self.levels = Levels(self._people)
        self.tallies = SqliteTallies(self.writer, self._people)
        self.purse = SqlitePurse(self.writer, self._reader)
        self.media = SqliteMedia(files, self.writer, self._reader, clock)
        self.register = Register(folder, self.writer, self._people, self.media, clock, self._dismiss)
        self._recent = Recent()
        self.lanes = SqliteLanes(
            self._load_inbox,
            waiting=self._inbox.waiting,
            busy=lambda: self.writer.waiting > BUSY,
            calm=lambda: self.writer.waiting <= CALM,
            sleep=sleep,
            monotonic=monotonic,
        )
        self._marks = Marks(self.writer, sleep=sleep)
        self._closed = False

    async def close(self) -> None:
        """Write what was handed in, then let go of the folder. Drain the lanes before."""
        if self._closed:
            return
        self._closed = True
        await self.lanes.drain(0)
        await self._marks.close()
        await self._people.close()
        self._reader.close()
        # Last, because the last connection to close folds the log into the database: only the writer may do that.
        await self.writer.close()
        self._lock.release()

    # ---- Ingress -------------------------------------------------------------------------------------------------------

    async def put(self, arrival: Arrival) -> None:
        admit(arrival, self._limits, self.writer, self.lanes)
        # One more: two contacts that turn out to be one end a conversation.
        places = self._inbox.reserve(len(arrival.messages) + 1 if arrival.messages else 0)
        operation = partial(ingress.store, arrival=arrival, now=self._clock(), places=places, known=self._recent)
        try:
            await self.writer.submit(operation, partial(self._arrived, places))
        except Exception:
            self._inbox.free(places)
            raise

    def _arrived(self, places: Sequence[inbox.Place], stored: ingress.Stored) -> None:
        for session in stored.sessions:
            if session.conversation_id not in self._recent:
                self._recent.keep(session)
        self._received(places, stored.rows)

    def _received(self, places: Sequence[inbox.Place], rows: Sequence[inbox.Row]) -> None:
        self._inbox.added(places, rows)
        self.lanes.feed(rows)

    async def _queue(
        self, places: Sequence[inbox.Place], operation: Callable[[sqlite3.Connection], Sequence[inbox.Row]]
    ) -> Sequence[inbox.Row]:
        """Write what puts messages into these places."""
        try:
            return await self.writer.submit(operation, partial(self._received, places))
        except Exception:
            self._inbox.free(places)
            raise

    def _load_inbox(self, conversation_id: str, after: int, limit: int) -> list[inbox.Row]:
        rows: list[inbox.Row] = []
        while places := self._inbox.following(conversation_id, after, limit - len(rows)):
            found, unreadable = self._reader.read(inbox.load_at, places)
            after = places[-1].seq
            rows += found
            if not unreadable:
                continue  # fewer than the limit must mean that there are no more
            log.error("inbox.unreadable", messages=len(unreadable), reason=next(iter(unreadable.values())))
            buried = self.writer.submit(partial(inbox.bury, unreadable=unreadable, now=self._clock()))
            buried.add_done_callback(lambda future: future.exception())  # they are met again at the next start
        return rows

    @property
    def unhandled(self) -> int:
        """Messages in the inbox, held by lanes or not."""
        return len(self._inbox)

    @property
    def crowded(self) -> bool:
        return crowded(self._limits, self.writer, self.lanes)

    # ---- Sessions ------------------------------------------------------------------------------------------------------

    async def open(self, conversation_id: str) -> Session:
        return self._recent.get(conversation_id) or self._reader.read(conversations.load, conversation_id)

    async def commit(self, unit: UnitOfWork) -> CommitResult:
        if unit.snapshot is not None and len(unit.snapshot) > SNAPSHOT_LIMIT:
            raise ConversationError(
                f"The conversation {unit.conversation_id} has grown to {len(unit.snapshot)} bytes of state; "
                f"the limit is {SNAPSHOT_LIMIT}. Does a flow keep appending to its context?"
            )
        places = self._inbox.find(unit.conversation_id, unit.handled)
        # What left before must be known to have left before anything follows it: after a crash the sender would take it
        # for doubtful and might repeat it behind its successor. The marks ride along, so this costs no commit.
        marks = self._marks.of(unit.conversation_id) if unit.sends else ()
        operation = partial(units.commit, unit=unit, places=places, marks=marks)
        return await self.writer.submit(operation, partial(self._committed, unit, marks))

    def _committed(self, unit: UnitOfWork, marks: Sequence[Attempt], result: CommitResult) -> None:
        self._marks.written(marks)
        if result == "conflict":
            # It moved on elsewhere: what a customer told another number, or the command line, is not known here.
            self._recent.drop(unit.conversation_id)
        if result != "committed":
            return
        self._inbox.settled(unit.conversation_id, unit.handled)
        if unit.consents:
            self._recent.clear()  # it holds for the customer's conversations with our other numbers, too; it is rare
        self._recent.keep(after(unit))

    def _dismiss(self, conversation_ids: Iterable[str] | None) -> None:
        """What this process remembers of conversations does not hold any more."""
        if conversation_ids is None:
            self._recent.clear()
            return
        for conversation_id in conversation_ids:
            self._recent.drop(conversation_id)
            self._inbox.dismiss(conversation_id)

    async def ours(self, wamid: str) -> bool:
        if any(attempt.wamid == wamid for attempt in self._marks.waiting.values()):
            return True
        return self._reader.read(outbox.knows, wamid)

    async def settle(self, attempts: Sequence[Attempt], *, durable: bool = True) -> frozenset[str]:
        if durable or any(attempt.status in outbox.PENDING for attempt in attempts):
            return await self._marks.write(attempts)
        self._marks.write_soon(attempts)
        return frozenset()

    async def pending(self, conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        # What is marked as settled is settled, though the row does not say so yet.
        marked = self._marks.waiting
        rows = self._reader.read(outbox.load, conversation_id, limit + len(marked), self._clock())
        return [row for row in rows if row.id not in marked][:limit]

    async def unsent(self) -> Sequence[str]:
        return self._reader.read(outbox.list_unsent)

    async def due(self, now: int) -> Sequence[str]:
        return self._reader.read(outbox.list_due, now)

    async def tell(self, limit: int) -> int:
        if not self._reader.read(failures.has_untold):
            return 0
        places = self._inbox.reserve(limit)
        operation = partial(failures.tell, places=places, now=self._clock())
        return len(await self._queue(places, operation))

    async def enter(self, broadcast: int, at_most: int) -> int:
        """Put recipients of a broadcast that are due into their conversations' queues; how many."""
        places = self._inbox.reserve(at_most)
        operation = partial(broadcasts.enter, key=broadcast, now=self._clock(), at_most=at_most, places=places)
        return len(await self._queue(places, operation))

    # ---- Timers --------------------------------------------------------------------------------------------------------

    async def sweep(self, now: int, limit: int, *, since: int = 0) -> int:
        moved = 0
        more = True
        while more and (wanted := min(limit - moved, TIMERS_STEP, TIMERS_HELD - self.lanes.due)) > 0:
            taken, more = await self._take_due(now, wanted, since)
            moved += taken
        return moved

    async def _take_due(self, now: int, limit: int, since: int) -> tuple[int, bool]:
        places = self._inbox.reserve(limit)
        operation = partial(timers.take_due, now=now, places=places, since=since)
        try:
            rows, more = await self.writer.submit(operation, lambda taken: self._received(places, taken[0]))
        except Exception:
            self._inbox.free(places)
            raise
        return len(rows), more

    # ---- Calls ---------------------------------------------------------------------------------------------------------

    async def calls(self) -> Sequence[Invocation]:
        return self._reader.read(invocations.list_)

    async def began(self, invocation_id: str) -> int | None:
        return await self.writer.submit(partial(invocations.mark, id_=invocation_id))

    async def answer(self, invocation: Invocation, outcome: Outcome) -> None:
        places = self._inbox.reserve(1)
        event = ("done.invoke." if outcome.error is None else "error.invoke.") + invocation.name
        operation = partial(
            invocations.take, place=places[0], id_=invocation.id, event=event, data=outcome.data, now=self._clock()
        )
        await self._queue(places, operation)

    # ---- Records -------------------------------------------------------------------------------------------------------

    async def append(self, conversation_id: str, records: Sequence[Record]) -> None:
        now = self._clock()

        def operation(connection: sqlite3.Connection) -> None:
            transcript.add(connection, conversations.add(connection, conversation_id, now), records)

        await self.writer.submit(operation)

    async def transcript(self, conversation_id: str, limit: int = 200) -> Sequence[Record]:
        return await self._people.read(transcript.list_, conversation_id, limit)

    async def conversations(self, limit: int = 100) -> Sequence[ConversationSummary]:
        return await self._people.read(conversations.list_, limit)

    async def handoffs(self, limit: int = 100) -> Sequence[Handoff]:
        return await self._people.read(handoffs.list_open, limit)

    async def deliveries(self, limit: int = 100, *, failed: bool = False) -> Sequence[Delivery]:
        return await self._people.read(deliveries.list_, limit, failed=failed)

    async def send_again(self, outbound_id: str) -> Delivery | None:
        return await self.writer.submit(partial(deliveries.retry, id_=outbound_id, now=self._clock()))

    async def delivery(self, outbound_id: str) -> Delivery | None:
        """One message of the outbox."""
        return await self._people.read(deliveries.load, outbound_id)

    async def drop(self, outbound_id: str) -> Delivery | None:
        return await self.writer.submit(partial(deliveries.drop, id_=outbound_id, now=self._clock()))

    async def stats(self) -> StoreStats:
        return await self._people.read(stats)

    async def scan(self, look: Callable[[str, bytes], None]) -> None:
        await self._people.read(versions.scan, look)

    async def prune(self, now: int, keep: Keep = DEFAULT) -> None:
        # Small steps: a webhook waits for one of them at most.
        for step in retention.steps(keep, now):
            after: int | None = 0
            while after is not None:
                after = await self.writer.submit(partial(step, after=after))
        if (before := keep.before("media", now)) is not None:
            await self.media.erase_before(before)
        if (before := keep.before("contacts", now)) is not None:
            await self.register.expire(before)

    # ---- Versions ------------------------------------------------------------------------------------------------------

    async def versions(self, bot: str) -> Sequence[Version]:
        return await self._people.read(versions.list_, bot)

    async def make_live(self, version: Version, expected: str | None) -> Version | None:
        return await self.writer.submit(partial(versions.save, version=version, expected=expected))

    async def forget_version(self, bot: str, id_: str) -> bool:
        return await self.writer.submit(partial(versions.delete, bot=bot, id_=id_))
