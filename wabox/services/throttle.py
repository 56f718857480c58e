"""How often somebody may: a bucket for each, in memory."""

from __future__ import annotations

from typing import Final

from wabox.core.ports import Clock

KEPT: Final = 10_000
"""Buckets; above that those that are full again are forgotten, then the oldest."""


class Throttle:
    def __init__(self, clock: Clock, *, burst: int, every: float) -> None:
        """``burst`` at once, then one in ``every`` ms."""
        self._clock = clock
        self._room = (burst - 1) * every
        self._every = every
        self._ready: dict[str, float] = {}
        """When everything that somebody took will have been given back, ms (the generic cell rate algorithm)."""

    def take(self, who: str) -> float:
        """0: go on; else ms to wait."""
        now = self._clock()
        ready = max(self._ready.pop(who, 0.0), float(now))
        over = ready - now - self._room
        if over > 0:
            self._ready[who] = min(ready, now + self._room + self._every)  # a clock that was set back locks nobody out
            return over
        self._ready[who] = ready + self._every
        if len(self._ready) > KEPT:
            self._shrink(now)
        return 0.0

    def _shrink(self, now: float) -> None:
        self._ready = {who: ready for who, ready in self._ready.items() if ready > now}
        while len(self._ready) > KEPT:
            del self._ready[next(iter(self._ready))]
