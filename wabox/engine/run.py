"""One frame at work: selecting transitions and taking them until it comes to rest (SCXML mainEventLoop).

A :class:`Run` is the only thing in the engine that changes while it is used; it lives for one step and what it holds is
replaced, never written into, so the snapshot that it began with stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import length_hint
from typing import Any

from wabox.engine.chart import Chart
from wabox.engine.configuration import Configuration, Rows
from wabox.engine.effect import Effect, Failed, Invoke, Revoke, Say
from wabox.engine.event import ERROR, Event
from wabox.engine.invoke import DONE_INVOKE, InvokeSpec
from wabox.engine.plan import Plan, entry_plan, plan_for
from wabox.engine.program import Program
from wabox.engine.state import Entered, Taken, Transition, Wish

MICROSTEPS = 1_000
"""Transitions in one step before a chart counts as one that does not come to rest."""
MOST_SAID = 10
"""Messages that such a step may send all the same."""

BACK = 3
"""Questions that one can go back, which is what a snapshot has room for."""


class Run:
    """Written for speed: what few steps need is a class attribute until it is needed."""

    done = False
    """The active frame's chart is at its end."""
    budget = MICROSTEPS
    events: tuple[str, ...] = ()
    unhandled: tuple[str, ...] = ()
    taken: tuple[Taken, ...] = ()
    entered: tuple[Entered, ...] = ()
    actions: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    """States whose questions were answered, the newest last."""
    wish: Wish | Event | None = None
    """What the action ``repair`` asked for."""
    _failed: frozenset[Transition] = frozenset()
    """Those whose guard raised."""

    event: Event
    now: int
    seq: int
    effects: list[Effect]
    queue: list[Event]
    config: Configuration
    context: dict[str, Any]
    history: dict[str, tuple[str, ...]]
    timers: dict[str, tuple[int, int]]
    """Its own copy."""
    invokes: dict[str, int] = {}  # noqa: RUF012 - replaced, never written into
    """Calls whose results are awaited: id → the seq that asked for it."""

    # What actions reach (:class:`wabox.engine.state.Running`).

    def arm(self, name: str, delay: int) -> None:
        self.timers.pop(name, None)  # what is armed anew is the youngest
        self.timers[name] = (self.now + delay, self.seq)

    def cancel(self, prefix: str) -> None:
        for name in [name for name in self.timers if name.startswith(prefix)]:
            del self.timers[name]

    def invoke(self, spec: InvokeSpec) -> None:
        self.invokes = {**self.invokes, spec.id: self.seq}
        self.effects.append(Invoke(spec, self.config.chart.id, self.seq, self.context, self.event))

    def revoke(self, id_: str) -> None:
        if id_ in self.invokes:
            self.invokes = {name: armed for name, armed in self.invokes.items() if name != id_}
            self.effects.append(Revoke(self.config.chart.id, id_))

    # The interpreter.

    def begin(self, chart: Chart, context: Mapping[str, Any]) -> None:
        """Enter a chart afresh and let it come to rest."""
        self.context = {**chart.context, **context}
        self.history = {}
        self.timers = {}
        self.invokes = {}
        self.back = ()
        plan = entry_plan(chart)
        self.config = plan.next
        self.done = plan.done
        self.entered += plan.entered
        self.perform(plan.program)
        for name, delay in plan.arm:
            self.arm(name, delay)
        self.settle()

    def macrostep(self, event: Event) -> bool:
        """Handle an event to rest; False, and nothing done, when no transition is for it."""
        self.event = event
        taken = len(self.taken)
        chosen = self.select(event.name)
        if chosen is not None:
            self.take(chosen)
        if self.queue or self.config.always or self.done:
            # Also when nothing was chosen: a failed guard is told to the chart, and eventless guards may ask for the event.
            self.settle()
        return len(self.taken) > taken

    def settle(self) -> None:
        """Eventless transitions, then the oldest internal event, until neither is left."""
        while not self.done:
            always = self.config.always
            chosen = self._first(always) if always else None
            if chosen is None:
                if not self.queue:
                    return
                self.event = event = self.queue.pop(0)
                self.events += (event.name,)
                chosen = self.select(event.name)
                if chosen is None:
                    self.unhandled += (event.name,)
                    continue
            if not self.spend():
                return
            self.take(chosen)
        self.queue.clear()

    def spend(self) -> bool:
        """Whether the step may go on; when it may not, that is reported."""
        if self.budget <= 0:
            self._restless()
            return False
        self.budget -= 1
        return True

    def select(self, name: str) -> Transition | tuple[Transition, ...] | None:
        """selectTransitions: what the active states choose, conflicts not yet removed."""
        config = self.config
        rows = config.rows.get(name)
        if rows is None:
            rows = config.rows_for(name)
        return self._first(rows) if rows else None

    def _first(self, rows: Rows) -> Transition | tuple[Transition, ...] | None:
        if len(rows) == 1:
            for transition in rows[0]:
                if transition.guard is None or self.holds(transition):
                    return transition
            return None
        chosen: dict[Transition, None] = {}
        answers: dict[Transition, bool] = {}
        for row in rows:
            for transition in row:
                if transition not in answers:
                    answers[transition] = transition.guard is None or self.holds(transition)
                if answers[transition]:
                    chosen[transition] = None
                    break
        found = tuple(chosen)
        return found[0] if len(found) == 1 else found or None

    def holds(self, transition: Transition) -> bool:
        """The guard's answer; a guard that raises does not hold (SCXML 3.13), and is reported once in a step."""
        guard = transition.guard
        if guard is None:
            return True
        try:
            return guard.test(self.context, self.event, self.config.active)
        except Exception as error:  # noqa: BLE001 - a bot's own code may raise anything
            if transition not in self._failed:
                self._failed |= {transition}
                self.fail(f"guard {guard.label} of {transition.source.id or 'the root'}", error)
            return False

    def take(self, chosen: Transition | tuple[Transition, ...]) -> None:
        """microstep: leave, act, enter."""
        plan = self.config.plans.get(chosen)
        if plan is None:
            plan = plan_for(self.config, chosen, self.history)
        self.go(plan)

    def go(self, plan: Plan) -> None:
        """Do what a plan says."""
        self.config = plan.next
        self.done = plan.done
        self.taken += plan.taken
        self.entered += plan.entered
        if self.event.name.startswith(DONE_INVOKE):
            self.back = ()  # what a call has done is not undone by asking again
        elif plan.asked is not None and not self.event.data.get("already"):
            self.back = (*self.back, plan.asked)[-BACK:]
        if plan.saves:
            self.history = {**self.history, **plan.saves}
        for name in plan.disarm:
            self.timers.pop(name, None)
        self.perform(plan.program)
        for name, delay in plan.arm:
            self.timers[name] = (self.now + delay, self.seq)

    def perform(self, program: Program) -> None:
        """Run operations; one that raises takes the rest of its block with it, nothing else."""
        rest = iter(program.operations)
        try:
            for operation in rest:
                operation(self)
            self.actions += program.labels
        except Exception as error:  # noqa: BLE001 - a bot's own code may raise anything
            failure = program.broken(len(program.operations) - length_hint(rest) - 1)
            self.actions += failure.begun
            self.fail(failure.where, error)
            self.perform(failure.rest)

    def fail(self, where: str, error: Exception) -> None:
        """Report it, the same once in a step, and tell the chart: ``error.execution``, unless it is handling one already."""
        told = f"{type(error).__name__}: {error}"
        inner = error.__traceback__
        while inner is not None and inner.tb_next is not None:
            inner = inner.tb_next
        if inner is not None and inner.tb_frame.f_globals.get("__name__", "").partition(".")[0] != "wabox":
            # In the bot's own code: the place is what its author needs.
            told += f" ({inner.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {inner.tb_lineno})"
        failed = Failed(f"{self.config.chart.id}: {where}", told)
        if failed not in self.effects:
            self.effects.append(failed)
        if self.event.name != ERROR:
            self.queue.append(Event(ERROR, {"where": failed.where, "error": told}))

    def _restless(self) -> None:
        self.queue.clear()
        # The customer need not hear the whole circle.
        said = [effect for effect in self.effects if isinstance(effect, Say)]
        repeated = {id(effect) for effect in said[MOST_SAID:]}
        self.effects = [effect for effect in self.effects if id(effect) not in repeated]
        states = ", ".join(self.config.key) or "the root"
        self.effects.append(
            Failed(
                f"{self.config.chart.id}: {states}",
                f"no rest after {MICROSTEPS} transitions; look for a cycle of always, raise or repair",
            )
        )
