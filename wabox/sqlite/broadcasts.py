"""Broadcasts: what is sent to many, how fast, and whether it may go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from wabox.core.broadcast import Broadcast, BroadcastStatus, due
from wabox.core.delivery import DeliveryStatus
from wabox.sqlite import inbox, recipients
from wabox.sqlite.deliveries import drop

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Broadcast)
_QUERY = "SELECT key, status, reason, next_at, body FROM broadcasts"


class Row(NamedTuple):
    key: int
    next_at: int
    broadcast: Broadcast


def add(connection: sqlite3.Connection, broadcast: Broadcast) -> int | None:
    """Its key; None when there is one of this name. One whose file was never read to the end makes room."""
    old = find(connection, broadcast.name)
    if old is not None and old.broadcast.status != "loading":
        return None
    if old is not None:
        connection.execute("DELETE FROM recipients WHERE broadcast = ?", (old.key,))
        connection.execute("DELETE FROM broadcasts WHERE key = ?", (old.key,))
    added = connection.execute(
        "INSERT INTO broadcasts (name, status, reason, next_at, body) VALUES (?, ?, ?, 0, ?)",
        (broadcast.name, broadcast.status, broadcast.reason, _encode(broadcast)),
    )
    return added.lastrowid


def find(connection: sqlite3.Connection, name: str) -> Row | None:
    return next(iter(_rows(connection.execute(f"{_QUERY} WHERE name = ?", (name,)))), None)


def list_(connection: sqlite3.Connection, status: str | None = None) -> list[Row]:
    """The newest first."""
    return _rows(connection.execute(f"{_QUERY} WHERE ?1 IS NULL OR status = ?1 ORDER BY key DESC", (status,)))


def _rows(found: sqlite3.Cursor) -> list[Row]:
    return [
        Row(key, next_at, replace(_decoder.decode(body), status=status, reason=reason))
        for key, status, reason, next_at, body in found
    ]


def change(
    connection: sqlite3.Connection,
    name: str,
    wanted: BroadcastStatus,
    before: Sequence[str],
    reason: str,
    daily: int | None = None,
) -> Row | None:
    """Make it ``wanted`` if it is one of ``before``; as it is then, None when there is none of this name.

    ``daily``: the limit is this from now on.
    """
    row = find(connection, name)
    if row is not None and row.broadcast.status in before:
        body = row.broadcast if daily is None else replace(row.broadcast, daily=daily)
        connection.execute(
            "UPDATE broadcasts SET status = ?, reason = ?, body = ? WHERE key = ?",
            (wanted, reason, _encode(body), row.key),
        )
    return find(connection, name)


def recall(connection: sqlite3.Connection, key: int, now: int) -> None:
    """Take out its messages that wait to be sent."""
    waiting = connection.execute(
        "SELECT outbound_id FROM recipients WHERE broadcast = ? AND status = ? AND outbound_id IS NOT NULL",
        (key, DeliveryStatus.QUEUED.value),
    ).fetchall()
    for (outbound_id,) in waiting:
        drop(connection, outbound_id, now)


def enter(
    connection: sqlite3.Connection, key: int, now: int, at_most: int, places: Sequence[inbox.Place]
) -> list[inbox.Row]:
    """Enter those that are due, at its rate; nothing when it does not run (any more)."""
    row = next(iter(_rows(connection.execute(f"{_QUERY} WHERE key = ?", (key,)))), None)
    if row is None or row.broadcast.status != "running":
        return []
    count, next_at = due(row.broadcast.rate, row.next_at, now, min(at_most, len(places)))
    if count == 0:
        return []
    entered = recipients.enter(connection, key, row.broadcast, now, places[:count])
    connection.execute("UPDATE broadcasts SET next_at = ? WHERE key = ?", (next_at, key))
    return entered
