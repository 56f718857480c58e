"""What the sender learnt, on its way into the outbox.

A mark that a delivery status would restore after a crash (``sent``, ``failed``) need not be durable at once: gathered for
a tenth of a second, the marks of neighbouring rows write their page once. Only what follows in the same conversation may not
overtake it; a unit of work takes along the marks of its own conversation and no others. (Taking all that wait was half of
the CPU time under load: the units of one batch all take the same ones, and the more wait, the more units gather. They are
kept by conversation, so that finding its own costs a unit the same however many wait.)
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import structlog

from wabox.core.delivery import Attempt
from wabox.errors import StorageError
from wabox.sqlite import outbox
from wabox.sqlite.writer import Writer

log = structlog.get_logger(__name__)

LAG_SECONDS = 0.1
RETRY_SECONDS = 1.0
_NONE: Mapping[str, Attempt] = {}


class Marks:
    def __init__(self, writer: Writer, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._writer = writer
        self._sleep = sleep
        self._waiting: dict[str, Attempt] = {}
        self._theirs: dict[str | None, dict[str, Attempt]] = {}
        """The same by conversation: each unit of work asks for its own, and a hundred or more wait under load."""
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting(self) -> Mapping[str, Attempt]:
        """Those that are not in the database yet, by outbound id."""
        return self._waiting

    def of(self, conversation_id: str) -> tuple[Attempt, ...]:
        """Those of one conversation, and those of which nobody said whose they are."""
        known, nobodys = self._theirs.get(conversation_id, _NONE), self._theirs.get(None, _NONE)
        return (*known.values(), *nobodys.values())

    async def write(self, attempts: Sequence[Attempt]) -> frozenset[str]:
        """Write these now, each after what waits for the same message or conversation; those that came too late.

        What says that a message is about to leave must not be durable before what says that the one before it has left.
        """
        before = [mark for mark in map(self._take, {attempt.outbound_id for attempt in attempts}) if mark is not None]
        theirs = {attempt.conversation_id for attempt in attempts} - {None}
        along = [mark for id_ in theirs for mark in self._theirs.get(id_, _NONE).values()]
        try:
            late = await self._writer.submit(partial(write, attempts=[*before, *along, *attempts]))
        except StorageError:
            self.write_soon(before)
            raise
        self.written(along)
        return late.intersection(attempt.outbound_id for attempt in attempts)

    def write_soon(self, attempts: Sequence[Attempt]) -> None:
        """Write these within a tenth of a second."""
        for attempt in attempts:
            self._take(attempt.outbound_id)
            self._waiting[attempt.outbound_id] = attempt
            self._theirs.setdefault(attempt.conversation_id, {})[attempt.outbound_id] = attempt
        if self._waiting and self._task is None and not self._closing:
            self._task = asyncio.create_task(self._write_waiting())

    async def close(self) -> None:
        """Write what waits."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._waiting:
            try:
                await self.write(list(self._waiting.values()))
            except StorageError as error:
                # These rows say `sending`; their statuses settle them after the next start.
                log.warning("marks.lost", marks=len(self._waiting), error=str(error))

    async def _write_waiting(self) -> None:
        pause = LAG_SECONDS
        while self._waiting:
            await self._sleep(pause)
            marks = list(self._waiting.values())
            try:
                await self._writer.submit(partial(write, attempts=marks))
            except StorageError:
                pause = RETRY_SECONDS
                continue
            pause = LAG_SECONDS
            self.written(marks)
        self._task = None

    def written(self, marks: Sequence[Attempt]) -> None:
        """These are in the database now."""
        for attempt in marks:
            if self._waiting.get(attempt.outbound_id) is attempt:
                self._take(attempt.outbound_id)

    def _take(self, outbound_id: str) -> Attempt | None:
        """It does not wait any more."""
        attempt = self._waiting.pop(outbound_id, None)
        if attempt is not None:
            theirs = self._theirs[attempt.conversation_id]
            del theirs[outbound_id]
            if not theirs:
                del self._theirs[attempt.conversation_id]
        return attempt


def write(connection: sqlite3.Connection, attempts: Sequence[Attempt]) -> frozenset[str]:
    """Ids of the messages that were settled meanwhile, or are gone: they must not be sent."""
    late = set()
    sent = []
    for attempt in attempts:
        try:
            if outbox.mark_sent(connection, attempt):
                sent.append(attempt)
            elif not outbox.mark(connection, attempt):
                late.add(attempt.outbound_id)
        except (
            UnicodeEncodeError,
            OverflowError,
        ) as error:  # a reason that cannot be written must not hold up the others
            log.error("mark.unwritable", outbound=attempt.outbound_id, error=repr(error))
    if sent:
        outbox.claim(connection, sent)
    return frozenset(late)
