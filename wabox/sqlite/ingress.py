"""What a webhook brought, as one operation of the writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import msgspec

from wabox.core.conversation import Session
from wabox.core.message import Arrival, DeadLetter
from wabox.sqlite import contacts, conversations, dead_letters, inbox, media, other_changes, outbox, seen

# What Python refuses to write down: half a surrogate pair, a number of more than 64 bits, an object that is not JSON.
_UNWRITABLE = (UnicodeEncodeError, OverflowError, TypeError, msgspec.MsgspecError)


class Stored(NamedTuple):
    rows: list[inbox.Row]
    """The messages that are new."""
    sessions: list[Session]
    """Their conversations as they are now: here a look costs 5 µs, on the reading connection ten times that."""


def store(
    connection: sqlite3.Connection,
    arrival: Arrival,
    now: int,
    places: Sequence[inbox.Place],
    known: Container[str] = (),
) -> Stored:
    """All of it; the messages that are new, each at its place in the conversation that it belongs to.

    One place more than there are messages is for the message that ends a merged contact's conversation. ``known``: the
    conversations of which nobody needs to be told.

    An element that cannot be written becomes a dead letter, the rest goes on.
    """
    new: list[inbox.Row] = []
    ends: list[inbox.Row] = []
    sessions: list[Session] = []
    spare = list(places[len(arrival.messages) :])
    for place, message in zip(places, arrival.messages, strict=False):
        try:
            body = inbox.encode(message)
        except _UNWRITABLE as error:
            _bury(connection, message, error, now)
            continue
        if seen.add(connection, message, now):
            placed, closing, fresh = contacts.place(connection, message, now, merge=bool(spare))
            if placed is not message:
                body = inbox.encode(placed)
            new.append(inbox.add(connection, place, placed, body))
            media.add(connection, placed, now)
            if fresh:
                sessions.append(Session(conversation_id=placed.conversation_id))
            elif placed.conversation_id not in known:
                sessions.append(conversations.load(connection, placed.conversation_id))
            if closing is not None:
                ends.append(inbox.add(connection, spare.pop(), closing, inbox.encode(closing)))
    for status in arrival.statuses:
        try:
            outbox.fold(connection, status, now)
        except _UNWRITABLE as error:
            _bury(connection, status, error, now)
    for change in arrival.others:
        try:
            other_changes.add(connection, change, now)
        except _UNWRITABLE as error:
            _bury(connection, change, error, now)
    for letter in arrival.dead:
        dead_letters.add(connection, letter, now)
    return Stored(new + ends, sessions)


def _bury(connection: sqlite3.Connection, element: Any, error: Exception, now: int) -> None:
    raw = repr(element).encode("utf-8", "backslashreplace")
    dead_letters.add(connection, DeadLetter(reason=f"it cannot be stored: {error!r}", raw=raw), now)
