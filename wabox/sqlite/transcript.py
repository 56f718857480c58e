"""What was said and done, line by line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from wabox.core.conversation import Record

_encode = msgspec.json.Encoder().encode


def add(connection: sqlite3.Connection, conversation: int, records: Iterable[Record]) -> None:
    for record in records:
        connection.execute(
            "INSERT INTO transcript (conversation, at, kind, ref, body) VALUES (?, ?, ?, ?, ?)",
            (conversation, record.at, record.kind, record.ref, _encode(record.body)),
        )


def list_(connection: sqlite3.Connection, conversation_id: str, limit: int) -> list[Record]:
    """The newest ``limit`` lines, oldest first."""
    rows = connection.execute(
        "SELECT at, kind, ref, body FROM transcript WHERE conversation = (SELECT key FROM conversations WHERE id = ?)"
        " ORDER BY key DESC LIMIT ?",
        (conversation_id, limit),
    ).fetchall()
    return [Record(at=at, kind=kind, ref=ref, body=msgspec.json.decode(body)) for at, kind, ref, body in reversed(rows)]
