"""``WAIT``: nothing is sent before a replica has it, and nobody waits for a replica that does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wabox.cluster.partition import slot_of
from wabox.cluster.router import Unreachable
from wabox.cluster.shards import WAIT_MS, WAITS, Change, Durability, Index, Shards

CHANGE = Change(index=Index(id="c", version=0, now=0, remember=1, keep=1, unsent=None, calls=False, timers=[]))


class Router:
    """A primary; ``heard``: how many replicas say so, by try."""

    def __init__(self, heard: Sequence[int], replicas: int) -> None:
        self._heard = list(heard)
        self._replicas = [[b"127.0.0.1", b"7203", b"1"]] * replicas
        self.waits: list[int] = []

    def owner(self, slot: int) -> tuple[str, int]:
        return "127.0.0.1", 7200 + slot // 8192

    async def run(self, slot: int, *commands: Sequence[Any], wait: int = 0) -> list[Any]:
        waits = [("WAIT", 1, wait)] if wait else []
        return [self._answer(command) for command in (*commands, *waits)]

    def _answer(self, command: Sequence[Any]) -> Any:
        match command[0]:
            case "WAIT":
                self.waits.append(command[2])
                return self._heard.pop(0) if self._heard else 0
            case "ROLE":
                return [b"master", 1, self._replicas]
            case "EVALSHA":
                return [0, 1]
        return 1


def shards(
    heard: Sequence[int] = (), *, replicas: int = 1, durability: Durability = "replicated"
) -> tuple[Shards, Router]:
    router: Any = Router(heard, replicas)
    return Shards(router, 4, durability), router


async def test_a_replica_has_it_before_anybody_goes_on() -> None:
    made, router = shards([0, 0, 1])
    assert await made.write(0, ["k"], CHANGE) == (0, 1)
    assert router.waits == [WAIT_MS] * 3
    assert made.unreplicated == 0


async def test_primary_durability_waits_for_nobody() -> None:
    made, router = shards(durability="primary")
    await made.write(0, ["k"], CHANGE)
    assert router.waits == []


async def test_a_replica_that_lags_is_waited_for_until_the_alarm() -> None:
    made, router = shards()
    await made.write(0, ["k"], CHANGE)
    assert router.waits == [WAIT_MS] * (1 + WAITS)
    assert made.unreplicated == 1


async def test_nobody_waits_for_a_replica_that_does_not_exist() -> None:
    """One that was just promoted has none: customers of its shard have waited long enough."""
    made, router = shards(replicas=0)
    for _ in range(3):
        await made.write(0, ["k"], CHANGE)
    assert router.waits == [WAIT_MS, WAIT_MS, 1, 1]
    assert made.unreplicated == 3, "each is counted"
    home = router.owner(slot_of(0, 4))
    same, other = (
        next(one for one in range(1, 4) if (router.owner(slot_of(one, 4)) == home) is wanted)
        for wanted in (True, False)
    )
    await made.write(same, ["k"], CHANGE)
    assert router.waits[4:] == [1], "what its shard has waited for, no other partition waits for"
    await made.write(other, ["k"], CHANGE)
    assert router.waits[5:] == [WAIT_MS] * 2, "another shard asks for itself"


class Nodes(Router):
    """Two primaries with a half of the slots each; ``away``: the one that does not answer."""

    def __init__(self, away: int | None = None) -> None:
        super().__init__((), 1)
        self.away = away
        self.asked: list[tuple[int, int]] = []
        """Which node, and how many commands at once."""

    def owner(self, slot: int) -> tuple[str, int]:
        return "127.0.0.1", int(slot >= 8192)

    async def ask(self, node: tuple[str, int], *commands: Sequence[Any]) -> list[Any]:
        if node[1] == self.away:
            raise Unreachable("away")
        self.asked.append((node[1], len(commands)))
        return [command[1] for command in commands]

    async def run(self, slot: int, *commands: Sequence[Any], wait: int = 0) -> list[Any]:
        return await self.ask(self.owner(slot), *commands)


async def test_a_look_at_many_partitions_asks_each_node_once() -> None:
    router: Any = Nodes()
    made = Shards(router, 8)
    found = await made.each({partition: ("GET", f"key {partition}") for partition in range(8)})
    assert found == {partition: f"key {partition}" for partition in range(8)}, "the answers are of the right ones"
    assert sorted(node for node, _ in router.asked) == [0, 1]
    assert sum(count for _, count in router.asked) == 8


async def test_a_node_that_is_away_costs_its_own_partitions_their_answer_and_shuts_their_gates() -> None:
    router: Any = Nodes(away=1)
    made = Shards(router, 8)
    commands = {partition: ("GET", partition) for partition in range(8)}
    found = await made.each(commands)
    there = {partition for partition in range(8) if router.owner(slot_of(partition, 8))[1] == 0}
    assert set(found) == there
    assert set(made.gates.closed) == set(range(8)) - there
    router.asked.clear()
    router.away = None
    assert set(await made.each(commands)) == there, "a gate that is shut is asked nothing"
    await made.gates.aclose()
