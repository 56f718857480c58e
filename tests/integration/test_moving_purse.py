"""What the language model has cost, and what it answered, moves to a cluster and back, and goes into its backups."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.storage import conversation, unit
from wabox.core.llm import Caps, Spent
from wabox.moving import Moved

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.store import ClusterStore
from wabox.moving import copy, to_cluster, to_sqlite
from wabox.sqlite.store import open_store

TODAY = datetime.fromtimestamp(NOW / 1000, UTC).date().isoformat()
LONG_AGO = "2026-01-31"
CAPS = Caps(turn=100, conversation=300, day=1000)
ANA, BEN = conversation("ana"), conversation("ben")
KEY, OTHER = b"\x00question", b"\x01question"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = clustered.ClusterAdapter(tmp_path)
    settled = await adapter.open()
    yield settled.store
    await adapter.aclose()


def quietly(done: int, of: int) -> None:
    """Nobody looks."""


def carried(moved: Moved) -> list[tuple[int, int]]:
    return [(part.count, part.brought) for part in moved.parts if "language model" in part.name]


async def test_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """The caps hold as if nobody had moved, once however often it is brought; an answer is not bought twice."""
    clock = VirtualClock()
    store = await open_store(tmp_path / "old", clock)
    for name in ("ana", "ben"):
        await store.commit(unit(name=name))
    assert await store.purse.take(ANA, TODAY, 200, CAPS)
    assert await store.purse.take(BEN, TODAY, 100, CAPS)
    assert await store.purse.take(ANA, LONG_AGO, 50, CAPS)
    await store.purse.keep(KEY, "a\0nswer", NOW)
    await store.close()
    for brought in (4, 0):
        moved = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=clock)
        assert (carried(moved), moved.equal) == ([(4, brought), (1, brought // 4)], True)
        assert await cluster.purse.spent(ANA, TODAY) == Spent(conversation=200, day=300)
    assert await cluster.purse.spent(ANA, LONG_AGO) == Spent(conversation=0, day=50)
    assert await cluster.purse.known(KEY, 0) == "answer"
    assert not await cluster.purse.take(ANA, TODAY, 101, CAPS)

    assert await cluster.purse.take(ANA, TODAY, 100, CAPS)
    await cluster.purse.keep(KEY, "better", NOW + 1)
    await cluster.purse.keep(OTHER, "new", NOW + 1)
    for folder, expected in (("old", [(4, 2), (2, 2)]), ("new", [(4, 4), (2, 2)]), ("new", [(4, 0), (2, 0)])):
        back = await to_sqlite(cluster, tmp_path / folder, clock, quietly)
        assert (carried(back), back.equal) == (expected, True)
        store = await open_store(tmp_path / folder, clock)
        assert await store.purse.spent(ANA, TODAY) == Spent(conversation=300, day=400)
        assert (await store.purse.spent(ANA, LONG_AGO)).day == 50
        assert [await store.purse.known(key, 0) for key in (KEY, OTHER)] == ["better", "new"]
        await store.close()


async def test_in_a_backup(tmp_path: Path, cluster: ClusterStore) -> None:
    """Sums of conversations that are in it; who was forgotten is not named by what they cost."""
    clock = VirtualClock()
    await cluster.commit(unit(name="ana"))
    for who in (ANA, conversation("late")):
        assert await cluster.purse.take(who, TODAY, 200, CAPS)
    assert await copy(cluster, tmp_path / "copy", clock, quietly) == 1
    store = await open_store(tmp_path / "copy", clock)
    assert await store.purse.spent(ANA, TODAY) == Spent(conversation=200, day=400)
    assert (await store.purse.spent(conversation("late"), TODAY)).conversation == 0
    await store.close()
