"""Is there a way to a person? WhatsApp's policy asks for a prompt and clear one from everywhere.

===================  ==============================================================================
``no-human``         no state gives the conversation to people, or none that can be reached from here
``human-unheard``    (warning) in a state, asking for a person does nothing
===================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wabox.engine.event import matches
from wabox.engine.fault import Fault
from wabox.engine.reach import Reach, inside, leaves_of
from wabox.engine.state import State

HUMAN = "human"
"""The intent of a customer who asks for a person."""


def check_people(reach: Reach) -> Iterator[Fault]:
    """``reach`` is the main chart's."""
    main = reach.chart
    people = {leaf for leaf in reach.leaves if any(state.handoff is not None for state in (leaf, *leaf.ancestors))}
    if not people:
        sentence = "no state gives the conversation to people: a customer who needs one is lost"
        fix = "add a state with handoff: {queue: default}, and human: with its name to the on: of the root"
        yield Fault(main.id, (), "no-human", sentence, fix)
        return
    cut_off = _cut_off(reach, people)
    if cut_off:
        sentence = f"from {named(cut_off)} no way leads to a person"
        fix = "add human: to the on: of the root, leading to a state with handoff:"
        yield Fault(main.id, cut_off[0].path, "no-human", sentence, fix)
    deaf = [
        leaf
        for leaf in reach.waiting
        if leaf not in cut_off and not any(hears(state, HUMAN) for state in (leaf, *leaf.ancestors))
    ]
    if deaf:
        sentence = f"a customer who asks for a person in {named(deaf)} is not heard"
        fix = "add human: to the on: of the root, leading to a state with handoff:"
        yield Fault(main.id, deaf[0].path, "human-unheard", sentence, fix, "warning")


def _cut_off(reach: Reach, people: set[State]) -> list[State]:
    """Places to rest from which no transition at all, global ones included, ever leads to people."""
    before: dict[State, set[State]] = {}
    everywhere: set[State] = set()
    for state in reach.active:
        for transition in (*state.transitions, *state.always):
            if not transition.targets:
                continue
            targets = leaves_of(transition.targets)
            if state is reach.chart.root:
                everywhere |= targets
            for target in targets:
                before.setdefault(target, set()).add(state)
    if everywhere & people:
        return []
    near, todo = set(people), list(people)
    while todo:
        # Whoever is in the source of a transition, at any depth, may take it.
        for source in before.get(todo.pop(), ()):
            fresh = {one for one in (source, *inside(source)) if one.is_leaf and one in reach.active} - near
            near |= fresh
            todo.extend(fresh)
    return [leaf for leaf in reach.waiting if leaf not in near]


def hears(state: State, event: str) -> bool:
    """Whether the state itself has something for the event."""
    return event in state.detours or any(
        matches(descriptor, event) for transition in state.transitions for descriptor in transition.events
    )


def named(states: Sequence[State]) -> str:
    """At most three of them, in words."""
    more = f" and {len(states) - 3} more" if len(states) > 3 else ""
    return ", ".join(repr(state.id or "the chart") for state in states[:3]) + more
