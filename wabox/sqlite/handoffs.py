"""Cases that people have, or should have: at most one open per conversation."""

from __future__ import annotations

import sqlite3

from wabox.core.handoff import Handoff


def save(connection: sqlite3.Connection, conversation: int, handoff: Handoff) -> None:
    """Open a case, or change the open one. A repeat of the same id changes nothing."""
    if handoff.status != "waiting":
        connection.execute(
            "UPDATE handoffs SET status = ?, changed_at = ? WHERE conversation = ? AND status <> 'closed'",
            (handoff.status, handoff.at, conversation),
        )
        return
    # A conversation that asks again while its case is open waits from when it first did.
    connection.execute(
        "INSERT INTO handoffs (id, conversation, status, queue, priority, reason, opened_at, changed_at)"
        " VALUES (?1, ?2, 'waiting', ?3, ?4, ?5, ?6, ?6)"
        " ON CONFLICT (id) DO NOTHING"
        " ON CONFLICT (conversation) WHERE status <> 'closed' DO UPDATE SET"
        " queue = ?3, priority = max(priority, ?4), reason = ?5, changed_at = ?6",
        (handoff.id, conversation, handoff.queue, handoff.priority, handoff.reason, handoff.at),
    )


def list_open(connection: sqlite3.Connection, limit: int) -> list[Handoff]:
    """Longest waiting first."""
    rows = connection.execute(
        "SELECT h.id, c.id, h.status, h.queue, h.priority, h.reason, h.opened_at"
        " FROM handoffs h JOIN conversations c ON c.key = h.conversation"
        " WHERE h.status <> 'closed' ORDER BY h.opened_at, h.key LIMIT ?",
        (limit,),
    )
    return [
        Handoff(
            id=id_, conversation_id=conversation_id, status=status, queue=queue, priority=priority, reason=reason, at=at
        )
        for id_, conversation_id, status, queue, priority, reason, at in rows
    ]


def count_waiting(connection: sqlite3.Connection) -> int:
    # The first condition is the partial index's own.
    query = "SELECT count(*) FROM handoffs WHERE status <> 'closed' AND status = 'waiting'"
    return int(connection.execute(query).fetchone()[0])
