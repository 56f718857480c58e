"""Customers who wait for a person are told their place and an honest range, again only when it does not hold any more.

Looked at now and then: what was told is kept with the case, so a restart repeats nothing. What is told enters the
conversation's queue; its turn says it if the customer waits still. A queue outside its hours tells nothing: who wrote then was
told so.

Cases that have no clock (:mod:`wabox.services.deskclock`) get theirs at the first look, and whenever the queues are set anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from wabox.core.act import message_id
from wabox.core.contact import Contact
from wabox.core.conversation import Timer
from wabox.core.handoff import Handoff
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Clock
from wabox.core.wait import Past, Range, estimate, material
from wabox.flowfile.bot import Bot
from wabox.services import deskclock
from wabox.services.cases import urgency
from wabox.services.duty import on_duty, opens_at
from wabox.settings import QueueSettings

log = structlog.get_logger(__name__)

HISTORY: Final = 400
"""Cases of a queue that are looked at."""
SINCE: Final = 30 * 24 * 3_600_000
"""ms that history reaches back."""
MOST: Final = 1000
"""Waiting cases that are looked at."""


class Lines(Protocol):
    """Cases as they are stored: see :class:`wabox.sqlite.desk.SqliteDesk`."""

    async def open_cases(self, limit: int) -> Sequence[Handoff]: ...

    async def find(self, id_: str) -> tuple[Handoff, str, Contact] | None: ...

    async def history(self, queue: str, since: int, limit: int) -> Sequence[Past]: ...

    async def unclocked(self, waiting: str, claimed: str) -> Sequence[Handoff]: ...

    async def set_clocks(self, clocks: Sequence[tuple[Handoff, Timer]]) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReport:
    """How a queue stands."""

    name: str
    title: str
    skills: Sequence[str]
    open: bool
    """Somebody should be there now."""
    opens_at: int | None
    """When somebody is there next, ms since the epoch; None: now, or not soon."""
    waiting: int
    claimed: int
    longest_ms: int
    """How long the one who waits longest has waited."""
    agents: Sequence[str]
    """Who has a case of it."""
    least_minutes: int | None
    """What the next customer would be told; None: nothing, for want of history."""
    most_minutes: int | None
    capacity: int


class Waiting:
    def __init__(
        self, lines: Lines, put: Callable[[Arrival], Awaitable[None]], bot: Callable[[], Bot], clock: Clock
    ) -> None:
        self._lines = lines
        self._put = put
        self._bot = bot
        self._clock = clock
        self._clocked: Mapping[str, QueueSettings] | None = None
        """The queues as they were when every case got its clock."""

    async def look(self) -> None:
        """Tell whoever waits what they do not know yet."""
        await self._wind()
        waiting = [case for case in await self._lines.open_cases(MOST) if case.status == "waiting"]
        now = self._clock()
        for name in dict.fromkeys(case.queue for case in waiting):
            if not on_duty(self._queue(name), now):
                continue
            line = sorted((case for case in waiting if case.queue == name), key=lambda one: -urgency(one, now))
            history = await self._lines.history(name, now - SINCE, HISTORY)
            for ahead, case in enumerate(line):
                found = estimate(history, ahead, now)
                if found is not None and _news(case, found, now):
                    await self._tell(case, ahead + 1, found, now)

    async def reports(self) -> list[QueueReport]:
        """Every queue that is set up, or has an open case."""
        cases, now = await self._lines.open_cases(MOST), self._clock()
        names = dict.fromkeys((*self._bot().manners.queues, *(case.queue for case in cases)))
        found = []
        for name in names:
            queue, own = self._queue(name), [case for case in cases if case.queue == name]
            waits = [case for case in own if case.status == "waiting"]
            there = on_duty(queue, now)
            opens = None if there else opens_at(queue, now)
            told = estimate(await self._lines.history(name, now - SINCE, HISTORY), len(waits), now)
            found.append(
                QueueReport(
                    name=name,
                    title=queue.title or name,
                    skills=queue.skills,
                    open=there,
                    opens_at=None if opens is None else round(opens.timestamp() * 1000),
                    waiting=len(waits),
                    claimed=len(own) - len(waits),
                    longest_ms=max((now - case.opened_at for case in waits), default=0),
                    agents=sorted({case.agent_name or case.agent for case in own if case.agent}),
                    least_minutes=None if told is None else told.least,
                    most_minutes=None if told is None else told.most,
                    capacity=queue.capacity,
                )
            )
        return found

    async def _wind(self) -> None:
        """Set the clocks that do not run and should."""
        if (queues := self._bot().manners.queues) == self._clocked:
            return
        found = [
            (case, deskclock.late(case, self._queue(case.queue)))
            for case in await self._lines.unclocked(deskclock.WAIT, deskclock.IDLE)
        ]
        clocks = [(case, timer) for case, timer in found if timer is not None]
        if clocks:
            log.info("desk.clocks_set", cases=await self._lines.set_clocks(clocks))
        self._clocked = queues

    def _queue(self, name: str) -> QueueSettings:
        return self._bot().manners.queues.get(name) or QueueSettings(name=name)

    async def _tell(self, case: Handoff, place: int, found: Range, now: int) -> None:
        row = await self._lines.find(case.id)
        if row is None or not on_duty(self._queue(case.queue), now, row[1]):
            return
        told = f"{place}:{found.least}:{found.most}:{now}"
        message = InboundMessage(
            message_id=message_id(f"tell:{case.id}:{told}"),
            number_id=row[1],
            conversation_id=case.conversation_id,
            timestamp=now,
            channel="agent",
            type="tell",
            payload={"case": case.id, "place": place, "least": found.least, "most": found.most, "told": told},
            contact=row[2],
        )
        await self._put(Arrival(messages=(message,)))


def _news(case: Handoff, found: Range, now: int) -> bool:
    if case.told is None:
        return True
    _, least, most, at = (int(part) for part in case.told.split(":"))
    return material(Range(least, most), at, found, now)
