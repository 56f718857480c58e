"""What ``wabox check`` says about ``collect``: where, and by which rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.flowfile.folders import check, write

FLOW = """\
initial: people
timeouts: {hard: 23h}
on: {human: desk}
states:
  people:
    ask: How many?
    collect: {slot: people, type: number}
    on: {collected: done}
  desk: {handoff: desk, on: {handoff.closed: people}}
  done: {type: final, say: "Thank you, {people}."}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ("type: number", "type: numbers", ["flow.yaml:7:35 bad-collect"]),
        ("slot: people", "slott: people", ["flow.yaml:7:5 bad-collect", "flow.yaml:7:15 unknown-key"]),
        ("type: number", "type: pattern, pattern: '('", ["flow.yaml:7:53 bad-pattern"]),
        ("type: number", "type: pattern, pattern: '(a+)+'", ["flow.yaml:7:53 bad-pattern"]),
        ("type: number", "type: number, pattern: a", ["flow.yaml:7:52 bad-collect"]),
        ("type: number", "type: number, min: low", ["flow.yaml:7:48 bad-collect"]),
        ("    ask: How many?\n", "", ["flow.yaml:6:5 bad-collect"]),
        ("    on: {collected: done}\n", "    on: {invalid: done}\n", ["flow.yaml:7:5 no-collected"]),
        (
            "{slot: people, type: number}",
            "{slot: people, type: choice, options: {a: x, b: x}}",
            ["flow.yaml:6:10 whatsapp-limit"],
        ),
        ("{slot: people, type: number}", "{slot: people, type: choice, options: [Yes, No, Both, All]}", []),
    ],
)
def test_findings(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    """A good form has none; each mistake has its place."""
    assert check(write(tmp_path, {"flow.yaml": FLOW.replace(old, new, 1)})) == expected


def test_no_way_on_after_wrong_answers(tmp_path: Path) -> None:
    """A bot without a way to a person needs one for the answer that is never right."""
    found = check(write(tmp_path, {"flow.yaml": FLOW.replace("on: {human: desk}\n", "", 1)}))
    assert "(flow.yaml:6:5 no-invalid)" in found
