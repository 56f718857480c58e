"""What does not reach the customer: refused here, refused by Meta, failed later. Somebody is told each time (P4, P5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration import test_turns
from tests.integration.test_turns import CONVERSATION, body
from wabox.app import build
from wabox.core.delivery import DeliveryStatus, StatusUpdate
from wabox.core.message import Arrival
from wabox.core.ports import SendResult
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings
from wabox.simulator import Simulator

HOUR = 60
FLOW = """
initial: hello
context: {lost: ""}
states:
  hello:
    ask: {text: "Hello!", buttons: {short: Short, long: Long, template: Template}}
    on:
      short: {target: waiting, actions: {assign: {lost: ""}}}
      long: late
      template: reminded
      delivery.failed:
        actions:
          - {assign: {lost: {from: event.reason}}}
          - {say: "Once more: {lost}"}
  waiting:
    timeouts: {hard: 3d}
    after: {23h: hello}
  late:
    timeouts: {hard: 3d}
    after: {25h: {target: later, actions: {say: "Still there?"}}}
  later:
    timeouts: {hard: 3d}
    ask: {text: "Shall I go on?", buttons: {short: Short}}
    on:
      short: hello
      delivery.failed: {actions: {assign: {lost: {from: event.text}}}}
  reminded:
    timeouts: {hard: 3d}
    after: {25h: {actions: {say: {text: "Your visit is tomorrow.", outside: {name: reminder, values: {1: "{lost}nine"}}}}}}
    on: {short: hello}
"""
TEMPLATES = """
reminder:
  category: utility
  en: {body: "Your visit is at {{1}}.", examples: {1: nine}}
"""
REFUSED = SendResult(verdict="failed", reason="131026: cannot be delivered", code=131026)


class World(test_turns.World):
    async def rest(self) -> None:
        """Until what failed was told, too."""
        await super().rest()
        await self.app.fire()
        await super().rest()


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "templates.yaml").write_text(TEMPLATES, encoding="utf-8")
    return folder


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    folder = made(tmp_path / "flows" / "bot")
    clock, messenger = VirtualClock(NOW), FakeMessenger()
    # That the flow says something late is what is tried here; `wabox check` reports it, so it runs as a published one.
    bot = load_bot(folder, published=True)
    app = await build(Settings(root=tmp_path, data=tmp_path / "data"), bot, clock=clock, messenger=messenger)
    await app.start()
    yield World(app, messenger, clock)
    await app.stop()


async def context(world: World) -> dict[str, Any]:
    from wabox.engine.snapshot import decode

    session = await world.app.store.open(CONVERSATION)
    assert session.snapshot is not None
    return dict(decode(session.snapshot).context)


async def statuses(world: World) -> list[str]:
    lines = await world.app.store.transcript(CONVERSATION)
    return [line.body["reason"] for line in lines if line.kind == "status"]


async def test_the_flow_hears_of_a_refusal(world: World) -> None:
    """Code, reason and words come as an event, and the flow says something else."""
    world.messenger.results = [REFUSED]
    assert await world.hear("hi") == ["Once more: 131026: cannot be delivered"]
    assert await statuses(world) == ["131026: cannot be delivered"]


async def test_a_failure_about_a_failure_is_not_told(world: World) -> None:
    """When the words about it fail as well, that is on record, and nothing goes round."""
    world.messenger.results = [REFUSED] * 20
    assert await world.hear("hi") == []
    assert len(world.messenger.tried) == 2
    assert len(await statuses(world)) == 2


async def test_a_status_that_says_failed_is_told_once(world: World) -> None:
    """Meta accepted it and took it back; the status may come twice."""
    await world.hear("hi")
    sent = world.messenger.taken[-1]
    update = StatusUpdate(
        wamid=f"wamid.OUT-{sent.id}",
        number_id="200",
        status=DeliveryStatus.FAILED,
        timestamp=world.clock(),
        outbound_id=sent.id,
        code=131026,
        reason="131026: no WhatsApp there",
    )
    for _ in range(2):
        await world.app.accept(Arrival(statuses=(update,)))
        await world.rest()
    assert [body(message.body) for message in world.messenger.taken[1:]] == ["Once more: 131026: no WhatsApp there"]


async def test_a_nudge_within_the_window_leaves(world: World) -> None:
    """After 23 hours the customer may be written to."""
    await world.hear("hi")
    await world.tap("short")
    await world.wait(23 * HOUR + 1)
    assert body(world.messenger.taken[-1].body) == "Hello!"


async def test_a_late_message_is_not_sent(world: World) -> None:
    """After 25 hours it is not even tried: it is on record with the reason, and the flow hears of it."""
    await world.hear("hi")
    await world.tap("long")
    before = len(world.messenger.tried)
    await world.wait(25 * HOUR + 1)
    assert len(world.messenger.tried) == before
    assert all("24 hours" in reason for reason in await statuses(world))
    assert len(await statuses(world)) == 2
    assert (await context(world))["lost"] == "Shall I go on?"


async def test_the_flow_s_template_is_sent_instead(world: World) -> None:
    """Where the flow names one for that, and nothing failed."""
    await world.hear("hi")
    await world.tap("template")
    await world.wait(25 * HOUR + 1)
    assert world.messenger.taken[-1].body["template"]["name"] == "reminder"
    assert await statuses(world) == []


def test_the_simulator_refuses_it_too(tmp_path: Path) -> None:
    """What would not be sent is not shown as sent, and the flow hears of it (P8)."""
    simulator = Simulator(load_bot(made(tmp_path / "bot"), published=True))
    simulator.play({"user": "hi"})
    simulator.play({"tap": "long"})
    answer = simulator.play({"wait": "26h"})
    assert answer["sent"] == []
    assert answer["events"].count("delivery.failed") == 2
    assert answer["context"]["lost"] == "Shall I go on?"
