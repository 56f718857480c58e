"""A circuit breaker: whoever failed several times in a row is left alone for a while, and then tried with one request."""

from __future__ import annotations

FAILURES = 3
"""In a row, until it opens."""
FIRST_PAUSE, LONGEST_PAUSE = 30_000, 600_000
"""ms; each failure of the one request that tries again doubles it."""


class Breaker:
    """Times are ms since the epoch."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._until = 0
        self._trying = False

    def allows(self, now: int) -> bool:
        """Whether to try; a yes after a pause is for one only, until it says how it went."""
        if not self._until:
            return True
        if now < self._until or self._trying:
            return False
        self._trying = True
        return True

    def went(self, well: bool, now: int) -> bool:
        """How it went; whether this opened it."""
        self._trying = False
        if well:
            self._failures, self._pause, self._until = 0, FIRST_PAUSE, 0
            return False
        self._failures += 1
        if self._until:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        elif self._failures < FAILURES:
            return False
        self._until = now + self._pause
        return True

    def leave(self) -> None:
        """It was not tried after all, or nobody waited to see how it went."""
        self._trying = False
