"""An angry customer reaches a person, once, and the case says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_forms import IN_SPAIN, SUNDAY_TEN, Talk
from tests.e2e.test_yes_no import FLOW
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.simulator.simulator import Simulator


def bot(folder: Path, flow: str = FLOW) -> Bot:
    (folder / "flow.yaml").write_text(flow, encoding="utf-8")
    assert [one for one in check_bot(folder) if one.severity == "error"] == []
    return load_bot(folder)


def reasons(bot: Bot, *texts: str) -> list[str]:
    """Why people were called after these messages."""
    played = Simulator(bot, clock_start_ms=SUNDAY_TEN, contact=IN_SPAIN)
    turns = [turn for text in texts for turn in played.turns({"user": text})]
    return [case.reason for turn in turns for case in turn.unit.handoffs if case.status == "waiting"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("this is the third time I'm asking and you are useless!!!", "angry: you are useless"),
        ("THIS IS THE THIRD TIME!!!", "angry: third time"),
        ("बकवास सर्विस", "angry: बकवास सर्विस"),
    ],
)
def test_clear_anger(tmp_path: Path, text: str, why: str) -> None:
    """A person takes over at once, and reads why."""
    assert reasons(bot(tmp_path), "hi", text) == [why]
    assert Talk(load_bot(tmp_path)).say("hi", text).state == "people"


def test_anger_in_two_messages(tmp_path: Path) -> None:
    """One sharp word is let pass; the second is not."""
    talk = Talk(bot(tmp_path)).say("hi", "WHERE IS MY ORDER")
    assert talk.state == "hello"
    assert talk.say("how many times do I have to ask").state == "people"


def test_only_once(tmp_path: Path) -> None:
    """Who left the people and is angry still is served by the bot."""
    made = bot(tmp_path)
    assert len(reasons(made, "hi", "you are useless", "back", "you are useless")) == 1


def test_the_same_again(tmp_path: Path) -> None:
    """What was not understood and is written again and again sounds angry; an order that is repeated does not."""
    assert Talk(bot(tmp_path)).say("hi", "pay", "blue thing", "blue thing").state == "pay"


def test_a_flow_reacts_itself(tmp_path: Path) -> None:
    """Its own `angry` goes before the person."""
    own = FLOW.replace("on: {human: people}", "on: {human: people, angry: bye}")
    assert Talk(bot(tmp_path, own)).say("hi", "you are useless").said == ["Bye."]


def test_off(tmp_path: Path) -> None:
    """`anger: off` calls nobody."""
    made = bot(tmp_path, "anger: off" + FLOW)
    assert Talk(made).say("hi", "you are useless").state == "hello"
    assert reasons(made, "hi", "you are useless") == []


def test_a_wrong_word_is_told(tmp_path: Path) -> None:
    """The key takes two values."""
    (tmp_path / "flow.yaml").write_text("anger: loud" + FLOW, encoding="utf-8")
    assert any("anger cannot be" in one.sentence for one in check_bot(tmp_path))


def test_calm_customers(tmp_path: Path) -> None:
    """Praise, hurry and questions are no anger."""
    talk = Talk(bot(tmp_path)).say("hi", "THANKS A LOT!!!", "third time I order, love it")
    assert talk.state == "hello"
