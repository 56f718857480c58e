"""What people do about cases, from outside the conversation: the acts are handed in here and what became of them comes back.

A call waits at most :data:`PATIENCE`: then the act is still in the conversation's queue, and the caller is told to look again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from wabox.core.act import Act, message_id
from wabox.core.agent import Agent
from wabox.core.alert import Alert
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.conversation import Record, Session
from wabox.core.handoff import Handoff, Outcome
from wabox.core.message import Arrival
from wabox.core.ports import Clock
from wabox.flowfile.bot import Bot
from wabox.services.answers import Answers
from wabox.services.attachments import Attachment, Attachments
from wabox.services.canned import Asked, CannedLine, offered
from wabox.services.cases import CaseLine, CaseReport, line, report
from wabox.services.desk import TAKEN_OVER as TAKEN
from wabox.services.entry import Entry, Full
from wabox.services.entry import NoCase as NoCase
from wabox.services.entry import NotDone as NotDone
from wabox.services.sends import SendRequest, Sends

PATIENCE: Final = 20.0
"""s."""
LONGEST: Final = 4096
"""Characters of a text. Source: Meta, "Text messages" (Oct 2026)."""
MOST: Final = 1000
"""Open cases that are looked through; lines of one answer."""
NEWEST: Final = 200
"""Lines of the transcript that a case is told with, unless more are asked for."""
LOOKED_BACK: Final = 200
"""Lines of a transcript in which the outcome of an act that was handed in before is looked for."""


class NotYet(NotDone):
    """Nobody knows yet whether an act is done: the same one again, under the same id, says so."""


class Cases(Protocol):
    """Cases as they are stored: see :class:`wabox.sqlite.desk.SqliteDesk`."""

    async def find(self, id_: str) -> tuple[Handoff, str, Contact] | None: ...

    async def named(self, beginning: str) -> Sequence[str]: ...

    async def open_cases(self, limit: int) -> Sequence[Handoff]: ...

    async def closed_cases(self, limit: int) -> Sequence[Handoff]: ...

    async def of_conversation(self, conversation_id: str, limit: int) -> Sequence[Handoff]: ...

    async def contacts(self, conversation_ids: Sequence[str]) -> Mapping[str, Contact]: ...

    async def deliveries(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str | None]]: ...

    async def page(self, conversation_id: str, limit: int, before: int | None) -> Sequence[tuple[int, Record]]: ...


class Alerts(Protocol):
    """See :class:`wabox.sqlite.alerts.SqliteAlerts`."""

    async def of_case(self, case: str) -> Sequence[Alert]: ...

    async def heard(self, cases: Sequence[str]) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is asked of storage."""

    cases: Cases
    alerts: Alerts
    put: Callable[[Arrival], Awaitable[None]]
    session: Callable[[str], Awaitable[Session]]
    attachments: Attachments
    bot: Callable[[], Bot]
    """The one that is served now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReply:
    """A template as a reply: what leaves when the service window is closed."""

    name: str
    language: str | None = None
    values: Mapping[str, str] | None = None


class Handoffs:
    def __init__(self, rows: Rows, answers: Answers, sends: Sends, entry: Entry, clock: Clock) -> None:
        """``entry``: who may take what."""
        self._entry = entry
        self._rows = rows
        self._answers = answers
        self._sends = sends
        self._clock = clock

    async def lines(
        self, *, status: str | None = None, queue: str | None = None, limit: int = 200, who: Agent | None = None
    ) -> list[CaseLine]:
        """Cases, the most urgent first: those that wait by priority and age, then those that somebody has; or closed ones.

        Only those that ``who`` may see.
        """
        closed = status == "closed"
        found = await (self._rows.cases.closed_cases if closed else self._rows.cases.open_cases)(MOST)
        wanted = [
            case
            for case in found
            if status in (None, case.status) and queue in (None, case.queue) and _theirs(case, who)
        ]
        customers = await self._rows.cases.contacts([case.conversation_id for case in wanted])
        now = self._clock()
        heard = await self._rows.alerts.heard([case.id for case in wanted if case.status == "waiting"])
        lines = [line(case, customers.get(case.conversation_id), now, told=case.id in heard) for case in wanted]
        ordered = lines if closed else sorted(lines, key=lambda one: (one.status != "waiting", -one.urgency))
        return ordered[: max(1, limit)]

    async def case(
        self, id_: str, lines: int = NEWEST, before: int | None = None, who: Agent | None = None
    ) -> CaseReport:
        """Everything about one, with so many of the newest lines of the transcript, or of those before a key.

        Raises NoCase, also for one that ``who`` may not see.
        """
        case, _, contact = await self._found(id_, who)
        most = max(1, min(lines, MOST))
        page = await self._rows.cases.page(case.conversation_id, most, before)
        first = page[0][0] if len(page) == most else None
        if first is not None:  # a page begins with a turn: without it, nobody knows who said the words that left
            page = page[next((at for at, (_, record) in enumerate(page) if record.kind == "in"), 0) :]
            first = page[0][0]
        records = [record for _, record in page]
        earlier = await self._rows.cases.of_conversation(case.conversation_id, 20)
        session = await self._rows.session(case.conversation_id)
        alerts = [one for one in await self._rows.alerts.of_case(case.id) if one.what != "wrote"]
        others = [one for one in earlier if one.id != case.id]
        sent = [record.ref for record in records if record.kind == "out" and record.ref]
        ticks = await self._rows.cases.deliveries(sent)
        return report(case, contact, session, records, others, self._clock(), alerts, ticks, first)

    async def act(self, act: Act, who: Agent | None = None) -> CaseReport:
        """Do it, and wait for what becomes of it. ``who`` does it: what they may take depends on it; None: wabox itself.
        Raises NoCase, NotDone."""
        case, number_id, contact = await self._found(act.case)
        if not _theirs(case, who):
            # Their own act may have given it away: said again, it is done.
            if await self._done_before(case.conversation_id, message_id(act.id), by=act.agent) is None:
                raise _unknown(act.case)
            return await self.case(case.id)
        async with self._entry.open(act, case, who, lambda: self._rows.cases.open_cases(MOST)):
            return await self._act(act, case, number_id, contact)

    async def take(self, conversation_id: str, act: Act, who: Agent | None = None) -> CaseReport:
        """Step into a conversation, also one that has no case. Raises NoCase, NotDone."""
        session = await self._rows.session(conversation_id)
        if session.case is not None:
            return await self.act(replace(act, case=session.case.id), who)
        if session.contact is None or session.number_id is None:
            raise NoCase(f"there is no conversation {conversation_id!r}; see: wabox conversations list")
        if who is not None and not who.sees(TAKEN):
            raise NoCase(f"{who.name} answers {', '.join(who.queues)} only: nobody gave them this conversation")
        now = self._clock()
        message = act.message(now, session.number_id, conversation_id, session.contact)
        # It names no case: there is none yet.
        payload = {**message.payload, "case": None, "take": True}
        handed_in = message.message_id
        with self._answers.expected(handed_in) as answer:
            await self._rows.put(Arrival(messages=(changed(message, payload=payload),)))
            outcome = await self._outcome(answer)
        if outcome.refusal is not None:
            raise NotDone(outcome.refusal)
        (newest,) = await self._rows.cases.of_conversation(conversation_id, 1)
        return await self.case(newest.id)

    async def next(self, act: Act, who: Agent, queue: str | None = None) -> CaseReport | None:
        """Claim the most urgent case that waits and that they may take; None when there is none."""
        for number, one in enumerate(await self.lines(status="waiting", queue=queue, who=who)):
            try:
                return await self.act(replace(act, id=f"{act.id}:{number}", case=one.id), who)
            except NotDone as error:
                if isinstance(error, Full):
                    raise
        return None

    async def _act(self, act: Act, case: Handoff, number_id: str, contact: Contact) -> CaseReport:
        if act.kind == "reply" and "body" not in act.more:
            words = (act.text or "").strip()
            if not words or len(words) > LONGEST:
                raise NotDone(f"a reply has 1 to {LONGEST} characters, not {len(words)}: send it in parts")
        handed_in = message_id(act.id)
        outcome = self._answers.known(handed_in) or await self._done_before(case.conversation_id, handed_in)
        if outcome is None:
            now = self._clock()
            message = replace(act, case=case.id).message(now, number_id, case.conversation_id, contact)
            with self._answers.expected(handed_in) as answer:
                await self._rows.put(Arrival(messages=(message,)))
                outcome = await self._outcome(answer)
        if outcome.refusal is not None:
            raise NotDone(outcome.refusal)
        return await self.case(case.id)

    async def _outcome(self, answer: asyncio.Future[Outcome]) -> Outcome:
        try:
            return await asyncio.wait_for(answer, PATIENCE)
        except TimeoutError:
            raise NotYet(
                "it waits in the conversation's queue and is not done yet: look at the case again before you repeat it"
            ) from None

    async def template(self, case_id: str, wanted: TemplateReply, who: Agent | None = None) -> dict[str, Any]:
        """The ``more`` of a reply with a template. Raises NoCase, CannotSend."""
        _, number_id, contact = await self._found(case_id, who)
        request = SendRequest(
            to=contact.user_id or f"+{contact.wa_id}",
            template=wanted.name,
            language=wanted.language,
            values=wanted.values or {},
            number_id=number_id,
        )
        plan = await self._sends.plan(request)
        body = {"type": "template", "template": plan.body["template"]}
        return {"body": body, "purpose": "marketing" if plan.purpose == "marketing" else "person", "words": plan.text}

    async def attach(
        self, case_id: str, id_: str, name: str, content: AsyncIterator[bytes], who: Agent | None = None
    ) -> Attachment:
        """Store a file for a reply. Raises NoCase, CannotAttach."""
        case, number_id, _ = await self._found(case_id, who)
        return await self._rows.attachments.take(id_, case.conversation_id, number_id, name, content)

    async def file(self, case_id: str, id_: str, text: str | None, who: Agent | None = None) -> dict[str, Any]:
        """The ``more`` of a reply with a file that was attached before. Raises NoCase, CannotAttach."""
        case, _, contact = await self._found(case_id, who)
        return {"body": await self._rows.attachments.body(id_, case.conversation_id, contact, text)}

    async def canned(self, case_id: str | None, agent: str, who: Agent | None = None) -> list[CannedLine]:
        """What the bot's owner wrote for agents: everything, or filled for a case. Raises NoCase."""
        bot = self._rows.bot()
        if case_id is None:
            return offered(bot)
        found = await self.case(case_id, who=who)
        asked = Asked(
            queue=found.case.queue,
            language=found.language,
            slots=found.slots,
            agent=agent,
            customer=found.contact.name or "",
        )
        return offered(bot, asked)

    async def _found(self, id_: str, who: Agent | None = None) -> tuple[Handoff, str, Contact]:
        found = await self._rows.cases.find(id_)
        if found is None:
            near = await self._rows.cases.named(id_ if id_.startswith("h-") else f"h-{id_}") if len(id_) >= 3 else []
            if len(near) == 1:
                found = await self._rows.cases.find(near[0])
        if found is None or not _theirs(found[0], who):
            raise _unknown(id_)
        return found

    async def _done_before(self, conversation_id: str, handed_in: str, by: str | None = None) -> Outcome | None:
        """The same act was handed in before, perhaps to the server before this one. ``by``: by this agent."""
        for _, record in reversed(await self._rows.cases.page(conversation_id, LOOKED_BACK, None)):
            if record.ref == handed_in and record.kind == "in":
                if by is not None and (record.body.get("payload") or {}).get("agent") != by:
                    return None
                said = str(record.body.get("outcome", "done"))
                return Outcome(refusal=None if said == "done" else said)
        return None


def _theirs(case: Handoff, who: Agent | None) -> bool:
    return who is None or who.sees(case.queue, case.agent if case.open else None)


def _unknown(id_: str) -> NoCase:
    """Also of one that is somebody else's: that it exists is none of the caller's business."""
    return NoCase(f"there is no case {id_!r}; wabox handoff list names those that are open")
