"""What two versions of a chart differ in, as far as a conversation in the middle of it can notice."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wabox.core.duration import written
from wabox.engine.chart import Chart
from wabox.engine.state import State
from wabox.engine.value import kind_of

Kind = Literal[
    "chart-removed",
    "chart-added",
    "state-removed",
    "state-renamed",
    "state-added",
    "state-changed",
    "event-removed",
    "event-added",
    "timer-changed",
    "variable-removed",
    "variable-added",
    "variable-changed",
]
ALIKE = 0.75
"""Share of two definitions that has to be the same for one to be taken for the other under a new name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    chart: str
    """Id."""
    kind: Kind
    place: str
    """The state's id in the old version (in the new one, if it is new), or the variable; empty: the chart itself."""
    sentence: str

    @property
    def harmless(self) -> bool:
        """Nobody who is under way meets it."""
        return self.kind.endswith("-added")


def differences(old: Mapping[str, Chart], new: Mapping[str, Chart]) -> list[Difference]:
    """Between the charts of two versions, by id."""
    found: list[Difference] = []
    for id_ in [*old, *(id_ for id_ in new if id_ not in old)]:
        if id_ not in new:
            found.append(Difference(chart=id_, kind="chart-removed", place="", sentence="the chart is gone"))
        elif id_ not in old:
            found.append(Difference(chart=id_, kind="chart-added", place="", sentence="the chart is new"))
        elif old[id_].ref != new[id_].ref:
            found += _Comparison(old[id_], new[id_]).all()
    return found


class _Comparison:
    def __init__(self, old: Chart, new: Chart) -> None:
        self.old, self.new = old, new
        self.renamed = self._renamed()

    def all(self) -> Iterator[Difference]:
        for id_, state in self.old.states.items():
            if id_ in self.new.states:
                yield from self._state(state, self.new.states[id_])
            elif id_ in self.renamed:
                how, target = self.renamed[id_]
                yield self._found("state-renamed", id_, f"{how} {target}")
                yield from self._state(state, self.new.states[target])
            elif state.parent is None or state.parent.id in self.new.states or state.parent.id in self.renamed:
                inside = sum(other.within(state) for other in self.old.states.values())
                yield self._found("state-removed", id_, "is gone" + (f", with the {inside} inside" if inside else ""))
        taken = {target for _, target in self.renamed.values()}
        for id_, state in self.new.states.items():
            if id_ not in self.old.states and id_ not in taken and self._first(state):
                yield self._found("state-added", id_, "is new")
        yield from self._variables(self.old.context, self.new.context, "")

    def _first(self, state: State) -> bool:
        return state.parent is None or state.parent.id in self.old.states

    def _found(self, kind: Kind, place: str, sentence: str) -> Difference:
        return Difference(chart=self.old.id, kind=kind, place=place, sentence=sentence)

    def _renamed(self) -> dict[str, tuple[str, str]]:
        """Old id → how we know, and the new id: a migration says so, or the two look alike."""
        found: dict[str, tuple[str, str]] = {}
        migration = next((one for one in self.new.versioning.migrations if one.fits(self.new.id, self.old.ref)), None)
        gone = [state for id_, state in self.old.states.items() if id_ not in self.new.states]
        fresh = [state for id_, state in self.new.states.items() if id_ not in self.old.states]
        for state in gone:
            target = migration.state(state.id) if migration is not None else state.id
            if target in self.new.states:
                found[state.id] = ("moves by a migration to", target)
                continue
            around = state.parent.id if state.parent is not None else ""
            around = found[around][1] if around in found else around
            inside = f"{around}.{state.key}" if around else state.key
            if inside in self.new.states:
                found[state.id] = ("is inside", inside)
                continue
            near = [
                (_alike(state, other), other.id)
                for other in fresh
                if other.type == state.type and other.parent is not None and other.parent.id == around
            ]
            best = max(near, default=(0.0, ""))
            if best[0] >= ALIKE and best[1] not in {target for _, target in found.values()}:
                found[state.id] = ("looks as if it were called", best[1])
        return found

    def _state(self, old: State, new: State) -> Iterator[Difference]:
        if old.type != new.type:
            yield self._found("state-changed", old.id, f"is {new.type} now, it was {old.type}")
        if old.history != new.history and old.type == new.type == "history":
            yield self._found("state-changed", old.id, f"remembers {new.history} now, it did {old.history}")
        if (old.handoff is None) != (new.handoff is None):
            does = "gives the conversation to people now" if new.handoff else "does not give it to people any more"
            yield self._found("state-changed", old.id, does)
        before, after = _events(old), _events(new)
        if lost := [event for event in before if event not in after]:
            yield self._found("event-removed", old.id, f"does not take {', '.join(lost)} any more")
        if more := [event for event in after if event not in before]:
            yield self._found("event-added", old.id, f"takes {', '.join(more)} too")
        yield from self._timers(old, new)

    def _timers(self, old: State, new: State) -> Iterator[Difference]:
        for delay in old.after:
            if delay not in new.after:
                yield self._found("timer-changed", old.id, f"does nothing after {written(delay)} any more")
        for delay in new.after:
            if delay not in old.after:
                yield self._found("timer-changed", old.id, f"does something after {written(delay)} now")
        for name in ("soft", "hard"):
            one, other = getattr(old.timeouts, name), getattr(new.timeouts, name)
            if one != other:
                sentence = f"{name} timeout {_said(other)} now, it was {_said(one)}"
                yield self._found("timer-changed", old.id, sentence)

    def _variables(self, old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> Iterator[Difference]:
        for key, value in old.items():
            name = prefix + key
            if key not in new:
                yield self._found("variable-removed", name, "is not declared any more; its value stays")
                continue
            other = new[key]
            if kind_of(value) != kind_of(other):
                yield self._found("variable-changed", name, f"is {kind_of(other)} now, it was {kind_of(value)}")
            elif isinstance(value, Mapping) and isinstance(other, Mapping):
                yield from self._variables(value, other, f"{name}.")
            elif value != other:
                yield self._found("variable-changed", name, "begins with another value; stored ones stay")
        for key in new:
            if key not in old:
                yield self._found("variable-added", prefix + key, "is new")


def _events(state: State) -> list[str]:
    """What the state itself listens to."""
    return list(dict.fromkeys(event for one in state.transitions if one.kind == "on" for event in one.events))


def _said(delay: int | None) -> str:
    return "that of the state around" if delay is None else written(delay) if delay else "off"


def _alike(one: State, other: State) -> float:
    first, second = (json.dumps(state.definition, default=str, ensure_ascii=False) for state in (one, other))
    if max(len(first), len(second)) > 4000:
        return 1.0 if first == second else 0.0
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()
