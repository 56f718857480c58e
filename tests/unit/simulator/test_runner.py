"""Conversation tests, played: from anywhere, in any language, at any time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.flowfile.folders import write
from tests.unit.simulator.bots import EN, ES, FILES, FLOW, load, play, read
from wabox.flowfile.bot import Bot, load_bot
from wabox.simulator.runner import Runner


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return load(tmp_path_factory.mktemp("bot"))


def wrong(bot: Bot, text: str) -> list[str]:
    """What differs: ``key line`` each."""
    [result], _ = play(bot, text)
    return [f"{one.key} {one.mark.line}" for one in result.differences]


GOOD = {
    "words": "- user: hi\n  bot: What\n",
    "words_of_a_button": "- user: hi\n  bot: Leave\n",
    "a_text_by_its_key": "- user: hi\n  bot: menu\n  state: menu\n",
    "exactly_one_bubble": "- user: hi\n  bot: ['What, 0 times?']\n",
    "silence": "- user: human\n- user: hello?\n  bot: []\n",
    "over_two_bubbles": "- user: hi\n- user: when?\n  bot: ['Always', menu]\n",
    "context_by_path": "- user: order\n  context: {n: 1, cart.count: 0, cart.items.0: a, cart: {count: 0, items: [a]}}\n",
    "what_is_not_there_is_null": "- user: hi\n  context: {coupon: null}\n",
    "parallel_leaves": "- user: order\n  state: [both.right.r1, both.left.l1]\n",
    "one_of_the_leaves": "- user: order\n  state: both.right.r1\n",
    "a_state_around": "- user: order\n  state: both\n",
    "the_end": "- user: hi\n- tap: leave\n  state: null\n",
    "the_state_it_ended_in": "- user: hi\n- tap: leave\n  state: done\n  context: {n: 0}\n  bot: [Bye]\n",
    "handoff": "- user: human\n  handoff: support\n- agent: Hello\n  bot: [Hello]\n  handoff: null\n- close: true\n",
    "intent_and_language": "- user: pedir\n  intent: order\n  language: es\n  bot: ¿Izquierda?\n",
    "no_intent": "- user: xyzzy\n  intent: null\n",
    "events_in_order": "- user: hi\n- user: order\n  events: [order]\n- user: next\n  events: [next, done.state.both]\n",
    "one_event": "- user: order\n- user: next\n  events: done.state.both\n",
    "detour": "- user: hi\n- user: help\n  state: helping\n  stack: [menu]\n- tap: leave\n  state: menu\n  stack: []\n",
    "soft_timeout": "- user: hi\n- wait: 29m\n  bot: []\n- wait: 2m\n  bot: [menu]\n  events: timeout.soft\n",
    "hard_timeout": "- user: hi\n- wait: 24h\n  state: null\n",
    "after": "- user: order\n- wait: 10m\n  state: both.left.l2\n",
    "message": "- user: hi\n- message: {type: image, image: {id: '1', mime_type: image/png}}\n  intent: null\n  state: menu\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_as_expected(bot: Bot, name: str) -> None:
    """Each expectation holds when it should."""
    assert wrong(bot, GOOD[name]) == []


WRONG = {
    "other_words": ("- user: hi\n  bot: Who\n", ["bot 2"]),
    "another_text": ("- user: hi\n  bot: many\n", ["bot 2"]),
    "nothing_said": ("- user: human\n- user: hello?\n  bot: menu\n", ["bot 3"]),
    "not_silent": ("- user: hi\n  bot: []\n", ["bot 2"]),
    "too_many_bubbles": ("- user: hi\n  bot: [What, Who]\n", ["bot 2"]),
    "wrong_bubble": ("- user: hi\n- user: when?\n  bot: [What, Always]\n", ["bot 3", "bot 3"]),
    "context": ("- user: order\n  context: {n: 2, cart.count: 1, cart.items.7: x, m: 1}\n", ["context n 2"]),
    "state": ("- user: hi\n  state: many\n", ["state 2"]),
    "leaves": ("- user: order\n  state: [both.left.l1]\n", ["state 2"]),
    "not_over": ("- user: hi\n  state: null\n", ["state 2"]),
    "over": ("- user: hi\n- tap: leave\n  state: menu\n", ["state 3"]),
    "nobody_called": ("- user: hi\n  handoff: support\n", ["handoff 2"]),
    "somebody_called": ("- user: human\n  handoff: null\n", ["handoff 2"]),
    "another_queue": ("- user: human\n  handoff: default\n", ["handoff 2"]),
    "intent": ("- user: order\n  intent: leave\n", ["intent 2"]),
    "language": ("- user: order\n  language: es\n", ["language 2"]),
    "events": ("- user: order\n  events: [order, leave]\n", ["events 2"]),
    "events_in_another_order": ("- user: order\n- user: next\n  events: [done.state.both, next]\n", ["events 3"]),
    "stack": ("- user: hi\n  stack: [menu]\n", ["stack 2"]),
    "several": ("- user: hi\n  bot: Who\n  state: many\n  language: es\n", ["bot 2", "state 3", "language 4"]),
    "only_the_first_step": ("- user: hi\n  state: many\n- user: hi\n  state: many\n", ["state 2"]),
    "a_bug_in_the_flow": ("- user: hi\n- user: broken\n", ["failed 2"]),
    "what_meta_would_not_send": ("- user: hi\n- message: {type: text, id: ''}\n", ["refused 2"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_not_as_expected(bot: Bot, name: str) -> None:
    """What differs is told with the line where it was expected, up to the first step that goes wrong."""
    text, expected = WRONG[name]
    found = wrong(bot, text)
    assert found[:1] == expected[:1] if name == "context" else found == expected


def test_every_variable_that_differs(bot: Bot) -> None:
    """Each with its place and what it is."""
    [result], _ = play(bot, "- user: order\n  context: {n: 2, cart.count: 1, cart.items.7: x, m: 1}\n")
    assert [(one.key, one.mark.column, one.expected, one.got) for one in result.differences] == [
        ("context n", 13, ("2",), ("1",)),
        ("context cart.count", 19, ("1",), ("0",)),
        ("context cart.items.7", 34, ('"x"',), ("nothing",)),
        ("context m", 51, ("1",), ("nothing",)),
    ]


def test_a_bug_that_is_expected(bot: Bot) -> None:
    """Whoever names the event means it."""
    assert wrong(bot, "- user: hi\n- user: broken\n  events: error.execution\n  bot: Sorry\n") == []


STARTS = {
    "a_state": "start: many\nsteps:\n  - wait: 6m\n    bot: [many]\n    events: timeout.soft\n",
    "with_variables": "start: {state: menu, context: {n: 2}}\nsteps:\n  - tap: order\n    state: many\n",
    "variables_are_laid_over": (
        "start: {state: menu, context: {cart: {count: 2}, cart.more.x: 1}}\nsteps:\n"
        "  - user: hi\n    context: {cart.count: 2, cart.items: [a], cart.more: {x: 1}}\n"
    ),
    "a_variable_that_was_a_list": "start: {context: {cart.items.x: 1}}\nsteps: [{user: hi, context: {cart.items: {x: 1}}}]\n",
    "a_detour": "start: {chart: helping, state: helping}\nsteps:\n  - tap: leave\n    state: out\n",
    "parallel": "start: {state: both.right.r2}\nsteps: [{user: next, state: menu}]\n",
    "a_timer": "start: both\nsteps: [{wait: 9m, state: both.left.l1}, {wait: 2m, state: both.left.l2}]\n",
    "a_person": "start: people\nsteps: [{user: hi, bot: []}, {close: true, state: menu}]\n",
    "language": "language: es\nstart: menu\nsteps: [{user: '1', bot: ¿Izquierda?}]\n",
    "language_of_a_timer": "language: es\nstart: menu\nsteps: [{wait: 31m, bot: ¿Qué, language: es}]\n",
    "its_buttons": "start: menu\nsteps: [{tap: leave, bot: Bye}]\n",
    "a_call": "start: checking\nstub: {stock: 7}\nsteps: [{wait: 0s, state: menu, context: {n: 7}}]\n",
    "a_call_that_fails": (
        "start: checking\nsteps: [{stub: {checking: {error: gone}}}, {wait: 1s, state: many, events: error.invoke.checking}]\n"
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_in_the_middle(bot: Bot, name: str) -> None:
    """A test begins in any state, with any variables."""
    assert wrong(bot, STARTS[name]) == []


def test_every_language(bot: Bot) -> None:
    """A test with several languages is several conversations; taps alone are enough to tell them apart."""
    results, _ = play(
        bot,
        """\
language: [en, es]
steps:
  - user: {en: hi, es: hola}
    bot: {en: What, es: ¿Qué}
  - tap: leave
    bot: [bye]
""",
    )
    assert [(result.name, result.passed) for result in results] == [("test1[en]", True), ("test1[es]", True)]
    assert results[0].played[1].said[0].words == ("Bye, see you!",)
    assert results[1].played[1].said[0].words == ("¡Adiós!",)


def test_the_language_it_begins_in(bot: Bot) -> None:
    """Without a word of the customer it is the test's, not the bot's default."""
    assert wrong(bot, "language: es\nsteps: [{user: '🙂', bot: ¿Qué, language: es}]\n") == []


def test_the_clock(bot: Bot) -> None:
    """Time stands still but for waits, and begins where the test says."""
    [test] = read(bot, "at: 2026-01-31T23:59\nsteps: [{user: hi}, {wait: 2m}]\n")
    ticks = iter(range(9))
    runner = Runner(bot, lambda: float(next(ticks)))
    assert runner.play(test, "en").seconds == 1.0
    assert runner._simulator(test, "en").now == 1_769_903_940_000


def test_buttons_of_the_question_that_stands(bot: Bot) -> None:
    """A tap right after a start has the title that the customer would have seen."""
    [result], _ = play(bot, "start: menu\nsteps: [{tap: leave}]\n")
    assert result.played[0].did == "[tap leave: Leave]"


def test_who_writes(bot: Bot) -> None:
    """The contact is the test's."""
    from wabox.simulator.runner import _contact

    found = _contact({"name": "Ana", "wa_id": "34600000001"})
    assert (found.name, found.wa_id) == ("Ana", "34600000001")
    assert found.user_id


def test_tests_do_not_know_each_other(bot: Bot) -> None:
    """Each begins anew, whatever the one before it left."""
    text = "- user: order\n  context: {n: 1}\n"
    results, _ = play(bot, text, text, text)
    assert [result.passed for result in results] == [True, True, True]


def test_what_a_step_did(bot: Bot) -> None:
    """The conversation can be told afterwards."""
    [result], _ = play(
        bot,
        "- user: hi\n- tap: order\n- tap: nonsense\n- wait: 1h30m\n- message: {type: image, image: {id: '1'}}\n"
        "- user: human\n- agent: Hello\n- close: true\n- stub: {stock: 1}\n",
    )
    assert [played.did for played in result.played] == [
        "hi",
        "[tap order: Order]",
        "[tap nonsense]",
        "[1h30m pass]",
        "[image message]",
        "human",
        "Hello",
        "[closes the case]",
        "[stub stock]",
    ]


def test_calls_without_a_stub(bot: Bot) -> None:
    """They fail, and the event says so."""
    text = "start: many\nsteps: [{user: order, events: [order, error.invoke.checking], state: many}]\n"
    assert wrong(bot, text) == []


def test_a_failing_turn_ends_in_an_apology(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in wabox serve; a test does not end in a traceback."""
    from wabox.simulator import simulator

    def breaks(*given: Any) -> Any:
        raise ValueError("a bug of ours")

    monkeypatch.setattr(simulator, "advance", breaks)
    [result], _ = play(bot, "- user: hi\n")
    assert [one.key for one in result.differences] == ["failed"]
    assert "ValueError: a bug of ours" in result.differences[0].sentence
    assert result.played[0].said


def test_a_file_is_loaded_once(bot: Bot, tmp_path: Path) -> None:
    """The runner makes one resolver a language, not one a conversation."""
    _, runner = play(bot, *["- user: hi\n"] * 20)
    assert list(runner._by_language) == ["en"]


def test_timers_without_end(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow that wakes itself again and again does not keep a test for ever."""
    from wabox.simulator import simulator

    monkeypatch.setattr(simulator, "MOST_TURNS", 1)
    [result], _ = play(bot, "- user: hi\n- wait: 24h\n")
    assert [one.key for one in result.differences] == ["refused"]
    assert "more than 1 timers went off in this time; the last was hard" in result.differences[0].sentence


def test_a_text_that_is_only_a_placeholder(tmp_path: Path) -> None:
    """It fits no bubble but the one that says what the placeholder stands for."""
    flow = FLOW.replace("say: people", "say: [people, name]").replace("context: {", "context: {name: Ana, ")
    words = 'only: "{coupon}"\nname: "{name}"\n'
    files = {"flow.yaml": flow, "texts.en.yaml": EN + words, "texts.es.yaml": ES + words}
    bot = load_bot(write(tmp_path, {**FILES, **files}))
    assert wrong(bot, "- user: human\n  bot: name\n") == []
    assert wrong(bot, "- user: human\n  bot: only\n") == ["bot 2"]
    assert wrong(bot, "- user: hi\n  bot: name\n") == ["bot 2"]
