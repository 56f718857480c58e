"""Whether the engines are what the rest of this package takes them for. Every point says what to do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiormq.exceptions import AMQPError
from pamqp.commands import Basic
from redis.exceptions import ResponseError

from wabox.cluster.broker import Broker, close
from wabox.cluster.making import agreed
from wabox.cluster.partition import slot_of
from wabox.cluster.records.database import Database
from wabox.cluster.records.queries import PostgresRecords
from wabox.cluster.router import Node, Router, Unreachable
from wabox.cluster.shards import Shards
from wabox.cluster.store import Place
from wabox.cluster.topology import Topology
from wabox.core.version import Version
from wabox.errors import SettingsError, Unavailable

OLDEST_RABBIT, OLDEST_REDIS, OLDEST_VALKEY = (4, 0), (7, 0), (7, 2)
CONFIRM, COMMIT = 20.0, 10.0
"""ms that a publish with its confirm, and a write with its replica, may take, in the middle of all: customers wait for both."""
TIMES = 20
SHARE = 1.25
"""Of the mean, that the primary with the most partitions may have."""
SKEW = 2.0
"""s that clocks may differ by."""
WANTED = {
    "maxmemory-policy": ("noeviction", "a full Redis must refuse, not forget conversations"),
    "appendonly": ("yes", "a restart must not lose conversations"),
    "cluster-require-full-coverage": ("no", "a dead shard must not stop the others"),
}


@dataclass(frozen=True, slots=True)
class Point:
    what: str
    good: bool
    found: str
    fix: str = ""


async def look(place: Place) -> list[Point]:
    """All points, those of the engines that can be reached; how many partitions there are is asked."""
    found: list[Point] = []
    database = Database(place.postgres, place.name)
    try:
        partitions = await agreed(database)
        found.append(Point("PostgreSQL", True, f"answers; {partitions} partitions"))
    except (Unavailable, SettingsError) as error:
        partitions = 0
        found.append(Point("PostgreSQL", False, str(error), "see [cluster] postgres, and wabox cluster init"))
    finally:
        await database.aclose()
    found += await _rabbits(place, Topology(partitions, place.name))
    try:
        router = Router.of(place.redis)
    except SettingsError as error:
        return [*found, Point("Redis", False, str(error), "see [cluster] redis")]
    shards = Shards(router, max(partitions, 1), place.durability, prefix=f"{place.name}:")
    try:
        await router.start()
        found += _spread(shards)
        found += await _redis(router)
        found += await _commits(shards)
    except Unavailable as error:
        found.append(Point("Redis", False, str(error), "see [cluster] redis"))
    finally:
        await shards.aclose()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """What is going on."""

    partitions: int
    lanes: int
    """Partitions whose lane a worker reads."""
    waiting: int
    """Messages in the lanes that no worker has."""
    conversations: int
    outbox: int
    dead: int
    versions: Sequence[Version]


async def work(place: Place) -> AtWork:
    """Ask PostgreSQL and the broker. Raises Unavailable, SettingsError."""
    database, broker = Database(place.postgres, place.name), Broker(place.rabbitmq)
    try:
        partitions = await agreed(database)
        records = PostgresRecords(database)
        conversations, outbox, _, dead = await records.counts()
        versions = await records.every_version()
        topology = Topology(partitions, place.name)
        channel = await broker.channel()
        lanes = waiting = 0
        for partition in range(partitions):
            found = await channel.queue_declare(topology.lane(partition), passive=True)
            lanes += bool(found.consumer_count)
            waiting += found.message_count or 0
        await close(channel)
    except AMQPError as error:
        raise Unavailable(f"RabbitMQ lacks a lane: {error}") from error
    finally:
        await broker.aclose()
        await database.aclose()
    return AtWork(
        partitions=partitions,
        lanes=lanes,
        waiting=waiting,
        conversations=conversations,
        outbox=outbox,
        dead=dead,
        versions=versions,
    )


async def _rabbits(place: Place, topology: Topology) -> list[Point]:
    """Each node that is named, and through the first that answers what is in it."""
    found: list[Point] = []
    answering = 0
    for number, url in enumerate(place.rabbitmq, 1):
        broker = Broker([url])
        what = f"RabbitMQ {number} of {len(place.rabbitmq)}"
        try:
            version = await broker.version()
            answering += 1
            new = _numbers(version) >= OLDEST_RABBIT
            fix = "4.0 or newer: before, a second worker gets no lanes"
            found.append(Point(what, new, f"version {version}", fix))
            if answering == 1:
                found += await _rabbit(broker, topology)
        except Unavailable as error:
            found.append(Point(what, False, str(error), "see [cluster] rabbitmq"))
        finally:
            await broker.aclose()
    named = len(place.rabbitmq)
    said = f"{named} named, {answering} answer{'; three survive the loss of one' if named == 1 else ''}"
    odd = named % 2 == 1 and answering == named
    found.append(Point("RabbitMQ nodes", odd, said, "name every node, an odd number of them: a majority decides"))
    return found


async def _rabbit(broker: Broker, topology: Topology) -> list[Point]:
    found: list[Point] = []
    channel = await broker.channel(confirms=True)
    try:
        if topology.partitions:
            await channel.queue_declare(topology.lane(topology.partitions - 1), passive=True)
            dead = await channel.queue_declare(topology.dead, passive=True)
            count = dead.message_count or 0
            found.append(Point("dead letters", count == 0, str(count), f"look into the queue {topology.dead}"))
        queue = await channel.queue_declare("", exclusive=True)

        async def publish() -> None:
            properties = Basic.Properties(delivery_mode=2)
            await channel.basic_publish(b"wabox", routing_key=queue.queue or "", properties=properties)

        found.append(_quick("publish and confirm", await _times(publish), CONFIRM, "the broker or its disk is slow"))
    except AMQPError as error:
        found.append(Point("queues", False, str(error), "run wabox cluster init"))
    finally:
        await close(channel)
    return found


def _spread(shards: Shards) -> list[Point]:
    """Partitions by primary: the busiest must not have much more than its share, and none may be nobody's."""
    owners = Counter(shards.router.owner(slot_of(number, shards.partitions)) for number in range(shards.partitions))
    nobody = owners.pop(None, 0)
    fix = "redis-cli --cluster rebalance; --cluster fix for slots without a node"
    if not owners:
        return [Point("Redis slots", False, "no node has any", fix)]
    share = max(owners.values()) * len(owners) / sum(owners.values())
    said = f"{'/'.join(map(str, owners.values()))} partitions on {len(owners)} primaries"
    if nobody:
        said += f", {nobody} on none"
    return [Point("Redis slots", not nobody and share <= SHARE, said, fix)]


async def _commits(shards: Shards) -> list[Point]:
    """A write and, where that is promised, a replica that has it: on every primary, through a partition that it has."""
    found = []
    replicated = shards.durability == "replicated"
    for node, partition in _one_of_each(shards):
        key = shards.key(partition, "check")
        waits = (("WAIT", 1, 1000),) if replicated else ()

        async def write(partition: int = partition, key: str = key, waits: Any = waits) -> None:
            answers = await shards.run(partition, ("SET", key, "1", "PX", 1000), *waits)
            if replicated and not answers[1]:
                raise Unreachable("no replica took a write within 1 s")

        what = f"Redis {node[0]}:{node[1]} write{' and WAIT' if replicated else ''}"
        try:
            found.append(_quick(what, await _times(write), COMMIT, "look at its replica and the way to it"))
        except (Unavailable, ResponseError) as error:
            found.append(Point(what, False, str(error), "is its replica running and in step?"))
    return found


def _one_of_each(shards: Shards) -> list[tuple[Node, int]]:
    found: dict[Node, int] = {}
    for number in range(shards.partitions):
        owner = shards.router.owner(slot_of(number, shards.partitions))
        if owner is not None:
            found.setdefault(owner, number)
    return sorted(found.items())


async def _times(act: Callable[[], Awaitable[None]]) -> list[float]:
    """ms of each of a few, shortest first; the first of all makes connections and does not count."""
    await act()
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await act()
        found.append((time.perf_counter() - began) * 1000)
    return sorted(found)


def _quick(what: str, times: Sequence[float], most: float, fix: str) -> Point:
    middle = times[len(times) // 2]
    return Point(what, middle <= most, f"{middle:.1f} ms, at most {times[-1]:.1f}", f"{most:g} ms or less: {fix}")


async def _redis(router: Router) -> list[Point]:
    found: list[Point] = []
    for node in router.nodes:
        where = f"Redis {node[0]}:{node[1]}"
        try:
            (info,) = await router.ask(node, ("INFO",))
            facts = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
            version = facts.get("valkey_version") or facts.get("redis_version", "0")
            oldest = OLDEST_VALKEY if "valkey_version" in facts else OLDEST_REDIS
            found.append(Point(where, _numbers(version) >= oldest, f"version {version}", "7.0, Valkey 7.2 or newer"))
            replicas = int(facts.get("connected_slaves", 0))
            found.append(
                Point(f"{where} replicas", replicas > 0, str(replicas), "each primary needs one that is in step")
            )
            found += await _configured(router, node, where)
            (now,) = await router.ask(node, ("TIME",))
            skew = abs(int(now[0]) + int(now[1]) / 1e6 - time.time())
            found.append(Point(f"{where} clock", skew < SKEW, f"{skew:.2f} s from here", "run an NTP client on both"))
        except (Unavailable, ResponseError) as error:
            found.append(Point(where, False, str(error), "see its log"))
    return found


async def _configured(router: Router, node: Node, where: str) -> Iterable[Point]:
    found = []
    for name, (wanted, why) in WANTED.items():
        (said,) = await router.ask(node, ("CONFIG", "GET", name))
        value = _value(said)
        found.append(Point(f"{where} {name}", value == wanted, value, f"set it to {wanted}: {why}"))
    return found


def _value(said: Any) -> str:
    pairs = list(said.values()) if isinstance(said, dict) else said[1::2]
    return pairs[0].decode() if pairs else "?"


def _numbers(version: str) -> tuple[int, int]:
    parts = [part for part in version.split(".")[:2] if part.isdigit()]
    return (int(parts[0]), int(parts[1])) if len(parts) == 2 else (0, 0)
