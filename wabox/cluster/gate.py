"""A breaker for each partition that *waits* instead of failing.

The first sign that a shard is gone closes the gates of what was asked of it; one prober asks again, 20 ms to 500 ms apart, and
everybody else waits. A call that meets a closed gate fails at once with Unavailable, and whoever may wait (a lane, a sender, a
sweep) waits at the gate and then starts over: nothing piles up on a dead shard, and the healthy ones do not notice.

Libraries (purgatory, aiobreaker, pybreaker) were looked at: they fail calls, let everybody through at once when half open, and
know one state for all shards.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

import structlog

log = structlog.get_logger(__name__)

FIRST, LONGEST = 0.02, 0.5
"""s between two probes; they grow from the first to the second."""

Probe = Callable[[int], Awaitable[bool]]
"""Whether the partition answers again. Never raises."""


class Gates:
    """All gates of a process. Closed ones are few and known by their partition; an open one costs nothing."""

    def __init__(
        self,
        probe: Probe,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._probe = probe
        self._sleep = sleep
        self._jitter = jitter
        self._closed: dict[int, tuple[str, asyncio.Event, asyncio.Task[None]]] = {}

    @property
    def closed(self) -> Mapping[int, str]:
        """The partitions that do not answer, and why; for ``/readyz`` and the metrics."""
        return {partition: reason for partition, (reason, _, _) in self._closed.items()}

    def is_open(self, partition: int) -> bool:
        return partition not in self._closed

    def close(self, partition: int, reason: str) -> None:
        """Something went wrong that is no fault of the call's; the gate opens by itself when the shard answers again."""
        if partition in self._closed:
            return
        log.warning("cluster.gate_closed", partition=partition, reason=reason)
        task = asyncio.get_running_loop().create_task(self._reopen(partition))
        self._closed[partition] = (reason, asyncio.Event(), task)

    async def wait(self, partition: int) -> None:
        """Until it is open."""
        while (found := self._closed.get(partition)) is not None:
            await found[1].wait()

    async def aclose(self) -> None:
        """Ask no more; whoever waits goes on and meets the truth."""
        for _, opened, task in list(self._closed.values()):
            task.cancel()
            opened.set()
        self._closed.clear()

    async def _reopen(self, partition: int) -> None:
        pause = FIRST
        while True:
            await self._sleep(pause * (0.5 + self._jitter()))
            if await self._probe(partition):
                _, opened, _ = self._closed.pop(partition)
                opened.set()
                log.info("cluster.gate_open", partition=partition)
                return
            pause = min(LONGEST, pause * 2)
