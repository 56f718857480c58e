"""A frame of a conversation on its way to another chart: what :mod:`wabox.engine.rebase` and migrations share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from wabox.engine.chart import Chart
from wabox.engine.configuration import Configuration
from wabox.engine.effect import Effect
from wabox.engine.event import AFTER
from wabox.engine.snapshot import Frame, Snapshot

Timers: TypeAlias = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why it cannot be moved."""

    reason: str
    """A sentence without a full stop."""
    gone: tuple[str, ...] = ()
    """The states that the live chart does not have."""


class MisfitError(Exception):
    def __init__(self, reason: str, gone: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.misfit = Misfit(reason, gone)


@dataclass(slots=True)
class Place:
    """A frame on its live chart."""

    chart: Chart
    config: Configuration
    context: dict[str, Any]
    history: dict[str, tuple[str, ...]]
    timers: Timers
    back: tuple[str, ...]
    """Those of the questions answered before that the live chart has."""
    migrated: bool = False
    effects: tuple[Effect, ...] = ()


def awaited(frame: Frame | Snapshot, config: Configuration) -> None:
    """A result that is on its way must find whoever asked for it."""
    known = {spec.id for state in config.states for spec in state.invokes}
    if config.chart.id != frame.chart.partition("@")[0]:
        known = set()
    for name in frame.invokes:
        if name not in known:
            raise MisfitError(f"the result of the call {name} is awaited, and {config.chart.id} does not know it")


def delayed(
    timers: Mapping[str, tuple[int, int]], config: Configuration, was: Mapping[str, tuple[int, ...]]
) -> tuple[Timers, dict[str, tuple[int, ...]]]:
    """The timers, and the delays of each state that was active, as if a state's only ``after`` had had its delay of now."""
    found, known = dict(timers), dict(was)
    for state in config.states:
        old = known.get(state.id, ())
        if len(old) == len(state.after) == 1 and old != state.after:
            known[state.id] = state.after  # also if it has fired: it does not begin again
            timer = found.pop(f"{AFTER}{old[0]}:{state.id}", None)
            if timer is not None:
                found[f"{AFTER}{state.after[0]}:{state.id}"] = timer
    return found, known


def begin(timers: Timers, config: Configuration, was: Mapping[str, tuple[int, ...]], now: int | None, seq: int) -> None:
    """Arm the ``after`` timers that a state has now and had not before; ``was``: the delays of each state that was active."""
    for state in config.states:
        for delay in state.after:
            if delay not in was.get(state.id, ()):
                arm(timers, f"{AFTER}{delay}:{state.id}", delay, now, seq)


def arm(timers: Timers, name: str, delay: int, now: int | None, seq: int) -> None:
    timers.setdefault(name, (delay if now is None else now + delay, seq))
