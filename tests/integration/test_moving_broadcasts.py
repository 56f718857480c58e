"""Broadcasts move with everybody they are for, however far each of them is; and nobody is written to twice for that."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.clustered import command as run
from tests.integration.storage import NUMBER, Handler, arrival, attempt, conversation, message, outbound, unit
from wabox.core.broadcast import Broadcast, Progress, Recipient
from wabox.core.changed import changed
from wabox.core.contact import Contact, conversation_id
from wabox.core.delivery import DeliveryStatus
from wabox.core.message import InboundMessage

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.making import make
from wabox.cluster.store import ClusterStore
from wabox.moving import Moved, to_cluster, to_sqlite
from wabox.sqlite.store import SqliteStore, open_store

SPRING = Broadcast(
    name="spring",
    number_id=NUMBER,
    template="spring",
    purpose="marketing",
    category="marketing",
    rate=60_000.0,
    max_failures=10.0,
    created_at=NOW,
)
BODY = {"type": "template", "template": {"name": "spring", "language": {"code": "en"}}}
PEOPLE = 6


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    async with clustered.beside_commands(tmp_path, monkeypatch) as store:
        yield store


def people(count: int = PEOPLE) -> list[Recipient]:
    """Known by their phones: the file has no other ids."""
    return [
        Recipient(line=line, contact=Contact(wa_id=f"52155500{line:05}", name=f"P{line}"), body=BODY)
        for line in range(2, 2 + count)
    ]


async def key_of(store: SqliteStore | ClusterStore, name: str = "spring") -> int:
    row = await store.outgoing.broadcast(name)
    assert row is not None
    return row.key


async def progress(store: SqliteStore | ClusterStore) -> dict[str, int]:
    found: Progress = await store.outgoing.progress(await key_of(store))
    return {name: count for name, count in found.statuses.items() if count}


def whose(line: int) -> str:
    return conversation_id(NUMBER, people()[line - 2].contact)


async def written_to(store: SqliteStore, line: int, *, sent: bool) -> None:
    """What a worker makes of a recipient who was entered."""
    row = changed(outbound(f"b{line}", recipient=line - 1), conversation_id=whose(line))
    done = unit(f"api:broadcast:spring:{NOW}:{line - 1}", sends=[row])
    done = changed(done, conversation_id=whose(line), contact=people()[line - 2].contact)
    assert await store.commit(done) == "committed"
    if sent:
        await store.settle([attempt(f"b{line}", DeliveryStatus.SENDING, conversation_id=whose(line))])
        await store.settle([attempt(f"b{line}", DeliveryStatus.SENT, conversation_id=whose(line), wamid="wamid.2")])


async def half_done(folder: Path, clock: VirtualClock) -> None:
    """Two wait, two are in the inbox, one's message waits, one was sent."""
    store = await open_store(folder, clock)
    await store.outgoing.add_broadcast(SPRING, people())
    assert await store.enter(await key_of(store), 4) == 4
    await written_to(store, 2, sent=True)
    await written_to(store, 3, sent=False)
    assert await progress(store) == {"waiting": 2, "entered": 2, "queued": 1, "sent": 1}
    await store.close()


async def handled(cluster: ClusterStore, count: int) -> set[int | None]:
    """Recipients of what waited in the lanes."""
    found: set[int | None] = set()

    async def note(message: InboundMessage) -> None:
        found.add(message.payload.get("recipient"))

    handler = Handler(cluster, note)
    cluster.lanes.run(handler)
    async with asyncio.timeout(30):
        await handler.until(count)
        while await cluster.waiting():  # noqa: ASYNC110 - the broker does not tell
            await asyncio.sleep(0.05)
    await cluster.settled()
    assert len(handler.handled) == count
    return found


async def moved(folder: Path, cluster: ClusterStore) -> Moved:
    clock = VirtualClock()
    return await to_cluster(folder, cluster, lambda done, of: None, models=folder / "models", clock=clock)


async def test_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """Who waits is written to there, once; a message under way still tells its recipient what became of it."""
    clock = VirtualClock()
    await half_done(tmp_path / "old", clock)
    for brought in (1, 0):
        done = await moved(tmp_path / "old", cluster)
        (part,) = [one for one in done.parts if one.name == "broadcasts"]
        assert (part.count, part.brought, part.here == part.there, done.broadcasts) == (1, brought, True, ())
        assert await progress(cluster) == {"waiting": 2, "entered": 2, "queued": 1, "sent": 1}

    assert await cluster.enter(await key_of(cluster), 9) == 2
    assert await cluster.enter(await key_of(cluster), 9) == 0
    assert await progress(cluster) == {"entered": 4, "queued": 1, "sent": 1}
    await cluster.leases.look()
    await cluster.settle([attempt("b3", DeliveryStatus.SENDING, conversation_id=whose(3))])
    await cluster.settle([attempt("b3", DeliveryStatus.SENT, conversation_id=whose(3), wamid="wamid.3")])
    await cluster.settled()
    assert await progress(cluster) == {"entered": 4, "sent": 2}
    assert await cluster.outgoing.add_broadcast(replace(SPRING, name="summer"), people(1))
    assert await key_of(cluster, "summer") > await key_of(cluster)

    assert await handled(cluster, 4) == {3, 4, 5, 6}
    await cluster.outgoing.change_broadcast("spring", "paused", ("running",), "enough")
    back = await to_sqlite(cluster, tmp_path / "new", clock, lambda done, of: None)
    assert back.equal
    store = await open_store(tmp_path / "new", clock)
    assert await progress(store) == {"entered": 4, "sent": 2}
    row = await store.outgoing.broadcast("spring")
    assert row is not None
    assert (row.broadcast.status, row.broadcast.reason) == ("paused", "enough")
    await store.close()


@pytest.mark.parametrize("theirs", ["spring", "summer"])
async def test_where_there_is_another_of_its_name_or_numbers_it_stays(
    tmp_path: Path, cluster: ClusterStore, theirs: str
) -> None:
    """And nobody is taken for somebody whom that other one is for."""
    clock = VirtualClock()
    await half_done(tmp_path / "old", clock)
    store = await open_store(tmp_path / "theirs", clock)
    await store.outgoing.add_broadcast(replace(SPRING, name=theirs, created_at=NOW - 1), people(3))
    await store.close()
    assert (await moved(tmp_path / "theirs", cluster)).broadcasts == ()
    done = await moved(tmp_path / "old", cluster)
    assert (done.equal, done.broadcasts) == (True, ("spring",))
    assert [one.name for one in done.parts if one.name == "broadcasts"] == []
    (row,) = await cluster.pending(whose(3), 9)
    assert row.recipient is None
    assert await handled(cluster, 2) == {None}
    assert (await cluster.outgoing.progress(await key_of(cluster, theirs))).statuses == {"waiting": 3}
    back = await to_sqlite(cluster, tmp_path / "old", clock, lambda done, of: None)
    assert (back.equal, back.broadcasts) == (True, (theirs,))


async def test_a_customer_is_written_to_where_they_are_known(tmp_path: Path, cluster: ClusterStore) -> None:
    """By a user id, though the file has a phone number."""
    clock = VirtualClock()
    store = await open_store(tmp_path / "old", clock)
    known = Contact(user_id="MX.ana", wa_id=people(1)[0].contact.wa_id)
    await store.put(arrival(changed(message("m", "ana"), contact=known)))
    assert await store.commit(changed(unit("m", name="ana"), contact=known)) == "committed"
    await store.outgoing.add_broadcast(SPRING, people(2))
    await store.close()
    assert (await moved(tmp_path / "old", cluster)).equal
    assert await cluster.enter(await key_of(cluster), 9) == 2
    async with cluster.database.transaction() as connection:
        rows = await connection.fetch("SELECT conversation FROM recipients ORDER BY key")
    other = people(2)[1].contact.wa_id
    assert [row["conversation"] for row in rows] == [conversation("ana"), f"{NUMBER}:{other}"]


async def test_in_a_backup(tmp_path: Path, cluster: ClusterStore) -> None:
    """What waited in the lanes is in no copy: nobody will say what became of it. What ran is paused."""
    await cluster.outgoing.add_broadcast(SPRING, people())
    assert await cluster.enter(await key_of(cluster), 3) == 3
    await cluster.leases.look()
    await cluster.commit(
        unit("b2", name="P2", sends=[outbound("b2", 0, "P2", recipient=await key_of_line(cluster, 2))])
    )
    await cluster.settled()
    assert await progress(cluster) == {"waiting": 3, "entered": 2, "queued": 1}
    made = json.loads(await run("backup", "--json"))

    await clustered.clear(cluster)
    await make(cluster.database, cluster.broker, cluster.place.name, clustered.PARTITIONS)
    told = json.loads(await run("restore", made["file"], "--json"))
    assert (told["equal"], told["held"]["broadcasts"], told["parts"]["broadcasts"]) == (True, 1, 1)
    row = await cluster.outgoing.broadcast("spring")
    assert row is not None
    assert row.broadcast.status == "paused"
    assert await progress(cluster) == {"waiting": 3, "skipped": 3}
    lost = await cluster.outgoing.recipients(row.key, 9, "skipped")
    assert all("may have left" in str(one.reason) for one in lost)


async def key_of_line(store: ClusterStore, line: int) -> int:
    async with store.database.transaction() as connection:
        return int(await connection.fetchval("SELECT key FROM recipients WHERE line = $1", line))
