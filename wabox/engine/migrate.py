"""A declared migration, carried out: see :mod:`wabox.engine.migration` for how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.engine.chart import Chart
from wabox.engine.configuration import Configuration, check_history, configuration
from wabox.engine.effect import CloseHandoff, Effect, OpenHandoff
from wabox.engine.event import AFTER
from wabox.engine.migration import Migration
from wabox.engine.place import MisfitError, Place, Timers, awaited, begin
from wabox.engine.plan import inside
from wabox.engine.snapshot import Frame, Snapshot
from wabox.engine.value import copied_plain
from wabox.engine.variables import variables
from wabox.errors import ConversationError


def migrate(
    chart: Chart, migration: Migration, frame: Frame | Snapshot, old: Chart | None, now: int | None, seq: int
) -> Place:
    ids = [migration.state(leaf) for leaf in frame.leaves]
    gone = tuple(old_id for old_id, new_id in zip(frame.leaves, ids, strict=True) if new_id not in chart.states)
    if gone:
        raise MisfitError(f"the migration of {chart.id} does not say where {', '.join(gone)} went", gone)
    try:
        config = inside(chart, [chart.states[id_] for id_ in ids])
        configuration(chart, config.key)
        before = None if old is None or old.ref != frame.chart else configuration(old, frame.leaves)
    except ConversationError as error:
        raise MisfitError(str(error)) from error
    awaited(frame, config)
    default = {name: value for name, value in migration.default.items() if name not in migration.drop}
    stored = {**copied_plain(default), **_renamed(migration, frame.context)}
    declared = {} if old is None else _renamed(migration, old.context)
    context = variables(chart, {name: value for name, value in declared.items() if name not in default}, stored)
    timers: Timers = {}
    for name, timer in frame.timers.items():
        new = migration.timer(name)
        active = new is not None and (not new.startswith(AFTER) or new.split(":", 2)[2] in config.active)
        if new is not None and active and (new in chart.timers or new.startswith("raise:")):
            timers[new] = timer
    if before is not None:
        begin(timers, config, {migration.state(state.id): state.after for state in before.states}, now, seq)
    effects = () if before is None else _entered(before, config, migration, isinstance(frame, Snapshot))
    history = _history(chart, migration, frame.history)
    back = tuple(id_ for id_ in map(migration.state, frame.back) if id_ in chart.states)
    return Place(chart, config, context, history, timers, back, migrated=True, effects=effects)


def _entered(before: Configuration, config: Configuration, migration: Migration, active: bool) -> tuple[Effect, ...]:
    """What coming into other states means to the world, though nothing is entered: people get the case, or give it back."""
    called = {spec.id for state in before.states for spec in state.invokes}
    for state in config.states:
        if any(spec.id not in called for spec in state.invokes):
            raise MisfitError(f"state {state.id} waits for a call that is only made when it is entered")
    old = next((state for state in before.states if state.handoff), None)
    new = next((state for state in config.states if state.handoff), None)
    if (old is None) == (new is None):
        return ()
    if not active:
        raise MisfitError("a suspended chart cannot give the conversation to people")
    if new is None or new.handoff is None:
        return (CloseHandoff(migration.state(old.id)),) if old is not None else ()
    return (OpenHandoff(new.handoff.queue, new.handoff.priority, new.handoff.reason, new.id),)


def _renamed(migration: Migration, context: Mapping[str, Any]) -> dict[str, Any]:
    """Variables under their new names, without those that are dropped."""
    rest = {name: value for name, value in context.items() if name not in migration.rename}
    moved = {new: context[name] for name, new in migration.rename.items() if name in context}
    return {name: value for name, value in {**rest, **moved}.items() if name not in migration.drop}


def _history(chart: Chart, migration: Migration, history: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What is remembered under its new names; what fits no more is forgotten, so the history's default holds."""
    kept: dict[str, tuple[str, ...]] = {}
    for name, ids in history.items():
        one = {migration.state(name): tuple(migration.state(id_) for id_ in ids)}
        try:
            check_history(chart, one)
        except ConversationError:
            continue
        kept |= one
    return kept
