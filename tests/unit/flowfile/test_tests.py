"""Conversation tests: every mistake in one has its place and its fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.flowfile.folders import told, write
from wabox.flowfile.bot import Bot, load_bot
from wabox.flowfile.findings import Finding
from wabox.flowfile.tests import ConversationTest, read_tests

FLOW = """\
id: tiny
initial: menu
context: {cart: {total: 5, note: ""}}
timeouts: {hard: 23h}
on: {human: people}
states:
  menu:
    ask: {text: menu, buttons: {order: button.order}}
    on: {order: {target: both, actions: {assign: {day: 1}}}}
  both:
    type: parallel
    states:
      left: {initial: l1, states: {l1: {ask: menu, on: {order: l2}}, l2: {ask: menu, on: {order: '#tiny.done'}}}}
      right: {ask: menu, on: {order: {}}}
  people:
    handoff: {queue: support}
    say: people
    on: {handoff.closed: menu}
  done: {type: final}
"""
EN = "menu: What?\npeople: One moment.\nbutton: {order: Order}\n"
ES = "menu: ¿Qué?\npeople: Un momento.\nbutton: {order: Pedir}\n"
INTENTS = "order: {en: {keywords: [order]}, es: {keywords: [pedir]}}\n"


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return load_bot(
        write(tmp_path, {"flow.yaml": FLOW, "texts.en.yaml": EN, "texts.es.yaml": ES, "intents.yaml": INTENTS})
    )


def read(bot: Bot, text: str) -> tuple[list[ConversationTest], list[Finding]]:
    folder = bot.folder / "tests"
    folder.mkdir(exist_ok=True)
    (folder / "it.yaml").write_text(text, encoding="utf-8")
    findings: list[Finding] = []
    return read_tests(bot, findings.append), findings


def test_a_list_of_steps(bot: Bot) -> None:
    """The short form: what happens and what must come of it, each with its place."""
    tests, findings = read(bot, "- user: hi\n  bot: What\n  context: {a.b: 1, c: x}\n- wait: 31m\n")
    assert findings == []
    [test] = tests
    assert (test.name, test.title, test.languages) == ("it", "it", ("en",))
    assert [(step.input, step.value, step.mark.line) for step in test.steps] == [
        ("user", "hi", 1),
        ("wait", 1_860_000, 4),
    ]
    assert [(one.key, one.path, one.value) for one in test.steps[0].expectations] == [
        ("bot", "", "What"),
        ("context", "a.b", 1),
        ("context", "c", "x"),
    ]


def test_a_mapping(bot: Bot) -> None:
    """The long form: where it begins, who writes, when, in which languages."""
    text = """\
name: Somebody orders
language: [es, en]
start: {state: [both.left.l2, both.right], context: {n: {m: 1}, n.k: 2}}
contact: {name: Ana, wa_id: "34600000001"}
at: 2026-11-22T10:00+01:00
steps:
  - user: {en: order, es: pedir}
    bot: {en: [menu, {en: a, es: b}], es: []}
    state: [both.left.l2, both.right]
    handoff: null
    intent: order
    language: es
    events: [order]
    stack: []
"""
    tests, findings = read(bot, text)
    assert findings == []
    [test] = tests
    assert test.title == "Somebody orders"
    assert test.languages == ("es", "en")
    assert test.start is not None
    assert test.start.states == ("both.left.l2", "both.right")
    assert test.start.context == {"n": {"m": 1}, "n.k": 2}
    assert test.contact == {"name": "Ana", "wa_id": "34600000001"}
    assert test.at == 1_795_338_000_000


def test_names_are_paths(bot: Bot) -> None:
    """A test in a folder below is named with it; other files and hidden ones are left alone."""
    below = bot.folder / "tests" / "checkout"
    below.mkdir(parents=True)
    for name in ("by_card.yaml", "notes.txt", ".hidden.yaml"):
        (below / name).write_text("- user: hi\n")
    assert [test.name for test in read_tests(bot, lambda finding: pytest.fail(str(finding)))] == ["checkout/by_card"]


MISTAKES: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", ["1:1 bad-value"]),
    "a_text": ("hello\n", ["1:1 bad-value"]),
    "no_steps": ("name: x\n", ["1:1 no-steps"]),
    "empty_list": ("[]\n", ["1:1 no-steps"]),
    "empty_steps": ("steps: []\n", ["1:8 no-steps"]),
    "steps_are_a_mapping": ("steps: {user: hi}\n", ["1:1 no-steps"]),
    "unknown_key_of_a_test": ("langage: en\nsteps: [{user: hi}]\n", ["1:1 unknown-key"]),
    "unknown_key_of_a_step": ("- user: hi\n  stat: menu\n", ["2:3 unknown-key"]),
    "misspelt_input": ("- usr: hi\n", ["1:3 unknown-key"]),
    "a_step_is_a_text": ("- hi\n", ["1:3 bad-step"]),
    "two_inputs": ("- user: hi\n  tap: order\n", ["2:3 bad-step"]),
    "no_input": ("- state: menu\n", ["1:3 bad-step"]),
    "key_twice": ("- user: hi\n  user: ho\n", ["2:3 duplicate-key"]),
    "a_number_is_no_words": ("- user: 2\n", ["1:9 bad-value"]),
    "empty_words": ('- user: ""\n', ["1:9 bad-value"]),
    "tap_is_a_list": ("- tap: [order]\n", ["1:8 bad-value"]),
    "message_without_type": ("- message: {image: {id: 1}}\n", ["1:12 bad-value"]),
    "message_is_a_text": ("- message: hi\n", ["1:12 bad-value"]),
    "bad_duration": ("- wait: 5 moons\n", ["1:9 bad-duration"]),
    "negative_duration": ("- wait: -1\n", ["1:9 bad-duration"]),
    "close_is_false": ("- close: false\n", ["1:10 bad-value"]),
    "unknown_stub": ("- stub: {stock: 1}\n", ["1:10 unknown-stub"]),
    "unknown_state": ("- user: hi\n  state: menus\n", ["2:10 unknown-state"]),
    "unknown_state_in_a_list": ("- user: hi\n  state: [menu, people, peple]\n", ["2:25 unknown-state"]),
    "unknown_state_on_the_stack": ("- user: hi\n  stack: [meny]\n", ["2:11 unknown-state"]),
    "stack_is_a_text": ("- user: hi\n  stack: menu\n", ["2:10 bad-value"]),
    "unknown_queue": ("- user: hi\n  handoff: suport\n", ["2:12 unknown-queue"]),
    "unknown_intent": ("- user: hi\n  intent: oder\n", ["2:11 unknown-intent"]),
    "unknown_language": ("- user: hi\n  language: fr\n", ["2:13 unknown-language"]),
    "context_is_a_text": ("- user: hi\n  context: x\n", ["2:12 bad-value"]),
    "bot_says_a_number": ("- user: hi\n  bot: 5\n", ["2:8 bad-value"]),
    "bot_says_nothing_written": ("- user: hi\n  bot:\n", ["2:7 bad-value"]),
    "a_language_it_does_not_run_in_is_fine": ("- user: {en: hi, es: hola}\n", []),
    "a_language_missing": ("language: [en, es]\nsteps:\n  - user: {en: hi}\n", ["3:11 language-missing"]),
    "words_in_an_unknown_language": ("- user: {en: hi, fr: salut}\n", ["1:18 unknown-language"]),
    "test_in_an_unknown_language": ("language: fr\nsteps: [{user: hi}]\n", ["1:11 unknown-language"]),
    "start_is_a_state": ("start: people\nsteps: [{user: hi}]\n", []),
    "start_unknown": ("start: peopel\nsteps: [{user: hi}]\n", ["1:8 unknown-state"]),
    "start_in_a_mapping_unknown": ("start: {state: peopel}\nsteps: [{user: hi}]\n", ["1:16 unknown-state"]),
    "start_at_the_end": ("start: {state: done}\nsteps: [{user: hi}]\n", ["1:16 bad-start"]),
    "start_in_two_that_exclude_each_other": (
        "start: {state: [menu, people]}\nsteps: [{user: hi}]\n",
        ["1:16 bad-start"],
    ),
    "start_in_an_unknown_chart": ("start: {chart: tinny, state: menu}\nsteps: [{user: hi}]\n", ["1:16 unknown-chart"]),
    "start_with_an_unknown_key": ("start: {stat: menu}\nsteps: [{user: hi}]\n", ["1:9 unknown-key"]),
    "start_is_a_list": ("start: [menu]\nsteps: [{user: hi}]\n", ["1:8 bad-value"]),
    "contact_with_an_unknown_key": ("contact: {nam: A}\nsteps: [{user: hi}]\n", ["1:11 unknown-key"]),
    "a_number_with_a_plus": ('contact: {wa_id: "+34"}\nsteps: [{user: hi}]\n', ["1:18 bad-value"]),
    "a_time_that_is_none": ("at: noon\nsteps: [{user: hi}]\n", ["1:5 bad-time"]),
    "a_tab": ("- user: hi\n\tstate: menu\n", ["2:1 syntax"]),
    "null_for_what_is_nowhere": ("- user: hi\n  context: {nonsense: null}\n", ["2:13 unknown-variable"]),
    "null_beside_what_is_there": ("- user: hi\n  context: {cart.totl: null}\n", ["2:13 unknown-variable"]),
    "null_inside_a_text": ("- user: hi\n  context: {cart.note.x: null}\n", ["2:13 unknown-variable"]),
    "null_for_what_may_be": ("- user: hi\n  context: {cart.total: null, cart: null, day: null, day.x: null}\n", []),
    "null_for_what_it_begins_with": ("start: {context: {x: {y: 1}}}\nsteps: [{user: hi, context: {x.y: null}}]\n", []),
    "an_alias_of_itself": ("- &a {user: hi, context: *a}\n", ["1:26 alias", "1:26 bad-value"]),
    "several_mistakes_in_order": ("- user: 1\n- wait: x\n", ["1:9 bad-value", "2:9 bad-duration"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(bot: Bot, name: str) -> None:
    """Each is said where it stands; a file with one is not played."""
    text, expected = MISTAKES[name]
    tests, findings = read(bot, text)
    assert [told(finding).removeprefix("it.yaml:") for finding in findings] == expected
    assert all(finding.sentence and finding.fix for finding in findings)
    assert bool(tests) != bool(expected)


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("- usr: hi\n", 'did you mean "user"?'),
        ("- user: hi\n  state: peopel\n", 'did you mean "people"?'),
        ("- user: hi\n  handoff: suport\n", 'did you mean "support"?'),
        ("- user: hi\n  intent: oder\n", 'did you mean "order"?'),
        ("- user: hi\n  context: {cart.totl: null}\n", 'did you mean "cart.total"?'),
        ("- user: 2\n", "put it in quotes"),
    ],
)
def test_fixes(bot: Bot, text: str, fix: str) -> None:
    """The nearest name is offered."""
    _, [finding] = read(bot, text)
    assert finding.fix == fix


def test_unreadable_files(bot: Bot) -> None:
    """What is no UTF-8 is a finding, not a traceback."""
    folder = bot.folder / "tests"
    folder.mkdir()
    (folder / "it.yaml").write_bytes(b"- user: \xff\n")
    findings: list[Finding] = []
    assert read_tests(bot, findings.append) == []
    assert [finding.code for finding in findings] == ["encoding"]


def test_no_folder(bot: Bot) -> None:
    """A bot without tests has none."""
    found: list[Any] = []
    assert read_tests(bot, found.append) == []
    assert found == []
