"""Meta and the customers: everything that survives the server.

The customers behave like people and Meta together: each sends its next message when the one before was acknowledged, and a
webhook that was not answered 200 is brought again, byte for byte. The fake Graph answers slowly and reports ``sent`` for nearly
all it took, even if the server that asked is dead by then, and repeats its report until somebody takes it. Reports have
connections of their own: behind a crowd's messages they would wait longer than wabox waits for them here, and wabox would
be blamed for a repeat that Meta would not cause.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import msgspec

from tests.bench.fakegraph import FakeGraph, Received
from tests.bench.loadgen import Pool
from tests.bench.process import ROOT, Process, wabox_env
from tests.bench.webhooks import message_body, request, statuses_body, user_ids
from tests.crash.entry import Fate
from tests.crash.nursery import starter

CUSTOMERS = 60
TIRED = 10
"""So many of them ask for a person after their sixth message."""
PER_SECOND = 200
"""Messages offered by all customers together."""
AGAIN = 100
"""Acknowledged webhooks that Meta brings once more after each restart."""
REPORTERS = 4
"""Webhooks with delivery statuses that are under way at once."""
BATCH = 50
"""Delivery statuses in one webhook. One each would come minutes late: a webhook of its own for every message that left."""
SILENT = 0.1
"""Share of the messages whose delivery status never comes: when one is in doubt after a kill, its policy decides."""
BOT = ROOT / "tests" / "data" / "bots" / "witness"
ONCE = "nudge"
"""Messages with this word may be sent once only."""
PATIENCE = 90.0
"""s for the rest to leave at the end."""


class Repeat(NamedTuple):
    """A message that Meta took again, and what had become of its delivery status by then; ``perf_counter``."""

    received: Received
    reportable: float | None
    """When Meta had a status to report first."""
    offered: float | None
    """When it was brought to the server that repeated the message."""
    told: float | None
    """When a server took it first."""


class World:
    def __init__(
        self, seed: int, customers: int = CUSTOMERS, per_second: float = PER_SECOND, silent: float = SILENT
    ) -> None:
        self.chance = random.Random(seed)
        self.graph = FakeGraph(0.02, self._sent)
        self.customers = customers
        self.per_second = per_second
        self.silent = silent
        self.said: list[list[str]] = [[] for _ in range(customers)]
        """What each customer sent and had acknowledged, in order."""
        self.unanswered: list[tuple[str, bytes] | None] = [None] * customers
        """Each customer's message whose acknowledgement has not come."""
        self.recent: deque[bytes] = deque(maxlen=AGAIN)
        self.refused = 0
        self.owner = {id_: number for number in range(customers) for id_ in user_ids(number)}
        self.repeats: list[Repeat] = []
        self.statuses_refused = 0
        """Webhooks with statuses that a server turned away: 503."""
        self._statuses: deque[Received] = deque()
        self._taken: set[str] = set()
        self._reportable: dict[str, float] = {}
        self._offered: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self._next = 0
        self._starts = 0

    @property
    def acknowledged(self) -> int:
        return sum(map(len, self.said))

    @property
    def messages(self) -> list[Received]:
        """What Meta took; that the bot is typing is no message."""
        return [received for received in self.graph.received if received.to]

    def _sent(self, received: Received) -> None:
        if not received.to:
            return
        id_ = received.outbound_id
        if id_ in self._taken:
            known = (self._reportable.get(id_), self._offered.get(id_), self._told.get(id_))
            self.repeats.append(Repeat(received, *known))
        self._taken.add(id_)
        if self.chance.random() >= self.silent:
            self._reportable.setdefault(id_, perf_counter())
            self._statuses.append(received)

    async def talk(self, pool: Pool, customer: int, hurry: asyncio.Event, stop: asyncio.Event) -> None:
        """One customer, until ``stop`` or until the server is gone; without pauses once ``hurry`` is set."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(hurry.wait(), self.chance.expovariate(self.per_second / self.customers))
            if not await self.say(pool, customer):
                return

    async def say(self, pool: Pool, customer: int) -> bool:
        """The next message, or once more the one that was not acknowledged; whether the server still answers."""
        if (message := self.unanswered[customer]) is None:
            self._next += 1
            tired = customer < TIRED and len(self.said[customer]) == 6
            text = f"m{self._next:06d}"
            body = message_body(f"wamid.CRASH{text}", customer, "human" if tired else text, int(time.time()))
            message = self.unanswered[customer] = ("human" if tired else text, request(body))
        text, body = message
        status = await pool.post(body)
        if status == 200:
            self.unanswered[customer] = None
            self.said[customer].append(text)
            self.recent.append(body)
        else:
            assert status in (0, 503), f"{text} was answered {status}"
            self.refused += status == 503
        return status != 0

    async def report(self, pool: Pool) -> None:
        """Bring the delivery statuses that nobody has taken yet, as they come and many at a time, until the server is gone."""
        status = 200
        while status != 0:
            if not self._statuses:
                await asyncio.sleep(0.01)
                continue
            sent = [self._statuses.popleft() for _ in range(min(BATCH, len(self._statuses)))]
            ids = [one.outbound_id for one in sent]
            body = statuses_body([(one.wamid, one.outbound_id) for one in sent], "sent", int(time.time()))
            self._offered.update(dict.fromkeys(ids, perf_counter()))
            status = 0
            try:
                status = await pool.post(request(body))
            finally:
                if status == 200:
                    for id_ in ids:
                        self._told.setdefault(id_, perf_counter())
                else:
                    self._statuses.extendleft(reversed(sent))
            if status == 503:
                self.statuses_refused += 1
                await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def serving(self, folder: Path, fate: Fate | None = None) -> AsyncIterator[tuple[Process, Pool]]:
        """A server on the folder, killed at the end; the world reports its statuses to it."""
        fate = msgspec.structs.replace(fate or Fate(), once=ONCE)
        env = wabox_env(folder / "data", self.graph.url)
        serve = ["serve", "--bot", str(BOT)]
        start = starter(fate)
        if not self._starts:  # the first one as everybody's
            start, serve = None, [sys.executable, "-m", "tests.crash.entry", msgspec.json.encode(fate).decode(), *serve]
        self._starts += 1
        pool, meta = Pool(), Pool()
        self._offered.clear()
        with Process(serve, folder=folder, env=env, core=None, start=start) as server:
            await server.ready()
            try:
                await pool.open(server.port, 40)
                await meta.open(server.port, REPORTERS)
            except OSError:  # it was there, and has died since
                raise RuntimeError(f"the server ended with {await asyncio.to_thread(server.wait)}") from None
            reporters = [asyncio.create_task(self.report(meta)) for _ in range(REPORTERS)]
            try:
                yield server, pool
            finally:
                for reporter in reporters:
                    reporter.cancel()
                await asyncio.gather(*reporters, return_exceptions=True)
                pool.close()
                meta.close()

    async def crowd(self, server: Process, pool: Pool, seconds: float, *, rush: float = 0.2) -> None:
        """Meta's duplicates and all customers for so long, then all at once for ``rush`` s; or until the server is gone."""
        hurry, stop = asyncio.Event(), asyncio.Event()
        again = [asyncio.create_task(pool.post(body)) for body in list(self.recent)]
        customers = [asyncio.create_task(self.talk(pool, number, hurry, stop)) for number in range(self.customers)]
        for event, pause in ((hurry, seconds), (stop, rush)):
            await asyncio.wait(customers, timeout=pause)
            event.set()
        if rush > 0:
            server.kill()
        await asyncio.gather(*customers)
        assert set(await asyncio.gather(*again)) <= {0, 200, 503}

    async def finish(self, folder: Path, fate: Fate | None = None) -> None:
        """A server that lives: what was not acknowledged is brought again, and everything that waits leaves."""
        async with self.serving(folder, fate) as (server, pool):
            for body in self.recent:
                while (status := await pool.post(body)) != 200:
                    assert status == 503
            for customer in range(self.customers):
                while self.unanswered[customer] is not None:
                    assert await self.say(pool, customer)
            await self.rest(folder, server)
            assert await asyncio.to_thread(server.stop) == 0, server.output[-2000:]

    async def rest(self, folder: Path, server: Process) -> None:
        """Until nothing waits any more: no message, no timer that is due, nothing that has to leave."""
        from tests.crash.history import waiting

        end = asyncio.get_running_loop().time() + PATIENCE
        calm = 0
        while calm < 3:
            left = waiting(folder / "data")
            calm = calm + 1 if not any(left.values()) else 0
            assert asyncio.get_running_loop().time() < end, f"still waiting: {left}\n{server.output[-3000:]}"
            await asyncio.sleep(0.3)
