"""``kill -9`` under load, again and again, on one data folder: promises P1, P2, P3 and P5 on the real thing.

A real ``wabox serve`` runs the bot ``counter``, whose every reply lists all the messages that its conversation has handled so
far. So the replies alone prove that nothing acknowledged was lost, handled twice or handled out of order.

The customers behave like people and Meta together: each sends its next message when the one before was acknowledged, and a
webhook that was not answered 200 is brought again. The fake Graph answers slowly and reports ``sent`` for nearly all it took,
even if the server that asked is dead by then, and repeats its report until somebody takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bench.fakegraph import FakeGraph, Received
from tests.bench.loadgen import Pool
from tests.bench.process import ROOT, WABOX, Process, wabox_env
from tests.bench.webhooks import message_body, request, status_body
from wabox.core.delivery import outbound_id

ROUNDS = 20
CUSTOMERS = 150
PER_SECOND = 350
"""Messages offered by all customers together."""
AGAIN = 100
"""Acknowledged webhooks that Meta brings once more after each restart."""
SILENT = 0.1
"""Share of the messages whose delivery status never comes: when one is in doubt after a kill, it has to be repeated."""
BOT = ROOT / "tests" / "data" / "bots" / "counter"
PATIENCE = 75.0
"""s for the rest to leave at the end; a message that may have left waits 30 s for its status before it is repeated."""


class World:
    """Meta and the customers: everything that survives the server."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.graph = FakeGraph(0.02, self._sent)
        self.said: list[list[str]] = [[] for _ in range(CUSTOMERS)]
        """What each customer sent and had acknowledged, in order."""
        self.unanswered: list[tuple[str, bytes] | None] = [None] * CUSTOMERS
        """Each customer's message whose acknowledgement has not come; it is brought again byte for byte."""
        self.recent: deque[bytes] = deque(maxlen=AGAIN)
        self.refused = 0
        self._statuses: deque[Received] = deque()
        self._next = 0

    def _sent(self, received: Received) -> None:
        if self.chance.random() >= SILENT:
            self._statuses.append(received)

    async def talk(self, pool: Pool, customer: int, hurry: asyncio.Event, stop: asyncio.Event) -> None:
        """One customer, until ``stop`` or until the server is gone; without pauses once ``hurry`` is set."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(hurry.wait(), self.chance.expovariate(PER_SECOND / CUSTOMERS))
            if not await self.say(pool, customer):
                return

    async def say(self, pool: Pool, customer: int) -> bool:
        """The next message, or once more the one that was not acknowledged; whether the server still answers."""
        if (message := self.unanswered[customer]) is None:
            self._next += 1
            text = f"m{self._next:06d}"
            body = request(message_body(f"wamid.CRASH{text}", customer, text, int(time.time())))
            message = self.unanswered[customer] = (text, body)
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
        """Bring the delivery statuses that nobody has taken yet, one after the other, as they come."""
        while True:
            if not self._statuses:
                await asyncio.sleep(0.01)
                continue
            sent = self._statuses.popleft()
            body = status_body(sent.wamid, 0, "sent", int(time.time()), outbound_id=sent.outbound_id)
            taken = False
            try:
                taken = await pool.post(request(body)) == 200
            finally:
                if not taken:
                    self._statuses.append(sent)
            if not taken:
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def serving(world: World, folder: Path) -> AsyncIterator[tuple[Process, Pool]]:
    """A server on the folder, killed at the end; the world reports its statuses to it."""
    env = wabox_env(folder / "data", world.graph.url)
    pool = Pool()
    with Process((*WABOX, "serve", "--bot", str(BOT)), folder=folder, env=env, core=None) as server:
        await server.ready()
        await pool.open(server.port, 40)
        reporters = [asyncio.create_task(world.report(pool)) for _ in range(10)]
        try:
            yield server, pool
        finally:
            for reporter in reporters:
                reporter.cancel()
            await asyncio.gather(*reporters, return_exceptions=True)
            pool.close()


async def one_round(world: World, folder: Path) -> None:
    """Restart, duplicates, load, and at a moment drawn by lot, soon after all customers write at once: kill -9."""
    async with serving(world, folder) as (server, pool):
        hurry, stop = asyncio.Event(), asyncio.Event()
        again = [asyncio.create_task(pool.post(body)) for body in world.recent]
        customers = [asyncio.create_task(world.talk(pool, customer, hurry, stop)) for customer in range(CUSTOMERS)]
        await asyncio.sleep(world.chance.uniform(0.2, 1.4))
        hurry.set()
        await asyncio.sleep(world.chance.uniform(0.0, 0.2))
        server.kill()
        stop.set()
        await asyncio.gather(*customers)
        assert set(await asyncio.gather(*again)) <= {0, 200, 503}


async def until_all_replied(world: World) -> None:
    end = asyncio.get_running_loop().time() + PATIENCE
    expected = sum(map(len, world.said))
    while asyncio.get_running_loop().time() < end:
        if len({received.outbound_id for received in world.graph.received}) >= expected:
            return
        await asyncio.sleep(0.05)


async def last_round(world: World, folder: Path) -> None:
    """A server that lives: what was not acknowledged is brought again, and everything that waits leaves."""
    async with serving(world, folder) as (server, pool):
        assert set(await asyncio.gather(*(pool.post(body) for body in world.recent))) <= {200}
        for customer in range(CUSTOMERS):
            while world.unanswered[customer] is not None:
                assert await world.say(pool, customer)
        await until_all_replied(world)
        assert server.stop() == 0, server.output[-2000:]


def replies_of(world: World) -> list[list[Received]]:
    """What reached each customer, in order of arrival, repeats included; the rest must be empty."""
    owner = {
        outbound_id(f"wamid.CRASH{text}", 0): customer for customer, said in enumerate(world.said) for text in said
    }
    replies: list[list[Received]] = [[] for _ in range(CUSTOMERS)]
    for received in world.graph.received:
        replies[owner[received.outbound_id]].append(received)
    return replies


async def test_kill_9_loses_doubles_and_reorders_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After 20 kills under load each acknowledged message was handled exactly once, in order, and answered in order."""
    world = World(seed=20261122)
    await world.graph.start()
    try:
        for _ in range(ROUNDS):
            await one_round(world, tmp_path)
        await last_round(world, tmp_path)
    finally:
        world.graph.stop()

    repeats = Counter(received.outbound_id for received in world.graph.received)
    doubled = sum(count - 1 for count in repeats.values())
    acknowledged = sum(map(len, world.said))
    with capsys.disabled():
        print(
            f"\n{ROUNDS} kills, {acknowledged} messages acknowledged in {CUSTOMERS} conversations, "
            f"{world.refused} refused (503), {doubled} replies sent again ({doubled / ROUNDS:.1f} a kill)"
        )
    assert acknowledged > 20 * ROUNDS, "there was hardly any load"
    for said, replies in zip(world.said, replies_of(world), strict=True):
        order = list(dict.fromkeys(received.outbound_id for received in replies))
        first = {received.outbound_id: received.text for received in reversed(replies)}
        assert [first[key] for key in order] == [f"{n}: {', '.join(said[:n])}" for n in range(1, len(said) + 1)]
        # A repeat may come at once after its first copy, never behind a later reply.
        places = [order.index(received.outbound_id) for received in replies]
        assert places == sorted(places)
    database = sqlite3.connect(tmp_path / "data" / "wabox.db")
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        database.close()
