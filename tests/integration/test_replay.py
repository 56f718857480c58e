"""``wabox replay``: real traffic, through the real store, played to the bot as it is and as it would be."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration.world import World, until
from wabox.app import build_published
from wabox.cli import replay as door
from wabox.cli.main import app as command
from wabox.core.conversation import Record
from wabox.core.invocation import Outcome
from wabox.settings import Settings
from wabox.simulator.moment import moments
from wabox.simulator.replay import Reply, difference, episodes

FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
states:
  hello:
    ask: {text: "What do you want?", buttons: {order: Order}}
    on: {order: fruit, message.text: other}
  fruit:
    ask: "Which fruit?"
    on: {message.text: {target: price, actions: {assign: {fruit: {from: event.text}}}}}
  price:
    invoke:
      id: price
      http: {url: "https://shop.example/price"}
      onDone: {target: done, actions: {assign: {cost: {from: event.data.output}}}}
      onError: hello
  other: {ask: "I sell fruit.", on: {message.text: hello}}
  people: {handoff: {queue: desk}, ask: "A person will answer.", on: {handoff.closed: hello}}
  done: {type: final, say: "{fruit} costs {cost}."}
context: {fruit: "", cost: ""}
"""
MENU = '  menu: {ask: "Apples or pears?", on: {message.text: fruit}}\n'
OFFSET = 86_400_000


class Shop:
    """The price of everything."""

    async def call(self, *_: Any) -> Outcome:
        return Outcome(output="3 €")

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Ana has ordered an apple, and has asked something that the bot does not know."""
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    clock, messenger = VirtualClock(), FakeMessenger()

    settings = Settings(root=tmp_path, data=tmp_path / "data")
    app = await build_published(settings, folder, clock=clock, messenger=messenger, caller=Shop())  # type: ignore[arg-type]
    await app.start()
    world = World(app, messenger, clock)
    await world.write("hi")
    await world.tap("order")
    clock.now += 60_000
    await world.write("apple")
    await until(lambda: len(messenger.taken) == 3)
    await world.rest()
    clock.now += 60_000
    await world.write("hi again")
    await world.write("do you sell shoes?")
    monkeypatch.chdir(tmp_path)
    yield world
    await app.stop()


async def replayed(*arguments: str) -> tuple[Result, dict[str, Any]]:
    """As a script sees it, from a day before the day of the tests."""
    days = f"{-(-(_now() - NOW) // OFFSET) + 1}d"
    run = partial(CliRunner().invoke, command, ["replay", "shop", "--since", days, "--json", *arguments])
    result = await asyncio.to_thread(run)
    assert result.stdout, result.exception
    return result, json.loads(result.stdout)


def _now() -> int:
    import time

    return max(time.time_ns() // 1_000_000, NOW + 1)


def change(tmp_path: Path, *pairs: tuple[str, str]) -> None:
    path = tmp_path / "flows" / "shop" / "flow.yaml"
    flow = path.read_text(encoding="utf-8")
    for before, after in pairs:
        assert before in flow
        flow = flow.replace(before, after)
    path.write_text(flow, encoding="utf-8")


async def test_nothing_differs_when_nothing_changed(world: World) -> None:
    """All five messages are compared, the call brings what it brought, and CI is content."""
    result, told = await replayed()
    assert (told["messages"], told["differing"], told["groups"]) == (5, 0, [])
    assert result.exit_code == 0


async def test_what_would_be_said_differently_is_shown_in_groups(world: World, tmp_path: Path) -> None:
    """By place and kind of change, with the customer's words and both replies; CI is told."""
    change(
        tmp_path,
        ("What do you want?", "What can I get you?"),
        ("{order: Order}", "{order: Order now}"),
        ("costs {cost}", "is yours for {cost}"),
    )
    result, told = await replayed()
    assert result.exit_code == 1
    groups = {(one["kind"], tuple(one["states"])): one for one in told["groups"]}
    assert set(groups) == {("words", ()), ("words", ("fruit",))}
    assert groups["words", ()]["count"] == 2
    example = groups["words", ("fruit",)]["examples"][0]
    assert example["user"] == "apple"
    assert (example["before"]["said"], example["after"]["said"]) == (["apple costs 3 €."], ["apple is yours for 3 €."])
    assert (await replayed("--allow", "3"))[0].exit_code == 0
    assert (await replayed("--allow", "2"))[0].exit_code == 1
    assert (await replayed("--allow", "60%"))[0].exit_code == 0


async def test_what_follows_another_way_is_not_compared(world: World, tmp_path: Path) -> None:
    """The first message that leads elsewhere is the difference; what came after it belongs to another conversation."""
    change(tmp_path, ("on: {order: fruit,", "on: {order: menu,"), ("  people:", MENU + "  people:"))
    _, told = await replayed()
    assert [(one["kind"], one["states"], one["count"]) for one in told["groups"]] == [("state", ["hello"], 1)]
    assert (told["messages"], told["not_compared"]) == (4, 1)


async def test_another_folder_and_plain_words(world: World, tmp_path: Path) -> None:
    """--flows names the candidate; people read what is said, what would be, and that these are customers' words."""
    other = tmp_path / "candidate" / "shop"
    other.mkdir(parents=True)
    (other / "flow.yaml").write_text(FLOW.replace("I sell fruit.", "Fruit only."), encoding="utf-8")
    found, _ = await replayed("--flows", "candidate/shop")
    assert found.exit_code == 1
    days = f"{(_now() - NOW) // OFFSET + 2}d"
    run = partial(CliRunner().invoke, command, ["replay", "shop", "--since", days, "--flows", "candidate/shop"])
    shown = (await asyncio.to_thread(run)).stdout
    assert "5 messages of 2 conversations: 1 (20.0 %) would be answered differently." in shown
    assert "words of your customers" in shown
    lines = shown.splitlines()
    at = lines.index("  > do you sell shoes?")
    assert lines[at + 1 : at + 3] == ["  - I sell fruit.", "  + Fruit only."]
    assert re.search(r"1 × in hello \(.*\): other words", shown)


async def test_nothing_is_written_and_nobody_called(world: World, tmp_path: Path) -> None:
    """The database is as it was, and no message left."""
    before, sent = (tmp_path / "data" / "wabox.db").read_bytes(), len(world.messenger.tried)
    await replayed()
    assert (tmp_path / "data" / "wabox.db").read_bytes() == before
    assert len(world.messenger.tried) == sent


def reply(**changes: Any) -> Reply:
    return Reply(**{"said": ("a",), "options": ("b",), "states": ("s",), "intent": "i", **changes})


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, None),
        ({"intent": "j"}, None),
        ({"said": ("z",)}, "words"),
        ({"options": ()}, "options"),
        ({"states": ("t",)}, "state"),
        ({"said": ("z",), "intent": "j"}, "understanding"),
        ({"said": (), "options": ()}, "silence"),
        ({"trouble": "refused"}, "failure"),
    ],
)
def test_kinds_of_difference(changes: dict[str, Any], kind: str | None) -> None:
    """What a customer would not notice is none."""
    assert difference(reply(), reply(**changes)) == kind
    assert kind is None or door.TITLES[kind]


def test_a_transcript_is_played_from_the_beginning_of_a_conversation() -> None:
    """What ended before the time in question is left out; what reaches into it is played whole."""

    def said(at: int, *states: str) -> Record:
        return Record(
            at=at,
            kind="in",
            body={"channel": "whatsapp", "type": "text", "text": "x", "states": list(states)},
        )

    found = moments([said(1, "a"), said(2), said(3, "a"), said(10, "b"), said(11), said(12, "a")])
    assert [[one.at for one in episode] for episode in episodes(found, 10)] == [[3, 10, 11], [12]]
