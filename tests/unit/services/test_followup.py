"""Some hours after a person closed the case the flow hears of the customer again, if it asked for that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wabox.flowfile.bot import load_bot
from wabox.services.followup import NAME
from wabox.settings import PLAIN, QueueSettings
from wabox.simulator import Simulator

FLOW = """
initial: hello
timeouts: {soft: off, hard: 20h}
on: {human: people, handoff.follow_up: how}
states:
  people:
    handoff: {queue: desk, follow_up: 4h}
    ask: "A person will answer."
    on: {handoff.closed: over}
  hello: {ask: {text: "Which size?", buttons: {small: S}}, on: {small: over}}
  how: {ask: {text: "Did it work?", buttons: {affirm: Yes}}, on: {affirm: over}}
  over: {type: final, say: "Bye."}
"""
TEMPLATES = "did_it_work:\n  category: utility\n  en: {body: Did it work?}\n"


def closed(folder: Path, flow: str = FLOW, night: tuple[int, int] | None = None, templates: str = "") -> Simulator:
    """A customer whose case a person has just closed. ``night`` in minutes of the day."""
    bot = folder / "shop"
    bot.mkdir()
    (bot / "flow.yaml").write_text(flow)
    if templates:
        (bot / "templates.yaml").write_text(templates)
    manners = replace(PLAIN, night=night, queues={"desk": QueueSettings(name="desk")})
    chat = Simulator(load_bot(bot, manners=manners))
    for line in ({"user": "hi"}, {"user": "a person please"}, {"agent": "Here it is"}, {"close": True}):
        chat.play(line)
    return chat


def said(answer: dict[str, Any]) -> list[str]:
    return [
        body["text"]["body"]
        if body["type"] == "text"
        else body.get("interactive", {}).get("body", {}).get("text", body["type"])
        for body in answer["sent"]
    ]


def test_after_so_long_and_once(tmp_path: Path) -> None:
    """The conversation is over by then: it begins anew, and nothing but the follow-up is said."""
    chat = closed(tmp_path)
    assert said(chat.play({"wait": "3h50m"})) == []
    answer = chat.play({"wait": "15m"})
    assert (said(answer), answer["states"]) == (["Did it work?"], ["how"])
    assert said(chat.play({"wait": "20h"})) == []


def test_an_open_conversation_takes_it_where_it_is(tmp_path: Path) -> None:
    chat = closed(tmp_path, FLOW.replace("handoff.closed: over", "handoff.closed: hello"))
    assert said(chat.play({"wait": "4h5m"})) == ["Did it work?"]


def test_nobody_is_interrupted(tmp_path: Path) -> None:
    """Who wrote ten minutes ago is asked when they have been silent for half an hour."""
    chat = closed(tmp_path, FLOW.replace("handoff.closed: over", "handoff.closed: hello"))
    chat.play({"wait": "3h55m"})
    chat.play({"user": "good evening"})
    assert said(chat.play({"wait": "20m"})) == []
    assert said(chat.play({"wait": "15m"})) == ["Did it work?"]


def test_a_person_is_there_again(tmp_path: Path) -> None:
    chat = closed(tmp_path)
    chat.play({"wait": "1h"})
    chat.play({"user": "hello again"})
    chat.play({"user": "a person please"})
    assert "Did it work?" not in said(chat.play({"wait": "6h"}))


@pytest.mark.parametrize(
    ("outside", "leaves"), [("", []), (", outside: {name: did_it_work}", ["template"])], ids=["words", "template"]
)
def test_outside_the_window(tmp_path: Path, outside: str, leaves: list[str]) -> None:
    """A template leaves, if the flow has one; otherwise nothing is tried, and the flow stays where it was."""
    flow = FLOW.replace("follow_up: 4h", "follow_up: 30h").replace(
        "buttons: {affirm: Yes}", "buttons: {affirm: Yes}" + outside
    )
    chat = closed(tmp_path, flow, templates=TEMPLATES)
    answer = chat.play({"wait": "31h"})
    assert said(answer) == leaves
    assert answer["states"] == (["how"] if leaves else [])


def test_the_night_is_waited_out(tmp_path: Path) -> None:
    """It is night for all but the first minute of a day: nothing before that, then once."""
    chat = closed(tmp_path, night=(1, 0))
    assert said(chat.play({"wait": "4h5m"})) == []
    (timer,) = [one for one in chat.due if one.name == NAME]
    assert timer.due_at % (24 * 3_600_000) == 0
    assert said(chat.play({"wait": "21h"})) == ["Did it work?"]


def test_nothing_without_a_close_by_a_person(tmp_path: Path) -> None:
    """The customer went back to the bot alone, or the hand-off does not ask for it."""
    alone = FLOW.replace("on: {handoff.closed: over}", "on: {handoff.closed: over, small: hello}")
    chat = closed(tmp_path, alone.replace(", follow_up: 4h", ""))
    assert not [one for one in chat.due if one.name == NAME]
