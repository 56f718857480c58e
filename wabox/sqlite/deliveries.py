"""The outbox as people look at it, and the two things that they may do to a message: send it again, take it out."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from wabox.core.conversation import Record
from wabox.core.delivery import Delivery, DeliveryStatus
from wabox.sqlite import consents, transcript

DROPPED = "taken out by hand"
_QUERY = (
    "SELECT o.id, c.id, o.number_id, o.status, o.attempts, o.created_at, o.attempted_at, o.due_at, o.code, o.reason,"
    " o.wamid, o.policy, o.body FROM outbox o JOIN conversations c ON c.key = o.conversation"
)


def list_(connection: sqlite3.Connection, limit: int, *, failed: bool = False) -> list[Delivery]:
    """What still has to leave, the oldest first; or what failed, the newest first."""
    if failed:
        where = " WHERE o.status = 'failed' ORDER BY o.key DESC LIMIT ?"
    else:
        where = " WHERE o.pending = 1 ORDER BY o.key LIMIT ?"
    return [_delivery(row) for row in connection.execute(_QUERY + where, (limit,))]


def load(connection: sqlite3.Connection, id_: str) -> Delivery | None:
    row = connection.execute(f"{_QUERY} WHERE o.id = ?", (id_,)).fetchone()
    return None if row is None else _delivery(row)


def retry(connection: sqlite3.Connection, id_: str, now: int) -> Delivery | None:
    """Due now, whether it waits or has failed; as it is afterwards. What has left or may have stays as it is, and so does
    what the customer has asked us not to send: its reason says so."""
    waits = connection.execute(
        "SELECT key FROM outbox WHERE id = ? AND status IN ('queued', 'failed')", (id_,)
    ).fetchone()
    refused = None if waits is None else consents.refused(connection, waits[0])
    if refused is not None:
        connection.execute("UPDATE outbox SET reason = ? WHERE key = ?", (refused, waits[0]))
        return load(connection, id_)
    connection.execute(
        "UPDATE outbox SET status = 'queued', pending = 1, due_at = ?, attempts = 0, wamid = NULL, code = NULL,"
        " tell = min(tell, 1), recalled = NULL"
        " WHERE id = ? AND status IN ('queued', 'failed')",
        (now, id_),
    )
    return load(connection, id_)


def drop(connection: sqlite3.Connection, id_: str, now: int) -> Delivery | None:
    """Not to be sent; as it is afterwards. The flow is not told: whoever does this knows."""
    row = connection.execute("SELECT key, conversation FROM outbox WHERE id = ? AND pending = 1", (id_,)).fetchone()
    if row is not None:
        connection.execute(
            "UPDATE outbox SET status = 'failed', pending = 0, due_at = NULL, reason = ?, tell = 0 WHERE key = ?",
            (DROPPED, row[0]),
        )
        body = {"status": DeliveryStatus.FAILED.value, "reason": DROPPED}
        transcript.add(connection, row[1], [Record(at=now, kind="status", ref=id_, body=body)])
    return load(connection, id_)


def _delivery(row: tuple[Any, ...]) -> Delivery:
    (
        id_,
        conversation,
        number,
        status,
        attempts,
        created_at,
        attempted_at,
        due_at,
        code,
        reason,
        wamid,
        policy,
        body,
    ) = row
    return msgspec.convert(
        {
            "id": id_,
            "conversation_id": conversation,
            "number_id": number,
            "status": status,
            "attempts": attempts,
            "created_at": created_at,
            "attempted_at": attempted_at,
            "due_at": due_at,
            "code": code,
            "reason": reason,
            "wamid": wamid,
            "policy": policy,
            "body": msgspec.json.decode(body),
        },
        Delivery,
    )
