"""What is wrong with charts that compile: places nobody reaches, nobody leaves, or nobody waits out.

Pure, and without running anything: see :mod:`wabox.engine.reach`. The rules, by code:

=====================  ================================================================================================
``unreachable``        no transition leads into a state
``dead-end``           the chart rests in a state and nothing that the state offers leads out of it
``cannot-finish``      from a state, no way leads to an end of the chart (only for charts that have one)
``no-timeout``         the chart rests in a state, and nothing ends the conversation when the customer never comes back
``soft-after-hard``    the nudge would come after the end
``shadowed``           a transition stands behind one that always goes first
``always-cycle``       ``always`` transitions lead round in a circle
``unknown-chart``      a detour leads to a chart that does not exist
``detour-recursion``   detours lead round in a circle
``detour-never-ends``  a detour has no end: the customer would never come back from it
``unhandled-option``   nobody handles a button or row
``no-collected``       a slot is filled, and nothing follows
``no-invalid``         (warning) after the last wrong answer to a question there is neither a way on nor a person
``no-human``           no state gives the conversation to people
``human-unheard``      (warning) in a state, asking for a person does nothing
=====================  ================================================================================================
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wabox.engine.chart import Chart
from wabox.engine.collect import COLLECTED, INVALID, Collect
from wabox.engine.event import AFTER, RESUMED, matches
from wabox.engine.problem import Path
from wabox.engine.reach import Reach, entered, is_clock, leaves_of
from wabox.engine.said import Said, said_in
from wabox.engine.say import SayTemplate
from wabox.engine.state import State, Transition

HUMAN = "human"
"""The intent of a customer who asks for a person."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that an author should repair."""

    chart: str
    """Id."""
    path: Path
    """Where in the chart's definition."""
    code: str
    sentence: str
    fix: str
    severity: Literal["error", "warning"] = "error"


def check_charts(charts: Mapping[str, Chart], main: str, broken: Collection[str] = ()) -> list[Fault]:
    """Everything wrong with the charts of one bot, by id; ``main`` is the one that conversations begin in.

    ``broken`` are charts that exist but do not compile: nothing is said about them, or about what leads to them.
    """
    reaches = {name: Reach(chart) for name, chart in charts.items()}
    faults: list[Fault] = []
    for reach in reaches.values():
        faults += _Chart(reach, charts.get(main)).faults()
    faults += _detours(reaches, broken)
    if main in reaches:
        faults += _people(reaches[main])
    return faults


class _Chart:
    """The rules that look at one chart."""

    def __init__(self, reach: Reach, main: Chart | None) -> None:
        self.chart = reach.chart
        self.main = main
        self.reach = reach

    def faults(self) -> Iterator[Fault]:
        yield from self._unreachable()
        for state in self.chart.states.values():
            yield from self._shadowed(state)
        yield from self._circles()
        yield from self._waiting()
        yield from self._unfinished()
        for state in self.chart.states.values():
            if state.collect is not None and state in self.reach.active:
                yield from self._collecting(state, state.collect)
        if self.main is not None:
            for state in self.chart.states.values():
                if state in self.reach.active:
                    yield from self._unhandled(state, self.main)

    def _fault(self, path: Path, code: str, sentence: str, fix: str) -> Fault:
        return Fault(self.chart.id, path, code, sentence, fix)

    def _unreachable(self) -> Iterator[Fault]:
        active = self.reach.active
        for state in self.chart.states.values():
            if state.type != "history" and state not in active and (state.parent is None or state.parent in active):
                sentence = f"no transition leads to the state {state.id!r}"
                yield self._fault(state.path, "unreachable", sentence, "lead a transition there, or take the state out")

    def _shadowed(self, state: State) -> Iterator[Fault]:
        for group in (state.transitions, state.always):
            sure: list[Transition] = []
            for transition in group:
                earlier = next((one for one in sure if _covers(one, transition)), None)
                if earlier is not None:
                    name = " ".join(earlier.events) or "always"
                    name = "the same delay" if name.startswith(AFTER) else repr(name)
                    sentence = (
                        f"this is never taken: the transition for {name} before it has no guard and always goes first"
                    )
                    fix = "put it first, or give the earlier one a guard"
                    yield self._fault(transition.path, "shadowed", sentence, fix)
                elif transition.guard is None:
                    sure.append(transition)

    def _circles(self) -> Iterator[Fault]:
        """Each unguarded ``always`` leads to one other at most: the innermost that is active after it."""
        for state in self.chart.states.values():
            if state.is_leaf and state.always and state.always[0].guard is None and not state.always[0].targets:
                sentence = (
                    f"{state.id or 'the root'!r} never comes to rest: the first of its always has no guard or target"
                )
                fix = "put the one that leads out before it, with a guard"
                yield self._fault(state.always[0].path, "always-cycle", sentence, fix)
        following: dict[State, State] = {}
        for state in self.chart.states.values():
            sure = next((one for one in state.always if one.guard is None), None)
            if sure is not None and sure.targets:
                active = sorted(set(entered(sure.targets)), key=lambda one: (-one.depth, one.order))
                nearest = next((one for one in active if any(item.guard is None for item in one.always)), None)
                if nearest is not None:
                    following[state] = nearest
        told: set[State] = set()
        for start in following:
            trail: list[State] = []
            here: State | None = start
            while here is not None and here not in trail and here not in told:
                trail.append(here)
                here = following.get(here)
            if here is not None and here in trail:
                circle = trail[trail.index(here) :]
                names = " → ".join(repr(one.id or "the root") for one in (*circle, circle[0]))
                sentence = f"always leads round in a circle: {names}"
                yield self._fault(
                    (*here.path, "always"), "always-cycle", sentence, "give one of them a guard, or an event"
                )
            told.update(trail)

    def _waiting(self) -> Iterator[Fault]:
        endless: list[State] = []
        late: set[State] = set()
        for leaf in self.reach.waiting:
            around = (leaf, *leaf.ancestors)
            hard = next((state for state in around if state.timeouts.hard is not None), None)
            soft = next((state for state in around if state.timeouts.soft is not None), None)
            moves_on = any(one.kind == "after" and one.guard is None for state in around for one in state.transitions)
            if hard is None or not hard.timeouts.hard:
                endless += [] if moves_on else [leaf]
            elif soft is not None and (soft.timeouts.soft or 0) >= hard.timeouts.hard:
                late.add(max(soft, hard, key=lambda state: state.depth))
        if endless:
            names = _named(endless)
            sentence = f"the conversation may rest in {names} for ever: there is no hard timeout"
            fix = "write timeouts: {soft: 30m, hard: 23h} at the top of the chart, or in the state"
            yield self._fault(endless[0].path, "no-timeout", sentence, fix)
        for state in sorted(late, key=lambda state: state.order):
            sentence = f"in {state.id or self.chart.id!r} the soft timeout would come after the hard one"
            yield self._fault((*state.path, "timeouts"), "soft-after-hard", sentence, "make soft shorter than hard")

    def _unfinished(self) -> Iterator[Fault]:
        """Dead ends; and, in a chart that has an end, states from which no way leads there."""
        leads = {leaf: self._onward(leaf) for leaf in self._leaves()}
        stuck = {leaf for leaf in self.reach.waiting if not any(other is not leaf for other in leads[leaf])}
        for leaf in sorted(stuck, key=lambda state: state.order):
            what = "its hand-off ends and nothing follows" if leaf.handoff else "nothing that it offers leads on"
            fix = (
                "add on: {handoff.closed: …}"
                if leaf.handoff
                else "add a transition, a button that has one, or type: final"
            )
            sentence = f"{leaf.id or self.chart.id!r} is a dead end: {what}"
            yield self._fault(leaf.path, "dead-end", sentence, fix)
        ending = set(self.reach.finals())
        if not ending:
            return
        while more := {leaf for leaf, others in leads.items() if leaf not in ending and others & ending}:
            ending |= more
        for leaf in self.reach.waiting:
            if leaf not in ending and leaf not in stuck:
                sentence = f"from {leaf.id!r} no way leads to an end of the chart"
                fix = "lead a transition towards a final state (what the root handles everywhere does not count)"
                yield self._fault(leaf.path, "cannot-finish", sentence, fix)

    def _leaves(self) -> Iterator[State]:
        return (state for state in self.chart.states.values() if state.is_leaf and state in self.reach.active)

    def _onward(self, leaf: State) -> frozenset[State]:
        """Leaves that the author leads to from here."""
        found: set[State] = set()
        for transition in self.reach.ways(leaf):
            done = transition.kind == "done" and not _ends(leaf, transition.source)
            if not done and not (is_clock(transition) and not transition.targets):
                found |= leaves_of(transition.targets)
        return frozenset(found)

    def _collecting(self, state: State, collect: Collect) -> Iterator[Fault]:
        path = (*state.path, "collect")
        around = (state, *state.ancestors)
        if not any(_hears(one, COLLECTED) for one in around):
            sentence = f"nothing follows when {collect.slot.name!r} is filled: nobody handles 'collected'"
            yield self._fault(path, "no-collected", sentence, "add on: {collected: …} with the state that comes next")
        ears = around if self.main is None else (*around, self.main.root)
        if not any(_hears(one, event) for one in ears for event in (INVALID, HUMAN)):
            sentence = f"after {collect.slot.retries + 1} wrong answers for {collect.slot.name!r} there is no way on"
            fix = "add on: {invalid: …}, or human: to the on: of the root"
            yield Fault(self.chart.id, path, "no-invalid", sentence, fix, "warning")

    def _unhandled(self, state: State, main: Chart) -> Iterator[Fault]:
        for said in said_in(state):
            yield from self._options(said, main)

    def _options(self, said: Said, main: Chart) -> Iterator[Fault]:
        states = self.chart.states.values()
        near = (said.state, *said.state.ancestors, *(one for one in states if one.within(said.state)))
        # What is only said may be answered in the state that comes after.
        ears = (*(near if said.waits else states), main.root)
        for option in said.template.options:
            if any(_hears(one, option.event) for one in ears) or (said.waits and said.state.collect is not None):
                continue  # what is collected is answered by its options
            sentence = f"nobody handles {option.event!r}: a tap on {option.title!r} would do nothing"
            fix = f"add {option.event}: to the state's on:, or take the option away"
            path = (*said.path, *_option_path(said.template, option.event))
            yield self._fault(path, "unhandled-option", sentence, fix)


def _named(states: Sequence[State]) -> str:
    more = f" and {len(states) - 3} more" if len(states) > 3 else ""
    return ", ".join(repr(state.id or "the chart") for state in states[:3]) + more


def _covers(earlier: Transition, later: Transition) -> bool:
    """Whether the earlier one takes every event of the later one."""
    if earlier.kind == "always":
        return True
    return all(any(_includes(mine, yours) for mine in earlier.events) for yours in later.events)


def _includes(mine: str, yours: str) -> bool:
    if mine == yours:
        return True
    if yours == "*" or (mine == "*" and (yours.startswith("timeout.") or yours == RESUMED)):
        return False
    return matches(mine, yours.removesuffix(".*"))


def _ends(leaf: State, whole: State) -> bool:
    """Whether a leaf is what ends the state ``whole``: a final child of it, or of one of its regions."""
    if leaf.type != "final" or not leaf.within(whole):
        return False
    return leaf.parent is whole or whole.type == "parallel"


def _hears(state: State, event: str) -> bool:
    return event in state.detours or any(
        matches(descriptor, event) for transition in state.transitions for descriptor in transition.events
    )


def _option_path(template: SayTemplate, event: str) -> Path:
    if template.list is None:
        return ("buttons", event)
    for place, section in enumerate(template.list.sections):
        if any(row.event == event for row in section.rows):
            return ("list", "sections", place, "rows", event)
    return ("list",)


def _detours(reaches: Mapping[str, Reach], broken: Collection[str]) -> Iterator[Fault]:
    """Detours that lead nowhere, round in a circle, or never back."""
    leads: dict[str, list[tuple[str, Path]]] = {}
    for name, reach in reaches.items():
        for state in reach.chart.states.values():
            for intent, other in state.detours.items():
                leads.setdefault(name, []).append((other, (*state.path, "detours", intent)))
    for start, ways in leads.items():
        for other, path in ways:
            if other in broken:
                continue
            if other not in reaches:
                sentence = f"there is no chart {other!r}"
                near = difflib.get_close_matches(other, reaches, n=1)
                fix = f"did you mean {near[0]!r}?" if near else f"write it in {other}.yaml"
                yield Fault(start, path, "unknown-chart", sentence, fix)
            elif _comes_back(other, start, leads):
                sentence = f"the detour {other!r} leads back to {start!r}, which would be running already"
                yield Fault(
                    start, path, "detour-recursion", sentence, "take this detour, or the one that leads back, away"
                )
            elif not reaches[other].finals():
                sentence = f"the chart {other!r} has no final state: the customer would never come back from it"
                yield Fault(
                    start, path, "detour-never-ends", sentence, f"give {other} a state with type: final and lead to it"
                )


def _comes_back(start: str, wanted: str, leads: Mapping[str, list[tuple[str, Path]]]) -> bool:
    todo, seen = [start], set()
    while todo:
        here = todo.pop()
        if here == wanted:
            return True
        if here not in seen:
            seen.add(here)
            todo += [other for other, _ in leads.get(here, ())]
    return False


def _people(reach: Reach) -> Iterator[Fault]:
    main = reach.chart
    if not any(state.handoff is not None for state in reach.active):
        sentence = "no state gives the conversation to people: a customer who needs one is lost"
        fix = "add a state with handoff: {queue: default}, and human: with its name to the on: of the root"
        yield Fault(main.id, (), "no-human", sentence, fix)
        return
    deaf = [leaf for leaf in reach.waiting if not any(_hears(state, HUMAN) for state in (leaf, *leaf.ancestors))]
    if deaf:
        sentence = f"a customer who asks for a person in {_named(deaf)} is not heard"
        fix = "add human: to the on: of the root, leading to a state with handoff:"
        yield Fault(main.id, deaf[0].path, "human-unheard", sentence, fix, "warning")
