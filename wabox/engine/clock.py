"""Clocks that the services move, between two steps: a reminder put off or left out, words that wait for more words.

Nothing of the chart runs here. Each returns a :class:`~wabox.engine.step.Step` whose snapshot has the next ``seq``.
"""

from __future__ import annotations

import msgspec

from wabox.engine.effect import Arm, Disarm
from wabox.engine.snapshot import Snapshot
from wabox.engine.step import Step

QUIET = "quiet"
"""The timer that ends the wait for more words."""


def postpone(snapshot: Snapshot, name: str, due_at: int) -> Step:
    """Let a timer come at ``due_at`` (ms since the epoch) instead."""
    seq = snapshot.seq + 1
    timers = {**snapshot.timers, name: (due_at, seq)}
    return Step(msgspec.structs.replace(snapshot, timers=timers, seq=seq), (Arm(name, due_at, seq),), True)


def leave_out(snapshot: Snapshot, name: str) -> Step:
    """Forget a timer."""
    timers = {other: timer for other, timer in snapshot.timers.items() if other != name}
    return Step(msgspec.structs.replace(snapshot, timers=timers, seq=snapshot.seq + 1), (Disarm(name),), True)


def hold(snapshot: Snapshot, text: str, due_at: int) -> Step:
    """Keep what the customer wrote until ``due_at`` without a further word."""
    found = postpone(snapshot, QUIET, due_at)
    held = msgspec.structs.replace(found.snapshot, pieces=(*snapshot.pieces, text))
    return Step(held, found.effects, True)


def release(snapshot: Snapshot) -> tuple[Step, str]:
    """What was held, a piece a line; nothing waits any more."""
    found = leave_out(snapshot, QUIET)
    text = "\n".join(snapshot.pieces)
    return Step(msgspec.structs.replace(found.snapshot, pieces=()), found.effects, True), text
