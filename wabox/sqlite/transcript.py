"""What was said and done, line by line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from wabox.core.amend import amended
from wabox.core.conversation import Amendment, Record

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
        body = amended(ref, msgspec.json.decode(encoded), amendment)
        if body is not None:
            connection.execute("UPDATE transcript SET body = ? WHERE key = ?", (_encode(body), key))


def list_(connection: sqlite3.Connection, conversation_id: str, limit: int) -> list[Record]:
    """The newest ``limit`` lines, oldest first."""
    rows = connection.execute(
        "SELECT at, kind, ref, body FROM transcript WHERE conversation = (SELECT key FROM conversations WHERE id = ?)"
        " ORDER BY key DESC LIMIT ?",
        (conversation_id, limit),
    ).fetchall()
    return [Record(at=at, kind=kind, ref=ref, body=msgspec.json.decode(body)) for at, kind, ref, body in reversed(rows)]
