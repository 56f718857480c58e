"""Where a chart can go, seen without running it: every guard may hold or not, every event that is written may come.

This is the ground that :mod:`wabox.engine.check` stands on. It may see a way that no customer can go (two guards that never
hold together), never the other way round, so what it calls unreachable is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wabox.engine.chart import Chart
from wabox.engine.event import HARD, SOFT, matches
from wabox.engine.state import State, Transition


class Reach:
    """What can become active in one chart, and by which transitions."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.active = self._explore()
        """Every state that can be active."""
        self.leaves = tuple(state for state in chart.states.values() if state.is_leaf and state in self.active)
        """The innermost of them, in document order."""
        self.waiting = tuple(state for state in self.leaves if waits(state))
        """Leaves in which the chart comes to rest, in document order."""

    def _explore(self) -> frozenset[State]:
        known: set[State] = set()
        chart = self.chart
        landed = (chart.states[id_] for one in chart.versioning.migrations for id_ in one.states.values())
        new = set(entered((chart.root, *landed)))
        ends: list[Transition] = []
        """Transitions for the end of a state, which may not be reachable yet."""
        while new:
            known |= new
            leads: list[Transition] = []
            for state in new:
                for transition in (*state.transitions, *state.always):
                    (ends if transition.kind == "done" else leads).append(transition)
            leads += [transition for transition in ends if can_be_done(transition.source, known)]
            new = {state for transition in leads for state in entered(transition.targets)} - known
        return frozenset(known)

    def finals(self) -> tuple[State, ...]:
        """The reachable states that end the chart."""
        return tuple(state for state in self.active if state.type == "final" and state.parent is self.chart.root)

    def ways(self, leaf: State) -> Iterator[Transition]:
        """What leads on from a leaf by the author's intention: its own transitions, those of the states around it, and of
        the root only what the leaf offers (a button, an expected intent, the end of its hand-off).

        A root that handles ``human`` everywhere would otherwise hide every dead end.
        """
        around = (leaf, *leaf.ancestors)
        root = self.chart.root
        offered = set(offers(leaf))
        for state in around:
            for transition in (*state.transitions, *state.always):
                own = state is not root or leaf is root or transition.kind != "on"
                if own or any(matches(descriptor, event) for descriptor in transition.events for event in offered):
                    yield transition
        region = next((state for state in around if state.parent and state.parent.type == "parallel"), None)
        if region is not None and region.parent is not None:
            # The other regions go on while this one rests.
            for state in self.chart.states.values():
                if state.within(region.parent) and state not in around:
                    yield from (*state.transitions, *state.always)


def inside(state: State) -> Iterator[State]:
    """Every state inside this one, at any depth."""
    for child in state.children:
        yield child
        yield from inside(child)


def waits(state: State) -> bool:
    """Whether a leaf is a place to rest: not final, and nothing moves the chart on at once."""
    if state.type != "atomic":
        return False
    return all(transition.guard is not None for around in (state, *state.ancestors) for transition in around.always)


def entered(targets: Iterable[State]) -> Iterator[State]:
    """Every state that can become active when these are entered: they, what is around them, where they begin.

    Through a history state everything inside its parent can.
    """
    todo = list(targets)
    seen: set[State] = set()
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        if state.type == "history":
            todo.extend(state.default)
            continue
        yield state
        todo.extend(state.ancestors)
        if state.type == "parallel":
            todo.extend(state.regions)
        elif state.initial is not None and not any(other.within(state) for other in seen):
            todo.extend(state.initial.targets)


def leaves_of(targets: Iterable[State]) -> frozenset[State]:
    """The leaves that are active after these were entered; for a history state, all that it may bring back."""
    found: set[State] = set()
    for target in targets:
        if target.type == "history" and target.parent is not None:
            found.update(_all_leaves(target.parent))
        else:
            found.update(_begin(target))
    return frozenset(found)


def _begin(state: State) -> Iterator[State]:
    if state.type == "history":
        yield from leaves_of((state,))
    elif state.type == "parallel":
        for region in state.regions:
            yield from _begin(region)
    elif state.initial is not None:
        for target in state.initial.targets:
            yield from _begin(target)
    else:
        yield state


def _all_leaves(state: State) -> Iterator[State]:
    if state.is_leaf:
        yield state
    for child in state.regions:
        yield from _all_leaves(child)


def can_be_done(state: State, active: set[State] | frozenset[State]) -> bool:
    """Whether ``done.state`` of it can come: a final state inside is reachable, in each region of a parallel one."""
    if state.type == "parallel":
        return all(can_be_done(region, active) for region in state.regions)
    return any(child.type == "final" and child in active for child in state.children)


def offers(leaf: State) -> Iterator[str]:
    """Events that a leaf asks for: taps on its messages and those around it, what it expects, the end of its hand-off."""
    for state in (leaf, *leaf.ancestors):
        for template in (*state.say, *state.ask):
            for option in template.options:
                yield option.event
        if state.parent is not None or leaf is state:
            yield from state.expect
        if state.handoff is not None:
            yield "handoff.closed"


def is_clock(transition: Transition) -> bool:
    """Whether only the passing of the soft or hard timeout takes it."""
    return bool(transition.events) and all(event in (SOFT, HARD, "timeout.*") for event in transition.events)
