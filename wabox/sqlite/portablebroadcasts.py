"""Broadcasts that leave for a cluster, or come from one: :mod:`wabox.core.portablebroadcast`. In the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from wabox.core.portablebroadcast import PortableBroadcast, PortableRecipient, further, new
from wabox.sqlite import broadcasts

LOST = "it was under way when this copy of a cluster was made, and may have left"

_encode = msgspec.json.Encoder().encode
_QUERY = "SELECT key, line, contact, body, status, code, reason, outbound_id, entered_at FROM recipients"


def leave(connection: sqlite3.Connection) -> list[PortableBroadcast]:
    """All but those whose file was never read to the end; the oldest first."""
    return [
        PortableBroadcast(key=row.key, next_at=row.next_at, broadcast=row.broadcast)
        for row in reversed(broadcasts.list_(connection))
        if row.broadcast.status != "loading"
    ]


def page(connection: sqlite3.Connection, broadcast: int, after: int, limit: int) -> list[PortableRecipient]:
    """The next recipients, by their numbers."""
    rows = connection.execute(
        f"{_QUERY} WHERE broadcast = ? AND key > ? ORDER BY key LIMIT ?", (broadcast, after, limit)
    )
    return _rows(rows)


def fits(connection: sqlite3.Connection, came: PortableBroadcast, low: int, high: int) -> bool:
    """Whether this is the same here, or nothing of its name and numbers is."""
    others = connection.execute(
        "SELECT count(*) FROM recipients WHERE key BETWEEN ? AND ? AND broadcast <> ?", (low, high, came.key)
    ).fetchone()
    same = [one for one in leave(connection) if one.key == came.key or one.broadcast.name == came.broadcast.name]
    return others[0] == 0 and all(one.key == came.key and one.same == came.same for one in same)


def begin(connection: sqlite3.Connection, came: PortableBroadcast) -> bool:
    """The broadcast itself; whether it was not here."""
    there = next((one for one in leave(connection) if one.key == came.key), None)
    found = came if there is None else further(came, there)
    said = found.broadcast
    connection.execute(
        "DELETE FROM broadcasts WHERE key = ? OR (name = ? AND status = 'loading')", (came.key, said.name)
    )
    connection.execute(
        "INSERT INTO broadcasts (key, name, status, reason, next_at, body) VALUES (?, ?, ?, ?, ?, ?)",
        (came.key, said.name, said.status, said.reason, found.next_at, _encode(said)),
    )
    return there is None


def arrive(
    connection: sqlite3.Connection, broadcast: int, came: Sequence[PortableRecipient]
) -> list[PortableRecipient]:
    """Store what is new of these; as they are then."""
    keys = [row.key for row in came]
    changed = new(came, rows(connection, keys))
    connection.executemany(
        "INSERT OR REPLACE INTO recipients (key, line, contact, body, status, code, reason, outbound_id, entered_at, broadcast)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*msgspec.structs.astuple(row), broadcast) for row in changed],
    )
    return rows(connection, keys)


def rows(connection: sqlite3.Connection, keys: Sequence[int]) -> list[PortableRecipient]:
    if not keys:
        return []
    wanted = set(keys)
    found = _rows(connection.execute(f"{_QUERY} WHERE key BETWEEN ? AND ?", (min(keys), max(keys))))
    return [row for row in found if row.key in wanted]


def settle(connection: sqlite3.Connection) -> None:
    """Nobody will ever say what became of those that are under way and whose message is not here."""
    connection.execute(
        "UPDATE recipients SET status = 'skipped', code = NULL, reason = ? WHERE status IN"
        " ('entered', 'queued', 'sending', 'unknown') AND NOT EXISTS"
        " (SELECT 1 FROM outbox WHERE outbox.id = recipients.outbound_id AND outbox.pending = 1)",
        (LOST,),
    )


def _rows(found: sqlite3.Cursor) -> list[PortableRecipient]:
    return [PortableRecipient(**dict(zip(PortableRecipient.__struct_fields__, row, strict=True))) for row in found]
