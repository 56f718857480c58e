"""What a console reads of conversations: pages of a transcript, and who is where."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from wabox.core.conversation import Record

STEP: Final = 400
"""Ids in one statement."""


def page(
    connection: sqlite3.Connection, conversation_id: str, limit: int, before: int | None
) -> list[tuple[int, Record]]:
    """The newest lines, or the newest of those before a key; oldest first, each with its key."""
    rows = connection.execute(
        "SELECT key, at, kind, ref, body FROM transcript WHERE conversation = (SELECT key FROM conversations WHERE id = ?)"
        " AND key < ? ORDER BY key DESC LIMIT ?",
        (conversation_id, (1 << 62) if before is None else before, limit),
    ).fetchall()
    return [
        (key, Record(at=at, kind=kind, ref=ref, body=msgspec.json.decode(body)))
        for key, at, kind, ref, body in reversed(rows)
    ]


def deliveries(connection: sqlite3.Connection, ids: Sequence[str]) -> Mapping[str, tuple[str, str | None]]:
    """Status and reason of outbound messages, by id."""
    found: dict[str, tuple[str, str | None]] = {}
    for start in range(0, len(ids), STEP):
        some = ids[start : start + STEP]
        query = f"SELECT id, status, reason FROM outbox WHERE id IN ({', '.join('?' * len(some))})"  # noqa: S608
        found.update((id_, (status, reason)) for id_, status, reason in connection.execute(query, some))
    return found
