"""Calls that were asked for and have no result yet; the result takes the row's place in the inbox, in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wabox.core.contact import Contact
from wabox.core.invocation import Invocation
from wabox.core.message import InboundMessage
from wabox.sqlite import inbox

_encode = msgspec.json.Encoder().encode
_contacts = msgspec.json.Decoder(Contact)


def add(connection: sqlite3.Connection, conversation: int, invocation: Invocation) -> None:
    """One that is there already stays as it is."""
    connection.execute(
        "INSERT INTO invocations (id, conversation, chart, name, armed, request, timeout, retries, created_at, attempts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id) DO NOTHING",
        (
            invocation.id,
            conversation,
            invocation.chart,
            invocation.name,
            invocation.armed,
            _encode(invocation.request),
            invocation.timeout,
            invocation.retries,
            invocation.created_at,
        ),
    )


def delete(connection: sqlite3.Connection, conversation: int, chart: str, name: str) -> None:
    """Nobody waits for it any more."""
    query = "DELETE FROM invocations WHERE conversation = ? AND chart = ? AND name = ?"
    connection.execute(query, (conversation, chart, name))


def clear(connection: sqlite3.Connection, conversation: int) -> None:
    """The conversation is over."""
    connection.execute("DELETE FROM invocations WHERE conversation = ?", (conversation,))


def mark(connection: sqlite3.Connection, id_: str) -> int | None:
    """A try begins; how many began with it, None when nobody waits for the result."""
    query = "UPDATE invocations SET attempts = attempts + 1 WHERE id = ? RETURNING attempts"
    row = connection.execute(query, (id_,)).fetchone()
    return None if row is None else int(row[0])


def take(
    connection: sqlite3.Connection, place: inbox.Place, id_: str, event: str, data: Mapping[str, Any], now: int
) -> list[inbox.Row]:
    """Move it into the inbox as a message with its result; nothing when nobody waits for it."""
    found = connection.execute(
        "SELECT i.chart, i.name, i.armed, c.id, c.number_id, c.contact"
        " FROM invocations i JOIN conversations c ON c.key = i.conversation WHERE i.id = ?",
        (id_,),
    ).fetchone()
    connection.execute("DELETE FROM invocations WHERE id = ?", (id_,))
    if found is None or found[5] is None:
        return []
    chart, name, armed, conversation_id, number_id, contact = found
    message = InboundMessage(
        message_id=f"call:{id_}",
        number_id=number_id,
        conversation_id=conversation_id,
        timestamp=now,
        channel="action",
        type=event,
        payload={"chart": chart, "id": name, "armed": armed, "data": dict(data)},
        contact=_contacts.decode(contact),
    )
    return [inbox.add(connection, place, message, inbox.encode(message))]


def list_(connection: sqlite3.Connection) -> Sequence[Invocation]:
    """All, oldest first."""
    rows = connection.execute(
        "SELECT i.id, c.id, i.chart, i.name, i.armed, i.request, i.timeout, i.retries, i.created_at, i.attempts"
        " FROM invocations i JOIN conversations c ON c.key = i.conversation ORDER BY i.key"
    )
    return [
        Invocation(
            id=id_,
            conversation_id=conversation_id,
            chart=chart,
            name=name,
            armed=armed,
            request=msgspec.json.decode(request),
            timeout=timeout,
            retries=retries,
            created_at=created_at,
            attempts=attempts,
        )
        for id_, conversation_id, chart, name, armed, request, timeout, retries, created_at, attempts in rows
    ]
