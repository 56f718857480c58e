"""A flow asks whether it may advertise: two actions, a guard, and buttons that wabox itself answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wabox.core.consent import Consent, ConsentEntry
from wabox.engine.snapshot import decode
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.simulator import Simulator

FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
detours: {hours: opening}
states:
  hello:
    ask: {text: "Hello!", buttons: {news: News, stop_messages: No messages}}
    on:
      news: [{target: thanks, guard: consent.marketing}, {target: offer}]
  offer:
    ask: {text: "Offers on WhatsApp?", buttons: {gladly: Yes, never: "No"}}
    on:
      gladly: {target: check, actions: {opt_in: "offers, once a week, {wish}"}}
      never: {target: hello, actions: opt_out}
  check:
    always: [{target: thanks, guard: {and: [consent.marketing]}}, {target: hello}]
  people:
    handoff: {reason: asked}
    ask: {text: "A person will answer.", buttons: {back: Back}}
    on: {back: hello, handoff.closed: hello}
  thanks: {type: final, say: "You are on the list."}
context: {wish: shoes}
"""
DETOUR = """
initial: told
states:
  told: {always: [{target: open, guard: consent.marketing}, {target: closed}]}
  open: {type: final, say: "Nine, and a surprise."}
  closed: {type: final, say: "Nine."}
"""
INTENTS = """
hours: {en: {keywords: [hours]}}
news: {en: {keywords: [news]}}
stop_messages: {en: {examples: [basta ya con esto]}}
"""


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "flow.yaml").write_text(FLOW)
    (folder / "opening.yaml").write_text(DETOUR)
    (folder / "intents.yaml").write_text(INTENTS)
    assert [finding for finding in check_bot(folder) if finding.severity == "error"] == []
    return load_bot(folder)


def play(simulator: Simulator, *lines: dict[str, Any]) -> tuple[list[ConsentEntry], Consent, list[str]]:
    """What the ledger gets, what holds in the end, and the texts of the last turn."""
    entries: list[ConsentEntry] = []
    for line in lines:
        [turn] = simulator.turns(line)
        entries += turn.unit.consents
    return entries, turn.unit.consent, [content.text or "" for content in turn.said]


def test_what_they_agree_to_is_quoted(bot: Bot) -> None:
    """With the customer's own answer; in the same step the chart knows, and in the next conversation it still does."""
    simulator = Simulator(bot)
    entries, holds, said = play(simulator, {"user": "hi"}, {"tap": "news"}, {"user": "Yes"})
    assert [(one.what, one.channel, one.words, one.by) for one in entries] == [
        ("opt_in", "flow", "offers, once a week, shoes / Yes", "offer")
    ]
    assert holds.advertisable
    assert said == ["You are on the list."]
    assert play(simulator, {"user": "hi"}, {"tap": "news"})[2] == ["You are on the list."]


def test_no_is_written_down(bot: Bot) -> None:
    entries, holds, _ = play(Simulator(bot), {"user": "hi"}, {"tap": "news"}, {"tap": "never"})
    assert [(one.what, one.words) for one in entries] == [("opt_out", "No")]
    assert holds.marketing is False


def test_a_detour_knows_it_too(bot: Bot) -> None:
    """It is the customer's, not the chart's."""
    simulator = Simulator(bot)
    assert play(simulator, {"user": "hi"}, {"user": "hours"})[2][0] == "Nine."
    play(simulator, {"tap": "news"}, {"tap": "gladly"})
    assert play(simulator, {"user": "hi"}, {"user": "hours"})[2][0] == "Nine, and a surprise."


def test_a_change_of_mind_elsewhere_reaches_the_chart(bot: Bot) -> None:
    """What the conversation remembered of it is not believed."""
    simulator = Simulator(bot)
    play(simulator, {"user": "hi"}, {"tap": "news"}, {"tap": "gladly"}, {"user": "hi"})
    entries, _, said = play(simulator, {"user": "stop promotions"}, {"tap": "news"})
    assert [one.what for one in entries] == ["opt_out"]
    assert said == ["Offers on WhatsApp?"]


def test_the_button_and_the_bots_own_words_stop(bot: Bot) -> None:
    """Nobody handles them in the flow, and nobody needs to."""
    simulator = Simulator(bot)
    assert play(simulator, {"user": "hi"}, {"tap": "stop_messages"})[1].stopped
    assert not play(simulator, {"tap": "start_messages"})[1].stopped
    assert play(simulator, {"user": "Basta ya con esto!"})[1].stopped


def test_a_bot_that_does_not_ask_keeps_nothing(tmp_path: Path) -> None:
    """The variable is there only where a guard reads it."""
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "flow.yaml").write_text('initial: a\nstates: {a: {ask: "Hi", timeouts: {hard: 1d}}}\n')
    [turn] = Simulator(load_bot(folder, published=True)).turns({"user": "hi"})
    assert turn.unit.snapshot is not None
    assert decode(turn.unit.snapshot).context == {}


def test_nonsense_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    flow = FLOW.replace("detours: {hours: opening}\n", "")
    (folder / "flow.yaml").write_text(flow.replace('"offers, once a week, {wish}"', "{sentence: x}"))
    assert any("sentence" in finding.sentence for finding in check_bot(folder))
