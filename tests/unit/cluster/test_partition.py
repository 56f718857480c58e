"""One number rules everything, so it may never change, and must spread evenly."""

from __future__ import annotations

from collections import Counter

import pytest
from redis.crc import key_slot

from wabox.cluster.partition import HIGHEST, SLOTS, partition_of, priority, slot_of, tags

IDS = [f"200000000000002:MX.{number}" for number in range(20_000)]


def test_a_conversation_stays_in_its_partition_for_ever() -> None:
    """What is stored depends on it: these numbers were computed once."""
    assert [partition_of(id_, 256) for id_ in IDS[:4]] == [3, 149, 47, 185]
    assert partition_of("Ünïcode:é", 256) == 190


@pytest.mark.parametrize("count", [1, 8, 256])
def test_conversations_spread_evenly(count: int) -> None:
    sizes = Counter(partition_of(id_, count) for id_ in IDS)
    assert set(sizes) == set(range(count))
    assert max(sizes.values()) < 1.5 * len(IDS) / count


@pytest.mark.parametrize("count", [1, 4, 32, 256])
def test_a_tag_lies_in_the_slot_of_its_partition(count: int) -> None:
    assert [key_slot(f"wabox:{{{tag}}}s:x".encode()) for tag in tags(count)] == [
        slot_of(partition, count) for partition in range(count)
    ]
    assert slot_of(0, count) == 0
    assert slot_of(count - 1, count) < SLOTS


@pytest.mark.parametrize(("workers", "busiest"), [(2, 1.15), (5, 1.4)])
def test_lanes_go_to_the_highest_bidder_in_fair_shares(workers: int, busiest: float) -> None:
    names = [f"host-{number}" for number in range(workers)]
    owned = Counter(max(names, key=lambda name: priority(name, partition)) for partition in range(256))
    assert max(owned.values()) < busiest * 256 / workers
    assert all(0 <= priority(name, partition) <= HIGHEST for name in names for partition in range(256))


def test_only_the_lanes_of_who_leaves_move() -> None:
    names = [f"host-{number}" for number in range(4)]
    before = [max(names, key=lambda name: priority(name, partition)) for partition in range(256)]
    after = [max(names[:-1], key=lambda name: priority(name, partition)) for partition in range(256)]
    assert all(old == new for old, new in zip(before, after, strict=True) if old != names[-1])
