"""What customers wrote, and what was made of it, out of all transcripts: for ``wabox learn``."""

from __future__ import annotations

import sqlite3

import msgspec

from wabox.core.contact import Contact
from wabox.core.heard import heard, read
from wabox.core.learning import NO_MORE, Heard

PAGE = 5_000
"""Lines read at a time: a reader that stays in one place keeps the log from being folded."""

_contacts = msgspec.json.Decoder(Contact)


def list_(connection: sqlite3.Connection, since: int, limit: int) -> list[Heard]:
    """The newest ``limit`` lines after ``since`` (ms), in the order of time."""
    over = {
        (conversation, at)
        for conversation, at in connection.execute(
            "SELECT conversation, opened_at FROM handoffs WHERE reason = ? AND opened_at >= ?", (NO_MORE, since)
        )
    }
    found: list[Heard] = []
    contacts: dict[int, tuple[str, Contact] | None] = {}
    below = (connection.execute("SELECT max(key) FROM transcript").fetchone()[0] or 0) + 1
    while below > 1 and len(found) < limit:
        rows = connection.execute(
            "SELECT conversation, at, body FROM transcript WHERE key >= ? AND key < ? AND kind = 'in' ORDER BY key DESC",
            (below - PAGE, below),
        ).fetchall()
        below -= PAGE
        for conversation, at, raw in rows:
            if at < since:
                return found[::-1]
            if conversation not in contacts:
                contacts[conversation] = _customer(connection, conversation)
            customer = contacts[conversation]
            line = read(raw) if customer is not None else None
            if customer is not None and line is not None and len(found) < limit:
                found.append(heard(*customer, at, line, handed_off=(conversation, at) in over))
    return found[::-1]


def _customer(connection: sqlite3.Connection, key: int) -> tuple[str, Contact] | None:
    row = connection.execute("SELECT id, contact FROM conversations WHERE key = ?", (key,)).fetchone()
    return (row[0], _contacts.decode(row[1])) if row is not None and row[1] is not None else None
