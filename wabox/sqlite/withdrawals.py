"""What the bot said and what must not leave any more, because a person has taken over (promise P7)."""

from __future__ import annotations

import sqlite3

from wabox.core.conversation import Record
from wabox.core.delivery import DeliveryStatus
from wabox.sqlite import transcript


def withdraw(connection: sqlite3.Connection, conversation: int, reason: str, at: int) -> None:
    """What the bot said and what has not left yet does not leave; what is in doubt is not repeated.

    Words of people and service templates stay. The flow is not told: a person goes on with it.
    """
    rows = connection.execute(
        "SELECT key, id FROM outbox WHERE conversation = ? AND pending = 1 AND status = 'queued' AND ("
        " purpose = 'marketing' OR (purpose = 'service' AND json_extract(body, '$.type') <> 'template'))",
        (conversation,),
    ).fetchall()
    connection.executemany(
        "UPDATE outbox SET status = 'failed', pending = 0, tell = 0, due_at = NULL, reason = ? WHERE key = ?",
        [(reason, key) for key, _ in rows],
    )
    body = {"status": DeliveryStatus.FAILED.value, "reason": reason}
    transcript.add(connection, conversation, [Record(at=at, kind="status", ref=id_, body=body) for _, id_ in rows])
    connection.execute(
        "UPDATE outbox SET policy = 'once' WHERE conversation = ? AND pending = 1 AND status IN ('sending', 'unknown')",
        (conversation,),
    )
