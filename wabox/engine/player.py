"""A chart played by hand: events go in, time passes when told to. Nothing of a chat is added.

No default for a silent customer, no message, no detour: a ``soft`` or ``hard`` timer that no transition waits for does
nothing here. What is delayed by nothing is due when time next passes, be it for 0 ms, and before the next event: that is
SCXML's external queue, and what a server does whose clock moves on by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from wabox.engine.chart import Chart, Charts
from wabox.engine.configuration import configuration
from wabox.engine.effect import Failed
from wabox.engine.event import Event
from wabox.engine.snapshot import Snapshot, decode, encode
from wabox.engine.step import Step, fire, start, step
from wabox.errors import ConversationError

MOST_TIMERS = 10_000
"""Timers that fire for one input before the clock counts as one that never stands still."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the chart stands after one input, and what it did on the way."""

    configuration: tuple[str, ...]
    """Ids of the active leaves, in document order."""
    actions: tuple[str, ...]
    """Names of the actions run, in order, built-in ones included."""
    context: Mapping[str, Any]
    unhandled: tuple[str, ...]
    """Events that no transition was for."""
    failed: tuple[Failed, ...]
    done: bool
    """The chart reached its end."""


class Player:
    """One conversation with its own clock, which stands still except in :meth:`wait`."""

    def __init__(self, chart: Chart, *, round_trip: bool = False, now: int = 0) -> None:
        """``round_trip``: the snapshot is written as JSON and read again between any two events. ``now``: ms."""
        self._charts = Charts([chart])
        self._chart = chart
        self._round_trip = round_trip
        self.now = now
        self._steps: list[Step] = []
        self._snapshot: Snapshot
        self._keep(start(self._charts, chart.id, now))
        self.begun = self.look()
        """The moment in which the chart began."""

    def send(self, name: str, data: Mapping[str, Any] | None = None) -> Moment:
        """Handle one event to rest; before it, what is due already."""
        self._steps = []
        self._fire_until(self.now)
        self._keep(step(self._charts, self._snapshot, Event(name, data or {}, customer=True), self.now))
        return self.look()

    def wait(self, ms: int) -> Moment:
        """Let time pass: what comes due on the way is handled at its time, in order."""
        self._steps = []
        self._fire_until(self.now + ms)
        return self.look()

    def look(self) -> Moment:
        """The moment after the last input."""
        snapshot, steps = self._snapshot, self._steps
        return Moment(
            configuration=tuple(leaf.id for leaf in configuration(self._chart, snapshot.leaves).leaves),
            actions=tuple(action for done in steps for action in done.actions),
            context=snapshot.context,
            unhandled=tuple(event for done in steps for event in done.unhandled),
            failed=tuple(effect for done in steps for effect in done.effects if isinstance(effect, Failed)),
            done=snapshot.status == "done",
        )

    def _fire_until(self, end: int) -> None:
        for _ in range(MOST_TIMERS):
            # Of those due together the one armed first is first.
            due = min(self._snapshot.timers.items(), key=lambda timer: timer[1][0], default=None)
            if due is None or due[1][0] > end:
                self.now = end
                return
            name, (at, armed) = due
            self.now = max(self.now, at)
            before = self._snapshot
            done = fire(self._charts, before, name, armed, self.now)
            if name in ("soft", "hard") and not done.transitions:
                rest = {key: timer for key, timer in before.timers.items() if key != name}
                self._snapshot = msgspec.structs.replace(before, timers=rest)
            else:
                self._keep(done)
        raise ConversationError(
            f"{MOST_TIMERS} timers fired and more are due at once ({name}); look for a delay of nothing that leads back"
        )

    def _keep(self, done: Step) -> None:
        self._steps.append(done)
        self._snapshot = decode(encode(done.snapshot)) if self._round_trip else done.snapshot
