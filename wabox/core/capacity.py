"""How much of everything a number of conversations a day needs. Pure.

The model: 12 messages in, 14 out and 42 delivery statuses for each conversation; the peak hour has 10 % of the day, and its
peak 1.5 times that; machines are planned to be busy for 60 % of their time; 1.5 days of conversations are alive. The costs are
those of a prototype on shared 2-core machines: take them for orders of magnitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

IN, OUT, STATUSES = 12, 14, 42
PEAK: Final = 0.10 * 1.5 / 3600
"""Of a day's messages, per second."""
BUSY: Final = 0.6
WEBHOOK, STATUS, WORKER, BROKER, REDIS = 0.25e-3, 0.15e-3, 1.5e-3, 0.55e-3, 0.07e-3
"""s of a core for each message (of the second: each status)."""
LIVE: Final = 1.5
STATE, RECORD = 1_800, 8_000
"""Bytes for each live conversation in Redis, and for each conversation and day in SQL."""
ONE_VM: Final = 400.0
"""Messages in per second up to which one VM with SQLite is planned: half of what was measured."""
SHARD: Final = 5_000_000_000
"""Bytes of data that one shard is planned for."""
PER_WORKER: Final = 400.0


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
    """Processes, of one core each; never fewer than two."""
    broker: int
    """Cores on each of three nodes."""
    shards: int
    """Primaries of Redis, each with a replica."""
    redis: int
    """Bytes in all."""
    sql: int
    """Bytes a day."""
    partitions: int


def plan(daily: int) -> Plan:
    """What so many conversations a day need."""
    messages, statuses = daily * IN * PEAK, daily * STATUSES * PEAK
    redis = round(daily * LIVE * STATE)
    workers = max(2, math.ceil(messages / PER_WORKER))
    return Plan(
        daily=daily,
        messages=messages,
        statuses=statuses,
        one_vm=messages <= ONE_VM,
        web=max(1, math.ceil((messages * WEBHOOK + statuses * STATUS) / BUSY)),
        workers=workers,
        broker=max(2, math.ceil(messages * BROKER / BUSY)),
        shards=max(3, math.ceil(redis / SHARD)),
        redis=redis,
        sql=daily * RECORD,
        partitions=512 if workers * 25 > 256 else 256,
    )
