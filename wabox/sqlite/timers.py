"""Timers are rows (promise P9).

A customer who writes pushes the same timers further, message after message. The index is on ``wake_at``, and a later deadline
does not touch it: the sweep comes by at the old time, sees that the timer is not due yet and moves ``wake_at``. That is one
move of the index per timeout instead of one per message.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from wabox.core.contact import Contact
from wabox.core.conversation import Timer
from wabox.core.message import InboundMessage
from wabox.sqlite import inbox

_contacts = msgspec.json.Decoder(Contact)


def save(connection: sqlite3.Connection, conversation: int, timer: Timer, *, first: bool = False) -> None:
    """Set it, or replace the one of the same name. ``first``: the conversation has none yet."""
    later = 0
    if not first:
        later = connection.execute(
            "UPDATE timers SET due_at = ?1, armed = ?2 WHERE conversation = ?3 AND name = ?4 AND wake_at <= ?1",
            (timer.due_at, timer.armed, conversation, timer.name),
        ).rowcount
    if later == 0:
        connection.execute(
            "INSERT OR REPLACE INTO timers (conversation, name, armed, due_at, wake_at) VALUES (?, ?, ?, ?, ?)",
            (conversation, timer.name, timer.armed, timer.due_at, timer.due_at),
        )


def delete(connection: sqlite3.Connection, conversation: int, name: str) -> None:
    connection.execute("DELETE FROM timers WHERE conversation = ? AND name = ?", (conversation, name))


def clear(connection: sqlite3.Connection, conversation: int) -> None:
    """The conversation is over; a case of it may be open still, and has clocks of its own."""
    connection.execute("DELETE FROM timers WHERE conversation = ? AND name NOT LIKE 'desk:%'", (conversation,))


def take_due(
    connection: sqlite3.Connection, now: int, places: Sequence[inbox.Place], since: int = 0
) -> tuple[list[inbox.Row], bool]:
    """Move as many timers due after ``since`` as there are ``places`` into the inbox; and whether there may be more."""
    rows = connection.execute(
        "SELECT t.conversation, t.name, t.armed, t.due_at, c.id, c.number_id, c.contact"
        " FROM timers t JOIN conversations c ON c.key = t.conversation WHERE t.wake_at <= ? AND t.wake_at > ?"
        " ORDER BY t.wake_at LIMIT ?",
        (now, since, len(places)),
    ).fetchall()
    moved: list[inbox.Row] = []
    for place, (conversation, name, armed, due_at, conversation_id, number_id, contact) in zip(
        places, rows, strict=False
    ):
        if due_at > now:
            connection.execute(
                "UPDATE timers SET wake_at = due_at WHERE conversation = ? AND name = ?", (conversation, name)
            )
            continue
        delete(connection, conversation, name)
        message = InboundMessage(
            # Numbers begin anew when a conversation does; the time does not.
            message_id=f"{inbox.TIMER}{conversation_id}:{name}:{armed}:{due_at}",
            number_id=number_id,
            conversation_id=conversation_id,
            timestamp=due_at,
            channel="timer",
            type="timer",
            payload={"name": name, "armed": armed, "due_at": due_at},
            contact=_contacts.decode(contact),
        )
        moved.append(inbox.add(connection, place, message, inbox.encode(message)))
    return moved, len(rows) == len(places)
