"""What was said and done, line by line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

import msgspec

from wabox.core.conversation import Amendment, Record

CONTENT = frozenset({"text", "payload", "raw", "before", "understood", "events"})
"""What a line repeats of a message."""

LINES = 8
"""Lines in one statement: a message is two or three."""
_INSERT = [
    f"INSERT INTO transcript (conversation, at, kind, ref, body) VALUES {', '.join(['(?, ?, ?, ?, ?)'] * lines)}"  # noqa: S608
    for lines in range(LINES + 1)
]

_encode = msgspec.json.Encoder().encode


def add(connection: sqlite3.Connection, conversation: int, records: Iterable[Record]) -> None:
    lines = [(conversation, record.at, record.kind, record.ref, _encode(record.body)) for record in records]
    for start in range(0, len(lines), LINES):
        some = lines[start : start + LINES]
        connection.execute(_INSERT[len(some)], [value for line in some for value in line])


def amend(connection: sqlite3.Connection, conversation: int, amendment: Amendment) -> None:
    """Change the lines about a message: its own, and those of its earlier edits."""
    rows = connection.execute(
        "SELECT key, ref, body FROM transcript WHERE conversation = ? AND (ref = ? OR instr(body, ?) > 0)",
        (conversation, amendment.ref, amendment.ref.encode()),
    ).fetchall()
    for key, ref, encoded in rows:
        body = msgspec.json.decode(encoded)
        if ref != amendment.ref and _target(body) != amendment.ref:
            continue
        if amendment.deleted:
            body = {name: part for name, part in body.items() if name not in CONTENT} | {"deleted_at": amendment.at}
        elif ref == amendment.ref:
            body |= {
                "text": amendment.text,
                "edited_at": amendment.at,
                "before": [*body.get("before", ()), body.get("text")],
            }
        else:
            continue
        connection.execute("UPDATE transcript SET body = ? WHERE key = ?", (_encode(body), key))


def _target(body: dict[str, Any]) -> str | None:
    """The message that an edit is about."""
    payload = body.get("payload")
    return payload.get("original_message_id") if isinstance(payload, dict) and body.get("type") == "edited" else None


def list_(connection: sqlite3.Connection, conversation_id: str, limit: int) -> list[Record]:
    """The newest ``limit`` lines, oldest first."""
    rows = connection.execute(
        "SELECT at, kind, ref, body FROM transcript WHERE conversation = (SELECT key FROM conversations WHERE id = ?)"
        " ORDER BY key DESC LIMIT ?",
        (conversation_id, limit),
    ).fetchall()
    return [Record(at=at, kind=kind, ref=ref, body=msgspec.json.decode(body)) for at, kind, ref, body in reversed(rows)]
