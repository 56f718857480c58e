"""A gate waits instead of failing, and one prober asks."""

from __future__ import annotations

import asyncio

from tests.fakes import VirtualClock
from wabox.cluster.gate import FIRST, LONGEST, Gates


class Shard:
    def __init__(self, fails: int) -> None:
        self.fails = fails
        self.asked: list[int] = []

    async def probe(self, partition: int) -> bool:
        self.asked.append(partition)
        self.fails -= 1
        return self.fails < 0


def gates(shard: Shard, clock: VirtualClock) -> Gates:
    return Gates(shard.probe, sleep=clock.sleep, jitter=lambda: 0.5)


async def test_an_open_gate_holds_nobody() -> None:
    shard = Shard(0)
    made = gates(shard, VirtualClock())
    await made.wait(3)
    assert made.is_open(3)
    assert shard.asked == []


async def test_all_wait_for_one_prober_and_go_on_together() -> None:
    shard, clock = Shard(7), VirtualClock()
    made = gates(shard, clock)
    for _ in range(5):
        made.close(3, "gone")
    assert made.closed == {3: "gone"}
    assert made.is_open(4), "another partition does not notice"
    await asyncio.gather(*(made.wait(3) for _ in range(20)))
    assert made.is_open(3)
    assert shard.asked == [3] * 8
    assert clock.slept == [min(LONGEST, FIRST * 2**tries) for tries in range(8)]


async def test_a_gate_may_close_again() -> None:
    shard = Shard(1)
    made = gates(shard, VirtualClock())
    for reason in ("gone", "gone again"):
        made.close(3, reason)
        assert made.closed[3] == reason
        await made.wait(3)
    assert made.is_open(3)


async def test_whoever_waits_goes_on_when_the_process_ends() -> None:
    made = gates(Shard(10**9), VirtualClock())
    made.close(3, "gone")
    waiting = asyncio.create_task(made.wait(3))
    await asyncio.sleep(0)
    await made.aclose()
    await waiting
    assert made.closed == {}
