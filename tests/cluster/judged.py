"""A run of the fault harness: messages go in, something breaks, and every conversation is judged at the end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
from redis.exceptions import ResponseError

from tests.bench.process import ROOT
from wabox.cluster.store import ClusterStore, Place, open_cluster
from wabox.core.contact import Contact
from wabox.core.delivery import DeliveryStatus, StatusUpdate, outbound_id
from wabox.core.message import Arrival, InboundMessage
from wabox.errors import Unavailable

NUMBER = "100000000000001"
T = TypeVar("T")
BATCH = 50
"""Statuses in one webhook."""
SILENT = 0.1
"""Share of the statuses that never come."""
PATIENCE = 90.0
"""s for what is left to be handled, once the last fault is over."""


def now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    messages: int
    conversations: int
    rate: float
    """Messages a second; 0: as fast as they are confirmed."""
    seed: int = 1
    duplicated: float = 0.02
    product: bool = False
    """Workers are those of ``wabox serve``, with a bot, an outbox and Meta's statuses; else the storage alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    messages: int
    wrong: int
    """Conversations whose list is not 0, 1, 2, … to its end."""
    disordered: int
    """Conversations in which a message left after a later one had."""
    missing: int
    """Messages that were accepted and never sent."""
    extra: int
    """Sends beyond one for each message, of the same id."""
    needless: int
    """Those of them whose first sender was not killed or frozen: nobody could doubt that it had left."""
    strange: int
    """Ids that no message has."""
    left: int
    """Conversations with something in their outbox at the end."""
    unrecorded: int
    """Messages that were sent and are not in PostgreSQL at the end, as sent."""
    refused: int
    """Publishes that were not confirmed and were repeated, as Meta does."""
    stall: float
    """s: the longest time in which nothing was sent while something waited."""
    p50: float
    p99: float
    """ms from acceptance to the send."""
    longest: float
    others: float
    """The 99th percentile of conversations that the fault did not touch, where it says which: they must not notice it."""
    share: float
    """Of the partitions, the part that the youngest worker has, where a fault asks for it; -1 where none does."""
    seconds: float

    @property
    def clean(self) -> bool:
        return not (self.wrong or self.disordered or self.missing or self.strange or self.left or self.unrecorded)


@dataclass(slots=True)
class Field:
    """The place where it happens: workers, producer and a store to look with."""

    place: Place
    store: ClusterStore
    sink: Path
    workers: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    """Effect ids of what the broker confirmed, and when."""
    refused: int = 0
    born: int = 0
    fallen: set[str] = field(default_factory=set)
    """Workers that were killed or frozen."""
    dead: set[str] = field(default_factory=set)
    """Conversations that the fault touches; empty: all."""
    product: bool = False
    joined: int | None = None
    """When (ms) the youngest worker should have its share."""

    async def spawn(self, inside: Sequence[str] = ()) -> str:
        """A worker that has subscribed to every lane. ``inside``: what its command begins with."""
        self.born += 1
        name = f"w{self.born}"
        arguments = (msgspec.json.encode(self.place).decode(), name, str(self.sink))
        with (self.sink.parent / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *inside,
                sys.executable,
                "-m",
                "tests.cluster.product" if self.product else "tests.cluster.worker",
                *arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
            )
        assert process.stdout is not None
        while (line := await process.stdout.readline()).strip() != b"ready":
            assert line, f"worker {name} did not start: {(self.sink.parent / f'{name}.log').read_text()}"
        self.workers[name] = process
        return name

    async def kill(self, name: str) -> None:
        self.fallen.add(name)
        process = self.workers.pop(name)
        process.kill()
        await process.wait()

    def freeze(self, name: str) -> None:
        self.fallen.add(name)
        self.workers[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.workers[name].send_signal(signal.SIGCONT)

    async def produce(self, load: Load) -> None:
        """Each conversation's messages in order, each after the confirm of the one before."""
        dice = random.Random(load.seed)
        begun = time.monotonic()
        done = 0

        async def speak(conversation: int, count: int) -> None:
            nonlocal done
            for n in range(count):
                if load.rate:
                    due = begun + (n * load.conversations + conversation) / load.rate
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                for _ in range(1 + (dice.random() < load.duplicated)):
                    await self._put(self.message(conversation, n))
                done += 1

        each, more = divmod(load.messages, load.conversations)
        await asyncio.gather(*(speak(c, each + (c < more)) for c in range(load.conversations)))

    async def _put(self, message: InboundMessage) -> None:
        while True:
            try:
                await self.store.put(Arrival(messages=(message,)))
                break
            except Unavailable:
                self.refused += 1
                await asyncio.sleep(0.2)
        self.accepted.setdefault(outbound_id(message.message_id, 0), message.timestamp)

    @staticmethod
    def message(conversation: int, n: int) -> InboundMessage:
        wa_id = f"49151{conversation:07d}"
        return InboundMessage(
            message_id=f"wamid.{conversation}.{n}",
            number_id=NUMBER,
            conversation_id=f"{NUMBER}:{wa_id}",
            timestamp=now(),
            type="text",
            text=f"m{n}",
            payload={"n": n},
            contact=Contact(wa_id=wa_id),
        )

    def sends(self) -> list[dict[str, object]]:
        if not self.sink.exists():
            return []
        return [msgspec.json.decode(line) for line in self.sink.read_bytes().splitlines()]

    async def drained(self) -> None:
        """Until everything that was accepted is sent, or nothing moves any more."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            ids = {line["id"] for line in self.sends()}
            if self.accepted.keys() <= ids:
                try:
                    if not await self.store.unsent():
                        return
                except Unavailable:
                    pass
            await asyncio.sleep(0.3)

    async def report(self) -> None:
        """For ever: what Meta tells of what it took, in batches, once or twice, and not of all."""
        dice = random.Random(len(self.accepted))
        told = 0
        while True:
            await asyncio.sleep(0.5)
            lines = self.sends()
            news, told = lines[told:], len(lines)
            for first in range(0, len(news), BATCH):
                for status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED):
                    heard = tuple(
                        _status(line, status) for line in news[first : first + BATCH] if dice.random() >= SILENT
                    )
                    with contextlib.suppress(Unavailable):  # not heard, then
                        await self.store.put(Arrival(statuses=heard))

    async def _wrong(self, load: Load) -> int:
        """Conversations whose state is not that of all their messages, each handled once and in order."""
        each, more = divmod(load.messages, load.conversations)
        wanted = {self.message(c, 0).conversation_id: list(range(each + (c < more))) for c in range(load.conversations)}
        if self.product:  # a reply says what the state was: the last one says all
            whole: dict[str, set[object]] = defaultdict(set)
            for line in self.sends():
                whole[str(line["conversation"])].add(line["n"] if line["whole"] else "not whole")
            return sum(whole[id_] != set(numbers) for id_, numbers in wanted.items())
        wrong = 0
        for id_, numbers in wanted.items():
            session = await patiently(lambda id_=id_: self.store.open(id_))
            seen = [] if session.snapshot is None else msgspec.json.decode(session.snapshot)
            wrong += seen != numbers
        return wrong

    async def judge(self, load: Load, seconds: float) -> Verdict:
        wrong = await self._wrong(load)
        sends = self.sends()
        counts = Counter(str(line["id"]) for line in sends)
        times = sorted(int(str(line["at"])) for line in sends)
        took = [
            (str(line["conversation"]), int(str(line["at"])) - self.accepted[str(line["id"])])
            for line in sends
            if line["id"] in self.accepted
        ]
        waits = sorted(ms for _, ms in took) or [0]
        others = sorted(ms for id_, ms in took if id_ not in self.dead) or [0]
        first: dict[str, str] = {}
        said: dict[str, list[int]] = defaultdict(list)
        for line in sends:
            first.setdefault(str(line["id"]), str(line["by"]))
            numbers = said[str(line["conversation"])]
            if not numbers or numbers[-1] != line["n"]:
                numbers.append(int(str(line["n"])))
        return Verdict(
            messages=load.messages,
            wrong=wrong,
            disordered=sum(numbers != sorted(numbers) for numbers in said.values()),
            missing=len(self.accepted.keys() - counts.keys()),
            extra=sum(counts.values()) - len(counts),
            needless=sum(1 for id_, by in first.items() if counts[id_] > 1 and by not in self.fallen),
            strange=len(counts.keys() - self.accepted.keys()),
            left=len(await patiently(self.store.unsent)),
            unrecorded=len(counts) - await self._recorded(),
            refused=self.refused,
            stall=max((b - a for a, b in itertools.pairwise(times)), default=0) / 1000,
            p50=waits[len(waits) // 2],
            p99=waits[len(waits) * 99 // 100],
            longest=waits[-1],
            others=others[len(others) * 99 // 100],
            share=-1.0 if self.joined is None else self._share(sends, self.joined),
            seconds=seconds,
        )

    async def _recorded(self) -> int:
        """Messages that PostgreSQL knows as sent."""
        await patiently(self.store.settled)
        async with self.store.database.transaction() as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM outbox WHERE status IN ('sent', 'delivered') AND id = ANY($1)",
                    list(self.accepted),
                )
            )

    def _share(self, sends: Sequence[dict[str, object]], since: int) -> float:
        """Of the lanes, by who sent last from them."""
        last: dict[int, str] = {}
        for line in sends:
            if int(str(line["at"])) >= since:
                last[self.store.shards.partition(str(line["conversation"]))] = str(line["by"])
        return sum(by == f"w{self.born}" for by in last.values()) / max(1, len(last))


def _status(line: Mapping[str, object], status: DeliveryStatus) -> StatusUpdate:
    id_ = str(line["id"])
    return StatusUpdate(wamid=f"wamid.{id_}", number_id=NUMBER, status=status, timestamp=now(), outbound_id=id_)


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """A connection to a server that was restarted says so once."""
    for _ in range(50):
        try:
            return await call()
        except Unavailable:
            await asyncio.sleep(0.2)
    return await call()


Break = Callable[[Field, random.Random], Awaitable[None]]


async def run(place: Place, folder: Path, load: Load, fault: Break, *, workers: int = 2) -> Verdict:
    """The whole of it. ``fault`` goes on beside the producer, and is awaited."""
    async with field_of(place, folder) as there:
        there.product = load.product
        # One publishes the bot, the others take that over.
        await there.spawn()
        reporting = asyncio.create_task(there.report() if load.product else asyncio.sleep(0))
        await asyncio.gather(*(there.spawn() for _ in range(1, workers)))
        begun = time.monotonic()
        await asyncio.gather(there.produce(load), fault(there, random.Random(load.seed)))
        await there.drained()
        reporting.cancel()
        return await there.judge(load, time.monotonic() - begun)


@asynccontextmanager
async def field_of(place: Place, folder: Path) -> AsyncIterator[Field]:
    store = await open_cluster(place, now, f"producer{secrets.token_hex(3)}")
    channel = await store.broker.channel()
    await store.topology.declare(channel)
    await store.database.prepare()
    there = Field(place=place, store=store, sink=folder / "sent")
    try:
        yield there
    except Exception:
        traceback.print_exc()  # tidying up may fail, too, and would be all that is said
        raise
    finally:
        for name in list(there.workers):
            there.thaw(name)
            await there.kill(name)
        try:
            await clean(store)
        finally:
            await store.close()


async def clean(store: ClusterStore) -> None:
    """Leave nothing on servers that others use too."""
    channel = await store.broker.channel()
    await store.topology.delete(channel)
    await store.database.drop()
    for node in store.shards.router.nodes:
        (keys,) = await patiently(lambda node=node: store.shards.router.ask(node, ("KEYS", f"{store.place.name}:*")))
        if keys:
            with contextlib.suppress(ResponseError):  # a replica by now: its primary is asked, too
                await store.shards.router.ask(node, *(("DEL", key) for key in keys))
