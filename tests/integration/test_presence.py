"""What a customer sees who waits: the typing bubble after a moment, blue ticks where the owner wants them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration.world import World as Shop
from tests.integration.world import until
from wabox.app import build
from wabox.core.changed import changed
from wabox.core.consent import Consent
from wabox.core.contact import Contact
from wabox.core.conversation import Session
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation, Outcome
from wabox.core.message import InboundMessage
from wabox.flowfile.bot import load_bot
from wabox.services.messages import speaks
from wabox.services.presence import AT_ONCE, Presence
from wabox.settings import Settings

MESSAGE = InboundMessage(
    message_id="wamid.1",
    number_id="200",
    conversation_id="200:MX.1",
    timestamp=NOW,
    channel="whatsapp",
    type="text",
    text="hola",
    contact=Contact(user_id="MX.1"),
)


class Time:
    """A clock, and sleepers that wake when it is moved."""

    def __init__(self) -> None:
        self.now = NOW
        self.moved = asyncio.Event()

    def __call__(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds * 1000
        while self.now < until:
            await self.moved.wait()

    async def move(self, ms: int) -> None:
        self.now += ms
        self.moved.set()
        self.moved = asyncio.Event()
        for _ in range(20):
            await asyncio.sleep(0)


class World:
    def __init__(self, **changes: Any) -> None:
        self.time, self.messenger, self.busy = Time(), FakeMessenger(), False
        self.presence = Presence(self.messenger, self.time, busy=lambda _: self.busy, sleep=self.time.sleep, **changes)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.presence.stop()


async def test_whoever_waits_longer_than_a_moment_is_shown_that_an_answer_comes(world: World) -> None:
    """Once, and not before."""
    world.presence.begins(MESSAGE)
    await world.time.move(900)
    assert world.messenger.seen_by == []
    await world.time.move(200)
    assert world.messenger.seen_by == [("wamid.1", True)]
    await world.time.move(60_000)
    assert len(world.messenger.seen_by) == 1


async def test_a_quick_answer_needs_none(world: World) -> None:
    """Nor does anybody of whom nothing is owed."""
    world.presence.begins(MESSAGE)
    world.presence.ends(MESSAGE.conversation_id)
    await world.time.move(2000)
    assert world.messenger.seen_by == []


async def test_each_conversation_by_itself(world: World) -> None:
    """The newest message of each counts."""
    world.presence.begins(MESSAGE)
    await world.time.move(500)
    world.presence.begins(changed(MESSAGE, message_id="wamid.2", conversation_id="200:MX.2"))
    await world.time.move(600)
    assert world.messenger.seen_by == [("wamid.1", True)]
    world.presence.begins(changed(MESSAGE, message_id="wamid.3", conversation_id="200:MX.2"))
    await world.time.move(1000)
    assert world.messenger.seen_by == [("wamid.1", True), ("wamid.3", True)]


@pytest.mark.parametrize(
    "message",
    [
        changed(MESSAGE, timestamp=NOW - 25 * 3_600_000),
        changed(MESSAGE, channel="standby"),
        changed(MESSAGE, channel="timer"),
        changed(MESSAGE, type="reaction"),
    ],
)
async def test_not_for_every_message(world: World, message: InboundMessage) -> None:
    """Meta takes it for recent messages of customers only."""
    world.presence.begins(message)
    await world.time.move(2000)
    assert world.messenger.seen_by == []


async def test_not_from_a_number_that_has_enough_to_do(world: World) -> None:
    """A bubble must not take the place of a message."""
    world.busy = True
    world.presence.begins(MESSAGE)
    await world.time.move(2000)
    assert world.messenger.seen_by == []


async def test_a_failure_is_nobodys_trouble(world: World) -> None:
    """And few are asked for at once: the rest go without."""

    async def fails(*_: Any, **__: Any) -> bool:
        world.messenger.seen_by.append(("tried", True))
        await asyncio.sleep(0)
        raise RuntimeError("no")

    world.messenger.seen = fails  # type: ignore[method-assign]
    for number in range(AT_ONCE + 5):
        world.presence.begins(changed(MESSAGE, conversation_id=f"200:MX.{number}"))
    await world.time.move(2000)
    assert len(world.messenger.seen_by) == AT_ONCE


async def test_blue_ticks_only_where_the_owner_wants_them() -> None:
    """They look like a person."""
    quiet, open_ = World(), World(read=True)
    for made in (quiet, open_):
        made.presence.handled(MESSAGE)
        await made.time.move(0)
        await made.presence.stop()
    assert quiet.messenger.seen_by == []
    assert open_.messenger.seen_by == [("wamid.1", False)]


async def test_off_is_off() -> None:
    """Nothing is ever asked for."""
    made = World(after=0.0)
    made.presence.begins(MESSAGE)
    await made.time.move(60_000)
    assert made.messenger.seen_by == []


FLOW = """
initial: hello
timeouts: {hard: 20h}
on: {human: people}
states:
  people: {handoff: desk, ask: "A person will answer.", on: {handoff.closed: hello}}
  hello:
    ask: {text: "Hello!", buttons: {look: Look}}
    on: {look: looking}
  looking:
    invoke: {id: stock, http: {url: "https://example.com/stock"}, onDone: found, onError: found}
  found: {type: final, say: "Yes."}
"""


class SlowWorld:
    """Implements Caller: an answer comes when the test says so."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def call(self, invocation: Invocation) -> Outcome:
        await self.gate.wait()
        return Outcome(output={})

    async def aclose(self) -> None:
        pass


async def test_whoever_waits_for_a_lookup(tmp_path: Path) -> None:
    """An answer that comes at once needs no bubble; while a call is under way there is one, for the message that asked."""
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "flow.yaml").write_text(FLOW)
    clock, time, messenger, slow = VirtualClock(), Time(), FakeMessenger(), SlowWorld()
    settings = Settings(root=tmp_path, data=tmp_path / "data", read=True)
    app = await build(settings, load_bot(tmp_path / "bot"), clock=clock, messenger=messenger, caller=slow)
    app._presence._sleep, app._presence._clock = time.sleep, time
    await app.start()
    world = Shop(app, messenger, clock)
    assert await world.hear() == ["interactive"]
    await time.move(2000)
    assert messenger.seen_by == [("wamid.1", False)]
    assert await world.tap("look") == []
    await time.move(2000)
    assert messenger.seen_by[1:] == [("wamid.2", False), ("wamid.2", True)]
    slow.gate.set()
    await until(lambda: len(messenger.taken) == 2)
    await app.stop()


@pytest.mark.parametrize(
    ("session", "typing"),
    [
        (Session(conversation_id="200:MX.1"), True),
        (Session(conversation_id="200:MX.1", quiet_until=NOW + 1), False),
        (Session(conversation_id="200:MX.1", consent=Consent(stopped=True)), False),
        (
            Session(
                conversation_id="200:MX.1",
                case=Handoff(id="h-1", conversation_id="200:MX.1", status="claimed", at=NOW, opened_at=NOW),
            ),
            False,
        ),
    ],
)
def test_only_the_bot_types(session: Session, typing: bool) -> None:
    """Nobody is shown that an answer comes from the bot while a person has the conversation, or after a stop."""
    assert speaks(session, NOW) is typing
