"""``wabox flows step``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app

CHART = """
initial: a
context: {n: 0}
states:
  a:
    entry: hello
    on:
      t: {target: b, guard: {path: event.sum, op: gt, value: 3}}
      data: {actions: {assign: {n: {from: event.data}}}}
  b: {after: {10s: c}}
  c: {type: final}
"""


def play(path: Path, *lines: object, more: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    ran = CliRunner().invoke(app, ["flows", "step", str(path), "--json", *more], input=text)
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    path = tmp_path / "chart.yaml"
    path.write_text(CHART)
    return path


@pytest.mark.parametrize("more", [(), ("--round-trip",)], ids=["straight", "stored"])
def test_lines(chart: Path, more: tuple[str, ...]) -> None:
    """One line at the beginning, then one for each line in."""
    out = play(chart, {"event": "t"}, {"event": "t", "data": {"sum": 4}}, {}, {"after": "10s"}, more=more)
    assert out == [
        {"configuration": ["a"], "actions": ["hello"], "context": {"n": 0}},
        {"configuration": ["a"], "actions": [], "context": {"n": 0}, "unhandled": ["t"]},
        {"configuration": ["b"], "actions": [], "context": {"n": 0}},
        {"configuration": ["b"], "actions": [], "context": {"n": 0}},
        {"configuration": ["c"], "actions": [], "context": {"n": 0}, "done": True},
    ]


def test_other_ways_to_write_a_line(chart: Path) -> None:
    """Events as XState or SCXML writes them, data of any kind, time and event in one line."""
    assert play(chart, {"event": {"type": "t", "sum": 5}})[-1]["configuration"] == ["b"]
    assert play(chart, {"event": {"name": "t", "data": {"sum": 5}}, "after": 5})[-1]["configuration"] == ["b"]
    assert play(chart, {"event": "data", "data": [1]})[-1]["context"] == {"n": [1]}


@pytest.mark.parametrize("line", ["[]", "{", '{"user": "x"}', '{"event": 3}', '{"after": "soon"}', "[" * 100_000])
def test_line_that_is_none(chart: Path, line: str) -> None:
    """It is refused with its number, and ends the play."""
    ran = CliRunner().invoke(app, ["flows", "step", str(chart)], input="{}\n" + line)
    assert ran.exit_code == 1
    assert json.loads(ran.stdout.splitlines()[-1])["line"] == 2


def test_guard_that_nobody_wrote(tmp_path: Path) -> None:
    """A guard must exist, in an actions.py beside the chart; an action need not."""
    path = tmp_path / "m.json"
    path.write_text('{"states": {"a": {"on": {"t": {"guard": "may", "target": "b", "actions": "act"}}}, "b": {}}}')
    ran = CliRunner().invoke(app, ["flows", "step", str(path)], input="")
    assert ran.exit_code == 1
    assert "unknown-guard" in str(ran.exception)
    (tmp_path / "actions.py").write_text("from wabox.actions import guard\n@guard\ndef may(given): return True\n")
    assert play(path, {"event": "t"})[-1] == {"configuration": ["b"], "actions": ["act"], "context": {}}
