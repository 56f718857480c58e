"""Plays ``flows/shop/tests/*.yaml`` through the simulator: what a newcomer copies must work.

A conversation is a list of turns. A turn has one input of :meth:`Simulator.play` and what must come of it:

===========  =========================================================================================
``bot``      words that stand in what the bot said; a list: exactly so many bubbles, each with its words
``state``    the active leaf; null: the conversation is over
``stack``    the leaves of the suspended charts, outermost first
``context``  values by dotted path
``handoff``  the queue of the case that the turn opened
``language`` the language of the answer
===========  =========================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml

from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.simulator import Simulator

FOLDER = Path(__file__).parents[2] / "flows" / "shop"
CONVERSATIONS = sorted((FOLDER / "tests").glob("*.yaml"))
INPUTS = ("user", "tap", "message", "wait", "agent", "close")
EXPECTATIONS = ("bot", "state", "stack", "context", "handoff", "language")


@pytest.fixture(scope="module")
def shop() -> Bot:
    return load_bot(FOLDER)


def turns(path: Path) -> list[dict[str, Any]]:
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(found, list), f"{path.name} is not a list of turns"
    return found


def said_in(turn: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in turn.items() if key in INPUTS}


def words(body: Mapping[str, Any]) -> str:
    """The text of one Cloud API request, as the customer reads it."""
    match body["type"]:
        case "text":
            return str(body["text"]["body"])
        case "interactive":
            return str(body["interactive"]["body"]["text"])
        case kind:
            return str(body[kind].get("caption", ""))


def check(turn: Mapping[str, Any], out: Mapping[str, Any]) -> None:
    """Compare what was said and done with what the turn expects."""
    said = [words(body) for body in out["sent"]]
    match turn.get("bot"):
        case list() as bubbles:
            assert len(said) == len(bubbles), f"said {said}"
            for expected, bubble in zip(bubbles, said, strict=True):
                assert expected in bubble
        case str() as expected:
            assert expected in "\n".join(said)
    if "state" in turn:
        assert out["states"] == ([turn["state"]] if turn["state"] else [])
    if "stack" in turn:
        assert [leaf for frame in out["stack"] for leaf in frame["states"]] == turn["stack"]
    for path, expected in turn.get("context", {}).items():
        assert reduce(lambda value, key: value[key], path.split("."), out["context"]) == expected
    if "handoff" in turn:
        assert [case["queue"] for case in out["handoffs"] if case["status"] == "waiting"] == [turn["handoff"]]
    if "language" in turn:
        assert out["language"] == turn["language"]
    assert not out["failed"]


@pytest.mark.parametrize("path", CONVERSATIONS, ids=lambda path: path.stem)
def test_conversation(shop: Bot, path: Path) -> None:
    """Each conversation of the shop goes as it is written down."""
    simulator = Simulator(shop)
    for number, turn in enumerate(turns(path), 1):
        given = said_in(turn)
        assert set(turn) <= {*INPUTS, *EXPECTATIONS}, f"turn {number}: {turn} has a key that nobody reads"
        out = simulator.play(given)
        try:
            check(turn, out)
        except AssertionError as error:
            raise AssertionError(f"{path.name}, turn {number}, {given}: {error}\n{out}") from error


def test_flow_is_clean() -> None:
    """The example that people copy has neither errors nor warnings."""
    assert check_bot(FOLDER) == []


def test_conversations_visit_every_state(shop: Bot) -> None:
    """No state of the shop goes untested where a customer can stand."""
    visited = set()
    for path in CONVERSATIONS:
        simulator = Simulator(shop)
        for turn in turns(path):
            visited.update(simulator.play(said_in(turn))["states"])
    states = shop.charts[shop.main].states.values()
    waiting = {state.id for state in states if state.type == "atomic" and not state.always}
    assert waiting - visited == set()
