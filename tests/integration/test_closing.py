"""Before the service window closes, a flow that listens may still say something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wabox.flowfile.bot import load_bot
from wabox.services.closing import NAME
from wabox.simulator import Simulator

FLOW = """
initial: order
timeouts: {soft: off, hard: 23h45m}
on: {human: people}
states:
  people: {handoff: desk, ask: "A person will answer.", on: {handoff.closed: order}}
  order:
    ask: {text: "Which one?", buttons: {red: Red}}
    on: {red: over, window.closing: {actions: {type: say, params: "Still there?"}}}
  over: {type: final, say: "Done."}
"""


def simulator(folder: Path, flow: str) -> Simulator:
    (folder / "bot").mkdir()
    (folder / "bot" / "flow.yaml").write_text(flow)
    return Simulator(load_bot(folder / "bot"))


def said(answer: dict[str, Any]) -> list[str]:
    return [body["text"]["body"] if body["type"] == "text" else body["type"] for body in answer["sent"]]


def test_it_comes_before_the_window_closes(tmp_path: Path) -> None:
    """Half an hour before free words are refused; once."""
    chat = simulator(tmp_path, FLOW)
    chat.play({"user": "hello"})
    assert said(chat.play({"wait": "23h20m"})) == []
    assert said(chat.play({"wait": "15m"})) == ["Still there?"]
    assert said(chat.play({"wait": "2h"})) == []


def test_it_moves_with_what_the_customer_writes(tmp_path: Path) -> None:
    """Each message opens the window anew."""
    chat = simulator(tmp_path, FLOW)
    chat.play({"user": "hello"})
    chat.play({"wait": "20h"})
    chat.play({"user": "wait a moment"})
    assert said(chat.play({"wait": "23h"})) == []
    assert said(chat.play({"wait": "1h"})) == ["Still there?"]


def test_nobody_pays_for_what_nobody_listens_to(tmp_path: Path) -> None:
    """Without a listener there is no row."""
    chat = simulator(tmp_path, FLOW.replace(', window.closing: {actions: {type: say, params: "Still there?"}}', ""))
    chat.play({"user": "hello"})
    assert NAME not in {timer.name for timer in chat.due}


def test_a_conversation_that_is_over_has_none(tmp_path: Path) -> None:
    """Its timers go with it."""
    chat = simulator(tmp_path, FLOW)
    chat.play({"user": "hello"})
    chat.play({"tap": "red"})
    assert chat.due == ()
