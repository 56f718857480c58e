"""The recommendation's pseudo-code, executed literally: slow, nothing remembered, nothing planned ahead.

W3C, State Chart XML, appendix D, procedure by procedure, on the tree that the engine compiled. The engine must agree with
it on every chart. The two places where wabox is XState's are marked.
"""

from __future__ import annotations

from typing import Any

from wabox.engine.chart import Chart
from wabox.engine.effect import CloseHandoff, Effect, OpenHandoff, Say
from wabox.engine.event import Event, matches
from wabox.engine.state import BoundAction, State, Transition

BOUND = 100


class Interpreter:
    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.configuration: set[State] = set()
        self.history_value: dict[str, list[State]] = {}
        self.context: dict[str, Any] = dict(chart.context)
        self.event = Event("start")
        self.queue: list[Event] = []
        self.effects: list[Effect] = []
        self.actions: list[str] = []
        self.timers: dict[str, tuple[int, int]] = {}
        self.running = True
        self.restless = False
        self.taken = 0

    def arm(self, name: str, delay: int) -> None: ...

    def cancel(self, prefix: str) -> None: ...

    # procedure interpret, mainEventLoop

    def begin(self) -> None:
        self.failed_guards: set[Transition] = set()
        self.enter_states([], [self.chart.root])
        self.macrostep(BOUND)

    def send(self, event: Event) -> bool:
        self.event = event
        self.failed_guards = set()
        self.taken = 0
        chosen = self.select_transitions(event)
        if chosen:
            self.microstep(chosen)
        self.macrostep(BOUND)
        self.queue.clear()
        return self.taken > 0

    def macrostep(self, budget: int) -> None:
        while self.running:
            chosen = self.select_eventless_transitions()
            if not chosen:
                if not self.queue:
                    break
                self.event = self.queue.pop(0)
                chosen = self.select_transitions(self.event)
            if chosen:
                if budget == 0:
                    self.restless = True
                    return
                budget -= 1
                self.microstep(chosen)
        if not self.running:
            for state in sorted(self.configuration, key=lambda one: -one.order):
                self.leave(state)

    # function selectTransitions

    def select_eventless_transitions(self) -> list[Transition]:
        return self.select(lambda state: list(state.always))

    def select_transitions(self, event: Event) -> list[Transition]:
        return self.select(
            lambda state: [one for one in state.transitions if any(matches(word, event.name) for word in one.events)]
        )

    def select(self, candidates: Any) -> list[Transition]:
        enabled: list[Transition] = []
        for atomic in sorted((one for one in self.configuration if not one.children), key=lambda one: one.order):
            for state in (atomic, *atomic.ancestors):
                found = next((one for one in candidates(state) if self.condition_match(one)), None)
                if found is not None:
                    if found not in enabled:
                        enabled.append(found)
                    break
        return self.remove_conflicting_transitions(enabled)

    def condition_match(self, transition: Transition) -> bool:
        if transition.guard is None:
            return True
        try:
            return transition.guard.test(self.context, self.event, frozenset(one.id for one in self.configuration))
        except Exception:  # noqa: BLE001
            if transition not in self.failed_guards:
                self.failed_guards.add(transition)
                self.fail()
            return False

    def remove_conflicting_transitions(self, enabled: list[Transition]) -> list[Transition]:
        filtered: list[Transition] = []
        for t1 in enabled:
            pre_empted = False
            to_remove = []
            for t2 in filtered:
                if self.compute_exit_set([t1]) & self.compute_exit_set([t2]):
                    if t2.source in t1.source.ancestors:
                        to_remove.append(t2)
                    else:
                        pre_empted = True
                        break
            if not pre_empted:
                filtered = [t3 for t3 in filtered if t3 not in to_remove]
                filtered.append(t1)
        return filtered

    # procedure microstep

    def microstep(self, transitions: list[Transition]) -> None:
        # The recommendation asks for the domain again after the exit; with history of what was just left it may then be
        # inside what has to be entered. It is that of the exit here.
        self.taken += 1
        self.domains = {one: self.get_transition_domain(one) for one in transitions if one.targets}
        self.exit_states(transitions)
        for transition in transitions:
            self.execute(transition.actions)
        self.enter_states(transitions, [])

    def compute_exit_set(self, transitions: list[Transition]) -> set[State]:
        found = set()
        for transition in transitions:
            if transition.targets:
                domain = self.get_transition_domain(transition)
                found |= {one for one in self.configuration if domain is None or domain in one.ancestors}
        return found

    def exit_states(self, transitions: list[Transition]) -> None:
        to_exit = sorted(self.compute_exit_set(transitions), key=lambda one: -one.order)
        for state in to_exit:
            for child in state.children:
                if child.type == "history":
                    inside = [
                        one
                        for one in sorted(self.configuration, key=lambda one: one.order)
                        if (
                            not one.children and state in one.ancestors
                            if child.history == "deep"
                            else one.parent is state
                        )
                    ]
                    self.history_value[child.id] = inside
        for state in to_exit:
            self.leave(state)
            self.configuration.remove(state)

    def leave(self, state: State) -> None:
        self.execute(state.exit)
        if state.handoff is not None:
            self.effects.append(CloseHandoff(state.id))

    def enter_states(self, transitions: list[Transition], roots: list[State]) -> None:
        self.to_enter: list[State] = []
        self.for_default: list[State] = []
        for root in roots:
            self.add_descendants(root)
        for transition in transitions:
            domain = self.domains.get(transition)
            before = list(self.to_enter)
            for target in transition.targets:
                self.add_descendants(target)
            if transition.targets:
                for target in self.get_effective_target_states(transition.targets):
                    self.add_ancestors(target, domain)
                    # XState: a parallel source that stays active has had its regions left.
                    if domain is not None and domain.type == "parallel":
                        self.add_regions(domain)
            # XState: a source that targets itself stays active; nothing outside the domain is ever entered.
            inside = [state for state in self.to_enter if domain is None or domain in state.ancestors]
            self.to_enter = before + [state for state in inside if state not in before]
        for state in sorted(self.to_enter, key=lambda one: one.order):
            assert state not in self.configuration
            self.configuration.add(state)
            self.execute(state.entry)
            self.effects += [Say(template, self.context, state.id) for template in state.say]
            self.effects += [Say(template, self.context, state.id, True) for template in state.ask]
            if state.handoff is not None:
                self.effects.append(
                    OpenHandoff(state.handoff.queue, state.handoff.priority, state.handoff.reason, state.id)
                )
            if state in self.for_default and state.initial is not None:
                self.execute(state.initial.actions)
            if state.type == "final":
                self.enter_final(state)

    def enter_final(self, state: State) -> None:
        parent = state.parent
        assert parent is not None
        above: State | None = parent
        if parent.type == "compound":
            if parent.parent is None:
                self.running = False
                return
            self.queue.append(Event(f"done.state.{parent.id}"))
            above = parent.parent
        while above is not None and above.type == "parallel" and all(map(self.is_in_final_state, above.regions)):
            if above.parent is None:
                self.running = False
                return
            self.queue.append(Event(f"done.state.{above.id}"))
            above = above.parent

    def add_descendants(self, state: State) -> None:
        if state.type == "history":
            found = self.history_value.get(state.id) or list(state.default)
            for one in found:
                self.add_descendants(one)
            for one in found:
                self.add_ancestors(one, state.parent)
            return
        self.add(state)
        if state.initial is not None:
            self.for_default.append(state)
            for one in state.initial.targets:
                self.add_descendants(one)
            for one in state.initial.targets:
                self.add_ancestors(one, state)
        elif state.type == "parallel":
            self.add_regions(state)

    def add_ancestors(self, state: State, ancestor: State | None) -> None:
        for one in state.ancestors:
            if one is ancestor:
                break
            self.add(one)
            if one.type == "parallel":
                self.add_regions(one)

    def add_regions(self, state: State) -> None:
        for child in state.regions:
            if not any(one is child or child in one.ancestors for one in self.to_enter):
                self.add_descendants(child)

    def add(self, state: State) -> None:
        if state not in self.to_enter:
            self.to_enter.append(state)

    def is_in_final_state(self, state: State) -> bool:
        if state.type == "compound":
            return any(one.type == "final" and one in self.configuration for one in state.children)
        if state.type == "parallel":
            return all(map(self.is_in_final_state, state.regions))
        return state.type == "final" and state in self.configuration

    def get_transition_domain(self, transition: Transition) -> State | None:
        targets = self.get_effective_target_states(transition.targets)
        source = transition.source
        # XState: every transition is internal unless it says reenter, whatever its source, itself included.
        if not transition.reenter and all(one is source or source in one.ancestors for one in targets):
            return source
        for one in source.ancestors:
            if (one.type == "compound" or one is self.chart.root) and all(
                one in target.ancestors for target in targets
            ):
                return one
        return None if transition.reenter else self.chart.root

    def get_effective_target_states(self, targets: tuple[State, ...]) -> list[State]:
        found: list[State] = []
        for target in targets:
            if target.type == "history":
                found += self.history_value.get(target.id) or target.default
            else:
                found.append(target)
        return found

    # executable content

    def execute(self, block: tuple[BoundAction, ...]) -> None:
        for action in block:
            self.actions.append(action.label)
            try:
                action.run(self)
            except Exception:  # noqa: BLE001
                self.fail()
                break

    def fail(self) -> None:
        if self.event.name != "error.execution":
            self.queue.append(Event("error.execution"))
