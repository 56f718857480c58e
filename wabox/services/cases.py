"""A case for the people who work on it: one line of a list, or all there is to know.

Everything comes from what is stored; nothing is asked of anybody. The summary card is put together by rule, so the same case
always reads the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from wabox.core import window
from wabox.core.alert import Alert, shown
from wabox.core.contact import Contact
from wabox.core.conversation import Record, Session
from wabox.core.delivery import outbound_id, words
from wabox.core.handoff import Handoff
from wabox.engine.snapshot import decode
from wabox.errors import ConversationError

AGEING: Final = 10 * 60_000
"""ms of waiting that weigh as much as one step of priority, so that nobody starves."""
INTENTS: Final = 5
PATH: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """A case in a list. Times are ms since the epoch."""

    id: str
    conversation_id: str
    status: str
    queue: str
    priority: int
    urgency: float
    """Priority, plus one for every ten minutes that the customer has waited."""
    reason: str
    customer: str
    opened_at: int
    waiting_ms: int | None
    """How long the customer has waited for an answer; None: the last word is the agent's."""
    agent: str | None
    agent_name: str | None
    closed_at: int | None
    outcome: str | None
    rating: int | None
    offered: str | None
    """Whose it is to take, an agent's id; None: anybody's who may."""
    offered_name: str | None
    offered_ms: int | None
    """For so long still."""
    brief: str | None
    """What a language model made of the conversation when the case was opened. It may be wrong."""
    told: bool | None
    """Whether one who may answer was told of it; None: somebody has it, or had it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One whom wabox told of the case, or tried to."""

    to: str
    what: str
    status: str
    """``waiting``, ``sent``, ``accepted``, ``refused``, ``stale`` (there was no need any more)."""
    at: int
    """Of the outcome; of one that waits, when it is tried next."""
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of the transcript, for people."""

    at: int
    who: str
    """``customer``, ``bot``, ``agent``, ``note``, or ``event``: what happened without words."""
    text: str
    by: str | None = None
    type: str = "text"
    ref: str | None = None
    """The message's id."""
    status: str | None = None
    """Of what we said: why it did not arrive."""
    delivery: str | None = None
    """Of what we said lately: how far it has come (``queued``, ``sent``, ``delivered``, ``read`` …)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the bot made of a message."""

    at: int
    text: str
    intent: str | None
    confidence: float
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    """All about one case."""

    case: CaseLine
    contact: Contact
    holder: str
    """``bot``, ``queue``, ``agent``, or ``phone``: somebody answers on the business's own phone."""
    quiet_until: int | None
    """Until when the bot leaves it to the phone, unless somebody writes there again."""
    summary: Sequence[str]
    flow: str | None
    states: Sequence[str]
    stack: Sequence[str]
    """Suspended flows, outermost first."""
    path: Sequence[str]
    """The states that the conversation came through, the newest last."""
    slots: Mapping[str, Any]
    language: str | None
    heard: Sequence[Heard]
    problems: Sequence[str]
    """Messages that did not arrive, and why."""
    closes_at: int | None
    """When the service window closes: then only a template leaves."""
    transcript: Sequence[Said]
    """The newest lines; ``path``, ``heard`` and ``problems`` are what they tell."""
    first: int | None
    """The key to ask for what was said before; None: this is all."""
    earlier: Sequence[CaseLine]
    alerts: Sequence[AlertLine]


def urgency(case: Handoff, now: int) -> float:
    return case.priority + max(0, now - case.opened_at) / AGEING


def line(case: Handoff, contact: Contact | None, now: int, *, told: bool | None = None) -> CaseLine:
    return CaseLine(
        id=case.id,
        conversation_id=case.conversation_id,
        status=case.status,
        queue=case.queue,
        priority=case.priority,
        urgency=round(urgency(case, now), 2),
        reason=case.reason,
        customer=_name(contact),
        opened_at=case.opened_at,
        waiting_ms=None if case.waiting_since is None else max(0, now - case.waiting_since),
        agent=case.agent,
        agent_name=case.agent_name,
        closed_at=case.closed_at,
        outcome=case.outcome,
        rating=case.rating,
        brief=case.brief,
        offered=case.offered,
        offered_name=case.offered_name,
        offered_ms=None if case.offered_until is None else max(0, case.offered_until - now),
        told=told if case.status == "waiting" else None,
    )


def report(
    case: Handoff,
    contact: Contact,
    session: Session,
    records: Sequence[Record],
    earlier: Sequence[Handoff],
    now: int,
    alerts: Sequence[Alert] = (),
    ticks: Mapping[str, tuple[str, str | None]] | None = None,
    first: int | None = None,
) -> CaseReport:
    """``ticks``: status and reason of our messages; ``first``: the key of the oldest line, when there are older ones."""
    flow, states, stack, slots, language = _stands(session)
    said = transcript(records)
    if ticks:  # only the lines that have one are made anew
        said = [_ticked(one, *tick) if (tick := ticks.get(one.ref or "")) else one for one in said]
    heard = [one for record in records if (one := _heard(record)) is not None]
    problems = [f"{one.text[:60]!r}: {one.status}" for one in said if one.status]
    phone = session.quiet_until > now
    path: list[str] = []
    for record in records:
        here = record.body.get("states") if record.kind == "in" else None
        if here and (not path or path[-1] != "+".join(here)):
            path.append("+".join(map(str, here)))
    brief = line(case, contact, now, told=any(one.status == "accepted" for one in alerts))
    return CaseReport(
        case=brief,
        contact=contact,
        holder="phone" if phone else {"claimed": "agent", "waiting": "queue"}.get(case.status, "bot"),
        quiet_until=session.quiet_until if phone else None,
        summary=_summary(brief, flow, states, slots, heard, problems, len(earlier)),
        flow=flow,
        states=states,
        stack=stack,
        path=path[-PATH:],
        slots=slots,
        language=language,
        heard=heard[-INTENTS:],
        problems=problems,
        closes_at=window.closes(session.opened_at),
        transcript=said,
        first=first,
        earlier=[line(one, contact, now) for one in earlier],
        alerts=[_alert(one) for one in alerts],
    )


def transcript(records: Sequence[Record]) -> list[Said]:
    """What was said, by whom. An agent's words stand once: as the message that left."""
    agents: dict[str, str] = {}
    failed = {
        record.ref: str(record.body.get("reason") or record.body.get("status"))
        for record in records
        if record.kind == "status" and record.body.get("status") == "failed"
    }
    said: list[Said] = []
    for record in records:
        body = record.body
        if record.kind == "out":
            by = agents.get(record.ref or "")
            kind = str(body.get("type", "text"))
            text, status = words(body), failed.get(record.ref)
            who = "agent" if by else "bot"
            said.append(Said(at=record.at, who=who, by=by, text=text, type=kind, ref=record.ref, status=status))
        elif record.kind == "in" and body.get("channel") == "agent":
            payload = body.get("payload") or {}
            by = str(payload.get("by") or payload.get("agent"))
            if body.get("outcome", "done") != "done":
                continue
            agents[outbound_id(record.ref or "", 900)] = by
            if body.get("type") == "note":
                said.append(Said(at=record.at, who="note", by=by, text=str(body.get("text") or ""), ref=record.ref))
            elif body.get("type") not in ("reply", "tell", "unheard", "offer", "brief"):
                where = payload.get("to") or payload.get("queue")
                text = " ".join(filter(None, (str(body.get("type")), where and f"to {where}", body.get("text"))))
                said.append(Said(at=record.at, who="event", by=by, text=text, ref=record.ref))
        elif record.kind == "in" and body.get("channel") in ("whatsapp", "standby", "echo"):
            who = "agent" if body.get("channel") == "echo" else "customer"
            by = "the phone" if who == "agent" else None
            kind = str(body.get("type"))
            text = str(body.get("text") or ("" if kind == "text" else f"[{kind}]"))
            said.append(Said(at=record.at, who=who, by=by, text=text, type=kind, ref=record.ref))
        elif record.kind == "event" and "untold" in body:
            said.append(Said(at=record.at, who="event", text=f"nobody could be told: {body.get('error')}"[:200]))
        elif record.kind == "error":
            said.append(Said(at=record.at, who="event", text=f"the bot failed: {body.get('error')}"[:200]))
    return said


def _ticked(said: Said, status: str, reason: str | None) -> Said:
    # What became of it may stand in a newer line than those that were asked for.
    return replace(said, delivery=status, status=said.status or (reason or status if status == "failed" else None))


def _alert(alert: Alert) -> AlertLine:
    at = alert.settled_at or max(alert.due_at, alert.created_at)
    return AlertLine(to=shown(alert.to), what=alert.what, status=alert.status, at=at, reason=alert.reason)


def _stands(session: Session) -> tuple[str | None, list[str], list[str], dict[str, Any], str | None]:
    if session.snapshot is None:
        return None, [], [], {}, None
    try:
        snapshot = decode(session.snapshot)
    except ConversationError:
        return None, [], [], {}, None
    stack = [f"{frame.chart.partition('@')[0]}: {', '.join(frame.leaves)}" for frame in snapshot.stack]
    slots: dict[str, Any] = {}
    for frame in snapshot.frames:
        slots.update(frame.context)
    return snapshot.chart.partition("@")[0], list(snapshot.leaves), stack, slots, snapshot.language


def _heard(record: Record) -> Heard | None:
    found = record.body.get("understood") if record.kind == "in" else None
    if not found:
        return None
    tier, intent, confidence, _ = found
    return Heard(at=record.at, text=str(record.body.get("text") or ""), intent=intent, confidence=confidence, tier=tier)


def _summary(
    case: CaseLine,
    flow: str | None,
    states: Sequence[str],
    slots: Mapping[str, Any],
    heard: Sequence[Heard],
    problems: Sequence[str],
    earlier: int,
) -> list[str]:
    """Who, why, where, what is known, what went wrong: a line each."""
    found = [f"{case.customer}: {case.reason or 'asked for a person'}"]
    if flow:
        found.append(f"The bot stands in {flow}, {', '.join(states)}.")
    known = [
        f"{name}: {value}" for name, value in slots.items() if isinstance(value, str | int | float) and value != ""
    ]
    if known:
        found.append("Known: " + "; ".join(known)[:300])
    last = next((one for one in reversed(heard) if one.text), None)
    if last is not None:
        sure = f"{last.intent}, {round(last.confidence * 100)} %" if last.intent else "not understood"
        found.append(f"Last words to the bot: “{last.text[:120]}” ({sure}).")
    if problems:
        found.append(f"{len(problems)} of our messages did not arrive.")
    if earlier:
        found.append(f"{earlier} earlier case{'s' if earlier > 1 else ''}.")
    return found


def _name(contact: Contact | None) -> str:
    if contact is None:
        return "?"
    return contact.name or contact.username or (f"+{contact.wa_id}" if contact.wa_id else contact.key)
