"""Messages that wait to be handled."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import Iterator, Sequence

import msgspec

from wabox.core.message import InboundMessage

Row = tuple[int, InboundMessage]
"""A message with its place in the order of arrival."""

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(InboundMessage)

encode = _encode
"""Raises when a message is not JSON (half a surrogate pair, say)."""


def numbers(connection: sqlite3.Connection) -> Iterator[int]:
    """Places for new messages.

    Counted by us and not by SQLite, which gives the place of a deleted last row away again: a lane tells what it has by the
    place of its last message.
    """
    last = connection.execute("SELECT max(seq) FROM inbox").fetchone()[0] or 0
    return itertools.count(last + 1)


def add(connection: sqlite3.Connection, seq: int, message: InboundMessage, body: bytes) -> bool:
    """False when that message waits already."""
    added = connection.execute(
        "INSERT INTO inbox (key, seq, conversation_id, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (_key(message.conversation_id, message.message_id), seq, message.conversation_id, body),
    )
    return added.rowcount == 1


def take(connection: sqlite3.Connection, conversation_id: str, message_ids: Sequence[str]) -> int:
    """Delete these; how many there were."""
    taken = 0
    for message_id in message_ids:
        taken += connection.execute(
            "DELETE FROM inbox WHERE key = ?", (_key(conversation_id, message_id),)
        ).rowcount
    return taken


def holds(connection: sqlite3.Connection, conversation_id: str, message_ids: Sequence[str]) -> bool:
    """Whether any of these waits."""
    query = "SELECT 1 FROM inbox WHERE key = ?"
    return any(connection.execute(query, (_key(conversation_id, message_id),)).fetchone() for message_id in message_ids)


def load(
    connection: sqlite3.Connection, after: int, limit: int, conversation_id: str | None = None
) -> tuple[list[Row], dict[int, str]]:
    """The next ``limit`` messages, of one conversation or of all, and why some cannot be read, by place."""
    if conversation_id is None:
        query = "SELECT seq, body FROM inbox WHERE seq > ? ORDER BY seq LIMIT ?"
        found = connection.execute(query, (after, limit))
    else:
        # The index alone finds the places, so that a long queue is not read whole for its first messages.
        query = (
            "SELECT seq, body FROM inbox WHERE seq IN"
            " (SELECT seq FROM inbox WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?) ORDER BY seq"
        )
        found = connection.execute(query, (conversation_id, after, limit))
    rows: list[Row] = []
    unreadable: dict[int, str] = {}
    for seq, body in found.fetchall():
        try:
            rows.append((seq, _decoder.decode(body)))
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            unreadable[seq] = str(error)
    return rows, unreadable


def bury(connection: sqlite3.Connection, unreadable: dict[int, str], now: int) -> None:
    """Make dead letters of these, so that what cannot be read does not stand in the way of what can."""
    for seq, reason in unreadable.items():
        connection.execute(
            "INSERT INTO dead_letters (at, reason, raw) SELECT ?, ?, body FROM inbox WHERE seq = ?", (now, reason, seq)
        )
        connection.execute("DELETE FROM inbox WHERE seq = ?", (seq,))


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM inbox").fetchone()[0])


def _key(conversation_id: str, message_id: str) -> int:
    digest = hashlib.blake2b(f"{conversation_id}\0{message_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
