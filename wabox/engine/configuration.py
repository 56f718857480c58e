"""A configuration: the set of states active together, and everything that follows from it alone.

Its key is what snapshots store: the ids of the leaves, sorted. What is above them follows from the chart. A configuration
answers each event with its *rows*, the transitions to be tried per leaf, so that selecting one is a dictionary
look-up and the guards. All of it is worked out when first asked for and kept with the chart, like the states of a
lazily built automaton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from wabox.engine.chart import Chart
from wabox.engine.collect import Collect
from wabox.engine.event import RAISE, matches
from wabox.engine.say import SayTemplate
from wabox.engine.state import State, Transition
from wabox.errors import ConversationError

if TYPE_CHECKING:
    from wabox.engine.plan import Plan

LATE = 3_600_000
"""ms: a reminder that comes more than an hour after its time (the server was down) is about nothing any more."""
REMEMBER = 7 * 86_400_000
"""ms: an order of a month ago is not what a customer comes back for."""

Rows: TypeAlias = tuple[tuple[Transition, ...], ...]
"""Per leaf in document order: the transitions to try, innermost state first, then document order (SCXML selectTransitions)."""


class Configuration:
    __slots__ = (
        *("active", "always", "chart", "clock", "collect", "detours", "hard", "key", "leaves"),
        *("expect", "held", "late", "plans", "question", "quiet", "remember", "rows", "soft", "states", "takes"),
    )

    def __init__(self, chart: Chart, leaves: Iterable[State]) -> None:
        self.chart = chart
        self.leaves = tuple(sorted(leaves, key=_order))
        """In document order."""
        self.key = tuple(sorted(leaf.id for leaf in self.leaves))
        above = {state for leaf in self.leaves for state in (leaf, *leaf.ancestors)}
        self.states = tuple(sorted(above, key=_order))
        """Every active state in document order, the root included."""
        self.active = frozenset(state.id for state in self.states)
        inner = self.inner_first()
        self.soft = next((state.timeouts.soft for state in inner if state.timeouts.soft is not None), None)
        """ms; 0: off; None: no active state says."""
        self.hard = next((state.timeouts.hard for state in inner if state.timeouts.hard is not None), None)
        self.late = next((state.timeouts.late for state in inner if state.timeouts.late is not None), LATE)
        self.remember = next(
            (state.timeouts.remember for state in inner if state.timeouts.remember is not None), REMEMBER
        )
        self.quiet = next((state.quiet for state in inner if state.quiet is not None), 0)
        """ms that a customer must write nothing before what was written is read; 0: it is read at once."""
        self.clock = (self.soft or 0, self.hard or 0)
        """Both, 0 for none: what runs when there is no frame below."""
        self.detours: dict[str, str] = {}
        for state in reversed(inner):
            self.detours.update(state.detours)
        self.question: tuple[State, tuple[SayTemplate, ...]] | None = next(
            ((state, state.ask) for state in inner if state.ask), None
        )
        self.collect: tuple[State, Collect] | None = next(
            ((state, state.collect) for state in inner if state.collect is not None), None
        )
        self.expect = tuple(dict.fromkeys(intent for state in inner for intent in state.expect))
        """The intents that are waited for, innermost first, each once."""
        self.takes = frozenset((*self.detours, *(word for state in self.states for word in descriptors(state))))
        """Events and descriptors of the active states and their detours."""
        self.held = any(state.handoff for state in self.states)
        """People have the conversation."""
        self.always = self._rows(lambda state: state.always)
        self.rows: dict[str, Rows] = {}
        self.plans: dict[object, Plan] = {}

    def inner_first(self) -> list[State]:
        """Every active state, the deepest first, those of one depth in document order."""
        return sorted(self.states, key=lambda state: (-state.depth, state.order))

    def rows_for(self, event: str) -> Rows:
        """The transitions to try for the event; empty when no active state has any."""
        rows = self.rows.get(event)
        if rows is None:
            rows = self._rows(
                lambda state: tuple(
                    transition
                    for transition in state.transitions
                    if any(matches(descriptor, event) for descriptor in transition.events)
                )
            )
            if self.chart.memory.admits():
                self.rows[event] = rows
        return rows

    def _rows(self, candidates: Callable[[State], tuple[Transition, ...]]) -> Rows:
        rows = []
        for leaf in self.leaves:
            row = [transition for state in (leaf, *leaf.ancestors) for transition in candidates(state)]
            sure = next((place for place, transition in enumerate(row) if transition.guard is None), None)
            # Nothing after the first transition without a guard is ever tried.
            row = row if sure is None else row[: sure + 1]
            if row:
                rows.append(tuple(row))
        return tuple(rows)


def descriptors(state: State) -> list[str]:
    """The events that the state itself names in ``on``."""
    return [word for transition in state.transitions if transition.kind == "on" for word in transition.events]


def configuration(chart: Chart, key: tuple[str, ...]) -> Configuration:
    """The configuration with these leaves; ConversationError when the chart has no such one."""
    found = chart.memory.configurations.get(key)
    if found is None:
        found = Configuration(chart, _leaves(chart, key))
        if found.key != key:
            raise ConversationError(
                f"the conversation in {chart.ref} has its states {_shown(key)} in disorder; it is not ours"
            )
        if chart.memory.admits():
            chart.memory.configurations[key] = found
    return found


def enter(chart: Chart, leaves: Iterable[State]) -> Configuration:
    """The configuration of leaves that the engine itself found."""
    key = tuple(sorted(leaf.id for leaf in leaves))
    return chart.memory.configurations.get(key) or configuration(chart, key)


def _leaves(chart: Chart, key: tuple[str, ...]) -> list[State]:
    """The states of a stored configuration, checked: exactly one child of each compound state, all of each parallel one."""
    leaves = []
    for name in key:
        state = chart.states.get(name)
        if state is None:
            raise ConversationError(f"the conversation is in state {name!r}, which chart {chart.ref} does not have")
        if not state.is_leaf:
            raise ConversationError(
                f"the conversation is in state {name!r}, which in chart {chart.ref} is a {state.type} state"
            )
        leaves.append(state)
    active = {state for leaf in leaves for state in (leaf, *leaf.ancestors)}
    for state in active:
        inside = sum(child in active for child in state.children)
        if (state.type == "compound" and inside != 1) or (state.type == "parallel" and inside != len(state.regions)):
            raise ConversationError(
                f"the conversation is in states {_shown(key)}, which cannot be active together in chart {chart.ref}"
            )
    if not leaves or len(set(leaves)) != len(leaves):
        raise ConversationError(
            f"the conversation in chart {chart.ref} has states {_shown(key)}; it needs each once, and one at least"
        )
    return leaves


def check_history(chart: Chart, history: Mapping[str, tuple[str, ...]]) -> None:
    """ConversationError when recorded history does not fit the chart."""
    good = chart.memory.histories
    for item in history.items():
        if item in good:
            continue
        name, ids = item
        state = chart.states.get(name)
        if state is None or state.type != "history" or state.parent is None:
            raise ConversationError(f"the conversation has history {name!r}, which chart {chart.ref} does not have")
        found = [chart.states.get(id_) for id_ in ids]
        deep = state.history == "deep"
        for id_, one in zip(ids, found, strict=True):
            fits = (
                one is not None and one.within(state.parent) and (one.is_leaf if deep else one.parent is state.parent)
            )
            if not fits:
                raise ConversationError(
                    f"the conversation has history {name!r} of state {id_!r}, which in chart {chart.ref} is not its own"
                )
        if not _complete(state.parent, {one for one in found if one is not None}, deep):
            raise ConversationError(
                f"the conversation has history {name!r} of {_shown(ids)}, which in chart {chart.ref} cannot be active together"
            )
        if chart.memory.admits():
            good.add(item)


def _complete(state: State, inside: set[State], deep: bool) -> bool:
    """Whether the states below ``state`` are what could have been active in it: the leaves (deep), or the children."""
    present = [child for child in state.regions if child in inside or any(one.within(child) for one in inside)]
    if len(present) != (len(state.regions) if state.type == "parallel" else 1):
        return False
    return not deep or all(child in inside or _complete(child, inside, deep) for child in present)


def check_timers(chart: Chart, timers: Iterable[str]) -> None:
    """ConversationError when a timer is none that the chart arms."""
    for name in timers:
        if name not in chart.timers and not (name.startswith(RAISE) and name.count(":") >= 2):
            raise ConversationError(f"the conversation has a timer {name!r}, which chart {chart.ref} does not arm")


def _shown(ids: Iterable[str]) -> str:
    return ", ".join(repr(id_) for id_ in ids) or "none at all"


def _order(state: State) -> int:
    return state.order
