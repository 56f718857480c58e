"""From the streams of the partitions into the database: in order, once, off the reply path.

Any worker drains any partition; a row of PostgreSQL is the lock. An entry is taken out of its stream when it is committed; the
ids of the last batch are remembered with it, so that one that stayed there (a crash in between) is not stored twice. What
changed is told to consoles within the same transaction (:mod:`wabox.cluster.bus`): whoever hears it finds it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog

from wabox.cluster.bus import LONGEST, say
from wabox.cluster.entry import Entry
from wabox.cluster.records import copies, statuses, transcript
from wabox.cluster.records.database import Database
from wabox.cluster.records.statuses import Consequence
from wabox.cluster.shards import Shards
from wabox.core.change import Changed, changed_by, joined, written
from wabox.core.conversation import UnitOfWork

log = structlog.get_logger(__name__)

BATCH = 500
_entries = msgspec.msgpack.Decoder(Entry)
_encode = msgspec.json.Encoder().encode


Follow = Callable[[Sequence[Consequence]], Awaitable[None]]
"""Does to conversations what statuses mean for them; may be done again."""


async def drain(shards: Shards, database: Database, partition: int, follow: Follow) -> int:
    """Bring up to :data:`BATCH` entries over; how many. ``follow`` is told what statuses that waited for them mean, before
    that is committed: a crash in between must not forget it. Raises Unavailable."""
    key = shards.key(partition, "r")
    (length,) = await shards.run(partition, ("XLEN", key))
    if not length:
        return 0
    consequences: list[Consequence] = []
    changes: list[Changed] = []
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO drained (partition, last) VALUES ($1, '{}') ON CONFLICT DO NOTHING", partition
        )
        known = set(await connection.fetchval("SELECT last FROM drained WHERE partition = $1 FOR UPDATE", partition))
        # Not before the row is ours: what was read earlier may have been stored by another, a batch before the last.
        (waiting,) = await shards.run(partition, ("XRANGE", key, "-", "+", "COUNT", BATCH))
        if not waiting:
            return 0
        ids = [id_.decode() for id_, _ in waiting]
        for id_, (_, body) in zip(ids, (fields for _, fields in waiting), strict=True):
            if id_ in known:
                continue
            try:
                entry = _entries.decode(body)
            except msgspec.MsgspecError as error:
                log.error("cluster.record_unreadable", partition=partition, id=id_, reason=str(error))
                continue
            consequences += await _store(connection, entry)
            if entry.unit is not None:
                changes.append(changed_by(entry.unit))
        await follow(consequences)
        for note in written(joined(changes), LONGEST):
            await say(connection, database.channel, "changed", note)
        await connection.execute("UPDATE drained SET last = $2 WHERE partition = $1", partition, ids)
    await shards.run(partition, ("XDEL", key, *ids))
    return len(ids)


async def _store(connection: Any, entry: Entry) -> list[Consequence]:
    consequences = [] if entry.unit is None else await _unit(connection, entry.unit)
    await transcript.add(connection, entry.conversation_id, entry.lines)
    for given in entry.marks:
        consequences += await statuses.mark(connection, entry.conversation_id, given)
    return consequences


async def _unit(connection: Any, unit: UnitOfWork) -> list[Consequence]:
    id_ = unit.conversation_id
    await copies.save(connection, unit)
    consequences = await statuses.save(connection, unit.sends, unit.at)
    for handoff in unit.handoffs:
        await connection.execute(
            "INSERT INTO handoffs (id, conversation, status, queue, opened_at, claimed_at, handoff)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)"
            " ON CONFLICT (id) DO UPDATE SET status = $3, queue = $4, claimed_at = $6, handoff = $7",
            handoff.id,
            id_,
            handoff.status,
            handoff.queue,
            handoff.opened_at,
            handoff.claimed_at,
            _encode(handoff),
        )
    if unit.rated is not None:
        case, rating = unit.rated
        found = await connection.fetchval("SELECT handoff FROM handoffs WHERE id = $1 AND conversation = $2", case, id_)
        if found is not None:
            body = {**msgspec.json.decode(found), "rating": rating}
            await connection.execute("UPDATE handoffs SET handoff = $2 WHERE id = $1", case, _encode(body))
    await transcript.add(connection, id_, unit.records)
    for amendment in unit.amend:
        await transcript.amend(connection, id_, amendment)
    return consequences
