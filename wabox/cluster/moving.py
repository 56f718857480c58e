"""Conversations that come from a database of one machine, or go back to one. They may be brought again: what is there already,
as far or further, stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from typing import Any, Final, Literal

import structlog

from wabox.cluster.changing import REMEMBERED, SEPARATOR
from wabox.cluster.document import Document, Work, digest, grave, kept_for, pack, read
from wabox.cluster.records import alerts, consents, copies, handoffs, statuses, transcript
from wabox.cluster.shards import Change, Index
from wabox.cluster.store import ClusterStore
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry
from wabox.core.conversation import Record, Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.portable import Card, Portable
from wabox.core.portablebroadcast import alone

log = structlog.get_logger(__name__)

Came = Literal["brought", "there"]
PAGE = 500
TOGETHER: Final = 100
"""Conversations that are read at once."""
TRIES: Final = 20
"""How often one is read that was written to meanwhile."""


async def bring(store: ClusterStore, conversation: Portable) -> Came:
    """Store it here. Raises Unavailable."""
    session = conversation.session
    id_ = session.conversation_id
    shards, partition = store.shards, store.shards.partition(id_)
    keys = [shards.key(partition, name) for name in (f"s:{id_}", f"d:{id_}", "u", "t", "c", "r", grave(id_))]
    while True:
        (version, there, work), forgotten = await shards.run(
            partition, ("HMGET", keys[0], "v", "b", "o"), ("GET", keys[6])
        )
        old = read(id_, version, there, work, forgotten)
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
                unsent="none" if new.unsent is None else new.unsent,
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


async def leave(store: ClusterStore, strays: Collection[int] = ()) -> AsyncIterator[Portable]:
    """Every conversation that is here. No worker may be running; the records must be in (:meth:`ClusterStore.settled`).
    ``strays``: recipients of broadcasts that do not go along."""
    for partition in range(store.place.partitions):
        for ids in _some(await _ids(store, partition)):
            documents = await _documents(store, partition, ids)
            for one in await _portables(store, documents, strays):
                yield one


async def copy(store: ClusterStore) -> AsyncIterator[Portable]:
    """Every conversation that is here, while workers go on: each with its records as they were in one moment, and not all in
    the same one.

    Documents are read, then what they wrote is brought over, then the records are read; whoever wrote anything since is read
    again, in ever smaller company, so that it takes less time than somebody needs to answer.
    """
    for partition in range(store.place.partitions):
        for ids in _some(await _ids(store, partition)):
            left: Sequence[str] = ids
            for tried in range(TRIES):
                documents = await _documents(store, partition, left)
                await store.settle_records(partition)
                found = await _portables(store, documents)
                versions = await _versions(store, partition, left)
                moved = [document.version != version for document, version in zip(documents, versions, strict=True)]
                last = tried == TRIES - 1
                for one, gone_on in zip(found, moved, strict=True):
                    if not gone_on or last:
                        yield one
                left = [id_ for id_, gone_on in zip(left, moved, strict=True) if gone_on]
                if not left:
                    break
                if last:  # what it said may be a moment ahead of where it stands
                    log.warning("backup.restless", conversations=left)


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), TOGETHER):
        yield ids[start : start + TOGETHER]


async def _documents(store: ClusterStore, partition: int, ids: Sequence[str]) -> list[Document]:
    """Each as it is now."""
    keys = [store.shards.key(partition, f"s:{id_}") for id_ in ids]
    answers = await store.shards.run(partition, *(("HMGET", key, "v", "b", "o") for key in keys))
    return [read(id_, *answer) for id_, answer in zip(ids, answers, strict=True)]


async def _versions(store: ClusterStore, partition: int, ids: Sequence[str]) -> list[int]:
    keys = [store.shards.key(partition, f"s:{id_}") for id_ in ids]
    return [int(version or 0) for version in await store.shards.run(partition, *(("HGET", key, "v") for key in keys))]


async def _portables(
    store: ClusterStore, documents: Sequence[Document], strays: Collection[int] = ()
) -> list[Portable]:
    """With their records, as PostgreSQL has them now."""
    ids = [document.session.conversation_id for document in documents]
    async with store.database.transaction() as connection:
        lines = await transcript.all_of(connection, ids)
        said = await consents.all_of(connection, ids)
        query = (
            "SELECT conversation FROM handoffs WHERE conversation = ANY($1)"
            " UNION SELECT conversation FROM alerts WHERE conversation = ANY($1)"
            " UNION SELECT conversation FROM outbox WHERE conversation = ANY($1) AND NOT pending"
            " AND id IN (SELECT ref FROM alerts WHERE ref IS NOT NULL)"
        )
        people = {row["conversation"] for row in await connection.fetch(query, ids)}
        return [
            await _portable(connection, document, lines.get(id_, ()), said.get(id_, ()), strays, people=id_ in people)
            for id_, document in zip(ids, documents, strict=True)
        ]


async def _portable(
    connection: Any,
    document: Document,
    lines: Sequence[Record],
    said: Sequence[ConsentEntry],
    strays: Collection[int],
    *,
    people: bool,
) -> Portable:
    """``people``: one has, or had, to do with it."""
    id_ = document.session.conversation_id
    timers = sorted(document.work.timers.items())
    cases = await handoffs.of_conversation(connection, id_, 10**9) if people else []
    return Portable(
        session=document.session,
        outbox=tuple(alone(row, strays) for row in document.work.outbox),
        timers=tuple(Timer(name=name, due_at=due_at, armed=armed) for name, (due_at, armed) in timers),
        calls=document.work.calls,
        cases=tuple(reversed(cases)),
        alerts=tuple(await alerts.of_conversation(connection, id_)) if people else (),
        cards=await _cards(connection, id_) if people else (),
        lines=tuple(lines),
        seen=tuple((line.ref, line.at) for line in lines if line.kind == "in" and line.ref is not None),
        said=tuple(said),
    )


async def empty(store: ClusterStore) -> bool:
    """Whether no conversation is here, nor was one of which records are left. Raises Unavailable."""
    if (await store.counts())[0]:
        return False
    for partition in range(store.place.partitions):
        if await _ids(store, partition):
            return False
    return True


async def _ids(store: ClusterStore, partition: int) -> list[str]:
    prefix = store.shards.key(partition, "s:")
    return [key[len(prefix) :] for key in await _keys(store, partition, prefix)]


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
