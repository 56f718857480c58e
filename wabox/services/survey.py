"""Counts the conversations under way by what matters for a version: charts, states, history, timers, kinds of variables.

100,000 conversations have a few hundred such shapes. Each shape is tried on the new version once, by one of its conversations.
Counting is done over the snapshots themselves, in the reader's thread: 100,000 take about a second, and a column kept for it
would cost every turn of every day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wabox.core.version import Standing
from wabox.engine.rebase import Moved, move
from wabox.engine.snapshot import Frame, Snapshot, decode
from wabox.engine.view import held
from wabox.errors import ConversationError
from wabox.flowfile.bot import Bot
from wabox.services.versions import Versions, has


@dataclass(slots=True)
class _Shape:
    example: Snapshot
    count: int = 0
    ids: list[str] = field(default_factory=list)


class Survey:
    """Filled by :meth:`look`."""

    def __init__(self, *, ids: bool = False) -> None:
        self._ids = ids
        self._shapes: dict[object, _Shape] = {}
        self.unreadable = 0

    def look(self, conversation_id: str, data: bytes) -> None:
        """Count one conversation."""
        try:
            snapshot = decode(data)
        except ConversationError:
            self.unreadable += 1
            return
        key = tuple(map(_key, snapshot.frames))
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = _Shape(snapshot)
        shape.count += 1
        if self._ids:
            shape.ids.append(conversation_id)

    def charts(self) -> set[tuple[str, ...]]:
        """The references that occur together."""
        return {shape.example.charts for shape in self._shapes.values()}

    def over(self, on: Versions, since: int) -> Iterator[str]:
        """Ids of the conversations on a version that has not been live since then (ms), or on none."""
        for shape in self._shapes.values():
            at = on.find(shape.example)
            if at is on.live:
                continue
            until = at.version.live_until if at is not None and at.version is not None else None
            if until is None or until <= since:
                yield from shape.ids

    def standings(self, new: Bot, on: Versions | None, now: int) -> tuple[Standing, ...]:
        """What becomes of them when ``new`` is live; ``on`` are the versions that they run on now. The most first."""
        found: dict[tuple[Any, ...], int] = {}
        for shape in self._shapes.values():
            key = _outcome(new, on, shape.example, now)
            found[key] = found.get(key, 0) + shape.count
        standings = [
            Standing(version=version, frames=frames, conversations=count, outcome=outcome, reason=reason, gone=gone)
            for (version, frames, outcome, reason, gone), count in found.items()
        ]
        return tuple(sorted(standings, key=lambda one: (-one.conversations, one.frames)))


def _key(frame: Frame | Snapshot) -> tuple[Any, ...]:
    return (
        frame.chart,
        frame.leaves,
        tuple(frame.history.items()),
        tuple(frame.timers),
        tuple((name, type(value)) for name, value in frame.context.items()),
    )


def _outcome(new: Bot, on: Versions | None, snapshot: Snapshot, now: int) -> tuple[Any, ...]:
    at = on.find(snapshot) if on is not None else None
    number = at.version.number if at is not None and at.version is not None else None
    frames = tuple((frame.chart, *frame.leaves) for frame in snapshot.frames)
    if has(new, snapshot.charts):
        return number, frames, "stay", "nothing changes where they are", ()
    if new.charts[new.main].versioning.policy == "drain" and at is not None:
        return number, frames, "stay", "the flow drains: they end on their version", ()
    found = move(new.charts, snapshot, now, at.bot.charts if at is not None else None)
    if isinstance(found, Moved):
        how = "a migration says where to" if found.how == "migrated" else "everything they use is still there"
        return number, frames, "move", how, ()
    if at is not None and held(at.bot.charts, snapshot):
        return number, frames, "stay", f"they are with a person; {found.reason}", found.gone
    return number, frames, "stranded", found.reason, found.gone


def summed(standings: Collection[Standing] | Sequence[Standing]) -> tuple[int, int, int]:
    """How many stay, move and would be stranded."""
    count = {"stay": 0, "move": 0, "stranded": 0}
    for one in standings:
        count[one.outcome] += one.conversations
    return count["stay"], count["move"], count["stranded"]
