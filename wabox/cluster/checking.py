"""Whether the engines are what the rest of this package takes them for. Every point says what to do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiormq.exceptions import AMQPError
from pamqp.commands import Basic
from redis.exceptions import ResponseError

from wabox.cluster.broker import Broker, close
from wabox.cluster.making import agreed
from wabox.cluster.records.database import Database
from wabox.cluster.router import Node, Router
from wabox.cluster.topology import Topology
from wabox.errors import SettingsError, Unavailable

OLDEST_RABBIT, OLDEST_REDIS = (4, 0), (7, 0)
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


async def look(redis: Sequence[str], rabbitmq: Sequence[str], postgres: str, name: str) -> list[Point]:
    """All points, those of the engines that can be reached."""
    found: list[Point] = []
    database, broker = Database(postgres, name), Broker(rabbitmq)
    try:
        partitions = await agreed(database)
        found.append(Point("PostgreSQL", True, f"answers; {partitions} partitions"))
    except (Unavailable, SettingsError) as error:
        partitions = 0
        found.append(Point("PostgreSQL", False, str(error), "see [cluster] postgres, and wabox cluster init"))
    finally:
        await database.aclose()
    try:
        found += await _rabbit(broker, Topology(partitions, name), len(rabbitmq))
    except Unavailable as error:
        found.append(Point("RabbitMQ", False, str(error), "see [cluster] rabbitmq"))
    finally:
        await broker.aclose()
    router = Router.of(redis)
    try:
        await router.start()
        found += await _redis(router)
    except Unavailable as error:
        found.append(Point("Redis", False, str(error), "see [cluster] redis"))
    finally:
        await router.aclose()
    return found


async def _rabbit(broker: Broker, topology: Topology, nodes: int) -> list[Point]:
    version = await broker.version()
    new = _numbers(version) >= OLDEST_RABBIT
    fix = "4.0 or newer: before, a second worker gets no lanes"
    found = [Point("RabbitMQ", new, f"version {version}", fix)]
    odd = nodes % 2 == 1
    found.append(Point("RabbitMQ nodes", odd, str(nodes), "name an odd number of nodes: a majority decides"))
    channel = await broker.channel(confirms=True)
    try:
        if topology.partitions:
            await channel.queue_declare(topology.lane(topology.partitions - 1), passive=True)
            dead = await channel.queue_declare(topology.dead, passive=True)
            count = dead.message_count or 0
            found.append(Point("dead letters", count == 0, str(count), f"look into the queue {topology.dead}"))
        queue = await channel.queue_declare("", exclusive=True)
        began = time.perf_counter()
        for _ in range(20):
            await channel.basic_publish(
                b"wabox", routing_key=queue.queue or "", properties=Basic.Properties(delivery_mode=2)
            )
        found.append(Point("publish and confirm", True, f"{(time.perf_counter() - began) / 20 * 1000:.1f} ms"))
    except AMQPError as error:
        found.append(Point("queues", False, str(error), "run wabox cluster init"))
    finally:
        await close(channel)
    return found


async def _redis(router: Router) -> list[Point]:
    found: list[Point] = []
    for node in router.nodes:
        where = f"Redis {node[0]}:{node[1]}"
        try:
            (info,) = await router.ask(node, ("INFO",))
            facts = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
            version = facts.get("valkey_version") or facts.get("redis_version", "0")
            found.append(
                Point(where, _numbers(version) >= OLDEST_REDIS, f"version {version}", "7.0, Valkey 7.2 or newer")
            )
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
