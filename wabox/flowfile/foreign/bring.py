"""``wabox flows import``: a chart of another make becomes the files of a bot, and a list of what did not come along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wabox.actions import ActionInput, GuardInput
from wabox.core.action import Action, Guard
from wabox.engine.built_in import BUILT_IN
from wabox.engine.chart import Chart, ChartError, compile_chart
from wabox.flowfile.findings import Finding
from wabox.flowfile.foreign.names import renamed
from wabox.flowfile.foreign.note import Note
from wabox.flowfile.foreign.original import Original, read_original
from wabox.flowfile.foreign.stubs import actions_file
from wabox.flowfile.foreign.yaml import write
from wabox.flowfile.reader import Add


@dataclass(frozen=True, slots=True)
class Imported:
    flow: str
    """The text of ``flow.yaml``."""
    actions: str | None
    """The text of ``actions.py``, when the chart calls functions."""
    missing: tuple[Finding, ...]
    """What could not be carried, as warnings; errors are what is wrong with the result."""
    states: int


def bring(path: Path, add: Add) -> Imported | None:
    """The chart in an XState or SCXML file. What makes it unreadable goes to ``add``, and then there is none."""
    problems: list[Finding] = []
    original = read_original(path, problems.append)
    for problem in problems:
        add(problem)
    if original is None or problems:
        return None
    brought = original.brought
    names = renamed(brought.definition)
    notes = [*brought.notes, *names.notes]
    guards, actions = _Wanted[Guard](_never), _Wanted[Action](_nothing)
    missing = [_missing(original, note) for note in notes]
    chart: Chart | None = None
    try:
        chart = compile_chart("imported", names.definition, guards=guards, actions=actions)
    except ChartError as error:
        for one in error.problems:
            mark = original.mark(one.path)
            missing.append(original.source.finding(mark, one.code, one.sentence, one.fix))
            notes.append(Note(one.path, f"{one.sentence}; {one.fix}"))
    tasks = [spec.action for state in chart.states.values() for spec in state.invokes if spec.action] if chart else []
    return Imported(
        write(names.definition, map(names.now, notes), origin=path.name),
        actions_file(
            {name: brought.guards.get(name, "") for name in guards.names},
            {name: brought.actions.get(name, "") for name in actions.names},
            dict.fromkeys(tasks),
        ),
        tuple(missing),
        len(chart.states) - 1 if chart else 0,
    )


def _missing(original: Original, note: Note) -> Finding:
    mark = note.mark if original.document is None else original.mark(note.path)
    return original.source.finding(mark, "not-carried", note.sentence, "", severity="warning")


_Function = TypeVar("_Function")


class _Wanted(dict[str, _Function]):
    """Knows every name but the built-in ones, and remembers those it was asked for."""

    def __init__(self, function: _Function) -> None:
        super().__init__()
        self.names: dict[str, None] = {}
        self._function = function

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name not in BUILT_IN

    def __missing__(self, name: str) -> _Function:
        self.names[name] = None
        return self._function


def _never(given: GuardInput) -> bool:
    return False


def _nothing(given: ActionInput) -> Mapping[str, object] | None:
    return None
