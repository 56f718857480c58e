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
from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage, StatusUpdate, later
from wabox.sqlite import stray_statuses, transcript

log = structlog.get_logger(__name__)

KEPT = 35 * 86_400_000
STEP = 500
PENDING = frozenset({DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN})

_encode = msgspec.json.Encoder().encode
_COLUMNS = "key, id, conversation, status, pending, wamid, pricing IS NOT NULL"


@dataclass(frozen=True, slots=True)
class _Row:
    key: int
    id: str
    conversation: int
    status: DeliveryStatus
    pending: bool
    wamid: str | None
    priced: bool


def add(connection: sqlite3.Connection, conversation: int, messages: Sequence[OutboundMessage]) -> None:
    """In order. One that is there already stays as it is."""
    for message in messages:
        # A unit may bring its first message as `sending`: that is its first attempt.
        attempts = max(message.attempts, 1) if message.status is DeliveryStatus.SENDING else message.attempts
        connection.execute(
            "INSERT INTO outbox"
            " (id, conversation, number_id, body, policy, status, pending, attempts, created_at, attempted_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
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
            ),
        )


def mark(connection: sqlite3.Connection, attempt: Attempt) -> None:
    """Write what the sender learnt."""
    row = _find(connection, "id", attempt.outbound_id)
    if row is None:
        log.warning("outbox.unknown_id", outbound=attempt.outbound_id, status=attempt.status.value)
        return
    if attempt.status in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING):
        # Not `later`: a retry goes back on purpose. But what is settled stays settled.
        if row.pending:
            sending = attempt.status is DeliveryStatus.SENDING
            connection.execute(
                "UPDATE outbox SET status = ?, attempts = attempts + ?, attempted_at = coalesce(?, attempted_at),"
                " reason = coalesce(?, reason) WHERE key = ?",
                (attempt.status.value, sending, attempt.at if sending else None, attempt.reason, row.key),
            )
        return
    new = later(row.status, attempt.status)
    _settle(connection, row, new, wamid=attempt.wamid, reason=attempt.reason)
    if new is DeliveryStatus.FAILED and new is not row.status:
        body = {"status": new.value, "reason": attempt.reason}
        transcript.add(connection, row.conversation, [Record(at=attempt.at, kind="status", ref=row.id, body=body)])
    if attempt.wamid is not None:
        stray = stray_statuses.take(connection, attempt.wamid)
        if stray is not None:
            fold(connection, stray, attempt.at)


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
    reason = _reason(status.errors) if failed else None
    # Meta charges for delivery; the price of a mere `sent` is not worth a write.
    priced = status.pricing is not None and not row.priced and status.status is not DeliveryStatus.SENT
    _settle(connection, row, new, wamid=status.wamid, reason=reason, pricing=status.pricing if priced else None)
    if failed and new is not row.status:
        body = {"status": status.status.value, "wamid": status.wamid, "reason": reason, "errors": status.errors}
        transcript.add(
            connection, row.conversation, [Record(at=status.timestamp, kind="status", ref=row.id, body=body)]
        )


def load(connection: sqlite3.Connection, conversation_id: str, limit: int) -> list[OutboundMessage]:
    """What still has to leave, oldest first."""
    rows = connection.execute(
        "SELECT id, number_id, body, policy, status, attempts, created_at, attempted_at FROM outbox"
        " WHERE conversation = (SELECT key FROM conversations WHERE id = ?) AND pending = 1 ORDER BY key LIMIT ?",
        (conversation_id, limit),
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
        )
        for id_, number_id, body, policy, status, attempts, created_at, attempted_at in rows
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


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Delete some settled messages that are past their keep; where to go on, None at the end.

    What never left stays, however old.
    """
    rows = connection.execute(
        "SELECT key, pending, created_at FROM outbox WHERE key > ? ORDER BY key LIMIT ?", (after, STEP)
    ).fetchall()
    # Rows are in order of time.
    old = [(key, pending) for key, pending, created_at in rows if created_at < now - KEPT]
    connection.executemany("DELETE FROM outbox WHERE key = ?", [(key,) for key, pending in old if not pending])
    return old[-1][0] if len(old) == STEP else None


def count_pending(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM outbox WHERE pending = 1").fetchone()[0])


def _find(connection: sqlite3.Connection, column: str, value: str) -> _Row | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM outbox WHERE {column} = ?", (value,)).fetchone()  # noqa: S608 - ours
    if row is None:
        return None
    key, id_, conversation, status, pending, wamid, priced = row
    return _Row(key, id_, conversation, DeliveryStatus(status), bool(pending), wamid, bool(priced))


def _settle(
    connection: sqlite3.Connection,
    row: _Row,
    new: DeliveryStatus,
    *,
    wamid: str | None,
    reason: str | None,
    pricing: Mapping[str, Any] | None = None,
) -> None:
    changes: dict[str, Any] = {}
    if new is not row.status:
        changes["status"] = new.value
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
