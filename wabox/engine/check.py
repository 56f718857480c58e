"""What is wrong with charts that compile: places nobody reaches, nobody leaves, or nobody waits out.

Pure, and without running anything: see :mod:`wabox.engine.reach`. The rules, by code:

=====================  ================================================================================================
``unreachable``        no transition leads into a state
``follow-up-unheard``  a hand-off has a ``follow_up`` and nothing listens for ``handoff.follow_up``
``dead-end``           the chart rests in a state and nothing that the state offers leads out of it
``self-loop``          (warning) what it offers all leads back to it
``cannot-finish``      from a state, no way leads to an end of the chart (only for charts that have one)
``no-timeout``         the chart rests in a state, and nothing ends the conversation when the customer never comes back
``soft-after-hard``    the nudge would come after the end
``shadowed``           a transition stands behind one that always goes first
``always-cycle``       ``always`` transitions lead round in a circle
``unknown-chart``      a detour leads to a chart that does not exist
``detour-recursion``   detours lead round in a circle
``detour-never-ends``  a detour has no end: the customer would never come back from it
=====================  ================================================================================================

Further rules have files of their own: :mod:`~wabox.engine.offer`, :mod:`~wabox.engine.window`,
:mod:`~wabox.engine.variable`, :mod:`~wabox.engine.people`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from wabox.engine.chart import Chart
from wabox.engine.event import AFTER, RESUMED, matches
from wabox.engine.fault import Fault
from wabox.engine.offer import check_offers
from wabox.engine.people import check_people, named
from wabox.engine.problem import Path
from wabox.engine.reach import Reach, entered, is_clock, leaves_of
from wabox.engine.state import State, Transition
from wabox.engine.variable import Words, Writes, anything, check_variables, itself
from wabox.engine.window import check_window


def check_charts(
    charts: Mapping[str, Chart],
    main: str,
    broken: Collection[str] = (),
    *,
    writes: Writes = anything,
    words: Words = itself,
) -> list[Fault]:
    """Everything wrong with the charts of one bot, by id; ``main`` is the one that conversations begin in.

    ``broken`` are charts that exist but do not compile: nothing is said about them, or about what leads to them. ``writes``
    tells which variables a function of the bot may set, ``words`` what a text reference stands for.
    """
    reaches = {name: Reach(chart) for name, chart in charts.items()}
    faults: list[Fault] = []
    for reach in reaches.values():
        faults += _Chart(reach, charts.get(main)).faults()
        faults += check_variables(reach, writes, words)
    faults += _detours(reaches, broken)
    if main in reaches:
        faults += check_people(reaches[main])
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
        yield from self._unheard()
        yield from check_window(self.reach)
        if self.main is not None:
            yield from check_offers(self.reach, self.main)

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
            names = named(endless)
            sentence = f"the conversation may rest in {names} for ever: there is no hard timeout"
            fix = "write timeouts: {soft: 30m, hard: 23h} at the top of the chart, or in the state"
            yield self._fault(endless[0].path, "no-timeout", sentence, fix)
        for state in sorted(late, key=lambda state: state.order):
            sentence = f"in {state.id or self.chart.id!r} the soft timeout would come after the hard one"
            yield self._fault((*state.path, "timeouts"), "soft-after-hard", sentence, "make soft shorter than hard")

    def _unheard(self) -> Iterator[Fault]:
        """A follow-up that the flow has no way for."""
        every = self.chart.states.values()
        wanting = next((state for state in every if state.handoff is not None and state.handoff.follow_up), None)
        word = "handoff.follow_up"
        heard = any(
            word in state.detours or any(descriptor == word for one in state.transitions for descriptor in one.events)
            for state in every
        )
        if wanting is not None and not heard:
            sentence = f"{wanting.id or self.chart.id!r} has a follow_up, and nothing in {self.chart.id} listens for it"
            fix = "add handoff.follow_up: to the on: or the detours: of the root"
            yield Fault(self.chart.id, (*wanting.path, "handoff"), "follow-up-unheard", sentence, fix, "warning")

    def _unfinished(self) -> Iterator[Fault]:
        """Dead ends; and, in a chart that has an end, states from which no way leads there."""
        leads = {leaf: self._onward(leaf) for leaf in self._leaves()}
        stuck = {leaf for leaf in self.reach.waiting if not any(other is not leaf for other in leads[leaf])}
        for leaf in sorted(stuck, key=lambda state: state.order):
            if leaf.handoff is None and any(_answers(transition) for transition in self.reach.ways(leaf)):
                sentence = f"whatever a customer does in {leaf.id or self.chart.id!r} leads back to it"
                fix = "lead one transition on, or to a final state, unless this is where every conversation stays"
                yield Fault(self.chart.id, leaf.path, "self-loop", sentence, fix, "warning")
                continue
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
            if not done and not _escapes(transition) and not (is_clock(transition) and not transition.targets):
                found |= leaves_of(transition.targets)
        return frozenset(found)


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


def _answers(transition: Transition) -> bool:
    """Whether the customer gets somewhere, or something, by it, if only to where he is."""
    useful = bool(transition.targets or transition.actions) and not _escapes(transition)
    return transition.kind == "on" and not is_clock(transition) and useful


def _escapes(transition: Transition) -> bool:
    """Whether it is a way out of everything, which is no way on: it leads to what is tagged ``escape``."""
    return bool(transition.targets) and all(
        any("escape" in state.tags for state in (target, *target.ancestors)) for target in transition.targets
    )


def _ends(leaf: State, whole: State) -> bool:
    """Whether a leaf is what ends the state ``whole``: a final child of it, or of one of its regions."""
    if leaf.type != "final" or not leaf.within(whole):
        return False
    return leaf.parent is whole or whole.type == "parallel"


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
