"""Cases that people have, or should have: at most one open per conversation."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from wabox.core.contact import Contact
from wabox.core.handoff import Handoff
from wabox.core.wait import Past

_COLUMNS: Final = (
    "id, status, queue, priority, reason, opened_at, changed_at, agent, agent_name, claimed_at, last_agent_at,"
    " waiting_since, closed_at, outcome, rating, told, offered, offered_name,"
    " offered_until, passed, brief"
)
_FIELDS: Final = tuple("at" if name == "changed_at" else name for name in _COLUMNS.split(", "))
_OF: Final = ", ".join(f"h.{name}" for name in _COLUMNS.split(", "))
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[1:])
_SAVE: Final = (
    f"INSERT INTO handoffs ({_COLUMNS}, conversation) VALUES ({', '.join('?' * 21)}, ?)"  # noqa: S608 - ours
    f" ON CONFLICT (id) DO UPDATE SET {_SET} WHERE conversation = excluded.conversation"
)

_contacts = msgspec.json.Decoder(Contact)


def save(connection: sqlite3.Connection, conversation: int, handoff: Handoff) -> None:
    """Write a case as it is now. One that is not closed is the only one of its conversation: the unit of work knew it."""
    connection.execute(_SAVE, (*(getattr(handoff, name) for name in _FIELDS), conversation))


def rate(connection: sqlite3.Connection, conversation: int, id_: str, mark: int) -> None:
    """What the customer of this conversation thinks of one of its cases."""
    connection.execute("UPDATE handoffs SET rating = ? WHERE id = ? AND conversation = ?", (mark, id_, conversation))


def current(connection: sqlite3.Connection, conversation: int, conversation_id: str) -> Handoff | None:
    """The open one of a conversation."""
    query = f"SELECT {_COLUMNS} FROM handoffs WHERE conversation = ? AND status <> 'closed'"  # noqa: S608
    row = connection.execute(query, (conversation,)).fetchone()
    return None if row is None else _case(conversation_id, row)


def list_open(connection: sqlite3.Connection, limit: int) -> list[Handoff]:
    """Longest waiting first."""
    rows = connection.execute(
        f"SELECT c.id, {_OF} FROM handoffs h JOIN conversations c ON c.key = h.conversation"  # noqa: S608
        " WHERE h.status <> 'closed' ORDER BY h.opened_at, h.key LIMIT ?",
        (limit,),
    )
    return [_case(row[0], row[1:]) for row in rows]


def list_closed(connection: sqlite3.Connection, limit: int) -> list[Handoff]:
    """The newest first."""
    rows = connection.execute(
        f"SELECT c.id, {_OF} FROM handoffs h JOIN conversations c ON c.key = h.conversation"  # noqa: S608
        " WHERE h.status = 'closed' ORDER BY h.key DESC LIMIT ?",
        (limit,),
    )
    return [_case(row[0], row[1:]) for row in rows]


def find(connection: sqlite3.Connection, id_: str) -> tuple[Handoff, str, Contact] | None:
    """A case by its id, or the only one whose id begins or ends so; its business number and its customer."""
    rows = connection.execute(
        f"SELECT c.number_id, c.contact, c.id, {_OF} FROM handoffs h JOIN conversations c ON c.key = h.conversation"  # noqa: S608
        " WHERE h.id = ?",
        (id_,),
    ).fetchall()
    if not rows or rows[0][1] is None:
        return None
    number_id, contact, conversation_id, *row = rows[0]
    return _case(conversation_id, row), number_id, _contacts.decode(contact)


def named(connection: sqlite3.Connection, beginning: str, limit: int = 5) -> list[str]:
    """Ids of the newest cases that begin so."""
    pattern = beginning.replace("%", "").replace("_", "") + "%"
    rows = connection.execute("SELECT id FROM handoffs WHERE id LIKE ? ORDER BY key DESC LIMIT ?", (pattern, limit))
    return [row[0] for row in rows]


def of_conversation(connection: sqlite3.Connection, conversation_id: str, limit: int) -> list[Handoff]:
    """Every case of a conversation, the newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM handoffs WHERE conversation = (SELECT key FROM conversations WHERE id = ?)"  # noqa: S608
        " ORDER BY key DESC LIMIT ?",
        (conversation_id, limit),
    )
    return [_case(conversation_id, row) for row in rows]


def contacts(connection: sqlite3.Connection, conversation_ids: list[str]) -> dict[str, Contact]:
    """Whose conversations these are."""
    marks = ", ".join("?" * len(conversation_ids))
    query = f"SELECT id, contact FROM conversations WHERE id IN ({marks}) AND contact IS NOT NULL"  # noqa: S608
    return {id_: _contacts.decode(contact) for id_, contact in connection.execute(query, conversation_ids)}


def history(connection: sqlite3.Connection, queue: str, since: int, limit: int) -> list[Past]:
    """The newest cases of a queue that were claimed after ``since``; the newest first."""
    rows = connection.execute(
        "SELECT opened_at, claimed_at, agent FROM handoffs WHERE queue = ? AND claimed_at > ? AND claimed_at IS NOT NULL"
        " ORDER BY claimed_at DESC LIMIT ?",
        (queue, since, limit),
    )
    return [Past(*row) for row in rows]


def count_waiting(connection: sqlite3.Connection) -> int:
    # The first condition is the partial index's own.
    query = "SELECT count(*) FROM handoffs WHERE status <> 'closed' AND status = 'waiting'"
    return int(connection.execute(query).fetchone()[0])


def _case(conversation_id: str, row: Any) -> Handoff:
    return Handoff(conversation_id=conversation_id, **dict(zip(_FIELDS, row, strict=True)))
