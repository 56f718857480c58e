"""What happens when these transitions are taken in this configuration: one microstep of SCXML, worked out once.

The algorithm is that of the W3C recommendation (State Chart XML, appendix D): removeConflictingTransitions,
computeExitSet, computeEntrySet, getTransitionDomain, enterStates. Where wabox follows XState v5 instead:

- A transition does not leave and re-enter its source unless it says ``reenter: true``: targets inside the source, or the
  source itself, leave the source active (also when the source is parallel, and for a state that targets itself).
- Inner parallel states that complete together with their parent each raise their ``done.state`` (the recommendation's
  pseudo-code stops at the first; its text, 3.4, does not).

The root of a chart stands for the ``<scxml>`` element, so it is never left except by its own ``reenter`` and at the
end. Least common *compound* ancestor is taken literally: a transition from one region of a parallel state to another
leaves and re-enters the parallel state. The domain that a transition was left by is also the one that it is entered by,
though the history that it asks for may be that of what was just left.

A plan is valid for its configuration and transitions as long as working it out looked at no history; otherwise also for
those values of the chart's history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from wabox.engine.chart import Chart
from wabox.engine.configuration import Configuration, enter
from wabox.engine.event import AFTER
from wabox.engine.program import Block, Program, done_block, entry_blocks, exit_blocks, transition_block
from wabox.engine.state import Entered, State, Taken, Transition

History: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A microstep, flat."""

    program: Program
    taken: tuple[Taken, ...]
    entered: tuple[Entered, ...]
    """In the order of entry."""
    saves: Mapping[str, tuple[str, ...]]
    """History to record."""
    disarm: tuple[str, ...]
    arm: tuple[tuple[str, int], ...]
    """(timer, delay in ms)"""
    next: Configuration
    done: bool
    """The chart's root is final."""
    historic: bool
    """Working it out looked at the history."""
    asked: str | None
    """The state whose question stood and is left, unless people had the conversation there."""
    rests: bool
    """After it, nothing can follow in this step: no event was raised, and no eventless transition waits."""


def plan_for(config: Configuration, chosen: Transition | tuple[Transition, ...], history: History) -> Plan:
    """The plan that is not remembered under its transitions alone: that for this history, or a new one."""
    chart = config.chart
    key = with_history(config, chosen, history)
    plan = config.plans.get(key)
    if plan is None:
        plan = _Microstep(chart, config.states, history).take(chosen if isinstance(chosen, tuple) else (chosen,))
        if chart.memory.admits():
            config.plans[key if plan.historic else chosen] = plan
    return plan


def with_history(config: Configuration, chosen: object, history: History) -> object:
    """The key of a plan that depends on history."""
    return (chosen, tuple(history.get(name) for name in config.chart.histories))


def entry_plan(chart: Chart) -> Plan:
    """How the chart begins."""
    plan = chart.memory.begin
    if plan is None:
        plan = _Microstep(chart, (), {}).begin()
        if chart.memory.bound:
            chart.memory.begin = plan
    return plan


def inside(chart: Chart, states: Iterable[State]) -> Configuration:
    """The configuration in which these states are active; what they leave open begins where it begins.

    ConversationError when they cannot be active together.
    """
    microstep, wanted = _Microstep(chart, (), {}), tuple(states)
    for state in wanted:
        microstep.add_descendants(state)
    for state in wanted:
        microstep.add_ancestors(state, None)
    return enter(chart, [state for state in microstep.entering if state.is_leaf])


def jump(config: Configuration, state: State, history: History) -> Plan:
    """Entering a state from where the chart is: what is around both of them stays active. Not remembered: it is rare."""
    around = next(
        outer
        for outer in state.ancestors
        if outer in config.states and (outer.type == "compound" or outer.parent is None)
    )
    taken = Taken(config.chart.id, around.id, "", (state.id,))
    transition = Transition(source=around, kind="on", events=(), targets=(state,), taken=taken)
    return _Microstep(config.chart, config.states, history).take((transition,))


def leaving(config: Configuration) -> Program:
    """The exit actions of every active state, when a chart is abandoned (SCXML exitInterpreter)."""
    return Program(block for state in reversed(config.states) for block in exit_blocks(state))


class _Microstep:
    """The recommendation's procedures, under their names."""

    def __init__(self, chart: Chart, active: tuple[State, ...], history: History) -> None:
        self.chart = chart
        self.active = active
        """In document order."""
        self.history = history
        self.historic = False
        self.entering: set[State] = set()
        self.by_default: set[State] = set()
        """Compound states entered through their initial transition."""

    def begin(self) -> Plan:
        self.add_descendants(self.chart.root)
        return self.plan((), (), {})

    def take(self, chosen: Iterable[Transition]) -> Plan:
        transitions = self.without_conflicts(chosen)
        left = {state for transition in transitions for state in self.exit_set(transition)}
        exits = tuple(state for state in reversed(self.active) if state in left)
        domains = [self.domain(transition) for transition in transitions]
        saves = self.saved(exits)
        # What was just left is history already when states are entered. The domains stay those of the exit, where the
        # pseudo-code asks anew: a history state inside what was left could then lead to less than has to be entered.
        self.history = {**self.history, **saves}
        for transition, domain in zip(transitions, domains, strict=True):
            if transition.targets:
                self.compute_entry_set(transition, domain)
        return self.plan(transitions, exits, saves)

    def plan(
        self,
        transitions: tuple[Transition, ...],
        exits: tuple[State, ...],
        saves: Mapping[str, tuple[str, ...]],
    ) -> Plan:
        entries = sorted(self.entering, key=lambda state: state.order)
        blocks = [block for state in exits for block in exit_blocks(state)]
        blocks += [transition_block(transition) for transition in transitions]
        present = {state for state in self.active if state not in exits}
        done = False
        for state in entries:
            present.add(state)
            blocks += entry_blocks(state, state in self.by_default)
            if state.type == "final":
                done = self.complete(state, present, blocks) or done
        following = enter(self.chart, [state for state in present if state.is_leaf])
        if done:
            blocks += [block for state in reversed(following.states) for block in exit_blocks(state)]
        program = Program(blocks)
        return Plan(
            program=program,
            taken=tuple(transition.taken for transition in transitions),
            entered=tuple(Entered(self.chart.id, state.id) for state in entries),
            saves=saves,
            disarm=tuple(f"{AFTER}{delay}:{state.id}" for state in exits for delay in state.after),
            arm=tuple((f"{AFTER}{delay}:{state.id}", delay) for state in entries for delay in state.after),
            next=following,
            done=done,
            historic=self.historic,
            asked=self.asked(exits),
            rests=program.calm and not done and not following.always,
        )

    def asked(self, exits: tuple[State, ...]) -> str | None:
        inner = sorted((state for state in self.active if state.ask), key=lambda state: (-state.depth, state.order))
        if not inner or inner[0] not in exits or inner[0].handoff is not None:
            return None
        return inner[0].id

    def without_conflicts(self, chosen: Iterable[Transition]) -> tuple[Transition, ...]:
        """removeConflictingTransitions: of two that would leave the same state, the one with the inner source wins, else
        the one whose leaf is first in document order."""
        kept: list[Transition] = []
        for one in chosen:
            beaten = []
            for other in kept:
                if self.exit_set(one).isdisjoint(self.exit_set(other)):
                    continue
                if not one.source.within(other.source):
                    break
                beaten.append(other)
            else:
                kept = [other for other in kept if other not in beaten] + [one]
        return tuple(kept)

    def exit_set(self, transition: Transition) -> set[State]:
        if not transition.targets:
            return set()
        domain = self.domain(transition)
        return {state for state in self.active if domain is None or state.within(domain)}

    def domain(self, transition: Transition) -> State | None:
        """getTransitionDomain: the innermost state that stays active; None when even the root is left."""
        source, targets = transition.source, self.effective(transition.targets)
        if not transition.reenter and all(target is source or target.within(source) for target in targets):
            return source
        for state in source.ancestors:
            if (state.type == "compound" or state.parent is None) and all(target.within(state) for target in targets):
                return state
        return None if transition.reenter else self.chart.root

    def effective(self, targets: Iterable[State]) -> list[State]:
        """getEffectiveTargetStates: history states stand for what they bring back."""
        found: list[State] = []
        for target in targets:
            found += self.remembered(target) if target.type == "history" else (target,)
        return found

    def remembered(self, state: State) -> tuple[State, ...]:
        self.historic = True
        ids = self.history.get(state.id)
        return state.default if ids is None else tuple(self.chart.states[id_] for id_ in ids)

    def compute_entry_set(self, transition: Transition, domain: State | None) -> None:
        before = set(self.entering)
        for target in transition.targets:
            self.add_descendants(target)
        for target in self.effective(transition.targets):
            self.add_ancestors(target, domain)
        if domain is not None:
            # What targets itself without `reenter`, or through history, stays: only what is inside it is entered.
            self.entering = before.union(state for state in self.entering if state.within(domain))

    def add_descendants(self, state: State) -> None:
        """addDescendantStatesToEnter: the state and, below it, where it begins."""
        if state.type == "history":
            targets = self.remembered(state)
            for target in targets:
                self.add_descendants(target)
            for target in targets:
                self.add_ancestors(target, state.parent)
            return
        self.entering.add(state)
        if state.initial is not None:
            self.by_default.add(state)
            for target in state.initial.targets:
                self.add_descendants(target)
            for target in state.initial.targets:
                self.add_ancestors(target, state)
        elif state.type == "parallel":
            self.add_regions(state)

    def add_ancestors(self, state: State, ancestor: State | None) -> None:
        """addAncestorStatesToEnter: everything between the two, and the other regions of parallel states among it."""
        for between in state.ancestors:
            if between is ancestor:
                # A parallel domain stays active, but its regions were left.
                if between.type == "parallel":
                    self.add_regions(between)
                return
            self.entering.add(between)
            if between.type == "parallel":
                self.add_regions(between)

    def add_regions(self, state: State) -> None:
        for region in state.regions:
            if not any(entered is region or entered.within(region) for entered in self.entering):
                self.add_descendants(region)

    def saved(self, exits: tuple[State, ...]) -> dict[str, tuple[str, ...]]:
        """The history that leaving these states leaves behind."""
        saves = {}
        for state in exits:
            for child in state.children:
                if child.type == "history":
                    deep = child.history == "deep"
                    inside = (one for one in self.active if (one.is_leaf if deep else one.parent is state))
                    saves[child.id] = tuple(one.id for one in inside if one.within(state))
        return saves

    def complete(self, final: State, present: set[State], blocks: list[Block]) -> bool:
        """Raise the done events that entering ``final`` brings; whether the chart itself is done."""
        state: State | None = final.parent
        if state is not None and state.type == "compound":
            if state.parent is None:
                return True
            blocks.append(done_block(state, final))
            state = state.parent
        while state is not None and state.type == "parallel" and _is_final(state, present):
            if state.parent is None:
                return True
            blocks.append(done_block(state))
            state = state.parent
        return final.parent is None


def _is_final(state: State, present: set[State]) -> bool:
    """isInFinalState"""
    if state.type == "compound":
        return any(child.type == "final" and child in present for child in state.children)
    if state.type == "parallel":
        return all(_is_final(region, present) for region in state.regions)
    return state.type == "final" and state in present
