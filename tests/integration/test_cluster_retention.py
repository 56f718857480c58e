"""What is kept for how long, on a cluster: as on one machine (``test_retention.py``)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.storage import conversation, unit
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry
from wabox.core.conversation import Record
from wabox.core.handoff import Handoff
from wabox.core.keep import DAY, Keep

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.store import ClusterStore

LINES = 600


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[clustered.ClusterAdapter]:
    adapter = clustered.ClusterAdapter(tmp_path)
    yield adapter
    await adapter.aclose()


async def lived(store: ClusterStore, name: str, at: int, *, open_case: bool = False, **more: Any) -> None:
    """Said 600 things, and had a case."""
    case = Handoff(id=f"case-{name}", conversation_id=conversation(name), status="waiting", opened_at=at, at=at)
    last = case if open_case else changed(case, status="closed", closed_at=at)
    lines = [Record(at=at, kind="in", body={"text": "hola"}, ref=str(number)) for number in range(LINES)]
    done = unit(f"m-{name}", name=name, at=at, snapshot=None, records=lines, **more)
    await store.commit(changed(done, handoffs=(last,), case=case if open_case else None))
    await store.settled()


async def rows(store: ClusterStore, table: str) -> int:
    async with store.database.transaction() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_each_kind_has_its_period(adapter: clustered.ClusterAdapter) -> None:
    """What is older goes, what is younger stays; an open case stays however old."""
    store = (await adapter.open()).store
    async with store.database.transaction() as connection:
        for table in ("dead_letters (at, reason, raw)", "other_changes (at, field, raw)"):
            await connection.execute(f"INSERT INTO {table} VALUES ($1, 'odd', '')", NOW)
    await lived(store, "ana", NOW)
    await lived(store, "eva", NOW, open_case=True)
    now = NOW + 100 * DAY
    await lived(store, "bob", now)
    keep = Keep(transcript=90, handoffs=50, dead_letters=101, other_changes=0, contacts=0)
    await store.prune(now, keep)
    assert await rows(store, "transcript") == LINES
    assert await rows(store, "handoffs") == 2  # eva's is open, bob's is young
    assert (await rows(store, "dead_letters"), await rows(store, "other_changes")) == (1, 1)
    await store.prune(now + 2 * DAY, keep)
    assert (await rows(store, "dead_letters"), await rows(store, "other_changes")) == (0, 1)
    assert await rows(store, "conversations") == 3


async def test_idle_customers_go_with_all_that_is_theirs(adapter: clustered.ClusterAdapter) -> None:
    """Not those who left a wish, who wait for a person, or who wrote since, though PostgreSQL has not heard of that."""
    store = (await adapter.open()).store
    for name in ("ana", "bob", "eva", "kim"):
        await lived(store, name, NOW, open_case=name == "eva")
    (bob,) = await store.register.find("MX.bob")
    await store.register.enter(bob.key, ConsentEntry(at=NOW, what="stop", channel="command"))
    now = NOW + 1100 * DAY
    await lived(store, "joe", now)
    await store.commit(unit("m-kim-2", name="kim", expected=1, at=now))
    await store.prune(now, Keep(transcript=0, handoffs=0))
    assert {one.handle for one in await store.register.people()} == {"MX.bob", "MX.eva", "MX.joe", "MX.kim"}
    assert (await store.open(conversation("ana"))).sequence == 0
    assert await store.transcript(conversation("ana")) == []
    assert (await store.open(conversation("bob"))).consent.stopped
    assert (await store.open(conversation("kim"))).sequence == 2
