"""What a worker does for ever must go on: whatever an engine refuses for a while, and whatever one conversation is like."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiormq.abc import DeliveredMessage
from redis.exceptions import ResponseError

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.clustered import ClusterAdapter
from tests.integration.storage import attempt, conversation, outbound, status, unit
from wabox.core.conversation import Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.message import InboundMessage
from wabox.errors import Unavailable

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.broker import Broker
from wabox.cluster.leases import Leases
from wabox.cluster.partition import priority
from wabox.cluster.router import Router
from wabox.cluster.shards import Shards
from wabox.cluster.store import ClusterStore

REDIS = shutil.which("redis-server") or "redis-server"


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[ClusterAdapter]:
    made = ClusterAdapter(tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Shards]:
    """One partition on a Redis of its own: whoever changes its settings changes nobody else's."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--cluster-enabled", "yes"),
        *("--cluster-port", str(port - 10_000 if port > 50_000 else port + 10_000), "--save", ""),
        stdout=asyncio.subprocess.DEVNULL,
    )
    router = Router.of([f"redis://127.0.0.1:{port}"])
    while True:
        with contextlib.suppress(Unavailable):
            await router.ask(("127.0.0.1", port), ("CLUSTER", "ADDSLOTSRANGE", 0, 16383))
            break
        await asyncio.sleep(0.01)
    await _until_it_has(router, port)
    shards = Shards(router, 1, "primary", prefix="wabox:")
    yield shards
    await shards.aclose()
    process.kill()
    await process.wait()


async def _until_it_has(router: Router, port: int) -> None:
    said = b""
    while b"cluster_state:ok" not in said:
        (said,) = await router.ask(("127.0.0.1", port), ("CLUSTER", "INFO"))
        await asyncio.sleep(0.01)
    await router.start()


async def test_a_redis_that_refuses_writes_for_a_while_is_waited_for(alone: Shards) -> None:
    """A full disk (MISCONF) and too few replicas (NOREPLICAS) are the shard's trouble: its gate is shut, and opens again. A
    customer whose turn met that is not handed to people for it."""
    node = alone.router.nodes[0]
    await alone.router.ask(node, ("CONFIG", "SET", "min-replicas-to-write", 1))
    with pytest.raises(Unavailable, match="NOREPLICAS"):
        await alone.run(0, ("SET", alone.key(0, "a"), "1"))
    assert not alone.gates.is_open(0)
    await alone.router.ask(node, ("CONFIG", "SET", "min-replicas-to-write", 0))
    await alone.gates.wait(0)
    await alone.run(0, ("SET", alone.key(0, "a"), "1"))


async def test_leases_are_renewed_after_whatever_went_wrong(alone: Shards) -> None:
    """Here the lease is no string: Redis answers WRONGTYPE, which is nobody's Unavailable."""
    turns = asyncio.Queue[None]()
    looked = asyncio.Event()

    async def sleep(_: float) -> None:
        looked.set()
        await turns.get()

    leases = Leases(alone, "w1", sleep=sleep)
    key = alone.key(0, "own")
    await alone.run(0, ("LPUSH", key, "odd"))
    with pytest.raises(ResponseError):
        await leases.look()
    leases.run()
    async with asyncio.timeout(10):
        await looked.wait()
        await alone.run(0, ("DEL", key))
        looked.clear()
        turns.put_nowait(None)
        await looked.wait()
    assert (leases.mine, leases.share) == ([0], 1.0)
    await leases.aclose()


async def test_a_worker_that_just_came_sends_as_fast_as_its_lanes_are_many(adapter: ClusterAdapter) -> None:
    """It has half of the lanes at once, and a lease with its first message only: its first customers waited for seconds."""
    store = (await adapter.open()).store
    count = store.shards.partitions
    names = (
        "w1",
        next(f"x{n}" for n in range(99) if sum(outbids(f"x{n}", "w1", p) for p in range(count)) == count // 2),
    )
    first, second = (Leases(store.shards, name) for name in names)
    await first.look()
    await second.look()
    assert (first.share, second.share, second.mine) == (1.0, 0.5, [])
    second.given(0)
    async with asyncio.timeout(10):
        while first.share == 1.0:
            await first.look()
    assert (first.share, len(first.mine), second.mine) == (0.5, count - 1, [0])
    await second.aclose()
    await first.look()
    assert first.share == 1.0
    await first.aclose()


def outbids(worker: str, other: str, partition: int) -> bool:
    return priority(worker, partition) > priority(other, partition)


async def test_one_damaged_conversation_holds_up_no_other(adapter: ClusterAdapter) -> None:
    """Its timer, its call and its failure cannot be read; those of the others go off."""
    store = (await adapter.open()).store
    await store.leases.look()
    due = Timer(name="soft", due_at=NOW + 1, armed=1)
    names = [f"c{number}" for number in range(8)]
    for name in names:
        await store.commit(unit(name, name=name, arm=[due]))
    spoilt = conversation("c0")
    partition = store.shards.partition(spoilt)
    await store.shards.run(partition, ("HSET", store.shards.key(partition, f"s:{spoilt}"), "b", b"?", "o", b"?"))
    await store.shards.run(partition, ("SADD", store.shards.key(partition, "c"), spoilt))
    await store.shards.run(partition, ("ZADD", store.shards.key(partition, "u"), 0, spoilt))
    store._sessions.forget()
    assert await store.sweep(NOW + 1000, 100) == len(names) - 1
    assert await store.calls() == []
    assert await store.tell(10) == 0


async def failing(store: ClusterStore, message_id: str) -> None:
    """A message of which its flow wants to hear that it failed, begun."""
    await store.commit(unit(message_id, sends=[outbound(message_id, tells=True)]))
    await store.settle([attempt(message_id, DeliveryStatus.SENDING, conversation_id=conversation())])


async def test_a_failure_is_told_though_the_broker_was_away(adapter: ClusterAdapter) -> None:
    store = (await adapter.open()).store
    await store.leases.look()
    await failing(store, "a")
    await store.settle([attempt("a", DeliveryStatus.FAILED, conversation_id=conversation(), code=131026)])
    told: list[str] = []
    away = True

    async def publish(messages: Sequence[InboundMessage]) -> None:
        if away:
            raise Unavailable("RabbitMQ did not confirm")
        told.extend(message.message_id for message in messages)

    store._sessions._publish = publish
    with pytest.raises(Unavailable):
        await store.tell(10)
    away = False
    assert await store.tell(10) == 1
    assert told == [f"failed:{outbound('a').id}"]
    assert await store.tell(10) == 0, "once is enough"


async def test_a_failure_is_told_that_another_worker_read_of(adapter: ClusterAdapter) -> None:
    """Statuses go to any worker. Who owns the conversation remembers it as it was before."""
    owner, other = (await adapter.open()).store, (await adapter.open()).store
    await owner.leases.look()
    await failing(other, "a")
    assert await owner.open(conversation())
    await owner.settled()
    await other.events.take(status("wamid.1", DeliveryStatus.FAILED, "a"))
    assert await owner.tell(10) == 1


async def test_a_busy_worker_s_acknowledgements_and_heartbeats_do_not_wait_in_line(tmp_path: Path) -> None:
    """Where few frames leave in each turn of the event loop, a worker with much to do falls behind with what it has done, and
    the broker thinks that it is dead."""
    broker = Broker(clustered.place("frames").rabbitmq)
    channel = await broker.channel()
    queue = (await channel.queue_declare(exclusive=True)).queue or ""
    came: list[int] = []
    all_came = asyncio.Event()

    async def received(delivered: DeliveredMessage) -> None:
        came.append(delivered.delivery_tag or 0)
        if len(came) == 1000:
            all_came.set()

    await asyncio.gather(*(channel.basic_publish(b"x", routing_key=queue) for _ in range(1000)))
    await channel.basic_consume(queue, received)
    async with asyncio.timeout(30):
        await all_came.wait()
    acknowledging = asyncio.gather(*(channel.basic_ack(tag) for tag in came))
    turns = 0
    while not acknowledging.done():
        turns += 1
        await asyncio.sleep(0)
    await broker.aclose()
    assert turns < 50
