"""Conversations that come from a database of one machine, or go back to one. They may be brought again: what is there already,
as far or further, stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

from wabox.cluster.document import Document, Work, digest, kept_for, pack, read
from wabox.cluster.records import alerts, copies, handoffs, statuses, transcript
from wabox.cluster.sessions import REMEMBERED, SEPARATOR
from wabox.cluster.shards import Change, Index
from wabox.cluster.store import ClusterStore
from wabox.core.changed import changed
from wabox.core.conversation import Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.portable import Card, Portable

Came = Literal["brought", "there"]
PAGE = 500


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
                keep=kept_for(Document(session=session, work=new), session.updated_at),
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
        await copies.save(connection, session)
        for table in ("transcript", "handoffs", "alerts"):
            await connection.execute(f"DELETE FROM {table} WHERE conversation = $1", id_)  # noqa: S608 - ours
        await transcript.add(connection, id_, conversation.lines)
        sent = [card.message for card in conversation.cards]
        await statuses.save(connection, [*sent, *conversation.outbox], session.updated_at)
        for card in conversation.cards:
            query = "UPDATE outbox SET wamid = coalesce(wamid, $2) WHERE id = $1"
            await connection.execute(query, card.message.id, card.wamid)
        for case in conversation.cases:
            await handoffs.save(connection, case)
        await alerts.add(connection, conversation.alerts)


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
                cases = await handoffs.of_conversation(connection, id_, 10**9)
                told = await alerts.of_conversation(connection, id_)
                cards = await _cards(connection, id_)
            yield Portable(
                session=document.session,
                outbox=document.work.outbox,
                timers=tuple(
                    Timer(name=name, due_at=due_at, armed=armed)
                    for name, (due_at, armed) in sorted(document.work.timers.items())
                ),
                calls=document.work.calls,
                cases=tuple(reversed(cases)),
                alerts=tuple(told),
                cards=cards,
                lines=tuple(lines),
                seen=tuple((line.ref, line.at) for line in lines if line.kind == "in" and line.ref is not None),
            )


async def _cards(connection: Any, conversation_id: str) -> tuple[Card, ...]:
    rows = await connection.fetch(
        "SELECT * FROM outbox WHERE conversation = $1 AND NOT pending"
        " AND id IN (SELECT ref FROM alerts WHERE ref IS NOT NULL) ORDER BY key",
        conversation_id,
    )
    return tuple(
        Card(
            message=changed(
                statuses.messages.decode(row["message"]),
                status=DeliveryStatus(row["status"]),
                attempts=row["attempts"],
                attempted_at=row["attempted_at"],
                reason=row["reason"],
                code=row["code"],
                tells=False,
            ),
            wamid=row["wamid"],
        )
        for row in rows
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
