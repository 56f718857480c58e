"""A conversation's step: chart, snapshot, event and the time in; new snapshot and effects out. Nothing is executed.

**Who gets an event.** The active frame (the chart on top of the stack) by its transitions; then the ``detours`` of its
active states, innermost first; then, from inside a detour, the outermost chart's *global escapes*: transitions of its
root. An escape with a target drops the frames above (their exit actions run) and is taken by the outermost chart; one
without runs its actions in that chart's context and the detour goes on. Then come the detours of the outermost chart's
root, which are there "from anywhere". A bare ``*`` of the active frame waits for all of these, and one of the outermost
root is no escape: "anything else" shall swallow neither a question with an answer nor the way to a human. Otherwise nobody
handles the event, and the step says so.

**The stack.** A detour suspends the frame below with what remains of its timers and starts another chart with that chart's
own context. When it reaches its end it is dropped, the frame below is there again exactly as it was, nothing left or
entered, and gets the event ``resumed``. A chart that is on the stack is not started again above itself; eight frames are the
most there can be.

**Timers.** ``soft`` and ``hard`` run for the innermost active states that define them; a detour whose chart defines none has
those of the frame below. They begin anew with every event of the customer, whoever handles it, and when the delay in
force changes. ``after`` timers run from entry to exit. A timer that is due comes back through :func:`fire` and does
nothing when its ``armed`` is no longer the snapshot's; the result of a call comes through :func:`answer` in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from wabox.engine.chart import Charts
from wabox.engine.collect import COLLECTED, CORRECTED
from wabox.engine.configuration import Configuration
from wabox.engine.effect import Effect
from wabox.engine.event import Event, due_event
from wabox.engine.plan import with_history
from wabox.engine.run import BACK
from wabox.engine.snapshot import LAYOUT, Snapshot
from wabox.engine.stack import Conversation, ask_for, checked, wind
from wabox.engine.state import Entered, Taken
from wabox.engine.trail import kept
from wabox.engine.value import copied_plain


class Step(msgspec.Struct, frozen=True, gc=False):
    """What one event did."""

    snapshot: Snapshot
    effects: tuple[Effect, ...] = ()
    """In the order in which they are to happen; timers last."""
    handled: bool = False
    """False: nobody handled the event; the snapshot is as before but for ``seq`` and timers."""
    events: tuple[str, ...] = ()
    """Every event processed, the internal ones (raised, ``done.state.…``, ``resumed``) included."""
    unhandled: tuple[str, ...] = ()
    """Those of them that nobody handled."""
    transitions: tuple[Taken, ...] = ()
    """Transitions taken, for coverage."""
    actions: tuple[str, ...] = ()
    """Names of the actions run, as written; one that failed is included."""
    entered: tuple[Entered, ...] = ()
    """States entered, for coverage."""


def start(charts: Charts, chart_id: str, now: int, context: Mapping[str, Any] | None = None) -> Step:
    """Begin a conversation in a live chart. ``context`` goes over the chart's own variables.

    KeyError when there is no such chart; TypeError or ValueError when the context cannot be stored.
    """
    run = Conversation(charts, Event("start", customer=True), now)
    run.open(charts.live[chart_id], {} if context is None else copied_plain(context))
    return _step(run, None, {}, True)


def step(charts: Charts, snapshot: Snapshot, event: Event, now: int) -> Step:
    """Handle one event to rest. ConversationError when the snapshot does not fit its charts.

    An event for a conversation that is done changes nothing, not even ``seq``.
    """
    if snapshot.status != "active":
        return Step(snapshot, events=(event.name,), unhandled=(event.name,))
    config = checked(charts, snapshot)
    short = None if snapshot.stack else _short(config, snapshot, event, now)
    if short is not None:
        return short
    run = Conversation(charts, event, now, snapshot, config)
    return _step(run, snapshot, snapshot.timers, run.handle(event))


def fire(charts: Charts, snapshot: Snapshot, name: str, armed: int, now: int) -> Step:
    """Handle a timer that is due; ``armed`` is what its :class:`~wabox.engine.effect.Arm` said. A stale one changes nothing."""
    timer = snapshot.timers.get(name)
    if snapshot.status != "active" or timer is None or timer[1] != armed:
        return Step(snapshot)
    event = due_event(name)
    run = Conversation(charts, event, now, snapshot, checked(charts, snapshot))
    del run.timers[name]
    left = dict(run.timers)
    return _step(run, snapshot, left, run.handle(event))


def answer(charts: Charts, snapshot: Snapshot, source: tuple[str, str, int], event: Event, now: int) -> Step:
    """Handle what a call brought; ``source`` is chart, id and ``armed`` of its :class:`~wabox.engine.effect.Invoke`.

    One that nobody waits for any more changes nothing. A suspended frame gets it when it is resumed.
    """
    chart, id_, armed = source
    if snapshot.status != "active":
        return Step(snapshot)
    if snapshot.chart.partition("@")[0] == chart and snapshot.invokes.get(id_) == armed:
        run = Conversation(charts, event, now, snapshot, checked(charts, snapshot))
        run.invokes = {name: seq for name, seq in snapshot.invokes.items() if name != id_}
        return _step(run, snapshot, snapshot.timers, run.handle(event))
    for place, frame in enumerate(snapshot.stack):
        ours = frame.chart.partition("@")[0] == chart and frame.invokes.get(id_) == armed
        if ours and id_ not in frame.results:
            kept = msgspec.structs.replace(
                frame,
                results={**frame.results, id_: (event.name, copied_plain(event.data))},
            )
            stack = (*snapshot.stack[:place], kept, *snapshot.stack[place + 1 :])
            after = msgspec.structs.replace(snapshot, stack=stack, seq=snapshot.seq + 1)
            return Step(after, handled=True, events=(event.name,))
    return Step(snapshot)


class _Calm:
    """What a calm action reaches of :class:`wabox.engine.state.Running`."""

    __slots__ = ("context", "effects", "event")

    def __init__(self, context: dict[str, Any], event: Event) -> None:
        self.context = context
        self.event = event
        self.effects: list[Effect] = []


def _short(config: Configuration, snapshot: Snapshot, event: Event, now: int) -> Step | None:
    """The short way: one transition whose plan is known and rests, and no detour in sight. None: take the long way.

    Most events are like that, and take half the time. Whatever goes wrong here is left to the long way, which begins from
    the same snapshot; the property tests compare the two.
    """
    name = event.name
    rows = config.rows.get(name)
    if not rows or len(rows) > 1 or name in config.detours or name in (COLLECTED, CORRECTED):
        return None
    given: Any = _Calm(snapshot.context, event)
    try:
        for chosen in rows[0]:
            if chosen.guard is None or chosen.guard.test(given.context, event, config.active):
                break
        else:
            return None
        plan = config.plans.get(chosen) or config.plans.get(with_history(config, chosen, snapshot.history))
        if plan is None or not plan.rests:
            return None
        for operation in plan.program.operations:
            operation(given)
    except Exception:  # noqa: BLE001 - a bot's own code may raise anything
        return None
    following, seq = plan.next, snapshot.seq + 1
    timers = snapshot.timers.copy()
    for timer in plan.disarm:
        timers.pop(timer, None)
    for timer, delay in plan.arm:
        timers[timer] = (now + delay, seq)
    if event.customer:
        wind(timers, now, seq, *following.clock)
    elif following.clock != config.clock:
        return None
    back = (*snapshot.back, plan.asked)[-BACK:] if plan.asked is not None else snapshot.back
    if back:
        back = kept(config.chart, back, snapshot.context, given.context, given.effects)
    ask_for(given.effects, timers, snapshot.timers, seq)
    after = Snapshot(
        LAYOUT,
        following.chart.ref,
        following.key,
        given.context,
        {**snapshot.history, **plan.saves} if plan.saves else snapshot.history,
        timers,
        (),
        "active",
        seq,
        snapshot.language,
        snapshot.misses,
        snapshot.invokes,
        snapshot.tries if following is config else 0,
        False,
        back,
        "",
        snapshot.pieces,
        snapshot.temper,
    )
    return Step(after, tuple(given.effects), True, (name,), (), plan.taken, plan.program.labels, plan.entered)


def _step(run: Conversation, before: Snapshot | None, left: Mapping[str, tuple[int, int]], handled: bool) -> Step:
    run.stop(left)
    config = run.config
    after = Snapshot(
        LAYOUT,
        config.chart.ref,
        config.key,
        run.context,
        run.history,
        run.timers,
        run.stack,
        "done" if run.over else "active",
        run.seq,
        None if before is None else before.language,
        0 if before is None else before.misses,
        run.invokes,
        before.tries if before is not None and before.leaves == config.key and before.chart == config.chart.ref else 0,
        False,
        run.back,
        "",
        () if before is None else before.pieces,
        () if before is None else before.temper,
    )
    return Step(after, tuple(run.effects), handled, run.events, run.unhandled, run.taken, run.actions, run.entered)
