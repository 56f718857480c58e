"""Conversations at rest."""

from __future__ import annotations

import sqlite3

import msgspec

from wabox.core.contact import Contact
from wabox.core.conversation import ConversationSummary, Session, UnitOfWork
from wabox.sqlite import archives, consents, handoffs

ACTIVE_STEP = 300_000
"""ms: how coarse the order of the most recently active is in the index. Within one step, ``updated_at`` decides."""

_ADD = (
    "INSERT INTO conversations (number_id, contact, sequence, snapshot, updated_at, opened_at, quiet_until, id, active_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)
_VALUES = (
    "number_id = ?1, contact = ?2, sequence = ?3, snapshot = ?4, updated_at = ?5, opened_at = ?6, quiet_until = ?7"
)
_SAVE = f"UPDATE conversations SET {_VALUES} WHERE id = ?8 AND sequence = ?9 AND active_at = ?10 RETURNING key"  # noqa: S608
_SAVE_LATER = f"UPDATE conversations SET {_VALUES}, active_at = ?10 WHERE id = ?8 AND sequence = ?9 RETURNING key"  # noqa: S608

_encode = msgspec.json.Encoder().encode
_contacts = msgspec.json.Decoder(Contact)


def load(connection: sqlite3.Connection, conversation_id: str) -> Session:
    columns = "sequence, snapshot, contact, number_id, updated_at, opened_at, quiet_until, key"
    query = f"SELECT {columns} FROM conversations WHERE id = ?"  # noqa: S608 - the columns are ours
    row = connection.execute(query, (conversation_id,)).fetchone()
    consent = consents.current(connection, conversation_id)
    if row is None:
        return Session(conversation_id=conversation_id, consent=consent)
    sequence, snapshot, contact, number_id, updated_at, opened_at, quiet_until, key = row
    return Session(
        conversation_id=conversation_id,
        sequence=sequence,
        snapshot=snapshot,
        contact=None if contact is None else _contacts.decode(contact),
        number_id=number_id,
        updated_at=updated_at,
        opened_at=opened_at,
        quiet_until=quiet_until,
        consent=consent,
        archived=archives.newest(connection, key) if snapshot is None else None,
        case=handoffs.current(connection, key, conversation_id),
    )


def find(connection: sqlite3.Connection, conversation_id: str) -> tuple[int, int] | None:
    """Key and sequence."""
    query = "SELECT key, sequence FROM conversations WHERE id = ?"
    row: tuple[int, int] | None = connection.execute(query, (conversation_id,)).fetchone()
    return row


def save(connection: sqlite3.Connection, unit: UnitOfWork) -> int | None:
    """Write the conversation as the unit leaves it; its key. None, and nothing changed, when it is not at ``expected``."""
    active_at = unit.at - unit.at % ACTIVE_STEP
    values = (
        *(unit.number_id, _encode(unit.contact), unit.expected + 1, unit.snapshot, unit.at),
        *(unit.opened_at, unit.quiet_until, unit.conversation_id),
    )
    if unit.expected == 0:
        added = connection.execute(_ADD, (*values, active_at))
        if added.rowcount == 1:
            return added.lastrowid
    where = (unit.expected, active_at)
    # Naming the indexed column would rewrite the index even with the value it has, so it is named when it must change.
    row = (
        connection.execute(_SAVE, (*values, *where)).fetchone()
        or connection.execute(_SAVE_LATER, (*values, *where)).fetchone()
    )
    return None if row is None else int(row[0])


def add(connection: sqlite3.Connection, conversation_id: str, now: int) -> int:
    """The key of a conversation of which perhaps nothing is known yet but its id."""
    found = find(connection, conversation_id)
    if found is not None:
        return found[0]
    added = connection.execute(
        "INSERT INTO conversations (id, sequence, updated_at, active_at) VALUES (?, 0, ?, ?)",
        (conversation_id, now, now - now % ACTIVE_STEP),
    )
    return added.lastrowid or 0


def list_(connection: sqlite3.Connection, limit: int) -> list[ConversationSummary]:
    """The most recently active, newest first."""
    rows = connection.execute(
        "SELECT id, contact, sequence, updated_at, snapshot FROM conversations WHERE contact IS NOT NULL"
        " ORDER BY active_at DESC, updated_at DESC LIMIT ?",
        (limit,),
    )
    return [
        ConversationSummary(
            conversation_id=conversation_id,
            contact=_contacts.decode(contact),
            sequence=sequence,
            updated_at=updated_at,
            snapshot=snapshot,
        )
        for conversation_id, contact, sequence, updated_at, snapshot in rows
    ]


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM conversations").fetchone()[0])
