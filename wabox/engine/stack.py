"""A conversation at work: the frames of its stack and the clocks that run for them.

The rules are in :mod:`wabox.engine.step`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from wabox.engine.agree import VARIABLE
from wabox.engine.chart import Chart, Charts
from wabox.engine.collect import COLLECTED, CORRECTED, filled
from wabox.engine.configuration import Configuration, check_history, check_timers, configuration
from wabox.engine.effect import Arm, Disarm, Effect, Ended, Nudge, Push, Resumed
from wabox.engine.event import HARD, RESUMED, SOFT, Event, matches
from wabox.engine.plan import leaving
from wabox.engine.repair import grant
from wabox.engine.run import Run
from wabox.engine.snapshot import Frame, Snapshot
from wabox.engine.state import Transition
from wabox.engine.trail import kept
from wabox.engine.value import look_up
from wabox.engine.wish import PREFIX

Timers: TypeAlias = Mapping[str, tuple[int, int]]

FRAMES = 8
"""The active one included."""


class Conversation(Run):
    stack: tuple[Frame, ...] = ()
    delays: tuple[int, int] = (0, 0)
    """The soft and hard delays in force when the timers now running were armed; 0: none. Unused while the customer's own
    event is handled: that winds both clocks anyway."""
    over = False

    def __init__(
        self,
        charts: Charts,
        event: Event,
        now: int,
        before: Snapshot | None = None,
        config: Configuration | None = None,
    ) -> None:
        """Take up a snapshot that was :func:`checked`; without one, to be opened."""
        self.charts = charts
        self.event = event
        self.customer = event.customer
        self.now = now
        self.effects = []
        self.queue = []
        if before is None or config is None:
            self.seq = 1
            return
        self.seq = before.seq + 1
        self.config = config
        self.context = before.context
        self.history = before.history
        self.timers = before.timers.copy()
        self.invokes = before.invokes
        self.back = before.back
        if before.stack:
            self.stack = before.stack
            for frame in before.stack:
                checked(charts, frame)
        if not event.customer:
            self.delays = self._in_force()

    def open(self, chart: Chart, context: Mapping[str, Any]) -> None:
        self.begin(chart, context)
        self.unwind()

    def handle(self, event: Event) -> bool:
        """Let the event find who handles it; then end the detours that are over, and repair what was asked for."""
        handled = self.deliver(event)
        while self.wish is not None and not self.over:
            passed_on = isinstance(self.wish, Event)
            if passed_on and not self.spend():
                self.wish = None
                break
            grant(self)
            if not passed_on:
                break
            # Whoever got the event may have wished for something in turn.
        return handled

    def deliver(self, event: Event) -> bool:
        """Let the event find who handles it; what that one wishes for is left to be granted."""
        chart, context = self.config.chart, self.context
        handled = self._deliver(event)
        if self.back and self.config.chart is chart:
            self.back = kept(chart, self.back, context, self.context, self.effects)
        return handled

    def _deliver(self, event: Event) -> bool:
        name = event.name
        self.events = (name,)
        if name in (COLLECTED, CORRECTED):
            own = self.config.collect
            self.context = filled(self.context, event, self.config.chart.slots, own[1] if own is not None else None)
        if name == CORRECTED:
            # Done with the new value, whether or not the chart wants to do more about it.
            self.macrostep(event)
            if self.done:
                self.unwind()
            return True
        if (self.stack or name in self.config.detours) and self._only_by_star(event):
            handled = self._elsewhere(event) or self.macrostep(event)
        else:
            handled = self.macrostep(event) or self._elsewhere(event)
        if handled:
            if self.done:
                self.unwind()
            return True
        if name == SOFT:
            self.effects.append(Nudge())
        elif name == HARD:
            # No exit actions: what is archived is the conversation as it stood, to be taken up again.
            self._end(expired=True)
        else:
            self.unhandled += (name,)
            return False
        return True

    def _only_by_star(self, event: Event) -> bool:
        """Whether a bare ``*`` is all that the active frame has for the event: that waits for everybody else."""
        self.event = event
        chosen = self.select(event.name)
        several = chosen if isinstance(chosen, tuple) else () if chosen is None else (chosen,)
        return bool(several) and not any(_by_name(transition, event.name) for transition in several)

    def _elsewhere(self, event: Event) -> bool:
        """Detours, and from inside a detour what the outermost chart has for everybody."""
        if self.queue:
            # A guard failed on the way here; its own chart is told first.
            self.settle()
            if self.taken:
                return True
        if self._detour(self.config.detours.get(event.name)):
            return True
        if not self.stack:
            return False
        return self._escape(event) or self._detour(self._outermost().chart.root.detours.get(event.name))

    # Frames.

    def _detour(self, chart_id: str | None) -> bool:
        """Push a chart and let it come to rest."""
        chart = None if chart_id is None else self.charts.live.get(chart_id)
        if chart is None or len(self.stack) + 1 >= FRAMES:
            return False
        on_stack = (*(frame.chart for frame in self.stack), self.config.chart.ref)
        if any(ref.partition("@")[0] == chart.id for ref in on_stack):
            return False
        self.stack = (*self.stack, self._suspended())
        self.effects.append(Push(chart.id))
        self.delays = (0, 0)
        known: dict[str, Any] = {"collected": self._collected()} if chart.id.startswith(PREFIX) else {}
        if VARIABLE in self.context:
            known[VARIABLE] = self.context[VARIABLE]  # it is the customer's, not the chart's
        self.begin(chart, known)
        return True

    def _collected(self) -> int:
        """How many slots of the frame below are filled: what a repair chart may want to ask about first."""
        frame = self.stack[-1]
        slots = self.charts.find(frame.chart).slots
        return sum(look_up(frame.context, tuple(name.split("."))) is not None for name in slots)

    def _escape(self, event: Event) -> bool:
        """Let the outermost chart take an event that its root handles: a global escape."""
        root = self._outermost().chart.root
        own = [transition for transition in root.transitions if _by_name(transition, event.name)]
        if not own:
            return False
        stack = self.stack
        inner = (self.config, self.context, self.history, self.timers, self.delays, self.invokes, self.back)
        self.event, self.stack = event, ()
        self.resume(stack[0])
        chosen = self.select(event.name) if any(map(self.holds, own)) else None
        if chosen is not None and _leads_somewhere(chosen):
            self.config, self.context, self.history, self.timers, self.delays, self.invokes, self.back = inner
            self.perform(leaving(self.config))
            for frame in reversed(stack[1:]):
                self.resume(frame)
                self.perform(leaving(self.config))
            self.resume(stack[0])
            self.take(chosen)
            self._take_up(stack[0])
            self.settle()
            return True
        if chosen is not None:
            self.take(chosen)
            stack = (msgspec.structs.replace(self._suspended(), results=stack[0].results), *stack[1:])
        self.stack = stack
        self.config, self.context, self.history, self.timers, self.delays, self.invokes, self.back = inner
        self.settle()
        return chosen is not None

    def unwind(self) -> None:
        """End what is done: a detour gives back to the frame below, the outermost chart ends the conversation."""
        while self.done and self.stack:
            ended = self.config.chart.id
            frame = self.stack[-1]
            self.stack = self.stack[:-1]
            self.resume(frame)
            self.done = False
            if self.wish is not None:
                self._take_up(frame)
                self.settle()
                continue  # a repair: no detour that the customer comes back from
            self.events += (RESUMED,)
            self._take_up(frame)
            if not self.macrostep(Event(RESUMED, {"chart": ended})):
                self.effects.append(Resumed(self.config.chart.id))
        if self.done:
            self._end(expired=False)

    def _end(self, expired: bool) -> None:
        self.over = True
        self.effects.append(Ended(self._outermost().chart.id, expired))

    def _outermost(self) -> Configuration:
        if not self.stack:
            return self.config
        frame = self.stack[0]
        return configuration(self.charts.find(frame.chart), frame.leaves)

    def _take_up(self, frame: Frame) -> None:
        """What came for the frame while it was suspended comes next."""
        for call, (name, data) in frame.results.items():
            # A call whose state was left since, or that was asked for anew, is not the one that this is the result of.
            if self.invokes.get(call) == frame.invokes.get(call):
                self.invokes = {other: armed for other, armed in self.invokes.items() if other != call}
                self.queue.append(Event(name, data))

    def _suspended(self) -> Frame:
        """The active frame with what remains of its timers."""
        if self.customer:
            self._wind(*self._in_force())
        return Frame(
            chart=self.config.chart.ref,
            leaves=self.config.key,
            context=self.context,
            history=self.history,
            timers={name: (max(0, due - self.now), armed) for name, (due, armed) in self.timers.items()},
            invokes=self.invokes,
            back=self.back,
        )

    def resume(self, frame: Frame) -> None:
        """Make a suspended frame the active one: nothing is entered, its timers go on."""
        self.config = configuration(self.charts.find(frame.chart), frame.leaves)
        self.context = frame.context
        self.history = frame.history
        self.invokes = frame.invokes
        self.timers = {name: (self.now + left, self.seq) for name, (left, _) in frame.timers.items()}
        self.back = frame.back
        self.delays = self._in_force()

    # Clocks.

    def stop(self, left: Mapping[str, tuple[int, int]]) -> None:
        """Set the clocks for the time until the next event, and ask for what changed against ``left``."""
        if self.over:
            self.timers.clear()
        else:
            delays = self._in_force() if self.stack else self.config.clock
            if self.customer:
                self._wind(*delays)
            elif delays != self.delays:
                self._wind(*(new if new != old else None for new, old in zip(delays, self.delays, strict=True)))
        ask_for(self.effects, self.timers, left, self.seq)

    def _in_force(self) -> tuple[int, int]:
        """The soft and hard delay of the active frame, else of the nearest below that says; 0: none."""
        soft, hard = self.config.soft, self.config.hard
        for frame in reversed(self.stack):
            below = configuration(self.charts.find(frame.chart), frame.leaves)
            soft = below.soft if soft is None else soft
            hard = below.hard if hard is None else hard
        return soft or 0, hard or 0

    def _wind(self, soft: int | None, hard: int | None) -> None:
        """Begin the soft and hard timer anew (ms), or remove it (0), or leave it (None)."""
        wind(self.timers, self.now, self.seq, soft, hard)


def wind(timers: dict[str, tuple[int, int]], now: int, seq: int, soft: int | None, hard: int | None) -> None:
    """Begin the soft and hard timer anew (ms), or remove it (0), or leave it (None)."""
    if soft:
        timers["soft"] = (now + soft, seq)
    elif soft == 0:
        timers.pop("soft", None)
    if hard:
        timers["hard"] = (now + hard, seq)
    elif hard == 0:
        timers.pop("hard", None)


def ask_for(effects: list[Effect], timers: Timers, left: Timers, seq: int) -> None:
    """The effects that make ``timers`` of ``left``. What was armed in this step has its number, and nothing else has."""
    for name, timer in timers.items():
        if timer[1] == seq:
            effects.append(Arm(name, timer[0], seq))
    for name in left:
        if name not in timers:
            effects.append(Disarm(name))


def checked(charts: Charts, frame: Frame | Snapshot) -> Configuration:
    """The frame's configuration. What was found good before is known to the chart's memory; only the rest is looked at."""
    chart = charts.find(frame.chart)
    memory = chart.memory
    config = memory.configurations.get(frame.leaves) or configuration(chart, frame.leaves)
    history = frame.history
    if history and not history.items() <= memory.histories:
        check_history(chart, history)
    known = chart.timers
    for name in frame.timers:
        if name not in known:
            check_timers(chart, (name,))
    return config


def _by_name(transition: Transition, name: str) -> bool:
    """Whether the transition is for the event other than by a bare ``*``."""
    return any(word != "*" and matches(word, name) for word in transition.events)


def _leads_somewhere(chosen: Transition | tuple[Transition, ...]) -> bool:
    return any(one.targets for one in chosen) if isinstance(chosen, tuple) else bool(chosen.targets)
