"""A conversation of an older version: onto the live charts, when that provably breaks nothing, or as a migration says.

*Compatible* means, for every frame of the stack: each active state, remembered history and running timer exists in the live
chart with the same type, a state that gives the conversation to people (or waits for an action's result) still does and no
other began to, and no variable changed its type. Adding a transition, a text or a state strands nobody.

A declared migration goes first where one fits, because it may say what no comparison can see: that ``addr`` is called
``address`` now. When what it makes is no conversation of the live chart, the comparison is tried.

Moving enters nothing and says nothing. New variables get their defaults; a stored value is never replaced. Timers that the
live chart has and the old one had not begin now. ``soft`` and ``hard`` end where no state asks for them any more. A running
``after`` that the live chart has no more is no fit: only its author knows what is to happen instead (a migration says it). But
where a state had one ``after`` and has one now, that is the same with another delay: it keeps the time at which it is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from wabox.engine.chart import Chart, Charts
from wabox.engine.configuration import Configuration, check_history, check_timers, configuration
from wabox.engine.effect import Arm, Disarm, Effect
from wabox.engine.migrate import migrate
from wabox.engine.migration import Migration
from wabox.engine.place import Misfit, MisfitError, Place, Timers, arm, awaited, begin, delayed
from wabox.engine.snapshot import Frame, Snapshot
from wabox.engine.state import State
from wabox.engine.variables import TypeChanged, variables
from wabox.errors import ConversationError


@dataclass(frozen=True, slots=True)
class Moved:
    """The conversation on the live charts."""

    snapshot: Snapshot
    effects: tuple[Effect, ...] = ()
    """Timers that begin or end with the move."""
    how: Literal["same", "compatible", "migrated"] = "same"


def move(charts: Charts, snapshot: Snapshot, now: int, older: Mapping[str, Chart] | None = None) -> Moved | Misfit:
    """The snapshot on the live ``charts``, or why not. Never raises.

    ``older`` has the charts that it is in, by reference; of those that are missing only the snapshot can be compared.
    """
    if all(_live(charts, ref) for ref in snapshot.charts):
        return Moved(snapshot)
    known = {**{chart.ref: chart for chart in charts.live.values()}, **(older or {})}
    try:
        below = [_frame(charts, frame, known.get(frame.chart), None) for frame in snapshot.stack]
        top = _frame(charts, snapshot, known.get(snapshot.chart), now)
        if any(one.chart is other.chart for one, other in _pairs([*below, top])):
            raise MisfitError("one chart would be on the stack twice")
        _clocks(snapshot, top, below, known, now)
    except MisfitError as problem:
        return problem.misfit
    except TypeChanged as problem:
        return Misfit(str(problem))
    moved = msgspec.structs.replace(
        snapshot,
        chart=top.chart.ref,
        leaves=top.config.key,
        context=top.context,
        history=top.history,
        timers=top.timers,
        back=top.back,
        stack=tuple(
            msgspec.structs.replace(
                frame,
                chart=place.chart.ref,
                leaves=place.config.key,
                context=place.context,
                history=place.history,
                timers=place.timers,
                back=place.back,
            )
            for frame, place in zip(snapshot.stack, below, strict=True)
        ),
    )
    migrated = any(place.migrated for place in (*below, top))
    return Moved(
        moved, (*top.effects, *_changes(snapshot.timers, top.timers)), "migrated" if migrated else "compatible"
    )


def rebase(charts: Charts, snapshot: Snapshot) -> Snapshot | None:
    """The snapshot on charts that are loaded; ``None`` when they have no such states. For charts whose past is unknown."""
    if all(ref in charts for ref in snapshot.charts):
        return snapshot
    moved = move(charts, snapshot, 0)
    return moved.snapshot if isinstance(moved, Moved) else None


def _live(charts: Charts, ref: str) -> bool:
    chart = charts.live.get(ref.partition("@")[0])
    return chart is not None and chart.ref == ref


def _pairs(places: list[Place]) -> Iterable[tuple[Place, Place]]:
    return ((one, other) for at, one in enumerate(places) for other in places[at + 1 :])


def _frame(charts: Charts, frame: Frame | Snapshot, old: Chart | None, now: int | None) -> Place:
    """``now`` is None for a suspended frame: its timers hold what remains."""
    id_ = frame.chart.partition("@")[0]
    chart = charts.live.get(id_)
    found = _migration(charts, chart, frame.chart)
    seq = frame.seq if isinstance(frame, Snapshot) else 0
    if found is None:
        if chart is None:
            raise MisfitError(f"there is no chart {id_} any more")
        return _compatible(chart, frame, old, now, seq)
    try:
        return migrate(found[0], found[1], frame, old, now, seq)
    except (MisfitError, TypeChanged) as problem:
        if chart is None:
            raise
        try:
            return _compatible(chart, frame, old, now, seq)
        except (MisfitError, TypeChanged):
            # What is wrong with the migration is what its author has to know.
            raise problem from None


def _migration(charts: Charts, chart: Chart | None, ref: str) -> tuple[Chart, Migration] | None:
    if chart is not None and chart.ref == ref:
        return None
    candidates = [chart] if chart is not None else []
    candidates += [other for other in charts.live.values() if other is not chart]
    return next(
        (
            (one, migration)
            for one in candidates
            for migration in one.versioning.migrations
            if migration.fits(one.id, ref)
        ),
        None,
    )


def _compatible(chart: Chart, frame: Frame | Snapshot, old: Chart | None, now: int | None, seq: int) -> Place:
    gone = tuple(leaf for leaf in frame.leaves if leaf not in chart.states)
    if gone:
        raise MisfitError(f"{'state' if len(gone) == 1 else 'states'} {', '.join(gone)} gone from {chart.id}", gone)
    try:
        config = configuration(chart, frame.leaves)
        check_history(chart, frame.history)
        before = None if old is None or old.ref != frame.chart else configuration(old, frame.leaves)
        was = {} if before is None else {state.id: state.after for state in before.states}
        timers, was = delayed(frame.timers, config, was)
        check_timers(chart, timers)
    except ConversationError as error:
        raise MisfitError(str(error)) from error
    awaited(frame, config)
    if before is not None and old is not None:
        for state in before.states:
            _same(state, chart.states[state.id], chart)
        for name in frame.history:
            if name in old.states and old.states[name].history != chart.states[name].history:
                raise MisfitError(f"history {name} of {chart.id} is {chart.states[name].history} now")
    context = variables(chart, {} if old is None else old.context, frame.context)
    if before is not None:
        begin(timers, config, was, now, seq)
    back = tuple(id_ for id_ in frame.back if id_ in chart.states)
    return Place(chart, config, context, dict(frame.history), timers, back)


def _same(old: State, new: State, chart: Chart) -> None:
    where = f"state {new.id} of {chart.id}" if new.id else f"the root of {chart.id}"
    if old.type != new.type:
        raise MisfitError(f"{where} is {new.type} now, it was {old.type}")
    if (old.handoff is None) != (new.handoff is None):
        does = "gives the conversation to people now" if new.handoff else "does not give it to people any more"
        raise MisfitError(f"{where} {does}")
    if _calls(old) != _calls(new):
        raise MisfitError(f"{where} waits for another action's result now")


def _calls(state: State) -> list[str]:
    """What the state invokes, by what its result is called."""
    return sorted(spec.id for spec in state.invokes)


def _clocks(snapshot: Snapshot, top: Place, below: list[Place], older: Mapping[str, Chart], now: int) -> None:
    """Soft and hard: end those that no state asks for any more, begin those that none asked for before."""
    new = _in_force([*below, top])
    try:
        were = [configuration(older[frame.chart], frame.leaves) for frame in snapshot.frames if frame.chart in older]
    except ConversationError:
        were = []
    old = _delays(were) if len(were) == len(snapshot.charts) else None
    for name, at in (("soft", 0), ("hard", 1)):
        if not new[at]:
            top.timers.pop(name, None)
        elif old is not None and not old[at]:
            arm(top.timers, name, new[at], now, snapshot.seq)


def _in_force(places: list[Place]) -> tuple[int, int]:
    return _delays([place.config for place in places])


def _delays(configs: list[Configuration]) -> tuple[int, int]:
    soft = next((one.soft for one in reversed(configs) if one.soft is not None), None)
    hard = next((one.hard for one in reversed(configs) if one.hard is not None), None)
    return soft or 0, hard or 0


def _changes(before: Mapping[str, tuple[int, int]], after: Timers) -> tuple[Effect, ...]:
    ended = [Disarm(name) for name in before if name not in after]
    begun = [Arm(name, *timer) for name, timer in after.items() if before.get(name) != timer]
    return (*ended, *begun)
