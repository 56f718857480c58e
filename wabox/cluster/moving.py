"""Conversations that come from a database of one machine, or go back to one. They may be brought again: what is there already,
as far or further, stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import msgspec

from wabox.cluster.document import Work, digest, pack, read
from wabox.cluster.records import statuses, transcript
from wabox.cluster.sessions import KEPT, REMEMBERED, SEPARATOR
from wabox.cluster.shards import Change, Index
from wabox.cluster.store import ClusterStore
from wabox.core.conversation import Timer
from wabox.core.handoff import Handoff
from wabox.core.portable import Portable

Came = Literal["brought", "there"]
PAGE = 500
_encode = msgspec.json.Encoder().encode
_handoffs = msgspec.json.Decoder(Handoff)


async def bring(store: ClusterStore, conversation: Portable) -> Came:
    """Store it here. Raises Unavailable."""
    session = conversation.session
    id_ = session.conversation_id
    shards, partition = store.shards, store.shards.partition(id_)
    keys = [shards.key(partition, name) for name in (f"s:{id_}", f"d:{id_}", "u", "t", "c", "r")]
    while True:
        ((version, there, work),) = await shards.run(partition, ("HMGET", keys[0], "v", "b", "o"))
        old = read(id_, version, there, work)
        if there is not None and old.session.sequence >= session.sequence:
            return "there"
        new = Work(
            outbox=conversation.outbox,
            timers={timer.name: (timer.due_at, timer.armed) for timer in conversation.timers},
            calls=conversation.calls,
        )
        change = Change(
            index=Index(
                id=id_,
                version=old.version,
                now=session.updated_at,
                remember=REMEMBERED,
                keep=KEPT,
                unsent=new.unsent,
                calls=bool(new.calls),
                timers=[(f"{id_}{SEPARATOR}{name}", due_at) for name, (due_at, _) in new.timers.items()],
            ),
            session=pack(session),
            work=pack(new),
        )
        # Before what goes on, so that a conversation that is here has its records; both may be done again.
        await _records(store, conversation)
        if conversation.seen:
            known = [
                part
                for message_id, at in conversation.seen
                for part in (at, digest(message_id, session.number_id or ""))
            ]
            await shards.run(partition, ("ZADD", keys[1], *known), ("PEXPIRE", keys[1], REMEMBERED))
        code, _ = await shards.write(partition, keys, change)
        if code == 0:
            return "brought"


async def _records(store: ClusterStore, conversation: Portable) -> None:
    session = conversation.session
    id_ = session.conversation_id
    async with store.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO conversations (id, number_id, contact, sequence, snapshot, updated_at) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT (id) DO UPDATE SET number_id = $2, contact = $3, sequence = $4, snapshot = $5, updated_at = $6",
            id_,
            session.number_id,
            _encode(session.contact),
            session.sequence,
            session.snapshot,
            session.updated_at,
        )
        for table in ("transcript", "handoffs"):
            await connection.execute(f"DELETE FROM {table} WHERE conversation = $1", id_)  # noqa: S608 - ours
        await transcript.add(connection, id_, conversation.lines)
        await statuses.save(connection, conversation.outbox, session.updated_at)
        for case in conversation.cases:
            await connection.execute(
                "INSERT INTO handoffs (id, conversation, status, queue, opened_at, claimed_at, handoff)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                case.id,
                id_,
                case.status,
                case.queue,
                case.opened_at,
                case.claimed_at,
                _encode(case),
            )


async def leave(store: ClusterStore) -> AsyncIterator[Portable]:
    """Every conversation that is here. No worker may be running; the records must be in (:meth:`ClusterStore.settled`)."""
    for partition in range(store.place.partitions):
        prefix = store.shards.key(partition, "s:")
        for key in await _keys(store, partition, prefix):
            id_ = key[len(prefix) :]
            ((version, session, work),) = await store.shards.run(partition, ("HMGET", key, "v", "b", "o"))
            document = read(id_, version, session, work)
            async with store.database.transaction() as connection:
                lines = await transcript.newest(connection, id_, 10**9)
                rows = await connection.fetch("SELECT handoff FROM handoffs WHERE conversation = $1 ORDER BY key", id_)
            yield Portable(
                session=document.session,
                outbox=document.work.outbox,
                timers=tuple(
                    Timer(name=name, due_at=due_at, armed=armed)
                    for name, (due_at, armed) in sorted(document.work.timers.items())
                ),
                calls=document.work.calls,
                cases=tuple(_handoffs.decode(row["handoff"]) for row in rows),
                lines=tuple(lines),
                seen=tuple((line.ref, line.at) for line in lines if line.kind == "in" and line.ref is not None),
            )


async def _keys(store: ClusterStore, partition: int, prefix: str) -> list[str]:
    """Of one partition: its node has others', too."""
    found: set[str] = set()
    cursor = b"0"
    while True:
        ((cursor, keys),) = await store.shards.run(
            partition, ("SCAN", cursor, "MATCH", f"{_literal(prefix)}*", "COUNT", PAGE)
        )
        found.update(key.decode() for key in keys)
        if cursor == b"0":
            return sorted(found)


def _literal(text: str) -> str:
    """For a pattern of Redis."""
    return "".join(f"\\\\{sign}" if sign in "*?[]\\\\" else sign for sign in text)
