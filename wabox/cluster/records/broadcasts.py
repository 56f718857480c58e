"""Broadcasts: what is sent to many, how fast, and whether it may go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from wabox.cluster.records import recipients
from wabox.cluster.records.database import Database
from wabox.core.broadcast import Broadcast, BroadcastStatus, due
from wabox.core.message import InboundMessage

Put = Callable[[Sequence[InboundMessage]], Awaitable[None]]
"""Into their lanes, durably. Raises Unavailable."""

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Broadcast)
_QUERY = "SELECT key, status, reason, next_at, body FROM broadcasts"


class Row(NamedTuple):
    key: int
    next_at: int
    broadcast: Broadcast


async def add(connection: Any, broadcast: Broadcast) -> int | None:
    """Its key; None when there is one of this name. One whose file was never read to the end makes room."""
    old = await find(connection, broadcast.name)
    if old is not None and old.broadcast.status != "loading":
        return None
    if old is not None:
        await connection.execute("DELETE FROM recipients WHERE broadcast = $1", old.key)
        await connection.execute("DELETE FROM broadcasts WHERE key = $1", old.key)
    key: int | None = await connection.fetchval(
        "INSERT INTO broadcasts (name, status, reason, body) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING"
        " RETURNING key",
        *(broadcast.name, broadcast.status, broadcast.reason, _encode(broadcast)),
    )
    return key


async def find(connection: Any, name: str) -> Row | None:
    return _row(await connection.fetchrow(f"{_QUERY} WHERE name = $1", name))


async def every(connection: Any, status: str | None = None) -> list[Row]:
    """The newest first."""
    rows = await connection.fetch(f"{_QUERY} WHERE $1::text IS NULL OR status = $1 ORDER BY key DESC", status)
    return [found for row in rows if (found := _row(row)) is not None]


async def change(
    connection: Any, name: str, wanted: BroadcastStatus, before: Sequence[str], reason: str, daily: int | None = None
) -> Broadcast | None:
    """Make it ``wanted`` if it is one of ``before``; as it is then, None when there is none of this name. ``daily``: the limit
    is this from now on."""
    row = _row(await connection.fetchrow(f"{_QUERY} WHERE name = $1 FOR UPDATE", name))
    if row is None or row.broadcast.status not in before:
        return None if row is None else row.broadcast
    body = row.broadcast if daily is None else replace(row.broadcast, daily=daily)
    query = "UPDATE broadcasts SET status = $2, reason = $3, body = $4 WHERE key = $1"
    await connection.execute(query, row.key, wanted, reason, _encode(body))
    return replace(body, status=wanted, reason=reason)


async def enter(database: Database, key: int, now: int, at_most: int, put: Put) -> int:
    """Put those that are due into their lanes, at its rate; how many. None when it does not run (any more).

    They are marked after the broker has them: a crash in between puts them once more, under the same ids, which says them once.
    Raises Unavailable.
    """
    async with database.transaction() as connection:
        row = _row(await connection.fetchrow(f"{_QUERY} WHERE key = $1 FOR UPDATE", key))
        if row is None or row.broadcast.status != "running":
            return 0
        count, next_at = due(row.broadcast.rate, row.next_at, now, at_most)
        if count == 0:
            return 0
        found = await recipients.waiting(connection, key, row.broadcast, now, count)
        await put([message for _, message in found])
        await recipients.entered(connection, [recipient for recipient, _ in found], now)
        await connection.execute("UPDATE broadcasts SET next_at = $2 WHERE key = $1", key, next_at)
        return len(found)


def _row(found: Any) -> Row | None:
    if found is None:
        return None
    body = replace(_decoder.decode(found["body"]), status=found["status"], reason=found["reason"])
    return Row(found["key"], found["next_at"], body)
