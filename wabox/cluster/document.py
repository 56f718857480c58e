"""A conversation as one document, and what a unit of work, the sender and a delivery status make of it. Pure.

Redis stores what comes out, in one script, fenced by the document's version; nothing here knows that. There is one writer, the
owner of the conversation's lane, and a second who may come in between (a status) makes the first one read again.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wabox.core.changed import changed
from wabox.core.consent import NEVER_ASKED
from wabox.core.conversation import Session, Timer, UnitOfWork, after
from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage, StatusUpdate, later, words
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation, Outcome
from wabox.core.message import InboundMessage

PENDING = frozenset({DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN})
COMPRESSED, LARGE = 256, 16_384
"""Bytes from which on it is worth it, 5 µs for 0.7 KB; and from which on with all that zlib can take."""
WINDOW, MEMORY = 12, 5
"""4 KB and 20 KB. zlib takes 260 KB by itself, and clearing that for each document took ten times as long as the rest."""
DAY = 86_400_000
KEPT = 8 * DAY
"""ms after its last write that a conversation is forgotten in Redis: as long as ids of messages are known, and a day longer
than one that was archived can be taken up. It decides how much memory is needed. The records have it as long as they are told
to."""
LASTING = 3650 * DAY
"""The same of one that must not be forgotten: somebody said stop, or a case is open."""
DESK = "desk:"
"""Timers of a case, which outlive the conversation with the bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a conversation still has to do."""

    outbox: tuple[OutboundMessage, ...] = ()
    """What has to leave, in order."""
    timers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By name: due at (ms since the epoch), and the sequence number that armed it."""
    calls: tuple[Invocation, ...] = ()
    untold: tuple[OutboundMessage, ...] = ()
    """Failed, and the flow does not know yet."""

    @property
    def unsent(self) -> int | None:
        """When the first message may leave, ms since the epoch, 0: now; None: there is none."""
        due = [row.due_at or 0 for row in self.outbox]
        due += [0] * bool(self.untold)
        return min(due, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    session: Session
    work: Work = Work()
    version: int = 0
    """Of the document: rises with every write, the session's sequence only with units of work."""
    forgotten: int = 0
    """When the customer was forgotten, if that is not long ago, ms since the epoch: what was written before does not count."""

    @property
    def erased(self) -> bool:
        """Since then nothing was written."""
        return self.forgotten > 0 and self.version == self.forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What became of a message, for the records."""

    id: str
    status: DeliveryStatus
    at: int
    wamid: str | None = None
    reason: str | None = None
    code: int | None = None
    attempts: int = 0


_session_encoder = msgspec.msgpack.Encoder()
_sessions = msgspec.msgpack.Decoder(Session)
_works = msgspec.msgpack.Decoder(Work)


def pack(value: Any) -> bytes:
    """For Redis: one byte that says how, then msgpack."""
    raw = _session_encoder.encode(value)
    if len(raw) < COMPRESSED:
        return b"m" + raw
    if len(raw) >= LARGE:
        return b"z" + zlib.compress(raw, 3)
    packing = zlib.compressobj(3, zlib.DEFLATED, WINDOW, MEMORY)
    return b"z" + packing.compress(raw) + packing.flush()


def unpack(stored: bytes) -> bytes:
    """The msgpack. Raises ValueError for what :func:`pack` did not write."""
    match stored[:1]:
        case b"z":
            return zlib.decompress(stored[1:])
        case b"m":
            return stored[1:]
    raise ValueError(f"not written by this wabox: it begins with {stored[:1]!r}")


def read(
    conversation_id: str,
    version: bytes | None,
    session: bytes | None,
    work: bytes | None,
    forgotten: bytes | None = None,
) -> Document:
    """As Redis has it; empty when it has nothing."""
    return Document(
        # One that was erased begins above every version that it had, so that no write of before counts.
        version=int(version or forgotten or 0),
        forgotten=int(forgotten or 0),
        session=Session(conversation_id=conversation_id) if session is None else _sessions.decode(unpack(session)),
        work=Work() if work is None else _works.decode(unpack(work)),
    )


def committed(document: Document, unit: UnitOfWork) -> tuple[Document, list[Mark]]:
    """The document after the unit, and what it did to messages that were said before."""
    work = document.work
    marks: list[Mark] = []
    outbox = list(work.outbox)
    if unit.withdraw is not None:
        outbox, marks = _withdrawn(outbox, unit.withdraw, unit.at)
    untold = list(work.untold)
    have = {row.id for row in outbox}
    for send in unit.sends:
        if send.status is DeliveryStatus.SENDING:
            # Whoever wrote the unit knew of nothing that waits. If something does, that goes first.
            first = not outbox
            send = (
                changed(send, attempts=max(send.attempts, 1)) if first else changed(send, status=DeliveryStatus.QUEUED)
            )
        if send.status in PENDING and send.id not in have:
            outbox.append(send)
        elif send.status is DeliveryStatus.FAILED and send.tells:
            untold.append(send)
    timers, calls = _timers(work, unit), _calls(work, unit)
    told = {id_.removeprefix("failed:") for id_ in unit.handled}
    untold = [row for row in untold if row.id not in told]
    new = Work(outbox=tuple(outbox), timers=timers, calls=calls, untold=tuple(untold))
    return changed(document, session=after(unit), work=new, version=document.version + 1), marks


def _withdrawn(outbox: Sequence[OutboundMessage], reason: str, at: int) -> tuple[list[OutboundMessage], list[Mark]]:
    """A person took over: what the bot said does not leave, what is in doubt is not repeated (promise P7)."""
    left: list[OutboundMessage] = []
    marks: list[Mark] = []
    for row in outbox:
        if row.status is not DeliveryStatus.QUEUED:
            left.append(changed(row, policy="once"))
        elif row.purpose == "marketing" or (row.purpose == "service" and row.body.get("type") != "template"):
            marks.append(Mark(id=row.id, status=DeliveryStatus.FAILED, at=at, reason=reason, attempts=row.attempts))
        else:
            left.append(row)
    return left, marks


def _timers(work: Work, unit: UnitOfWork) -> dict[str, tuple[int, int]]:
    timers = dict(work.timers)
    for name, (due_at, armed) in work.timers.items():
        if timer_id(unit.conversation_id, name, armed, due_at) in unit.handled:
            del timers[name]
    timers.update({timer.name: (timer.due_at, timer.armed) for timer in unit.arm})
    for name in unit.disarm:
        timers.pop(name, None)
    if unit.snapshot is None:
        timers = {name: timer for name, timer in timers.items() if name.startswith(DESK)}
    return timers


def _calls(work: Work, unit: UnitOfWork) -> tuple[Invocation, ...]:
    over = {id_.removeprefix("call:") for id_ in unit.handled}
    kept = [call for call in work.calls if call.id not in over and (call.chart, call.name) not in unit.revoke]
    if unit.snapshot is None:
        kept = []
    have = {call.id for call in kept}
    return (*kept, *(call for call in unit.invoke if call.id not in have))


def settled(document: Document, attempts: Iterable[Attempt]) -> tuple[Document, list[Mark], set[str]]:
    """The document with what the sender learnt; what became of the messages; which must not be sent (again)."""
    rows = {row.id: row for row in document.work.outbox}
    untold = list(document.work.untold)
    marks: list[Mark] = []
    late: set[str] = set()
    for attempt in attempts:
        row = rows.get(attempt.outbound_id)
        if row is None:
            late.add(attempt.outbound_id)
            if attempt.wamid is not None:  # a status overtook the answer to its own POST; the id is worth keeping
                marks.append(_mark(attempt, None))
            continue
        if attempt.status is DeliveryStatus.QUEUED or attempt.status is DeliveryStatus.SENDING:
            rows[row.id] = _tried(row, attempt)
            continue
        status = later(row.status, attempt.status)
        marks.append(changed(_mark(attempt, row), status=status))
        if status in PENDING:
            rows[row.id] = changed(row, status=status, reason=attempt.reason or row.reason)
            continue
        del rows[row.id]
        if status is DeliveryStatus.FAILED and row.tells:
            untold.append(changed(row, status=status, reason=attempt.reason, code=attempt.code))
    work = changed(document.work, outbox=tuple(rows.values()), untold=tuple(untold))
    return changed(document, work=work, version=document.version + 1), marks, late


def _tried(row: OutboundMessage, attempt: Attempt) -> OutboundMessage:
    sending = attempt.status is DeliveryStatus.SENDING
    row = changed(
        row,
        status=attempt.status,
        attempts=row.attempts + sending,
        attempted_at=attempt.at if sending else row.attempted_at,
        reason=attempt.reason or row.reason,
        code=attempt.code,
        due_at=attempt.due_at,
    )
    return row if attempt.body is None else changed(row, body=attempt.body, otherwise=None, closes_at=None)


def _mark(attempt: Attempt, row: OutboundMessage | None) -> Mark:
    return Mark(
        id=attempt.outbound_id,
        status=attempt.status,
        at=attempt.at,
        wamid=attempt.wamid,
        reason=attempt.reason,
        code=attempt.code,
        attempts=row.attempts if row is not None else 0,
    )


def dropped(document: Document, outbound_id: str, at: int, reason: str) -> tuple[Document, list[Mark]]:
    """The document without a message that somebody took out; the flow is not told."""
    row = next((row for row in document.work.outbox if row.id == outbound_id), None)
    if row is None:
        return document, []
    outbox = tuple(other for other in document.work.outbox if other is not row)
    new = changed(document, work=changed(document.work, outbox=outbox), version=document.version + 1)
    return new, [Mark(id=row.id, status=DeliveryStatus.FAILED, at=at, reason=reason, attempts=row.attempts)]


def kept_for(document: Document, now: int) -> int:
    """For how long after a write at ``now`` the conversation is known, ms: longer than anything that it still has to do."""
    session, work = document.session, document.work
    if session.case is not None or session.consent != NEVER_ASKED:
        return LASTING
    due = [due_at for due_at, _ in work.timers.values()]
    due += [row.due_at or 0 for row in work.outbox]
    return max(now, *due, 0) - now + KEPT


def clocked(document: Document, case: Handoff, timer: Timer) -> Document:
    """The document with this clock of a case; the same one, if the case is not as it was, or its clock runs."""
    now, timers = document.session.case, document.work.timers
    if now is None or (now.id, now.status, now.at) != (case.id, case.status, case.at) or timer.name in timers:
        return document
    timers = {**timers, timer.name: (timer.due_at, timer.armed)}
    return changed(document, work=changed(document.work, timers=timers), version=document.version + 1)


def put_back(document: Document, message: OutboundMessage) -> Document:
    """The document with a message that Meta took and could not deliver: older than whatever waits."""
    outbox = (message, *(row for row in document.work.outbox if row.id != message.id))
    untold = tuple(row for row in document.work.untold if row.id != message.id)
    work = changed(document.work, outbox=outbox, untold=untold)
    return changed(document, work=work, version=document.version + 1)


def folded(document: Document, status: StatusUpdate, outbound_id: str) -> Document | None:
    """The document once a delivery status has settled one of its messages; None when it is about none that is pending.

    The records keep what the status said; here only the doubt ends, and what failed is told to the flow.
    """
    row = next((row for row in document.work.outbox if row.id == outbound_id), None)
    if row is None or status.status in PENDING:
        return None
    outbox = tuple(other for other in document.work.outbox if other.id != outbound_id)
    untold = document.work.untold
    if status.status is DeliveryStatus.FAILED and row.tells:
        untold = (*untold, changed(row, status=status.status, reason=status.reason, code=status.code))
    work = changed(document.work, outbox=outbox, untold=untold)
    return changed(document, work=work, version=document.version + 1)


def timer_id(conversation_id: str, name: str, armed: int, due_at: int) -> str:
    """Numbers begin anew when a conversation does; the time does not."""
    return f"timer:{conversation_id}:{name}:{armed}:{due_at}"


def ring(session: Session, name: str, timer: tuple[int, int]) -> InboundMessage | None:
    """A timer that came due, as a message; None when nobody knows whose it is."""
    due_at, armed = timer
    if session.contact is None or session.number_id is None:
        return None
    return InboundMessage(
        message_id=timer_id(session.conversation_id, name, armed, due_at),
        number_id=session.number_id,
        conversation_id=session.conversation_id,
        timestamp=due_at,
        channel="timer",
        type="timer",
        payload={"name": name, "armed": armed, "due_at": due_at},
        contact=session.contact,
    )


def failure(session: Session, row: OutboundMessage, now: int) -> InboundMessage | None:
    """A message that failed, as an event of its conversation."""
    if session.contact is None:
        return None
    return InboundMessage(
        message_id=f"failed:{row.id}",
        number_id=row.number_id,
        conversation_id=row.conversation_id,
        timestamp=now,
        channel="delivery",
        type="delivery.failed",
        payload={"id": row.id, "code": row.code, "reason": row.reason, "text": words(row.body)},
        contact=session.contact,
    )


def answered(document: Document, invocation: Invocation, outcome: Outcome, at: int) -> InboundMessage | None:
    """What a call came to, for the conversation; None when nobody waits for it any more."""
    session = document.session
    waits = any(call.id == invocation.id for call in document.work.calls)
    if not waits or session.contact is None or session.number_id is None:
        return None
    return InboundMessage(
        message_id=f"call:{invocation.id}",
        number_id=session.number_id,
        conversation_id=invocation.conversation_id,
        timestamp=at,
        channel="action",
        type=("done.invoke." if outcome.error is None else "error.invoke.") + invocation.name,
        payload={
            "chart": invocation.chart,
            "id": invocation.name,
            "armed": invocation.armed,
            "data": dict(outcome.data),
        },
        contact=session.contact,
    )


def rearmed(old: Work, new: Work) -> list[tuple[str, int | None]]:
    """What changes in the index of timers: name and when it comes due, None: no more."""
    changed: list[tuple[str, int | None]] = [(name, None) for name in old.timers if name not in new.timers]
    changed += [
        (name, due_at) for name, (due_at, _) in new.timers.items() if old.timers.get(name, (None,))[0] != due_at
    ]
    return changed


def grave(conversation_id: str) -> str:
    """What is kept of one that was erased is kept under this name, for as long as messages of before may come: it does not say
    whose it was."""
    return "x:" + hashlib.blake2b(conversation_id.encode(), digest_size=16).hexdigest()


def digest(message_id: str, number_id: str) -> bytes:
    """Of an id that is unique for each number: 10 bytes, so that two of 10⁹ are the same with a chance of 10⁻⁶."""
    return hashlib.blake2b(f"{number_id}\0{message_id}".encode(), digest_size=10).digest()
