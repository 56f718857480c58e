"""One chart by itself, without a bot around it: for playing and drawing.

XState's JSON is taken in every spelling, and SCXML as it is. Functions of an ``actions.py`` beside the file are used; an
action that nobody wrote yet does nothing, but a guard must be there, since the way of the chart depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from wabox.actions import ActionInput, GuardInput, Registered
from wabox.core.action import Action, Guard
from wabox.engine.built_in import BUILT_IN
from wabox.engine.chart import Chart, ChartError, compile_chart
from wabox.errors import FlowError
from wabox.flowfile.actions import FILE, load_actions
from wabox.flowfile.findings import Finding, render_all
from wabox.flowfile.folder import shown
from wabox.flowfile.foreign.original import Original, read_original


class BrokenChart(FlowError):
    """A file that is no chart; ``findings`` has all errors, the message shows them."""

    def __init__(self, path: Path, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(f"the chart in {shown(path)} cannot be loaded\n\n{render_all(findings)}")


def load_chart(path: Path, *, only_to_look_at: bool = False) -> Chart:
    """The chart in a ``.yaml``, ``.json`` or ``.scxml`` file. Raises BrokenChart with every finding.

    ``only_to_look_at``: guards need not be there, and no code is loaded; none of them holds.
    """
    findings: list[Finding] = []
    original = read_original(path, findings.append, exact=True)
    if original is None or findings:
        raise BrokenChart(path, findings)
    actions = path.parent / FILE
    registered = _ANY if only_to_look_at else load_actions(actions, shown(actions), findings.append)
    if registered is None:
        raise BrokenChart(path, findings)
    definition = original.brought.definition
    try:
        return compile_chart(_name(path), definition, guards=registered.guards, actions=_Named(registered.actions))
    except ChartError as error:
        raise BrokenChart(path, _findings(original, error)) from error


def _findings(original: Original, error: ChartError) -> list[Finding]:
    return [
        original.source.finding(
            original.mark(problem.path, key=problem.code == "unknown-key"), problem.code, problem.sentence, problem.fix
        )
        for problem in error.problems
    ]


def _name(path: Path) -> str:
    """The chart's id: the file's name, its folder's for a ``flow.yaml``."""
    stem = path.absolute().parent.name if path.stem == "flow" else path.stem
    return re.sub(r"[\s@#:]+", "-", stem) or "chart"


class _Guards(dict[str, Guard]):
    """Knows every name; none holds."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Guard:
        return _never


def _never(given: GuardInput) -> bool:
    return False


_ANY = Registered(_Guards(), {})


class _Named(dict[str, Action]):
    """Knows every name; those without a function do nothing."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name not in BUILT_IN

    def __missing__(self, name: str) -> Action:
        return _nothing


def _nothing(given: ActionInput) -> None:
    return None
