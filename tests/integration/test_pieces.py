"""What waits for more words (``quiet``) when somebody else takes the conversation meanwhile (promises P7, P11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.world import CONVERSATION, NUMBER, World
from wabox.app import build
from wabox.core.message import Arrival, InboundMessage
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings

FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
states:
  people: {handoff: {queue: desk}, ask: "A person will answer.", on: {handoff.closed: hello}}
  hello: {ask: {text: "Hello!", buttons: {order: Order}}, on: {order: count}}
  count: {quiet: 3s, ask: "How many?", on: {message.text: over}}
  over: {ask: "Where to?", on: {message.text: thanks}}
  thanks: {type: final, say: "Thank you."}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW)
    clock, messenger = VirtualClock(), FakeMessenger()
    app = await build(
        Settings(root=tmp_path, data=tmp_path / "data"), load_bot(folder), clock=clock, messenger=messenger
    )
    await app.start()
    yield World(app, messenger, clock)
    await app.stop()


@pytest.mark.parametrize("who", ["phone", "agent", "stop"])
async def test_what_waits_is_not_answered_once_the_bot_must_be_quiet(world: World, who: str) -> None:
    """A person took over, or the customer said stop: the flow stands where it stood, as with any other message."""
    await world.write("hi")
    await world.tap("order")
    assert await world.write("two") == []
    match who:
        case "phone":
            await world.echo(text={"body": "I am here"})
        case "stop":
            await world.write("stop")
        case "agent":
            contact = (await world.session()).contact
            assert contact is not None
            claim = InboundMessage(
                message_id="act-1",
                number_id=NUMBER,
                conversation_id=CONVERSATION,
                timestamp=world.clock.now,
                channel="agent",
                type="claim",
                payload={"agent": "marta", "take": True},
                contact=contact,
            )
            await world.app.accept(Arrival(messages=(claim,)))
            await world.rest()
    before = len(world.messenger.taken)
    world.clock.now += 5_000
    await world.app.fire()
    await world.rest()
    assert len(world.messenger.taken) == before
    kept = (await world.session()).snapshot
    assert kept is not None
    assert b'"leaves":["count"]' in kept
    assert b"two" not in kept
