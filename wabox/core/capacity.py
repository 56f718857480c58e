"""How much of everything a number of conversations a day needs. Pure.

The model: 12 messages in, 14 out and 42 delivery statuses for each conversation; the peak hour has 10 % of the day, and its
peak 1.5 times that; machines are planned to be busy for 60 % of their time; Redis has those of eight days. The costs are
measured on shared 2-core machines, a worker's on ours, the others on a prototype's: take them for orders of magnitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

IN, OUT, STATUSES = 12, 14, 42
PEAK: Final = 0.10 * 1.5 / 3600
"""Of a day's messages, per second."""
BUSY: Final = 0.6
WEBHOOK, STATUS, WORKER, BROKER, REDIS = 0.25e-3, 0.15e-3, 1.8e-3, 0.55e-3, 0.07e-3
"""s of a core for each message (of the second: each status)."""
LIVE: Final = 8.0
"""Days after its last word for which Redis has a conversation; as if nobody came back within them."""
STATE, RECORD = 1_700, 8_000
"""Bytes for each conversation that Redis has, and for each conversation and day in SQL."""
ONE_VM: Final = 400.0
"""Messages in per second up to which one VM with SQLite is planned: half of what was measured."""
SHARD: Final = 5_000_000_000
"""Bytes of data that one shard is planned for."""
UNEVEN: Final = 1.2
"""Of the mean, that the busiest of several workers has."""
LANES: Final = 25
"""Partitions for each worker: fewer, and their shares are uneven."""
NUMBER: Final = 80.0
"""Messages a second that one WhatsApp number may send, unless Meta has raised it to 1,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """Up to where something carries."""

    daily: int
    """Conversations a day."""
    what: str
    """What must come then, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    daily: int
    messages: float
    """In per second at the peak."""
    statuses: float
    one_vm: bool
    """One VM carries it; a cluster would only be for availability."""
    web: int
    """Cores."""
    workers: int
    """Processes, of one core each: one more than the load needs, because one may die."""
    broker: int
    """Cores on each of three nodes, as machines come: 2, 4, 8, …"""
    shards: int
    """Primaries of Redis, each with a replica."""
    redis: int
    """Bytes in all."""
    sql: int
    """Bytes a day."""
    partitions: int
    numbers: int
    """WhatsApp numbers, at the rate that each has at first."""
    walls: tuple[Wall, ...]
    """What is at its end next, the nearest first."""


def plan(daily: int) -> Plan:
    """What so many conversations a day need."""
    messages, statuses = daily * IN * PEAK, daily * STATUSES * PEAK
    redis = round(daily * LIVE * STATE)
    workers = math.ceil(round(messages * WORKER / BUSY * UNEVEN, 6)) + 1
    one_vm = messages <= ONE_VM
    shards = max(3, math.ceil(redis / SHARD))
    partitions = 512 if workers * LANES > 256 else 256
    numbers = max(1, math.ceil(daily * OUT * PEAK / NUMBER))
    broker = _cores(messages * BROKER / BUSY)
    return Plan(
        daily=daily,
        messages=messages,
        statuses=statuses,
        one_vm=one_vm,
        web=max(1, math.ceil((messages * WEBHOOK + statuses * STATUS) / BUSY)),
        workers=workers,
        broker=broker,
        shards=shards,
        redis=redis,
        sql=daily * RECORD,
        partitions=partitions,
        numbers=numbers,
        walls=_walls(daily, numbers, shards, partitions, broker),
    )


def _walls(daily: int, numbers: int, shards: int, partitions: int, broker: int) -> tuple[Wall, ...]:
    """Where each part of such a plan ends."""
    busiest = (partitions / LANES - 1) / (WORKER * UNEVEN / BUSY)
    ends = [
        (numbers * NUMBER / (OUT * PEAK), "another WhatsApp number, or a higher rate"),
        (shards * SHARD / (LIVE * STATE), "one more shard of Redis"),
        (broker * BUSY / (BROKER * IN * PEAK), "larger nodes of RabbitMQ"),
        (busiest / (IN * PEAK), "more partitions, that is, a new cluster"),
    ]
    if daily * IN * PEAK <= ONE_VM:
        ends.append((ONE_VM / (IN * PEAK), "a cluster instead of one VM"))
    return tuple(Wall(daily=max(daily, _floor(end)), what=what) for end, what in sorted(ends))


def _floor(daily: float) -> int:
    """Two figures: the model knows no more."""
    digits = max(0, math.floor(math.log10(max(daily, 1))) - 1)
    return int(daily // 10**digits * 10**digits)


def _cores(needed: float) -> int:
    return max(2, 1 << math.ceil(math.log2(max(needed, 1))))
