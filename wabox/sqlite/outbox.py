"""Messages to send, and what became of them (promise P5).

Two hands write here: the sender with what it learnt (:func:`mark`), and delivery statuses (:func:`fold`), in any order. Both
agree through :func:`wabox.core.delivery.later`. A row stays for 35 days, because statuses come for 30; only the partial index
tells what still has to leave, and the columns it is made of are named in an UPDATE only when they change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from wabox.core.conversation import Record
from wabox.core.delivery import EVIDENCE, Attempt, DeliveryStatus, OutboundMessage, StatusUpdate, later
from wabox.sqlite import consents, meter, stray_statuses, transcript

log = structlog.get_logger(__name__)

STEP = 500
PENDING = frozenset({DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN})

NEVER, IF_FAILED, NOW = 0, 1, 2
"""Whether the flow is told of a failure (the column ``tell``)."""

_encode = msgspec.json.Encoder().encode
_COLUMNS = (
    "key, id, conversation, status, pending, wamid, pricing IS NOT NULL, attempts, tell, otherwise IS NOT NULL, due_at,"
    " recalled"
)


_SENT = (
    "UPDATE outbox SET status = 'sent', pending = 0, reason = NULL, wamid = ?"
    " WHERE id = ? AND status = 'sending' AND pending = 1 AND wamid IS NULL"
)


@dataclass(frozen=True, slots=True)
class _Row:
    key: int
    id: str
    conversation: int
    status: DeliveryStatus
    pending: bool
    wamid: str | None
    priced: bool
    attempts: int
    tell: int
    has_other: bool
    """There is a template to send instead."""
    due_at: int | None
    recalled: str | None


def add(connection: sqlite3.Connection, conversation: int, messages: Sequence[OutboundMessage]) -> None:
    """In order. One that is there already stays as it is."""
    for message in messages:
        # A unit may bring its first message as `sending`: that is its first attempt.
        attempts = max(message.attempts, 1) if message.status is DeliveryStatus.SENDING else message.attempts
        connection.execute(
            "INSERT INTO outbox"
            " (id, conversation, number_id, body, policy, status, pending, attempts, created_at, attempted_at,"
            " otherwise, closes_at, due_at, code, reason, tell, source, purpose, recipient)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            (
                message.id,
                conversation,
                message.number_id,
                _encode(message.body),
                message.policy,
                message.status.value,
                message.status in PENDING,
                attempts,
                message.created_at,
                message.attempted_at,
                None if message.otherwise is None else _encode(message.otherwise),
                message.closes_at,
                message.due_at,
                message.code,
                message.reason,
                _tell(message),
                message.source,
                message.purpose,
                message.recipient,
            ),
        )


def _tell(message: OutboundMessage) -> int:
    if not message.tells:
        return NEVER
    return NOW if message.status is DeliveryStatus.FAILED else IF_FAILED


def mark_sent(connection: sqlite3.Connection, attempt: Attempt) -> bool:
    """The usual end, in one statement; False when there is more to it, and :func:`mark` must look."""
    if attempt.status is not DeliveryStatus.SENT or attempt.wamid is None:
        return False
    return connection.execute(_SENT, (attempt.wamid, attempt.outbound_id)).rowcount == 1


def mark(connection: sqlite3.Connection, attempt: Attempt) -> bool:
    """Write what the sender learnt. False when it may not go on: the message was settled meanwhile."""
    row = _find(connection, "id", attempt.outbound_id)
    if row is None:
        log.warning("outbox.unknown_id", outbound=attempt.outbound_id, status=attempt.status.value)
        return False
    if attempt.status in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING) and row.recalled is not None and row.pending:
        # It did not leave before the customer said stop, and must not leave after it.
        _settle(connection, row, DeliveryStatus.FAILED, wamid=None, reason=row.recalled)
        told = {"status": DeliveryStatus.FAILED.value, "reason": row.recalled}
        transcript.add(connection, row.conversation, [Record(at=attempt.at, kind="status", ref=row.id, body=told)])
        return False
    if attempt.status in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING):
        # Not `later`: a retry goes back on purpose. But what is settled stays settled.
        if row.pending:
            sending = attempt.status is DeliveryStatus.SENDING
            connection.execute(
                "UPDATE outbox SET status = ?, attempts = attempts + ?, attempted_at = coalesce(?, attempted_at),"
                " reason = coalesce(?, reason), code = ?, due_at = ? WHERE key = ?",
                (
                    attempt.status.value,
                    sending,
                    attempt.at if sending else None,
                    attempt.reason,
                    attempt.code,
                    attempt.due_at,
                    row.key,
                ),
            )
            if attempt.body is not None:
                _replace(connection, row, _encode(attempt.body), attempt.at)
        return row.pending
    if row.status is DeliveryStatus.QUEUED and row.due_at is not None and attempt.status is not DeliveryStatus.FAILED:
        # It was put back by a status that overtook the answer to its own POST: the answer is about what is past.
        return True
    new = later(row.status, attempt.status)
    _settle(connection, row, new, wamid=attempt.wamid, reason=attempt.reason, code=attempt.code)
    if new is DeliveryStatus.FAILED and new is not row.status:
        body = {"status": new.value, "reason": attempt.reason}
        transcript.add(connection, row.conversation, [Record(at=attempt.at, kind="status", ref=row.id, body=body)])
    if attempt.wamid is not None:
        claim(connection, [attempt])
    return True


def claim(connection: sqlite3.Connection, attempts: Sequence[Attempt]) -> None:
    """Statuses that overtook the answers that these attempts got are theirs."""
    at = {attempt.wamid: attempt.at for attempt in attempts if attempt.wamid is not None}
    for wamid in stray_statuses.find(connection, at):
        stray = stray_statuses.take(connection, wamid)
        if stray is not None:
            fold(connection, stray, at[wamid])


def fold(connection: sqlite3.Connection, status: StatusUpdate, now: int) -> None:
    """Write what a delivery status says."""
    row = _find(connection, "id", status.outbound_id) if status.outbound_id is not None else None
    row = row or _find(connection, "wamid", status.wamid)
    if row is None:
        stray_statuses.add(connection, status, now)
        return
    failed = status.status is DeliveryStatus.FAILED
    if failed and row.wamid is not None and row.wamid != status.wamid:
        # A message of unknown outcome was repeated, and now the first attempt turns out to have failed. The second counts.
        return
    new = later(row.status, status.status)
    reason = status.reason or _reason(status.errors) if failed else None
    if new is DeliveryStatus.FAILED and new is not row.status and _once_more(connection, row, status, reason, now):
        return
    # Meta charges for delivery; the price of a mere `sent` is not worth a write.
    priced = status.pricing is not None and not row.priced and status.status is not DeliveryStatus.SENT
    _settle(
        connection,
        row,
        new,
        wamid=status.wamid,
        reason=reason,
        code=status.code if failed else None,
        pricing=status.pricing if priced else None,
    )
    if priced and status.pricing is not None and status.status in EVIDENCE:
        said = connection.execute("SELECT number_id, source, body FROM outbox WHERE key = ?", (row.key,)).fetchone()
        number_id, source, request = said
        meter.add(connection, status.timestamp, number_id, status.pricing, source, _template(request))
    if failed and new is not row.status:
        body = {"status": status.status.value, "wamid": status.wamid, "reason": reason, "errors": status.errors}
        transcript.add(
            connection, row.conversation, [Record(at=status.timestamp, kind="status", ref=row.id, body=body)]
        )


def _template(request: bytes) -> str:
    body = msgspec.json.decode(request)
    return str(body["template"]["name"]) if body.get("type") == "template" else ""


def _once_more(connection: sqlite3.Connection, row: _Row, status: StatusUpdate, reason: str | None, now: int) -> bool:
    """Put it back when Meta took it, did not deliver it, and another try is worth it and allowed."""
    if consents.refused(connection, row.key) is not None:
        return False
    if status.closed and row.has_other:
        found = connection.execute("SELECT otherwise FROM outbox WHERE key = ?", (row.key,)).fetchone()
        _replace(connection, row, found[0], now)
        due_at = now
    elif status.again is not None and row.attempts < status.tries:
        due_at = now + round(status.again * 1000)
    else:
        return False
    connection.execute(
        "UPDATE outbox SET status = 'queued', pending = 1, wamid = NULL, reason = ?, code = ?, due_at = ?"
        " WHERE key = ?",
        (reason, status.code, due_at, row.key),
    )
    return True


def _replace(connection: sqlite3.Connection, row: _Row, body: bytes, at: int) -> None:
    """The template leaves instead of what was written."""
    connection.execute("UPDATE outbox SET body = ?, otherwise = NULL, closes_at = NULL WHERE key = ?", (body, row.key))
    told = Record(at=at, kind="out", ref=row.id, body=msgspec.json.decode(body))
    transcript.add(connection, row.conversation, [told])


def load(connection: sqlite3.Connection, conversation_id: str, limit: int, now: int) -> list[OutboundMessage]:
    """What still has to leave and may, oldest first."""
    rows = connection.execute(
        "SELECT id, number_id, body, policy, status, attempts, created_at, attempted_at, otherwise, closes_at, due_at,"
        " tell, reason, code, source, purpose, recipient FROM outbox"
        " WHERE conversation = (SELECT key FROM conversations WHERE id = ?) AND pending = 1"
        " AND (due_at IS NULL OR due_at <= ?) ORDER BY key LIMIT ?",
        (conversation_id, now, limit),
    )
    return [
        OutboundMessage(
            id=id_,
            conversation_id=conversation_id,
            number_id=number_id,
            body=msgspec.json.decode(body),
            created_at=created_at,
            policy=policy,
            attempts=attempts,
            status=DeliveryStatus(status),
            attempted_at=attempted_at,
            otherwise=None if otherwise is None else msgspec.json.decode(otherwise),
            closes_at=closes_at,
            due_at=due_at,
            tells=tell != NEVER,
            reason=reason,
            code=code,
            source=source,
            purpose=purpose,
            recipient=recipient,
        )
        for (
            id_,
            number_id,
            body,
            policy,
            status,
            attempts,
            created_at,
            attempted_at,
            otherwise,
            closes_at,
            due_at,
            tell,
            reason,
            code,
            source,
            purpose,
            recipient,
        ) in rows
    ]


def knows(connection: sqlite3.Connection, wamid: str) -> bool:
    """Whether a message of ours has this id at Meta."""
    return connection.execute("SELECT 1 FROM outbox WHERE wamid = ?", (wamid,)).fetchone() is not None


def list_unsent(connection: sqlite3.Connection) -> list[str]:
    """Conversations with pending messages, the one that waits longest first."""
    rows = connection.execute(
        "SELECT c.id FROM outbox o JOIN conversations c ON c.key = o.conversation WHERE o.pending = 1"
        " GROUP BY o.conversation ORDER BY min(o.key)"
    )
    return [row[0] for row in rows]


def list_due(connection: sqlite3.Connection, now: int) -> list[str]:
    """Conversations with messages that were to wait until now."""
    rows = connection.execute(
        "SELECT DISTINCT c.id FROM outbox o JOIN conversations c ON c.key = o.conversation"
        " WHERE o.pending = 1 AND o.due_at <= ?",
        (now,),
    )
    return [row[0] for row in rows]


def prune(connection: sqlite3.Connection, before: int, after: int) -> int | None:
    """Delete some settled messages that were written before; where to go on, None at the end.

    What never left stays, however old.
    """
    rows = connection.execute(
        "SELECT key, pending, created_at FROM outbox WHERE key > ? ORDER BY key LIMIT ?", (after, STEP)
    ).fetchall()
    # Rows are in order of time.
    old = [(key, pending) for key, pending, created_at in rows if created_at < before]
    connection.executemany("DELETE FROM outbox WHERE key = ?", [(key,) for key, pending in old if not pending])
    return old[-1][0] if len(old) == STEP else None


def count_pending(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM outbox WHERE pending = 1").fetchone()[0])


def _find(connection: sqlite3.Connection, column: str, value: str) -> _Row | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM outbox WHERE {column} = ?", (value,)).fetchone()  # noqa: S608 - ours
    if row is None:
        return None
    key, id_, conversation, status, pending, wamid, priced, attempts, tell, has_other, due_at, recalled = row
    return _Row(
        key,
        id_,
        conversation,
        DeliveryStatus(status),
        bool(pending),
        wamid,
        bool(priced),
        attempts,
        tell,
        bool(has_other),
        due_at,
        recalled,
    )


def _settle(
    connection: sqlite3.Connection,
    row: _Row,
    new: DeliveryStatus,
    *,
    wamid: str | None,
    reason: str | None,
    code: int | None = None,
    pricing: Mapping[str, Any] | None = None,
) -> None:
    changes: dict[str, Any] = {}
    if new is not row.status:
        changes["status"] = new.value
        if new is DeliveryStatus.FAILED:
            changes["code"] = code
            if row.tell == IF_FAILED:
                changes["tell"] = NOW
    if row.pending and new not in PENDING:
        changes["pending"] = 0
        changes["reason"] = None  # of a retry that is past
    if wamid is not None and row.wamid is None:
        changes["wamid"] = wamid
    if reason is not None and new in (DeliveryStatus.FAILED, *PENDING):
        changes["reason"] = reason
    if pricing is not None:
        changes["pricing"] = _encode(pricing)
    if changes:
        assignments = ", ".join(f"{column} = ?" for column in changes)
        connection.execute(f"UPDATE outbox SET {assignments} WHERE key = ?", (*changes.values(), row.key))  # noqa: S608 - ours


def _reason(errors: Sequence[Mapping[str, Any]]) -> str | None:
    """For a person: Meta's code and words."""
    if not errors:
        return None
    error = errors[0]
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, Mapping) else None
    said = details or error.get("message") or error.get("title")
    return " ".join(str(part) for part in (error.get("code"), said) if part is not None) or None
