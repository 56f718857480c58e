"""Conversations for whoever looks at them: one with all there is to see, or all of them on one board."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from wabox.core import window
from wabox.core.agent import Agent
from wabox.core.consent import Consent
from wabox.core.contact import Contact
from wabox.core.conversation import ConversationSummary, Record, Session
from wabox.core.handoff import Handoff
from wabox.core.media import InboundMedia
from wabox.core.ports import Clock
from wabox.engine.snapshot import Snapshot, decode
from wabox.errors import ConversationError
from wabox.services.cases import CaseLine, line
from wabox.services.handoffs import NoCase
from wabox.services.lines import Line, lines
from wabox.sqlite.store import SqliteStore

MOST: Final = 1000
"""Lines of one answer, conversations of a board."""
TURNS: Final = 60
"""Turns that the path of the picture goes back."""
EARLIER: Final = 20


class Desk(Protocol):
    """Conversations as they are stored: see :class:`wabox.sqlite.desk.SqliteDesk`."""

    async def page(self, conversation_id: str, limit: int, before: int | None) -> Sequence[tuple[int, Record]]: ...

    async def deliveries(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str | None]]: ...

    async def of_conversation(self, conversation_id: str, limit: int) -> Sequence[Handoff]: ...

    async def open_cases(self, limit: int) -> Sequence[Handoff]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is asked of storage."""

    desk: Desk
    session: Callable[[str], Awaitable[Session]]
    media: Callable[[str], Awaitable[Sequence[InboundMedia]]]
    conversations: Callable[[int], Awaitable[Sequence[ConversationSummary]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A chart that the conversation is in: the active one, or one that a detour suspended."""

    chart: str
    """Its reference: ``shop@ab12…``; its picture is at ``/api/v1/charts/…``."""
    flow: str
    states: Sequence[str]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """One turn, for the path."""

    at: int
    flow: str | None
    events: Sequence[str]
    states: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A conversation, with the newest of what was said. Times are ms since the epoch."""

    conversation_id: str
    number_id: str
    contact: Contact
    now: int
    updated_at: int
    language: str | None
    holder: str
    """``bot``, ``queue``, ``agent`` or ``phone``: somebody answers from the business's own phone."""
    closes_at: int | None
    """When the service window closes: then only a template leaves. None: it was never open."""
    quiet_until: int
    """Until then the bot leaves it to whoever answers from the phone."""
    consent: Consent
    places: Sequence[Place]
    """Outermost first; the last one is active. Empty: at rest."""
    path: Sequence[Went]
    """Oldest first."""
    case: CaseLine | None
    """The open one."""
    earlier: Sequence[CaseLine]
    lines: Sequence[Line]
    first: int | None
    """The key to ask for what was said before; None: this is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A conversation on the board."""

    conversation_id: str
    customer: str
    updated_at: int
    flow: str | None
    states: Sequence[str]
    detours: int
    """Suspended charts below."""
    language: str | None
    case: CaseLine | None


class Dossiers:
    def __init__(self, stored: Stored, clock: Clock) -> None:
        self._stored = stored
        self._clock = clock

    async def one(
        self, conversation_id: str, most: int, before: int | None = None, who: Agent | None = None
    ) -> Dossier:
        """Raises NoCase when nobody knows the conversation, or it is not for ``who`` to see."""
        stored, most = self._stored, max(1, min(most, MOST))
        session = await stored.session(conversation_id)
        cases = await stored.desk.of_conversation(conversation_id, EARLIER)
        if session.contact is None or session.number_id is None or not _sees(who, session.case, cases):
            raise NoCase(f"there is no conversation {conversation_id!r}")
        now = self._clock()
        page = await stored.desk.page(conversation_id, most, before)
        out = [record.ref for _, record in page if record.kind == "out" and record.ref]
        deliveries = await stored.desk.deliveries(out) if out else {}
        media = {one.message_id: one for one in await stored.media(conversation_id)} if _has_media(page) else {}
        snapshot = _snapshot(session.snapshot)
        return Dossier(
            conversation_id=conversation_id,
            number_id=session.number_id,
            contact=session.contact,
            now=now,
            updated_at=session.updated_at,
            language=snapshot.language if snapshot else None,
            holder=_holder(session, now),
            closes_at=window.closes(session.opened_at),
            quiet_until=session.quiet_until if session.quiet_until > now else 0,
            consent=session.consent,
            places=[
                Place(
                    chart=frame.chart, flow=_flow(frame.chart), states=list(frame.leaves), context=dict(frame.context)
                )
                for frame in (snapshot.frames if snapshot else ())
            ],
            path=[went for _, record in page if (went := _went(record)) is not None][-TURNS:],
            case=line(session.case, session.contact, now) if session.case else None,
            earlier=[line(case, session.contact, now) for case in cases if not case.open],
            lines=lines(page, deliveries, media),
            first=page[0][0] if len(page) == most else None,
        )

    async def theirs(self, conversation_id: str, who: Agent) -> bool:
        """Whether what was said in it is for them to see."""
        if not who.restricted:
            return True
        cases = await self._stored.desk.of_conversation(conversation_id, EARLIER)
        return _sees(who, next((case for case in cases if case.open), None), cases)

    async def board(self, most: int, who: Agent | None = None) -> list[Spot]:
        """The most recently active first; for who answers some queues only, those that have an open case of theirs."""
        stored, now = self._stored, self._clock()
        cases = {case.conversation_id: case for case in await stored.desk.open_cases(MOST)}
        most = max(1, min(most, MOST))
        if who is None or not who.restricted:
            found = await stored.conversations(most)
        else:
            found = [
                one
                for one in await stored.conversations(MOST)
                if (case := cases.get(one.conversation_id)) is not None and _sees(who, case, ())
            ]
        return [_spot(summary, cases.get(summary.conversation_id), now) for summary in found[:most]]


def dossiers_of(store: SqliteStore, clock: Clock) -> Dossiers:
    stored = Stored(
        desk=store.desk, session=store.open, media=store.media.of_conversation, conversations=store.conversations
    )
    return Dossiers(stored, clock)


def _sees(who: Agent | None, case: Handoff | None, cases: Sequence[Handoff]) -> bool:
    """``case``: the open one. Without one, whoever answered it before may read on."""
    if who is None or not who.restricted:
        return True
    return who.sees(case.queue, case.agent) if case else any(who.sees(one.queue, one.agent) for one in cases)


def _spot(summary: ConversationSummary, case: Handoff | None, now: int) -> Spot:
    snapshot, contact = _snapshot(summary.snapshot), summary.contact
    phone = f"+{contact.wa_id}" if contact.wa_id else contact.key
    return Spot(
        conversation_id=summary.conversation_id,
        customer=contact.name or contact.username or phone,
        updated_at=summary.updated_at,
        flow=_flow(snapshot.chart) if snapshot else None,
        states=list(snapshot.leaves) if snapshot else [],
        detours=len(snapshot.stack) if snapshot else 0,
        language=snapshot.language if snapshot else None,
        case=line(case, contact, now) if case else None,
    )


def _snapshot(raw: bytes | None) -> Snapshot | None:
    """None also for one that cannot be read: whoever handles the next message says so."""
    if raw is None:
        return None
    try:
        return decode(raw)
    except ConversationError:
        return None


def _flow(ref: str) -> str:
    return ref.partition("@")[0]


def _holder(session: Session, now: int) -> str:
    if session.quiet_until > now:
        return "phone"
    if session.case is None:
        return "bot"
    return "agent" if session.case.status == "claimed" else "queue"


def _has_media(page: Sequence[tuple[int, Record]]) -> bool:
    return any(record.kind == "in" and "mime_type" in (record.body.get("payload") or ()) for _, record in page)


def _went(record: Record) -> Went | None:
    states = record.body.get("states") if record.kind == "in" else None
    if not states:
        return None
    flow, events = record.body.get("flow"), record.body.get("events") or ()
    return Went(at=record.at, flow=flow, events=[str(one) for one in events], states=[str(one) for one in states])
