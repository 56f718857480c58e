"""Tells people that somebody waits, and keeps what became of it.

Every alert is a row (:mod:`wabox.services.alerting`). What is due for one address at the same time leaves as one: so a shift
that begins, or a hundred customers at once, are one digest. A try that fails is repeated with growing pauses, :data:`TRIES`
times in a few minutes and then every :data:`RARELY`; meanwhile the case, if nobody else could be told of it either, goes on to
others. At least once: after a crash between the telling and its row somebody may be told twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog

from wabox.core.act import message_id
from wabox.core.alert import Alert, AlertKind, Told, agent, kind, shown
from wabox.core.contact import Contact
from wabox.core.handoff import Handoff
from wabox.core.measures import Measures
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Clock
from wabox.errors import StorageError

log = structlog.get_logger(__name__)

Way = Callable[[Sequence[Alert]], Awaitable[Told]]
"""One try to tell all of these, which have one address. It never raises for what happens out there."""

TRIES: Final = 6
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""s before the second try; three times as long each time."""
RARELY: Final = 600.0
"""s between two tries after that."""
AGE: Final = 24 * 3_600_000
"""ms after which an alert that nobody took is given up."""
LOOK: Final = 3_000
"""ms until it is looked again what became of a WhatsApp message."""
MOST: Final = 500


class Rows(Protocol):
    """See :class:`wabox.sqlite.alerts.SqliteAlerts`."""

    async def due(self, now: int, limit: int, *, console: bool) -> Sequence[tuple[Alert, str | None]]: ...

    async def settle(self, ids: Sequence[str], told: Told, now: int, due_at: int) -> None: ...

    async def of_case(self, case: str) -> Sequence[Alert]: ...


class Alarms:
    def __init__(
        self,
        rows: Rows,
        ways: Mapping[AlertKind, Way],
        find: Callable[[str], Awaitable[tuple[Handoff, str, Contact] | None]],
        put: Callable[[Arrival], Awaitable[None]],
        clock: Clock,
        *,
        there: Callable[[], frozenset[str]],
        jitter: Callable[[], float],
        measures: Measures,
    ) -> None:
        """``find``: a case, its business number and its customer; ``there``: agents who have a console open."""
        self._rows = rows
        self._ways = ways
        self._find = find
        self._put = put
        self._clock = clock
        self._there = there
        self._jitter = jitter
        self._measures = measures
        self._busy: dict[str, asyncio.Task[None]] = {}
        """Addresses that are being told."""
        self._looking = asyncio.Lock()
        self._missed = self._stopped = False
        """Somebody who is being told is due again."""
        self._woken: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There are new ones, just committed."""
        task = asyncio.create_task(self._look_soon())
        self._woken.add(task)
        task.add_done_callback(self._woken.discard)

    async def _look_soon(self) -> None:
        with contextlib.suppress(StorageError):  # the next look comes within a second
            await self.look()

    async def look(self) -> None:
        """Begin to tell whoever is due; what takes its time goes on beside."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        now, there, busy = self._clock(), self._there(), set(self._busy)
        due: dict[str, list[Alert]] = defaultdict(list)
        stale: list[str] = []
        for alert, status in await self._rows.due(now, MOST, console=bool(there)):
            if alert.to in busy or alert.to in self._busy:  # what was read may be over already
                self._missed = True
                continue
            if alert.status == "waiting" and _stale(alert, status, there):
                stale.append(alert.id)
            else:
                due[alert.to].append(alert)
        if stale:
            await self._rows.settle(stale, Told(status="stale"), now, now)
        for to, alerts in due.items():
            task = self._busy[to] = asyncio.create_task(self._tell(to, alerts))
            task.add_done_callback(lambda _, to=to: self._over(to))  # type: ignore[misc]

    def _over(self, to: str) -> None:
        del self._busy[to]
        if self._missed and not self._stopped:
            self._missed = False
            self.wake()

    async def settled(self) -> None:
        """Wait for what is under way."""
        while under_way := (*self._woken, *self._busy.values()):
            await asyncio.gather(*under_way, return_exceptions=True)

    async def stop(self) -> None:
        """What is not told yet is told after the next start."""
        self._stopped = True
        for task in (*self._woken, *self._busy.values()):
            task.cancel()
        await self.settled()

    async def _tell(self, to: str, alerts: Sequence[Alert]) -> None:
        try:
            for some in _together(alerts):
                await self._told(to, some)
        except StorageError as error:
            log.warning("alert.later", error=str(error))

    async def _told(self, to: str, alerts: Sequence[Alert]) -> None:
        found = kind(to)
        way = self._ways.get(found) if found is not None else None
        try:
            told = await way(alerts) if way is not None else Told(status="refused", reason="it is not set up any more")
        except StorageError:
            raise
        except Exception as error:
            log.error("alert.failed", to=shown(to), exc_info=error)
            told = Told(status="refused", reason=f"it could not be sent: {type(error).__name__}")
        now, tried = self._clock(), max(one.attempts for one in alerts) + 1
        due_at = now + (LOOK if told.status == "sent" else 0)
        again = told.again and now - alerts[0].created_at < AGE
        if told.status == "refused" and again:
            pause = RARELY if tried >= TRIES else min(FIRST_PAUSE * 3 ** (tried - 1), LONGEST_PAUSE)
            due_at = now + round(max(pause * (0.75 + 0.5 * self._jitter()), min(told.wait or 0.0, RARELY)) * 1000)
            told = Told(status="waiting", reason=told.reason)
        await self._rows.settle([one.id for one in alerts], told, now, due_at)
        if told.status == "sent" or (told.status == "waiting" and tried != TRIES):
            return
        outcome = "failing" if told.status == "waiting" else told.status
        self._measures.alerts[str(found), outcome] += len(alerts)
        log.info("alert", to=shown(to), outcome=outcome, cases=len(alerts), reason=told.reason)
        if told.status != "accepted":
            for one in alerts:
                await self._unheard(one, told.reason or "nobody took it")

    async def _unheard(self, alert: Alert, reason: str) -> None:
        """If nobody else could be told of its case either, and nobody may be soon, the case learns of it."""
        if alert.what == "wrote":
            return
        for other in await self._rows.of_case(alert.case):
            if other.status in ("accepted", "sent"):
                return
            if other.status == "waiting" and other.attempts < TRIES and kind(other.to) != "console":
                return
        found = await self._find(alert.case)
        if found is None:
            return
        case, number_id, contact = found
        # The same for all that were to be told at once: they speak with one voice.
        id_ = message_id(f"unheard:{case.id}:{alert.what}:{alert.created_at}")
        message = InboundMessage(
            message_id=id_,
            number_id=number_id,
            conversation_id=case.conversation_id,
            timestamp=self._clock(),
            dated=False,
            channel="agent",
            type="unheard",
            payload={"case": case.id, "what": alert.what, "error": f"{shown(alert.to)}: {reason}"},
            contact=contact,
        )
        await self._put(Arrival(messages=(message,)))


def _stale(alert: Alert, status: str | None, there: frozenset[str]) -> bool:
    """Whether it is nobody's news any more."""
    if alert.what == "wrote":
        return status != "claimed" or agent(alert.to) in there  # who has the console open reads it there
    return status != "waiting"


def _together(alerts: Sequence[Alert]) -> list[Sequence[Alert]]:
    """What leaves as one; what a customer wrote is a card of its own, so that it can be answered."""
    known: dict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        known[alert.ref or (alert.id if alert.what == "wrote" else "")].append(alert)
    return list(known.values())
