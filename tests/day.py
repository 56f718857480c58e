"""A day of traffic: the real app, its real database and its real client, before a Meta that fails in every way it can.

Two ends of one process: the fake Cloud API posts to the app's webhook route, the app posts to the Graph endpoints, both through
their whole stacks without a socket between them. Time is simulated (:mod:`tests.simulated`), chance is seeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import structlog

from tests.fakes import NOW
from tests.simulated import SimulatedLoop
from wabox.app import App, build
from wabox.core.changed import changed
from wabox.core.conversation import Record
from wabox.core.delivery import Delivery, OutboundMessage
from wabox.demo.cloud import FakeCloud
from wabox.demo.customer import Customer
from wabox.demo.graph import graph_app
from wabox.flowfile.bot import load_bot
from wabox.services import turn
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.web.server import asgi_app
from wabox.whatsapp.client import CloudMessenger

BOT = Path(__file__).parent / "data" / "bots" / "diary"
NUMBER = "200000000000002"
TOKENS = ("the first token", "the second token")
HOUR = 3600.0
SWEEP = 30.0
"""Seconds between two looks at what is due; the scheduler's one second would be most of the work of a simulated day."""

WEATHER = {
    "again": "4%", "copies": "1%", "batch": "15%", "late": "4%", "early": "20%",
    "hang": "3%", "error": "1%", "lost": "1%", "131056": "0.5%", "failed:131026": "1%", "limits": "on",
}  # fmt: skip
"""5 % duplicates, reordering, 3 % timeouts after acceptance, 2 % errors 5xx."""


class Wire(httpx.AsyncBaseTransport):
    """To an ASGI app in this process; waits for an answer as long as the request says."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx.ASGITransport(app)
        self.bodies: list[bytes] = []
        """Of the requests that were answered 200, in the order of their answers."""
        self.answers: Counter[str] = Counter()
        """How many of each HTTP status; "none" where no answer came in time."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                response = await self._inner.handle_async_request(request)
                await response.aread()
        except TimeoutError:
            self.answers["none"] += 1
            raise httpx.ReadTimeout("no answer", request=request) from None
        self.answers[str(response.status_code)] += 1
        if response.status_code == 200:
            self.bodies.append(body)
        return response


class Switch(httpx.AsyncBaseTransport):
    """Where the webhook leads: to the app that runs, or to nobody while it is restarted."""

    def __init__(self) -> None:
        self.wire: Wire | None = None
        self.bodies: list[bytes] = []

    def to(self, app: Any) -> None:
        self.wire = Wire(app)
        self.wire.bodies = self.bodies

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.wire is None:
            raise httpx.ConnectError("nobody listens", request=request)
        return await self.wire.handle_async_request(request)


@dataclass
class Seen:
    """What a day came to."""

    written: dict[str, list[str]]
    """By customer: what they wrote, in that order."""
    arrived: dict[str, list[str]]
    """By customer: what they wrote, in the order in which the webhook first had it."""
    phones: dict[str, list[str]]
    """By customer: the bubbles of the bot, in the order in which Meta took them; repeats are there as often as they came."""
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    """By customer: what did not arrive, by its words, with the reason that is on record."""
    contexts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By customer: the variables of the conversation at the end."""
    unsent: list[Delivery] = field(default_factory=list)
    failed: list[Delivery] = field(default_factory=list)
    handled: Counter[str] = field(default_factory=Counter)
    """Lines of the transcript, by the message that they are about."""
    answers: Counter[str] = field(default_factory=Counter)
    """What Meta answered to the bot's messages: how many of each HTTP status, and of "none"."""
    webhooks: tuple[int, int] = (0, 0)
    """How many were taken, and how many of them were not the first with their bytes."""
    values: list[dict[str, Any]] = field(default_factory=list)
    """What the webhooks held, as they came."""
    stops: list[str] = field(default_factory=list)
    """Why the number stood still, each time that somebody looked."""


def crowd(count: int) -> list[Customer]:
    """Customers, every fourth without a phone number."""
    return [
        Customer(
            key=f"c{place}",
            name=f"Customer {place}",
            user_id=f"US.5{place:019}",
            wa_id=None if place % 4 == 3 else f"1555{place:07}",
        )
        for place in range(count)
    ]


@contextlib.contextmanager
def paid_once(said: dict[str, str]) -> Iterator[None]:
    """Whatever says "paid" is sent once; the rest may be repeated. Learns the words of every message."""
    made = turn.OutboundMessage

    def make(**fields: Any) -> OutboundMessage:
        message = made(**fields)
        words = said[message.id] = message.body["text"]["body"]
        return changed(message, policy="once" if "paid" in words else "repeat")

    turn.OutboundMessage = make  # type: ignore[assignment,misc]
    try:
        yield
    finally:
        turn.OutboundMessage = made  # type: ignore[misc]


def check(seen: Seen) -> None:
    """What must hold whatever happened."""
    assert seen.unsent == []
    assert set(seen.handled.values()) == {1}, "nothing is in a transcript twice"
    for key, written in seen.written.items():
        arrived, context = seen.arrived[key], seen.contexts[key]
        assert sorted(arrived) == sorted(written), f"{key}: everything that was written came"
        assert (context["count"], context["seen"]) == (len(written), arrived), (
            f"{key}: handled once, in order of arrival"
        )
        wanted = [f"{count} {words} {part}" for count, words in enumerate(arrived, 1) for part in ("first", "paid")]
        phone, told = Counter(seen.phones[key]), seen.told[key]
        assert list(phone) == [words for words in wanted if words in phone], f"{key}: in order"
        for words in wanted:
            assert phone[words] <= (1 if "paid" in words else 3), f"{key}: {words} came too often"
            assert phone[words] or told.get(words), f"{key}: {words} is missing, and nothing says why"
        assert len(context["lost"]) == len(told), f"{key}: the flow heard of each that was lost"


def day(
    folder: Path,
    seed: int,
    *,
    customers: int = 40,
    messages: int = 8,
    weather: Mapping[str, str] = WEATHER,
    words: str = "m",
) -> Seen:
    """Everybody writes, all day long; at 8 Meta refuses everything for an hour, at 14 the token expires until 15.

    ``words``: what every message of theirs begins with.
    """
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(_Day(folder, seed, crowd(customers), messages, weather, words).run())


class _Day:
    def __init__(
        self, folder: Path, seed: int, people: list[Customer], messages: int, weather: Mapping[str, str], words: str
    ) -> None:
        self.words = words
        self.folder = folder
        self.random = Random(seed)
        self.people = people
        self.messages = messages
        self.weather = weather
        self.switch = Switch()
        self.said: dict[str, str] = {}
        self.written: dict[str, list[str]] = defaultdict(list)
        self.stops: list[str] = []
        self.app: App
        self.loop: asyncio.AbstractEventLoop
        self.cloud = FakeCloud(
            number_id=NUMBER,
            app_secret="secret",
            access_token=TOKENS[0],
            webhook_url="http://bot/webhook",
            clock=self.clock,
            random=Random(seed),
            seed=seed,
            customers=people,
            transport=self.switch,
        )
        self.graph = Wire(graph_app(self.cloud))

    def clock(self) -> int:
        return NOW + round(self.loop.time() * 1000)  # a thread asks, too

    async def run(self) -> Seen:
        self.loop = asyncio.get_running_loop()
        for name, amount in self.weather.items():
            self.cloud.faults.arm(name, amount)
        with paid_once(self.said):
            await self.open(TOKENS[0])
            sweeping = asyncio.create_task(self.sweep())
            talks = [asyncio.create_task(self.talk(customer.key)) for customer in self.people]
            await self.until(8)
            self.cloud.faults.arm("limit", "1h")
            await self.until(14)
            self.cloud.faults.arm("token", "on")
            await self.until(15)
            await self.close()
            self.cloud.renew(TOKENS[1])
            await self.open(TOKENS[1])
            await asyncio.gather(*talks)
            await self.until(26)
            sweeping.cancel()
            seen = await self.look()
            await self.close()
            await self.cloud.aclose()
        return seen

    async def until(self, hour: float) -> None:
        await asyncio.sleep(max(0.0, hour * HOUR - asyncio.get_running_loop().time()))

    async def open(self, token: str) -> None:
        whatsapp = WhatsAppSettings(
            app_secrets=(Secret("secret"),),
            verify_token=Secret("v"),
            access_token=Secret(token),
            api_url="http://graph",
        )
        settings = Settings(root=self.folder, data=self.folder / "data", whatsapp=whatsapp)
        messenger = CloudMessenger("http://graph/v26.0", token, transport=self.graph)
        self.app = await build(settings, load_bot(BOT), clock=self.clock, messenger=messenger)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        loop.watch(self.app.store.writer)
        await self.app.start()
        self.switch.to(asgi_app(self.app, whatsapp))

    async def close(self) -> None:
        self.switch.wire = None
        await self.app.stop()

    async def sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            if self.switch.wire is not None:
                self.stops += self.app.stopped.values()
                await self.app.fire()

    async def talk(self, key: str) -> None:
        moments = sorted(self.random.uniform(0, 24 * HOUR) for _ in range(self.messages))
        for number, moment in enumerate(moments):
            await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
            # Some write twice in a row: those are the ones that a batch can turn round.
            for part in range(1 + (self.random.random() < 0.3)):
                words = f"{self.words}{number * 2 + part}"
                self.written[key].append(words)
                await self.cloud.say(key, words)
                await asyncio.sleep(1.0)

    async def look(self) -> Seen:
        seen = Seen(self.written, self.arrivals(), self.phones(), stops=self.stops)
        seen.unsent = list(await self.app.store.deliveries(1000))
        seen.failed = list(await self.app.store.deliveries(10_000, failed=True))
        keys = {customer.wa_id or customer.user_id: customer.key for customer in self.people}
        keys |= {customer.user_id: customer.key for customer in self.people}
        for summary in await self.app.store.conversations(10_000):
            key = keys[summary.contact.user_id or ""]
            assert summary.snapshot is not None
            seen.contexts[key] = json.loads(summary.snapshot)["context"]
            lines: list[Record] = list(await self.app.store.transcript(summary.conversation_id, 10_000))
            seen.handled.update(str(line.ref) for line in lines if line.kind == "in")
            seen.told[key] = {self.said[str(line.ref)]: line.body["reason"] for line in lines if line.kind == "status"}
        seen.answers = self.graph.answers
        seen.values = list(self.values())
        seen.webhooks = len(self.switch.bodies), len(self.switch.bodies) - len(set(self.switch.bodies))
        return seen

    def values(self) -> Iterator[dict[str, Any]]:
        for body in self.switch.bodies:
            yield from (change["value"] for entry in json.loads(body)["entry"] for change in entry["changes"])

    def arrivals(self) -> dict[str, list[str]]:
        """By the raw bodies alone: within one, messages are ordered by their time."""
        people = {customer.user_id: customer.key for customer in self.people}
        known: set[str] = set()
        arrived: dict[str, list[str]] = defaultdict(list)
        for body in self.switch.bodies:
            values = [change["value"] for entry in json.loads(body)["entry"] for change in entry["changes"]]
            for message in sorted(
                (message for value in values for message in value.get("messages", ())),
                key=lambda message: int(message["timestamp"]),
            ):
                if message["id"] not in known:
                    known.add(message["id"])
                    arrived[people[message["from_user_id"]]].append(message["text"]["body"])
        return arrived

    def phones(self) -> dict[str, list[str]]:
        return {
            key: [bubble.message["text"]["body"] for bubble in thread.ours()]
            for key, thread in self.cloud.threads.items()
        }


def main() -> None:
    """``python -m tests.day --customers 500 --seed 1 --days 10``: longer than a test may take."""
    import argparse
    import tempfile

    asked = argparse.ArgumentParser(description=main.__doc__)
    for name, usual in (("customers", 200), ("messages", 12), ("seed", 1), ("days", 5)):
        asked.add_argument(f"--{name}", type=int, default=usual)
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    for seed in range(options.seed, options.seed + options.days):
        for silent in ("off", "30%"):
            with tempfile.TemporaryDirectory() as folder:
                weather = {**WEATHER, "missing": silent}
                seen = day(Path(folder), seed, customers=options.customers, messages=options.messages, weather=weather)
            check(seen)
            bubbles = [words for phone in seen.phones.values() for words in phone]
            repeats = sum(sum(Counter(phone).values()) - len(Counter(phone)) for phone in seen.phones.values())
            print(
                f"seed {seed}, statuses missing: {silent}. {sum(map(len, seen.written.values()))} messages, "
                f"{seen.webhooks[0]} webhooks ({seen.webhooks[1]} again), {len(bubbles)} bubbles, {repeats} of them again, "
                f"{len(seen.failed)} failed with a reason, answers {dict(seen.answers)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
