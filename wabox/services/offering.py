"""Cases of queues with ``assign = "offer"`` are offered to one agent after the other, for ``offer`` each.

Who is on duty has a console or ``wabox handoff watch`` open. Of those with the queue and its skills, and with room for one
more, the one with the fewest cases is asked first, then who has done nothing for longest; nobody is asked about two at once.
The offer is a turn of the conversation, and so is its end (a timer row, :mod:`wabox.services.deskclock`): a restart changes
nothing. While all who may are busy the case waits for them; when everybody was asked, whoever likes takes it. While nobody is
there it is anybody's, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

from wabox.core.act import message_id
from wabox.core.agent import Agent
from wabox.core.contact import Contact
from wabox.core.handoff import ALL, Handoff
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Clock
from wabox.flowfile.bot import Bot
from wabox.services.cases import urgency
from wabox.services.changes import Changes
from wabox.services.duty import on_duty
from wabox.settings import QueueSettings

MOST: Final = 1000
"""Open cases that are looked at."""
LATELY: Final = 200
"""Closed ones, for who did something last."""


class Lines(Protocol):
    """Cases as they are stored: see :class:`wabox.sqlite.desk.SqliteDesk`."""

    async def open_cases(self, limit: int) -> Sequence[Handoff]: ...

    async def closed_cases(self, limit: int) -> Sequence[Handoff]: ...

    async def find(self, id_: str) -> tuple[Handoff, str, Contact] | None: ...


class Offering:
    def __init__(
        self,
        lines: Lines,
        put: Callable[[Arrival], Awaitable[None]],
        bot: Callable[[], Bot],
        changes: Changes,
        account: Callable[[str], Agent | None],
        clock: Clock,
    ) -> None:
        """``changes`` knows who looks; ``account``: one of them, if there is such an account."""
        self._lines = lines
        self._put = put
        self._bot = bot
        self._changes = changes
        self._account = account
        self._clock = clock

    async def look(self) -> None:
        """Offer what waits and is nobody's to take."""
        queues = {name: one for name, one in self._bot().manners.queues.items() if one.assign == "offer"}
        if not queues:
            return
        cases, now = await self._lines.open_cases(MOST), self._clock()
        waits = [case for case in cases if case.queue in queues and _asks(case) and on_duty(queues[case.queue], now)]
        if not waits:
            return
        agents = [one for id_ in sorted(self._changes.there) if (one := self._account(id_)) is not None]
        load = Counter(case.agent for case in cases if case.status == "claimed" and case.agent)
        busy = {case.offered for case in cases if case.offered}
        last = _last([*cases, *await self._lines.closed_cases(LATELY)])
        for case in sorted(waits, key=lambda one: -urgency(one, now)):
            queue, asked = queues[case.queue], case.passed.split()
            may = [one for one in agents if _may(one, queue) and one.id not in asked]
            free = [one for one in may if one.id not in busy and not _full(queue, load[one.id])]
            if free:
                chosen = min(free, key=lambda one: (load[one.id], last.get(one.id, 0), one.id))
                busy.add(chosen.id)
                await self._say(case, chosen, now)
            elif asked and not may:
                await self._say(case, None, now)

    async def _say(self, case: Handoff, to: Agent | None, now: int) -> None:
        row = await self._lines.find(case.id)
        if row is None:
            return
        offer = {"case": case.id, "passed": case.passed}
        message = InboundMessage(
            message_id=message_id(f"offer:{case.id}:{case.at}:{ALL if to is None else to.id}"),
            number_id=row[1],
            conversation_id=case.conversation_id,
            timestamp=now,
            dated=False,
            channel="agent",
            type="offer",
            payload=offer if to is None else {**offer, "to": to.id, "name": to.name},
            contact=row[2],
        )
        await self._put(Arrival(messages=(message,)))


def _asks(case: Handoff) -> bool:
    return case.status == "waiting" and case.offered is None and ALL not in case.passed.split()


def _may(agent: Agent, queue: QueueSettings) -> bool:
    """Owners take what they like; they are not asked, unless they are agents, too."""
    mine = not agent.queues or queue.name in agent.queues
    return agent.may(("agent",)) and mine and set(queue.skills) <= set(agent.skills)


def _full(queue: QueueSettings, load: int) -> bool:
    return bool(queue.capacity) and load >= queue.capacity


def _last(cases: Sequence[Handoff]) -> Mapping[str, int]:
    """When each agent last did something, ms since the epoch."""
    last: dict[str, int] = {}
    for case in cases:
        if case.agent is not None:
            last[case.agent] = max(last.get(case.agent, 0), case.closed_at or case.last_agent_at or case.at)
    return last
