"""Two workers that both think a conversation theirs, for a moment: a lane moved, or a lease ended. On real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.clustered import FOLDER, ClusterAdapter
from tests.integration.storage import attempt, conversation, outbound, unit
from wabox.cluster.begun import ABANDONED
from wabox.cluster.store import ClusterStore
from wabox.core.changed import changed
from wabox.core.delivery import DeliveryStatus
from wabox.core.invocation import Invocation
from wabox.errors import Unavailable

pytestmark = pytest.mark.skipif(FOLDER is None, reason="WABOX_TEST_CLUSTER names no servers; see packaging/cluster/up")

SENDING, SENT = DeliveryStatus.SENDING, DeliveryStatus.SENT
ANA = conversation()


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[ClusterAdapter]:
    made = ClusterAdapter(tmp_path)
    yield made
    await made.aclose()


async def two(adapter: ClusterAdapter) -> tuple[ClusterStore, ClusterStore]:
    return (await adapter.open()).store, (await adapter.open()).store


async def test_only_one_of_them_sends(adapter: ClusterAdapter) -> None:
    old, new = await two(adapter)
    await old.commit(unit("a", sends=[outbound("a"), outbound("b")]))
    assert [row.id for row in await new.pending(ANA, 10)] == [outbound("a").id, outbound("b").id]
    now = adapter.clock.now
    sending = changed(attempt("a", SENDING, conversation_id=ANA), at=now)
    await old.settle([sending])
    with pytest.raises(Unavailable, match="another worker is sending"):
        await new.settle([sending])
    await old.settle([sending])  # who began may begin again
    await old.settle([attempt("a", SENT, conversation_id=ANA, wamid="wamid.1")])
    assert [row.id for row in await new.pending(ANA, 10)] == [outbound("b").id]
    assert await new.settle([sending]) == {outbound("a").id}, "it has left"


async def test_what_a_dead_one_began_may_be_sent_after_a_while(adapter: ClusterAdapter) -> None:
    old, new = await two(adapter)
    await old.commit(unit("a", sends=[outbound("a")]))
    await old.settle([changed(attempt("a", SENDING, conversation_id=ANA), at=adapter.clock.now)])
    adapter.clock.now += ABANDONED
    assert [row.status for row in await new.pending(ANA, 10)] == [SENDING]
    assert await new.settle([changed(attempt("a", SENDING, conversation_id=ANA), at=adapter.clock.now)]) == set()
    with pytest.raises(Unavailable):  # it was no corpse: now it is its turn to wait
        await old.settle([changed(attempt("a", SENDING, conversation_id=ANA), at=adapter.clock.now)])


async def test_calls_of_a_worker_that_lives_are_its_own(adapter: ClusterAdapter) -> None:
    old, new = await two(adapter)
    call = Invocation(
        id="c",
        conversation_id=ANA,
        chart="main",
        name="look",
        armed=1,
        request={},
        timeout=1,
        retries=0,
        created_at=adapter.clock.now,
    )
    await old.commit(changed(unit("a"), invoke=(call,)))
    gained: list[bool] = []
    new.leases.gained = lambda: gained.append(True)
    new.leases.given(new.shards.partition(ANA))
    for task in list(new.leases._taking):
        await task
    assert await new.calls() == [], "its lane has moved, what it has begun has not"
    assert new.leases.doubtful(ANA), "what it is sending is not to be sent by another"
    await new.leases.look()
    assert new.leases.doubtful(ANA)
    await old.close()
    gained.clear()
    await new.leases.look()
    assert not new.leases.doubtful(ANA)
    assert gained, "whoever looks after calls is told"
    assert [found.id for found in await new.calls()] == ["c"]
