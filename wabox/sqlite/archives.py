"""Conversations that are over, as they stood: to be taken up again, and to be looked at."""

from __future__ import annotations

import sqlite3

from wabox.core.conversation import Archive


def add(connection: sqlite3.Connection, conversation: int, archive: Archive) -> None:
    """One that is there already stays as it is."""
    connection.execute(
        "INSERT OR IGNORE INTO archives (conversation, at, reason, snapshot) VALUES (?, ?, ?, ?)",
        (conversation, archive.at, archive.reason, archive.snapshot),
    )


def newest(connection: sqlite3.Connection, conversation: int) -> Archive | None:
    query = "SELECT at, reason, snapshot FROM archives WHERE conversation = ? ORDER BY at DESC LIMIT 1"
    row = connection.execute(query, (conversation,)).fetchone()
    return None if row is None else Archive(at=row[0], reason=row[1], snapshot=row[2])
