"""Plays a script against a chart and says where they differ.

A script is a list of moments. What happens is an event's name, ``(name, data)``, or a number of ms that pass (every timer
that comes due is fired at its time); what must follow are the active leaves, and the names of the actions run where the
case is about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wabox.core.action import Action, Guard
from wabox.engine import Charts, Effect, Event, Step, compile_chart, decode, encode, fire, start, step
from wabox.engine.built_in import BUILT_IN

NOW = 1_790_000_000_000


@dataclass(frozen=True)
class Case:
    """``given``: the chart. ``begins``: the leaves it begins in (and the actions run by then)."""

    name: str
    given: dict[str, Any]
    begins: str | tuple[str, str]
    script: Sequence[tuple[Any, ...]]
    """(what happens, leaves after it[, actions run])"""
    guards: Mapping[str, Guard] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)


class AnyName(dict[str, Action]):
    """Every name is an action that does nothing; the built-in ones stay what they are."""

    def __contains__(self, name: object) -> bool:
        return name not in BUILT_IN

    def __getitem__(self, name: str) -> Action:
        return super().get(name, lambda given: None)


class Player:
    """A conversation, with a clock."""

    def __init__(self, charts: Charts, chart_id: str, *, round_trip: bool = False, now: int = NOW) -> None:
        self.charts = charts
        self.round_trip = round_trip
        self.now = now
        self.effects: list[Effect] = []
        self.actions: list[str] = []
        self.events: list[str] = []
        self.step: Step
        self._keep(start(charts, chart_id, now))

    @property
    def leaves(self) -> tuple[str, ...]:
        return self.step.snapshot.leaves

    def do(self, happens: Any, *, customer: bool = False) -> Player:
        """One moment; ``effects``, ``actions`` and ``events`` are then those of this moment."""
        self.effects, self.actions, self.events = [], [], []
        if isinstance(happens, int):
            self._pass(happens)
        else:
            name, data = happens if isinstance(happens, tuple) else (happens, {})
            self._keep(step(self.charts, self.step.snapshot, Event(name, data, customer), self.now))
        return self

    def _pass(self, ms: int) -> None:
        end = self.now + ms
        for _ in range(1000):
            due = sorted((due, name, armed) for name, (due, armed) in self.step.snapshot.timers.items())
            if not due or due[0][0] > end:
                break
            self.now, name, armed = due[0]
            self._keep(fire(self.charts, self.step.snapshot, name, armed, self.now))
        else:
            raise AssertionError(f"{name} fires without end")
        self.now = end

    def _keep(self, done: Step) -> None:
        if self.round_trip:
            snapshot = decode(encode(done.snapshot))
            assert snapshot == done.snapshot
            done = Step(
                snapshot, done.effects, done.handled, done.events, done.unhandled, done.transitions, done.actions
            )
        self.step = done
        self.effects += done.effects
        self.actions += done.actions
        self.events += done.events


def play(case: Case, *, round_trip: bool) -> None:
    """Twice: with a chart that has worked out nothing yet, and with one that remembers."""
    charts = Charts([compile_chart("m", case.given, guards=case.guards, actions=AnyName(case.actions))])
    for again in ("", "once more, "):
        player = Player(charts, "m", round_trip=round_trip)
        leaves, *actions = (case.begins,) if isinstance(case.begins, str) else case.begins
        _compare(case, f"{again}at the beginning", player, leaves, actions)
        for happens, leaves, *actions in case.script:
            player.do(happens)
            _compare(case, f"{again}after {happens!r}", player, leaves, actions)


def _compare(case: Case, when: str, player: Player, leaves: str, actions: Sequence[str]) -> None:
    found = " ".join(player.leaves)
    assert found == " ".join(sorted(leaves.split())), f"{case.name}, {when}: {found}"
    if actions:
        assert player.actions == actions[0].split(), f"{case.name}, {when}: {player.actions}"
