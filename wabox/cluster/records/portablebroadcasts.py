"""Broadcasts that come from one machine, or go back: :mod:`wabox.core.portablebroadcast`. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wabox.cluster.records import broadcasts
from wabox.cluster.records.words import kept
from wabox.core.portablebroadcast import PortableBroadcast, PortableRecipient, further, new

_encode = msgspec.json.Encoder().encode
_QUERY = "SELECT key, line, contact, body, status, code, reason, outbound_id, entered_at FROM recipients"


async def leave(connection: Any) -> list[PortableBroadcast]:
    """All but those whose file was never read to the end; the oldest first."""
    return [
        PortableBroadcast(key=row.key, next_at=row.next_at, broadcast=row.broadcast)
        for row in reversed(await broadcasts.every(connection))
        if row.broadcast.status != "loading"
    ]


async def page(connection: Any, broadcast: int, after: int, limit: int) -> list[PortableRecipient]:
    """The next recipients, by their numbers."""
    query = f"{_QUERY} WHERE broadcast = $1 AND key > $2 ORDER BY key LIMIT $3"
    return [PortableRecipient(**dict(row)) for row in await connection.fetch(query, broadcast, after, limit)]


async def fits(connection: Any, came: PortableBroadcast, low: int, high: int) -> bool:
    """Whether this is the same here, or nothing of its name and numbers is. Nobody adds one before the transaction ends."""
    await connection.execute("LOCK TABLE broadcasts, recipients IN SHARE ROW EXCLUSIVE MODE")
    others = await connection.fetchval(
        "SELECT count(*) FROM recipients WHERE key BETWEEN $1 AND $2 AND broadcast <> $3", low, high, came.key
    )
    here = await leave(connection)
    same = [one for one in here if one.key == came.key or one.broadcast.name == came.broadcast.name]
    return not others and all(one.key == came.key and one.same == came.same for one in same)


async def begin(connection: Any, came: PortableBroadcast) -> bool:
    """The broadcast itself; whether it was not here."""
    there = next((one for one in await leave(connection) if one.key == came.key), None)
    found = came if there is None else further(came, there)
    said = found.broadcast
    query = "DELETE FROM broadcasts WHERE key = $1 OR (name = $2 AND status = 'loading')"
    await connection.execute(query, came.key, said.name)
    await connection.execute(
        "INSERT INTO broadcasts (key, name, status, reason, next_at, body) OVERRIDING SYSTEM VALUE"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        *(came.key, said.name, said.status, kept(said.reason), found.next_at, _encode(said)),
    )
    return there is None


async def arrive(connection: Any, broadcast: int, came: Sequence[PortableRecipient]) -> list[PortableRecipient]:
    """Store what is new of these; as they are then."""
    keys = [row.key for row in came]
    changed = new(came, await _rows(connection, keys))
    await connection.executemany(
        "INSERT INTO recipients (key, line, contact, body, status, code, reason, outbound_id, entered_at, broadcast)"
        " OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (key) DO UPDATE SET"
        " contact = excluded.contact, body = excluded.body, status = excluded.status, code = excluded.code,"
        " reason = excluded.reason, outbound_id = excluded.outbound_id, entered_at = excluded.entered_at",
        [
            (*msgspec.structs.astuple(msgspec.structs.replace(row, reason=kept(row.reason))), broadcast)
            for row in changed
        ],
    )
    return await _rows(connection, keys)


async def end(connection: Any) -> None:
    """What is added next has numbers of its own."""
    for table in ("broadcasts", "recipients"):
        query = (
            f"SELECT setval(pg_get_serial_sequence('{table}', 'key'), greatest((SELECT max(key) FROM {table}),"  # noqa: S608
            f" nextval(pg_get_serial_sequence('{table}', 'key'))))"
        )
        await connection.execute(query)


async def unplaced(connection: Any, broadcast: int, after: int, limit: int) -> list[PortableRecipient]:
    """Those that wait and of whom it is not known in which conversation they will be written to."""
    query = f"{_QUERY} WHERE broadcast = $1 AND key > $2 AND status = 'waiting' AND conversation IS NULL ORDER BY key LIMIT $3"
    return [PortableRecipient(**dict(row)) for row in await connection.fetch(query, broadcast, after, limit)]


async def place(connection: Any, found: Sequence[tuple[int, str]]) -> None:
    """``found``: number of the recipient, and conversation."""
    await connection.executemany("UPDATE recipients SET conversation = $2 WHERE key = $1", list(found))


async def _rows(connection: Any, keys: Sequence[int]) -> list[PortableRecipient]:
    found = await connection.fetch(f"{_QUERY} WHERE key = ANY($1)", list(keys))
    return [PortableRecipient(**dict(row)) for row in found]
