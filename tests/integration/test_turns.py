"""From a message to a committed turn, where things go wrong: nobody is left in silence, nothing is doubled (P2, P4, P7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from wabox.app import App, build
from wabox.core.contact import Contact
from wabox.core.message import Arrival, InboundMessage
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings

ANA = Contact(user_id="MX.1", wa_id="5215550002222")
CONVERSATION = "200:MX.1"
FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 1h}
on: {human: people}
states:
  hello:
    ask: {text: "Hello!", buttons: {spoil: Spoil, quote: Quote, bye: Bye, last: Last words}}
    on:
      spoil: {actions: {type: fill}}
      quote: {actions: {type: half}}
      bye: over
      last: last
  people:
    handoff: {queue: desk, reason: asked}
    ask: {text: "A person will answer.", buttons: {back: Back}}
    on: {back: hello, handoff.closed: hello}
  last: {type: final, say: "A person will write to you.", handoff: {reason: last words}}
  over: {type: final, say: "Bye."}
"""
ACTIONS = """
from wabox.actions import action


@action
def fill(given):
    return {"big": "x" * 2_000_000}


@action
def half(given):
    raise ValueError("half an emoji: \\ud83d")
"""


class World:
    def __init__(self, app: App, messenger: FakeMessenger, clock: VirtualClock) -> None:
        self.app, self.messenger, self.clock = app, messenger, clock
        self.count = 0

    async def hear(self, text: str | None = None, **more: Any) -> list[str]:
        """Put one message through the whole loop; what the customer then reads."""
        self.count += 1
        before = len(self.messenger.taken)
        message = InboundMessage(
            message_id=f"wamid.{self.count}",
            number_id="200",
            conversation_id=CONVERSATION,
            timestamp=self.clock(),
            type=more.pop("type", "text"),
            text=text,
            contact=ANA,
            **more,
        )
        await self.app.accept(Arrival(messages=(message,)))
        await self.rest()
        return [body(sent.body) for sent in self.messenger.taken[before:]]

    async def tap(self, event: str) -> list[str]:
        return await self.hear(event, type="button_reply", payload={"id": event, "title": event})

    async def wait(self, minutes: int) -> None:
        self.clock.now += minutes * 60_000
        await self.app.fire()
        await self.rest()

    async def rest(self) -> None:
        async def done() -> bool:
            stats = await self.app.store.stats()
            return not (self.app.store.lanes.backlog or stats.inbox or stats.outbox)

        for _ in range(3000):
            if await done():
                return
            await asyncio.sleep(0.001)  # the writer is a thread: no virtual clock can turn it
        raise AssertionError("it did not come to rest")


def body(sent: Any) -> str:
    text: str = (sent.get("text") or sent["interactive"]).get("body")
    return text["text"] if isinstance(text, dict) else text


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "flows" / "bot"
    folder.mkdir(parents=True)
    flow = FLOW.replace(
        "spoil: Spoil, quote: Quote, bye: Bye, last: Last words", "spoil: Spoil, quote: Quote, bye: Bye"
    )
    flow = flow.replace("on:\n      spoil", "expect: [last]\n    on:\n      spoil")
    (folder / "flow.yaml").write_text(flow, encoding="utf-8")
    (folder / "intents.yaml").write_text("last: {en: {keywords: [last]}}\n", encoding="utf-8")
    (folder / "actions.py").write_text(ACTIONS, encoding="utf-8")
    clock, messenger = VirtualClock(NOW), FakeMessenger()
    app = await build(
        Settings(root=tmp_path, data=tmp_path / "data"), load_bot(folder), clock=clock, messenger=messenger
    )
    await app.start()
    yield World(app, messenger, clock)
    await app.stop()


async def test_a_conversation_that_comes_back_is_a_new_one(world: World) -> None:
    """Ended by silence and begun again, it nudges again, and a case opened then is a case of its own."""
    for _ in range(2):
        assert await world.hear("hi") == ["Hello!"]
        before = len(world.messenger.taken)
        await world.wait(31)
        assert len(world.messenger.taken) == before + 1
        assert await world.hear("human") == ["A person will answer."]
        assert (await world.app.store.stats()).handoffs_waiting == 1
        assert await world.tap("back") == ["Hello!"]
        await world.wait(61)
        assert (await world.app.store.open(CONVERSATION)).snapshot is None
    assert (await world.app.store.stats()).handoffs_waiting == 0


async def test_people_are_not_talked_over(world: World) -> None:
    """Waiting for a person, the customer is neither asked again nor nudged; the button brings the bot back."""
    await world.hear("hi")
    await world.hear("I want to talk to a human")
    assert await world.hear("my order is late") == []
    assert await world.hear("hello??") == []
    assert await world.hear(None, type="image", payload={"id": "1"}) == []
    before = len(world.messenger.taken)
    await world.wait(31)
    assert len(world.messenger.taken) == before
    assert await world.tap("back") == ["Hello!"]


async def test_a_case_of_the_last_words_stays_open(world: World) -> None:
    """A flow that ends with a promise of a person leaves the case for the person."""
    await world.hear("hi")
    assert await world.hear("last") == ["A person will write to you."]
    assert (await world.app.store.stats()).handoffs_waiting == 1


@pytest.mark.parametrize("event", ["spoil", "quote"])
async def test_an_action_gone_wrong_is_no_end(world: World, event: str) -> None:
    """A context that outgrows the limit, an error that cannot even be written down: the conversation goes on from before."""
    await world.hear("hi")
    assert await world.tap(event)
    snapshot = (await world.app.store.open(CONVERSATION)).snapshot
    assert snapshot is not None
    assert len(snapshot) < 1000
    assert await world.tap("bye") == ["Bye."]


@pytest.mark.parametrize("event", ["handoff.closed", "timeout.hard", "done.state.hello", "error.execution"])
async def test_a_forged_button_is_no_event_of_ours(world: World, event: str) -> None:
    """Only wabox closes cases and ends conversations; a reply id that says so is a button nobody knows."""
    await world.hear("hi")
    await world.hear("human")
    assert await world.tap(event) == []
    assert (await world.app.store.stats()).handoffs_waiting == 1


async def test_without_a_time_a_message_is_known_again(world: World) -> None:
    """Meta's copy of a message that has no usable timestamp changes nothing, whenever it arrives."""
    message: Callable[[], InboundMessage] = lambda: InboundMessage(  # noqa: E731
        message_id="wamid.X",
        number_id="200",
        conversation_id=CONVERSATION,
        timestamp=world.clock(),
        dated=False,
        type="text",
        text="hi",
        contact=ANA,
    )
    for _ in range(3):
        await world.app.accept(Arrival(messages=(message(),)))
        world.clock.now += 2000
    await world.rest()
    assert len(world.messenger.taken) == 1
