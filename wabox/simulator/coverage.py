"""How much of a bot's charts a set of conversations has been through, and what they have not.

Counted, per chart:

* **states**: every state that can be active, the root excepted. One counts when it was entered, also when it was left at
  once, or when a test began in it.
* **transitions**: every one that is written (``on``, ``always``, ``after``, ``onDone``, each guarded one by itself), every
  ``timeouts`` of a state (it counts when that silence ended there, whatever followed) and every ``detours`` of a state.

The answers of ``faq.yaml`` are charts of one state that wabox makes; they are told by themselves and not counted. Nor are the
repair charts that come with wabox.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from wabox.engine.configuration import Configuration, configuration
from wabox.engine.effect import Push
from wabox.engine.event import AFTER, DONE, HARD, SOFT
from wabox.engine.snapshot import Frame, Snapshot
from wabox.engine.state import State, Transition
from wabox.engine.step import Step
from wabox.flowfile.bot import Bot
from wabox.flowfile.faq import PREFIX
from wabox.flowfile.places import Place, Places

Key = tuple[str, ...]


class Uncovered(NamedTuple):
    chart: str
    kind: str
    """``state``, ``transition``, ``timeout`` or ``detour``"""
    what: str
    """As a person reads it: ``cart.full``, ``cart.full --affirm→ checkout``."""
    place: Place


@dataclass(frozen=True, slots=True)
class Count:
    covered: int
    total: int

    @property
    def percent(self) -> float:
        """100 when there is nothing to cover."""
        return 100.0 * self.covered / self.total if self.total else 100.0

    def __add__(self, other: Count) -> Count:
        return Count(self.covered + other.covered, self.total + other.total)


@dataclass(frozen=True, slots=True)
class ChartCoverage:
    chart: str
    states: Count
    transitions: Count


@dataclass(frozen=True, slots=True)
class _Item:
    kind: str
    what: str
    path: tuple[str | int, ...]


class Coverage:
    """Fed with turns, then asked."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._states: dict[str, dict[str, State]] = {}
        self._transitions: dict[str, dict[object, _Item]] = {}
        self._seen: set[object] = set()
        self._entered: set[tuple[str, str]] = set()
        self._answers = [name for name in bot.charts.live if name.startswith(PREFIX)]
        self._made = {*self._answers, *bot.borrowed}
        others = [name for name in bot.charts.live if name not in self._made and name != bot.main]
        for name in (bot.main, *others):
            states = bot.charts.live[name].states
            self._states[name] = {id_: state for id_, state in states.items() if id_ and state.type != "history"}
            self._transitions[name] = dict(self._items(name, states.values()))

    # -- what there is ---------------------------------------------------------------------------------------------------

    def _items(self, chart: str, states: Iterable[State]) -> Iterator[tuple[object, _Item]]:
        for state in states:
            for transition in (*state.transitions, *state.always):
                # Two that differ in nothing but their guards are equal, and yet two: they are told apart by identity.
                yield id(transition.taken), _Item("transition", _told(transition), transition.path)
            for name, delay in (("soft", state.timeouts.soft), ("hard", state.timeouts.hard)):
                if delay:
                    what = f"{state.id or 'root'}: {name} timeout"
                    yield (chart, state.id, name), _Item("timeout", what, (*state.path, "timeouts", name))
            for intent, target in state.detours.items():
                if target not in self._made:
                    what = f"{state.id or 'root'}: detour {intent} → {target}"
                    yield (chart, state.id, "detour", intent), _Item("detour", what, (*state.path, "detours", intent))

    # -- what happens ----------------------------------------------------------------------------------------------------

    def begin(self, snapshot: Snapshot) -> None:
        """A test begins in the middle."""
        config = self._configuration(snapshot)
        chart = snapshot.chart.partition("@")[0]
        self._entered.update((chart, state.id) for state in config.states)

    def see(self, before: Snapshot | None, steps: Sequence[Step]) -> None:
        """What the engine did, and where the conversation stood before."""
        for step in steps:
            self._entered.update(step.entered)
            self._seen.update(map(id, step.transitions))
            if before is not None and step.events:
                self._see(before, step)
            before = step.snapshot

    def _see(self, before: Snapshot, step: Step) -> None:
        event = step.events[0]
        if event in (SOFT, HARD):
            name = event.removeprefix("timeout.")
            frames: list[Frame | Snapshot] = [before, *reversed(before.stack)]
            for frame in frames:
                for state in self._configuration(frame).inner_first():
                    if (delay := getattr(state.timeouts, name)) is not None:
                        if delay:
                            self._seen.add((frame.chart.partition("@")[0], state.id, name))
                        return
            return
        if any(isinstance(effect, Push) for effect in step.effects):
            self._see_detour(before, event)

    def _see_detour(self, before: Snapshot, event: str) -> None:
        frames: list[Frame | Snapshot] = [before, *before.stack[:1]]
        for frame in frames:
            for state in self._configuration(frame).inner_first():
                if event in state.detours:
                    self._seen.add((frame.chart.partition("@")[0], state.id, "detour", event))
                    return

    def _configuration(self, frame: Frame | Snapshot) -> Configuration:
        return configuration(self._bot.charts.find(frame.chart), frame.leaves)

    # -- what came of it -------------------------------------------------------------------------------------------------

    def charts(self) -> list[ChartCoverage]:
        """The main chart first."""
        found = []
        for name, states in self._states.items():
            entered = sum((name, id_) in self._entered for id_ in states)
            items = self._transitions[name]
            taken = sum(key in self._seen for key in items)
            found.append(ChartCoverage(name, Count(entered, len(states)), Count(taken, len(items))))
        return found

    def total(self) -> ChartCoverage:
        """Of the whole bot."""
        charts = self.charts()
        nothing = Count(0, 0)
        return ChartCoverage(
            "",
            sum((chart.states for chart in charts), nothing),
            sum((chart.transitions for chart in charts), nothing),
        )

    def answers(self) -> Count:
        """Of ``faq.yaml``: how many were given."""
        return Count(sum((name, "answer") in self._entered for name in self._answers), len(self._answers))

    def uncovered(self) -> list[Uncovered]:
        """What no conversation came to: states before transitions, chart by chart, in the order of the file."""
        places = Places(self._bot)
        found = []
        for name, states in self._states.items():
            missing = [state for id_, state in states.items() if (name, id_) not in self._entered]
            found += [Uncovered(name, "state", state.id, places.at(name, state.path)) for state in missing]
            items = [
                Uncovered(name, item.kind, item.what, places.at(name, item.path))
                for key, item in self._transitions[name].items()
                if key not in self._seen
            ]
            found += sorted(items, key=lambda item: item.place)
        return found

    def to_json(self) -> dict[str, Any]:
        """Counts by chart, and what is missing."""
        return {
            "charts": {
                chart.chart: {
                    "states": [chart.states.covered, chart.states.total],
                    "transitions": [chart.transitions.covered, chart.transitions.total],
                }
                for chart in self.charts()
            },
            "answers": [self.answers().covered, self.answers().total],
            "uncovered": [
                {
                    "chart": one.chart,
                    "kind": one.kind,
                    "what": one.what,
                    "file": one.place.file,
                    "line": one.place.line,
                    "column": one.place.column,
                }
                for one in self.uncovered()
            ],
        }


def _told(transition: Transition) -> str:
    """``cart.full --affirm→ checkout``; the guard too, which tells it from its neighbour."""
    events = [_plain(event, transition.source) for event in transition.events] or ["always"]
    guard = f" [{transition.guard.label}]" if transition.guard else ""
    targets = ", ".join(target.id or "root" for target in transition.targets) or "(stays)"
    return f"{transition.source.id or 'root'} --{' '.join(events)}{guard}→ {targets}"


def _plain(event: str, source: State) -> str:
    if event.startswith(AFTER):
        return f"after {event.removeprefix(AFTER).partition(':')[0]} ms"
    if event == DONE + source.id:
        return "onDone"
    return event
