"""The bad input of the issue: each ends in a clear finding, or in a bounded failure with a reply or a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.flowfile.folders import check, write
from wabox.flowfile.bot import check_bot, load_bot
from wabox.simulator import Simulator

PEOPLE = "people: {handoff: support, say: One moment., on: {handoff.closed: a}}"


@pytest.mark.parametrize(
    ("flow", "code", "words"),
    [
        ("", "no-states", "the file is empty"),
        ("# nothing but words\n", "no-states", "the file is empty"),
        ("id: shop\ninitial: a\n", "no-states", "the chart has no states"),
        ("sates: {a: {ask: Hi}}", "unknown-key", "'states'"),
        ("states: {a: {aks: Hi}}", "unknown-key", "'ask'"),
        ("states: &a {a: *a}", "alias", "contains itself"),
        ("states:\n\ta: {ask: Hi}", "syntax", "tab"),
        ("states: {a: {ask: Hi}, a: {ask: Ho}}", "duplicate-key", "second time"),
        ("states: {a: {ask: Hi, on: no}}", "bad-value", "on cannot be"),
        ("states: {a: {ask: Hi, on: {no: b}}, b: {ask: Ho}}", "unknown-event", '"no"'),
        ("states: {my state: {ask: Hi}}", "bad-id", "blanks"),
        ("states: {a: {always: b}, b: {always: a}}", "always-cycle", "circle"),
        ("{states: {a: " * 45 + "{}" + "}}" * 45, "bad-value", "40 levels"),
        ("[" * 120 + "]" * 120, "too-large", "100 levels"),
        ("x: " + "y" * (10 * 1024 * 1024), "too-large", "4 MiB"),
    ],
)
def test_one_clear_finding(tmp_path: Path, flow: str, code: str, words: str) -> None:
    """Each has its code and says what is meant."""
    found = [one for one in check_bot(write(tmp_path, {"flow.yaml": flow})) if one.code == code]
    assert found
    assert any(words in f"{one.sentence} {one.fix}" for one in found)


def test_emoji_are_names(tmp_path: Path) -> None:
    """Letters of every script and emoji may name states; nothing is wrong with them."""
    flow = f"initial: a\ntimeouts: {{hard: 23h}}\non: {{human: people}}\nstates:\n  {PEOPLE}\n"
    flow += "  a: {ask: Hi, on: {affirm: 🛒}}\n  🛒: {ask: Ho, on: {affirm: سلة}}\n  سلة: {ask: Hm, on: {deny: a}}\n"
    assert check(write(tmp_path, {"flow.yaml": flow})) == []


def test_five_thousand_states(tmp_path: Path) -> None:
    """What is wrong in a chart of 5,000 states is found."""
    rows = "\n".join(f"  s{n}: {{ask: 'Number {n}?', on: {{affirm: s{n + 1}, deny: a}}}}" for n in range(4999))
    flow = "initial: a\ntimeouts: {hard: 23h}\non: {human: people}\nstates:\n"
    flow += f"  a: {{ask: Hi, on: {{affirm: s0}}}}\n  {PEOPLE}\n{rows}\n"
    assert "flow.yaml:5005:45 unknown-target" in check(write(tmp_path, {"flow.yaml": flow}))


def test_a_guard_that_raises(tmp_path: Path) -> None:
    """It does not hold; the failure names its line, and the customer gets a reply and a person."""
    flow = f"initial: a\ntimeouts: {{hard: 23h}}\non: {{human: people}}\nstates:\n  {PEOPLE}\n"
    flow += "  a: {ask: Hi, on: {affirm: {guard: broken, target: b}}}\n  b: {ask: Ho, on: {deny: a}}\n"
    actions = "from wabox.actions import guard\n@guard\ndef broken(given):\n    return 1 / 0\n"
    chat = Simulator(load_bot(write(tmp_path, {"flow.yaml": flow, "actions.py": actions})))
    chat.play({"user": "hello"})
    answer = chat.play({"user": "yes"})
    assert "ZeroDivisionError" in answer["failed"][0]["error"]
    assert "line 4" in answer["failed"][0]["error"]
    assert answer["sent"]
    assert answer["handoffs"][0]["status"] == "waiting"


def test_a_loop_that_no_check_sees(tmp_path: Path) -> None:
    """Guards that keep an always loop going end it after a hundred steps; the failure is on record."""
    flow = f"initial: a\ncontext: {{n: 1}}\ntimeouts: {{hard: 23h}}\non: {{human: people}}\nstates:\n  {PEOPLE}\n"
    flow += "  a: {ask: Hi, on: {affirm: b}}\n"
    flow += "  b: {ask: B, always: {guard: {path: n, op: gt, value: 0}, target: c}, on: {deny: a}}\n"
    flow += "  c: {ask: C, always: {guard: {path: n, op: gt, value: 0}, target: b}, on: {deny: a}}\n"
    folder = write(tmp_path, {"flow.yaml": flow})
    chat = Simulator(load_bot(folder))
    chat.play({"user": "hello"})
    answer = chat.play({"user": "yes"})
    assert "no rest after" in answer["failed"][0]["error"]
    assert answer["sent"]
