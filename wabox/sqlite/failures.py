"""Messages that failed and of which their flow is to be told: each becomes an event of its conversation, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from wabox.core.contact import Contact
from wabox.core.delivery import words
from wabox.core.message import InboundMessage
from wabox.sqlite import inbox

_contacts = msgspec.json.Decoder(Contact)


def has_untold(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM outbox WHERE tell = 2 LIMIT 1").fetchone() is not None


def tell(connection: sqlite3.Connection, places: Sequence[inbox.Place], now: int) -> list[inbox.Row]:
    """Put an event into the inbox for as many failed messages as there are ``places``."""
    rows = connection.execute(
        "SELECT o.key, o.id, o.body, o.code, o.reason, c.id, c.number_id, c.contact"
        " FROM outbox o JOIN conversations c ON c.key = o.conversation WHERE o.tell = 2 ORDER BY o.key LIMIT ?",
        (len(places),),
    ).fetchall()
    told = []
    for place, (key, id_, body, code, reason, conversation_id, number_id, contact) in zip(places, rows, strict=False):
        connection.execute("UPDATE outbox SET tell = 0 WHERE key = ?", (key,))
        message = InboundMessage(
            message_id=f"failed:{id_}",
            number_id=number_id,
            conversation_id=conversation_id,
            timestamp=now,
            channel="delivery",
            type="delivery.failed",
            payload={"id": id_, "code": code, "reason": reason, "text": words(msgspec.json.decode(body))},
            contact=_contacts.decode(contact),
        )
        told.append(inbox.add(connection, place, message, inbox.encode(message)))
    return told
