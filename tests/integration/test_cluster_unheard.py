"""Redis wrote, or did not, and nobody heard of it: a shard fails over. What was not posted is not in doubt for that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration.clustered import FOLDER, ClusterAdapter
from tests.integration.storage import attempt, conversation, outbound, unit
from wabox.core.changed import changed
from wabox.core.delivery import DeliveryStatus
from wabox.errors import Unavailable

if FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.shards import Shards
from wabox.cluster.store import ClusterStore

SENDING = DeliveryStatus.SENDING


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = ClusterAdapter(tmp_path)
    opened = (await adapter.open()).store
    await opened.leases.look()
    yield opened
    await adapter.aclose()


def unheard(store: ClusterStore, monkeypatch: pytest.MonkeyPatch, *applied: bool) -> None:
    """The next writes say nothing, one after the other; ``applied``: whether they happen all the same."""
    shards: Shards = store.shards
    tries, write = list(applied), shards.write

    async def silent(*arguments: Any) -> Any:
        if not tries:
            return await write(*arguments)
        if tries.pop(0):
            await write(*arguments)
        raise Unavailable("Redis did not answer")

    monkeypatch.setattr(shards, "write", silent)


async def test_a_turn_that_was_tried_until_it_was_known_leaves_at_once(
    store: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    unheard(store, monkeypatch, False, True)
    said = []
    for at in (NOW, NOW + 5, NOW + 9):
        try:
            said.append(await store.commit(unit("a", sends=[changed(outbound("a"), status=SENDING, attempted_at=at)])))
        except Unavailable:
            said.append("unheard")
    assert said == ["unheard", "unheard", "duplicate"]
    (row,) = await store.pending(conversation(), 10)
    assert row.attempted_at == NOW + 5
    assert store.unposted(row), "it may be posted"
    assert not store.unposted(row), "once"


async def test_a_mark_that_nobody_heard_of_makes_no_doubt(store: ClusterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.commit(unit("a", sends=[outbound("a")]))
    unheard(store, monkeypatch, True)
    with pytest.raises(Unavailable):
        await store.settle([attempt("a", SENDING, conversation_id=conversation())])
    (row,) = await store.pending(conversation(), 10)
    assert row.status is SENDING
    assert store.unposted(row)
