"""A day of traffic through a Meta that fails in every way it can, seeded: each message once where its policy says once, in the
order of its conversation, and every failure on record (P5). Time is simulated; the store is real."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

import pytest

from tests.fakes import NOW
from tests.integration.storage import DAY, arrival, conversation, message, outbound, unit
from wabox.core.delivery import DeliveryStatus, OutboundMessage, Policy, StatusUpdate
from wabox.core.message import Arrival
from wabox.core.ports import SendResult
from wabox.services.outbox import Outbox
from wabox.sqlite.store import SqliteStore, open_store

HOUR = 3_600_000
CUSTOMERS = [f"c{number}" for number in range(12)]
TURNS = 6


class Agenda:
    """A clock whose time passes only when nobody has anything left to do."""

    def __init__(self) -> None:
        self.now = float(NOW)
        self._due: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def __call__(self) -> int:
        return round(self.now)

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._due, (self.now + seconds * 1000, self._count, future))
        await future

    async def run(self, store: SqliteStore) -> None:
        """Until nobody waits for anything."""
        while True:
            await self._rest(store)
            while self._due and self._due[0][2].done():
                heapq.heappop(self._due)
            if not self._due:
                return
            when, _, future = heapq.heappop(self._due)
            self.now = max(self.now, when)
            future.set_result(None)

    async def _rest(self, store: SqliteStore) -> None:
        quiet = 0
        while quiet < 2:
            await store.writer.submit(lambda connection: None)
            for _ in range(10):
                await asyncio.sleep(0)
            quiet = 0 if store.writer.waiting else quiet + 1


class Meta:
    """Takes messages, or does not, and does not always say which."""

    def __init__(self, agenda: Agenda, store: SqliteStore, random: Random, *, silent: float) -> None:
        """``silent``: the part of messages about which no status ever comes."""
        self.agenda, self.store, self.random, self.silent = agenda, store, random, silent
        self.outbox: Outbox
        self.arrived: dict[str, list[str]] = defaultdict(list)
        """By conversation, what the customer saw."""
        self.refused: set[str] = set()
        self.tries_while_expired = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, message: OutboundMessage) -> SendResult:
        await self.agenda.sleep(0.05)
        hour = (self.agenda.now - NOW) / HOUR
        if 6 <= hour < 7:
            return SendResult(verdict="retry", reason="130429: too fast", wait=1.0, code=130429, scope="number")
        if 12 <= hour < 14:
            self.tries_while_expired += 1
            return SendResult(verdict="retry", reason="190: expired", wait=300.0, code=190, scope="number", alert=True)
        chance = self.random.random()
        if chance < 0.01:
            self.refused.add(message.id)
            return SendResult(verdict="failed", reason="131026: not there", code=131026)
        if chance < 0.03:
            if self.random.random() < 0.5:
                self._take(message)
            return SendResult(verdict="unknown", reason="500")
        if chance < 0.06:
            self._take(message)
            await self.agenda.sleep(20)
            return SendResult(verdict="unknown", reason="no answer")
        if chance < 0.07:
            return SendResult(verdict="retry", reason="131056", code=131056, scope="pair")
        if chance < 0.08:
            self.refused.add(message.id)
            self._later(message, DeliveryStatus.FAILED)
        else:
            self._take(message)
        return SendResult(verdict="sent", wamid=f"wamid.{message.id}")

    async def aclose(self) -> None:
        pass

    def _take(self, message: OutboundMessage) -> None:
        self.arrived[message.conversation_id].append(message.id)
        if self.random.random() >= self.silent:
            self._later(message, DeliveryStatus.SENT)
            self._later(message, DeliveryStatus.DELIVERED)

    def _later(self, message: OutboundMessage, status: DeliveryStatus) -> None:
        failed = status is DeliveryStatus.FAILED
        update = StatusUpdate(
            wamid=f"wamid.{message.id}",
            number_id=message.number_id,
            status=status,
            timestamp=self.agenda(),
            outbound_id=message.id,
            code=131026 if failed else None,
            reason="131026: not there" if failed else None,
        )
        # Sometimes it overtakes the answer to its own POST.
        task = asyncio.create_task(self._tell(update, self.random.choice((0.0, 0.5, 3.0, 20.0))))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, update: StatusUpdate, seconds: float) -> None:
        await self.agenda.sleep(seconds)
        await self.store.put(Arrival(statuses=(update,)))
        await self.outbox.hear([update])


async def day(
    folder: Path, seed: int, *, silent: float = 0.0
) -> tuple[Meta, SqliteStore, dict[str, list[OutboundMessage]]]:
    """Everybody is written to all day long; what Meta saw, and what was said to each conversation."""
    agenda, random = Agenda(), Random(seed)
    store = await open_store(folder, agenda, sleep=agenda.sleep)
    meta = Meta(agenda, store, random, silent=silent)
    meta.outbox = outbox = Outbox(store, meta, agenda, jitter=random.random, sleep=agenda.sleep)
    said: dict[str, list[OutboundMessage]] = defaultdict(list)

    async def talk(name: str, pauses: list[float]) -> None:
        for turn, pause in enumerate(pauses):
            await agenda.sleep(pause)
            inbound = f"{name}-{turn}"
            await store.put(arrival(message(inbound, name, at=agenda())))
            policies: tuple[Policy, ...] = ("repeat", "once")
            sends = [outbound(inbound, place, name, policy=policy) for place, policy in enumerate(policies)]
            work = unit(inbound, name=name, expected=turn, at=agenda(), sends=sends)
            assert await store.commit(work) == "committed"
            said[conversation(name)] += sends
            outbox.deliver(conversation(name), sends)

    pauses = {name: [random.uniform(0, 2 * DAY / 1000 / TURNS) for _ in range(TURNS)] for name in CUSTOMERS}
    talks = [asyncio.create_task(talk(name, pauses[name])) for name in CUSTOMERS]
    await agenda.run(store)
    await asyncio.gather(*talks)
    await outbox.look()
    await agenda.run(store)
    await outbox.stop()
    return meta, store, said


async def reasons(store: SqliteStore, name: str) -> dict[str, str]:
    lines = await store.transcript(conversation(name))
    return {str(line.ref): line.body["reason"] for line in lines if line.kind == "status"}


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_day_in_which_statuses_come(tmp_path: Path, seed: int) -> None:
    """Timeouts after acceptance, 5xx, an hour of 429, a token that expires for two hours: every message once, whatever its
    policy, in order; what Meta refused, and nothing else, is on record and told to the flow."""
    meta, store, said = await day(tmp_path, seed)
    try:
        once_given_up = 0
        for name in CUSTOMERS:
            arrived, wanted = meta.arrived[conversation(name)], [one.id for one in said[conversation(name)]]
            failed = await reasons(store, name)
            assert arrived == [id_ for id_ in wanted if id_ in arrived], "in order, and nothing twice"
            assert set(wanted) - set(arrived) == set(failed), "whoever did not arrive has a reason"
            for id_ in failed:
                once_given_up += id_ not in meta.refused
        assert once_given_up < 10, "of 72 that may be sent once, those that a 5xx lost"
        assert await store.unsent() == []
        assert meta.tries_while_expired < 2 * 12 + 12, "a stopped number is tried every five minutes, with one message"
        events = [id_ for places in store._inbox._places.values() for id_ in places if id_.startswith("failed:")]
        assert len(events) == sum([len(await reasons(store, name)) for name in CUSTOMERS])
    finally:
        await store.close()


async def test_a_day_in_which_statuses_are_lost(tmp_path: Path) -> None:
    """With every third status missing, only what may be repeated comes twice; what may not never does."""
    meta, store, said = await day(tmp_path, 4, silent=0.3)
    try:
        for name in CUSTOMERS:
            times = Counter(meta.arrived[conversation(name)])
            for one in said[conversation(name)]:
                assert times[one.id] <= (1 if one.policy == "once" else 3)
                assert times[one.id] or one.id in await reasons(store, name)
        assert await store.unsent() == []
    finally:
        await store.close()


async def test_the_same_seed_is_the_same_day(tmp_path: Path) -> None:
    """So a failure here can be looked at again."""
    days = []
    for number in (1, 2):
        meta, store, _ = await day(tmp_path / str(number), 5)
        await store.close()
        days.append(dict(meta.arrived))
    assert days[0] == days[1]
