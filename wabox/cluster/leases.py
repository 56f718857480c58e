"""Who looks after a partition beside its lane: due timers, messages that a worker left unsent, calls without a result.

The broker says who gets a lane's messages, and does not say it in advance: a worker learns that it owns a lane by what it is
given. So a partition has a lease in Redis: whoever is given a message of it takes it, at once; one that nobody holds any more
(its worker died) goes to the first who asks. Two may think for a moment that they hold it: what they would both do is fenced
by the version of the conversation and known by the ids of messages.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import lru_cache

import structlog

from wabox.cluster.ending import end
from wabox.cluster.partition import priority
from wabox.cluster.shards import Shards
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

HELD = 3000
"""ms that a lease lasts; recovery of what a dead worker left begins then."""
EVERY = 1.0
"""s between two looks."""


class Leases:
    def __init__(
        self, shards: Shards, worker: str, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._shards = shards
        self._worker = worker
        self._sleep = sleep
        self._mine: set[int] = set()
        self._taking: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._others: frozenset[str] = frozenset()
        self._inherited: dict[int, str] = {}
        """Partitions that came from a worker which may live, and do there what it has begun."""
        self.gained: Callable[[], None] = lambda: None
        """Called after partitions came to this worker."""

    @property
    def mine(self) -> list[int]:
        """Those that this worker looks after and can reach."""
        return [partition for partition in sorted(self._mine) if self._shards.gates.is_open(partition)]

    @property
    def share(self) -> float:
        """How much of all customers are this worker's, 0 < x ≤ 1: by whose the lanes are. A lease moves with a message only:
        where little is said, a worker that just came has none, and half of the lanes."""
        return _share(self._worker, self._others, self._shards.partitions)

    @property
    def alone(self) -> list[int]:
        """Those in which nobody else has calls under way."""
        return [partition for partition in self.mine if partition not in self._inherited]

    async def others(self) -> list[str]:
        """The other workers that look after partitions; one that was killed does for :data:`HELD`. Raises Unavailable."""
        holders = await self._shards.each({p: ("GET", self._key(p)) for p in range(self._shards.partitions)})
        return sorted({holder.decode() for holder in holders.values() if holder} - {self._worker})

    def doubtful(self, conversation_id: str) -> bool:
        """Whether this conversation came from a worker that may live, and may be sending what it has begun."""
        return self._shards.partition(conversation_id) in self._inherited

    def run(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    def given(self, partition: int) -> None:
        """A message of this partition came to this worker: the lane is its, so is the rest."""
        if partition not in self._mine:
            self._mine.add(partition)
            task = asyncio.get_running_loop().create_task(self._take(partition))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def look(self) -> None:
        """Renew what is held, give up what another has, take what nobody has."""
        await self._live()
        before = set(self._mine)
        partitions = [p for p in range(self._shards.partitions) if self._shards.gates.is_open(p)]
        made = await self._shards.each({p: ("SET", self._key(p), self._worker, "NX", "PX", HELD) for p in partitions})
        taken = {p for p, answer in made.items() if answer is not None}
        holders = await self._shards.each({p: ("GET", self._key(p)) for p in made if p not in taken})
        held = {p for p, holder in holders.items() if holder == self._worker.encode()}
        self._others = frozenset(holder.decode() for holder in holders.values() if holder) - {self._worker}
        await self._shards.each({p: ("PEXPIRE", self._key(p), HELD) for p in held})
        # Of those that did not answer nobody knows: what was ours nobody else can have got.
        silent = before & (set(partitions) - taken - set(holders))
        self._mine = taken | held | silent
        dead = {worker for worker in set(self._inherited.values()) if not await self._lives(worker)}
        left = {partition for partition, worker in self._inherited.items() if worker in dead}
        for partition in left:
            del self._inherited[partition]
        if self._mine - before or left:
            self.gained()

    async def aclose(self) -> None:
        """Let go, so that others need not wait for the leases to end."""
        await end(self._task)
        with contextlib.suppress(Unavailable):
            await self._shards.run(*self._life(self._worker, "DEL"))
        for partition in self.mine:
            with contextlib.suppress(Unavailable):
                key = self._key(partition)
                (holder,) = await self._shards.run(partition, ("GET", key))
                if holder == self._worker.encode():
                    await self._shards.run(partition, ("DEL", key))
        self._mine.clear()

    async def _go_on(self) -> None:
        while True:
            try:
                await self.look()
            except Unavailable:
                pass  # its gate says so
            except Exception as error:  # the next look may do better, and must come
                log.error("cluster.leases_failed", exc_info=error)
            await self._sleep(EVERY)

    async def _take(self, partition: int) -> None:
        with contextlib.suppress(Unavailable):
            taken = ("SET", self._key(partition), self._worker, "PX", HELD, "GET")
            (before,) = await self._shards.run(partition, taken)
            if before is not None and before != self._worker.encode():
                self._inherited[partition] = before.decode()
            self.gained()

    async def _live(self) -> None:
        """Say that this worker lives."""
        with contextlib.suppress(Unavailable):
            await self._shards.run(*self._life(self._worker, "SET", self._worker, "PX", HELD))

    async def _lives(self, worker: str) -> bool:
        try:
            (found,) = await self._shards.run(*self._life(worker, "GET"))
        except Unavailable:
            return True  # nobody knows
        return found is not None

    def _life(self, worker: str, verb: str, *more: str | int) -> tuple[int, tuple[str | int, ...]]:
        partition = self._shards.partition(worker)
        return partition, (verb, self._shards.key(partition, f"alive:{worker}"), *more)

    def _key(self, partition: int) -> str:
        return self._shards.key(partition, "own")


@lru_cache(maxsize=4)
def _share(worker: str, others: frozenset[str], partitions: int) -> float:
    """Of the lanes that RabbitMQ gives to ``worker`` beside ``others``."""
    wanted = sum(all(priority(worker, p) > priority(other, p) for other in others) for p in range(partitions))
    return max(1, wanted) / partitions
