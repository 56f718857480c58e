"""From the streams of the partitions into the database: in order, once, off the reply path.

Any worker drains any partition; a row of PostgreSQL is the lock. An entry is taken out of its stream when it is committed; the
ids of the last batch are remembered with it, so that one that stayed there (a crash in between) is not stored twice. What
changed is told to consoles within the same transaction (:mod:`wabox.cluster.bus`): whoever hears it finds it.

What PostgreSQL refuses for what it is, or nobody can read, is put aside with the reason: a dead letter. It would hold up every
record after it for ever. What it refuses for want of a table, a disk or a connection waits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from wabox.cluster.bus import LONGEST, say
from wabox.cluster.entry import Entry
from wabox.cluster.records import statuses, transcript, units
from wabox.cluster.records.database import Database
from wabox.cluster.records.statuses import Consequence
from wabox.cluster.records.words import kept
from wabox.cluster.shards import Shards
from wabox.core.change import Changed, changed_by, joined, written
from wabox.core.conversation import Record, UnitOfWork
from wabox.errors import ConversationError

log = structlog.get_logger(__name__)

BATCH = 500
REFUSED: Final = (
    msgspec.MsgspecError,
    asyncpg.DataError,  # also what the library itself cannot write
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""Trying again does not help."""
_entries = msgspec.msgpack.Decoder(Entry)

Follow = Callable[[Sequence[Consequence]], Awaitable[None]]
"""Does to conversations what statuses mean for them; may be done again."""


Agreed = Callable[[Any, UnitOfWork], Awaitable[None]]
"""Told of a unit, with the connection whose transaction stores it, when it says something about being written to or begins a
conversation; may be done again."""


Saw = Callable[[Sequence[Record]], None]
"""Told of lines of transcripts, once they are stored."""


async def _nothing(_connection: Any, _unit: UnitOfWork) -> None: ...


async def drain(
    shards: Shards,
    database: Database,
    partition: int,
    follow: Follow,
    agreed: Agreed = _nothing,
    saw: Saw = lambda lines: None,
) -> int:
    """Bring up to :data:`BATCH` entries over; how many. ``follow`` is told what statuses that waited for them mean, before
    that is committed: a crash in between must not forget it. So is ``agreed``. Raises Unavailable."""
    (length,) = await shards.run(partition, ("XLEN", shards.key(partition, "r")))
    if not length:
        return 0
    lines: list[Record] = []
    try:
        ids = await _bring(shards, database, partition, follow, agreed, lines, apart=False)
    except REFUSED as error:
        log.warning("cluster.record_refused", partition=partition, reason=_why(error))
        lines.clear()
        ids = await _bring(shards, database, partition, follow, agreed, lines, apart=True)
    saw(lines)
    if ids:
        await shards.run(partition, ("XDEL", shards.key(partition, "r"), *ids))
    return len(ids)


async def _bring(
    shards: Shards,
    database: Database,
    partition: int,
    follow: Follow,
    agreed: Agreed,
    lines: list[Record],
    *,
    apart: bool,
) -> list[str]:
    """In one transaction; their ids, and ``lines`` has what was said in them.

    ``apart``: each may fail for itself, which takes two more round trips each.
    """
    consequences: list[Consequence] = []
    changes: list[Changed] = []
    said: list[UnitOfWork] = []
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO drained (partition, last) VALUES ($1, '{}') ON CONFLICT DO NOTHING", partition
        )
        known = set(await connection.fetchval("SELECT last FROM drained WHERE partition = $1 FOR UPDATE", partition))
        # Not before the row is ours: what was read earlier may have been stored by another, a batch before the last.
        (waiting,) = await shards.run(partition, ("XRANGE", shards.key(partition, "r"), "-", "+", "COUNT", BATCH))
        if not waiting:
            return []
        ids = [id_.decode() for id_, _ in waiting]
        entries: list[tuple[str, bytes, Entry]] = []
        for id_, (_, body) in zip(ids, (fields for _, fields in waiting), strict=True):
            if id_ in known:
                continue
            try:
                entries.append((id_, body, _entries.decode(body)))
            except msgspec.MsgspecError as error:
                await _put_aside(connection, partition, id_, body, error)
        await statuses.lock(connection, [mark.id for _, _, entry in entries for mark in entry.marks])
        for id_, body, entry in entries:
            try:
                async with connection.transaction() if apart else contextlib.nullcontext():
                    consequences += await _store(connection, entry)
            except REFUSED as error:
                if not apart:
                    raise
                await _put_aside(connection, partition, id_, body, error)
                continue
            lines += entry.lines
            if entry.unit is not None:
                lines += entry.unit.records
                changes.append(changed_by(entry.unit))
                if entry.unit.consents or not entry.unit.expected:
                    said.append(entry.unit)
        for one in consequences:
            try:
                await follow([one])
            except ConversationError as error:
                log.error("cluster.status_unfollowed", conversation=one.conversation_id, reason=str(error))
        for unit in said:
            await agreed(connection, unit)
        for note in written(joined(changes), LONGEST):
            await say(connection, database.channel, "changed", note)
        await connection.execute("UPDATE drained SET last = $2 WHERE partition = $1", partition, ids)
    return ids


async def _store(connection: Any, entry: Entry) -> list[Consequence]:
    consequences = [] if entry.unit is None else await units.store(connection, entry.unit)
    await transcript.add(connection, entry.conversation_id, entry.lines)
    for given in entry.marks:
        consequences += await statuses.mark(connection, entry.conversation_id, given)
    return consequences


async def _put_aside(connection: Any, partition: int, id_: str, body: bytes, error: Exception) -> None:
    reason = f"a record that PostgreSQL does not take: {_why(error)}"
    log.error("cluster.record_put_aside", partition=partition, id=id_, bytes=len(body), reason=reason)
    await connection.execute(
        "INSERT INTO dead_letters (at, reason, raw) VALUES ($1, $2, $3)",
        int(id_.partition("-")[0]),  # ms: Redis names entries so
        kept(reason),
        body,
    )


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
