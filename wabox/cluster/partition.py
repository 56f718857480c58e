"""One number rules everything: which lane, which Redis shard, which timer index, which breaker. Pure.

The number of partitions is fixed when the cluster is made (:data:`PARTITIONS`; 512 for ten million conversations a day). With
fewer than 25 for each worker the busiest worker has much more than its share: 256 partitions give 1.04 times the mean with 2
workers, 1.32 with 10.
"""

from __future__ import annotations

import hashlib
import zlib
from functools import cache

from redis.crc import key_slot

PARTITIONS = 256
SLOTS = 16_384
"""Of every Redis Cluster."""
HIGHEST = 2**31 - 1
"""RabbitMQ takes a signed 32-bit priority."""


def partition_of(conversation_id: str, count: int) -> int:
    """The partition, 0 … ``count`` - 1. The same in every process and version: what is stored depends on it."""
    return zlib.crc32(conversation_id.encode()) % count


@cache
def tags(count: int) -> tuple[str, ...]:
    """The hash tag of each partition: the shortest number whose slot is the partition's share of all slots.

    Spread evenly by construction: partition numbers taken as tags would put 15–30 % more on some shards than on others.
    """
    wanted = {partition * SLOTS // count: partition for partition in range(count)}
    found: dict[int, str] = {}
    number = 0
    while len(found) < count:
        partition = wanted.get(key_slot(b"%d" % number))
        if partition is not None:
            found.setdefault(partition, str(number))
        number += 1
    return tuple(found[partition] for partition in range(count))


def slot_of(partition: int, count: int) -> int:
    """Its Redis slot."""
    return partition * SLOTS // count


def priority(worker: str, partition: int) -> int:
    """How much ``worker`` wants this lane (rendezvous hashing): the highest bidder gets it, and when one joins or leaves, only
    its own lanes move."""
    digest = hashlib.blake2b(f"{worker}\0{partition}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & HIGHEST
