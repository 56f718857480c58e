"""How fast messages may leave before Meta complains: per number (80 a second), and per customer (one in 6 s, 45 at once).

Both are the same counter: the moment at which the quota would be whole again. A message moves it on by its share; when it is
further ahead than the burst, the rest is what to wait. So a place in the queue is a number, and nothing has to be awaited.
Source: Meta, "Throughput" and "About the platform" (Oct 2026). Upgraded numbers have 1,000 a second, coexistence numbers 20.
"""

from __future__ import annotations

RATE = 80.0
"""Messages a second per number."""
BURST = 50.0
"""ms of a number's rate that may leave at once."""
SHARED_BURST = 500.0
"""The same where several processes share a number's rate: what comes to one of them comes in heaps, and the others' shares are
free meanwhile."""
PAIR_STEP = 6_000.0
"""ms per message to one customer."""
PAIR_BURST = 45 * PAIR_STEP
SLOWEST = 1.0
"""Messages a second, however often Meta refuses."""
RECOVERY = 1000
"""Sent messages after which a number that was slowed down has its whole rate again."""
FULL = 80.0
"""Per cent of Meta's quota from which on we slow down."""


class Pace:
    """One number's. Times are ms since the epoch."""

    __slots__ = ("_free", "_full", "_rate")

    def __init__(self, rate: float) -> None:
        """``rate`` in messages a second."""
        self._full = self._rate = rate
        self._free = 0.0

    @property
    def full(self) -> float:
        """Messages a second that the number may send."""
        return self._full

    def limit(self, rate: float) -> None:
        """The number may send so many a second from now on; while Meta is refusing, no faster than before."""
        self._rate = rate if self._rate == self._full else min(self._rate, rate)
        self._full = rate

    @property
    def rate(self) -> float:
        """Messages a second at present."""
        return self._rate

    def ahead(self, now: float) -> float:
        """ms that the next message would wait."""
        return max(0.0, self._free - now - BURST)

    def take(self, now: float, share: float = 1.0) -> float:
        """Take the next place; ms to wait until it comes. ``share``: how much of the rate is this process's, 0 < x ≤ 1."""
        step = 1000.0 / (self._rate * share)
        self._free = max(self._free, now) + step
        return max(0.0, self._free - now - (BURST if share == 1.0 else max(SHARED_BURST, step)))

    def refused(self) -> None:
        """Meta says that it was too fast."""
        self._rate = max(SLOWEST, self._rate / 2)

    def sent(self, usage: float | None) -> None:
        """Meta took one; ``usage`` is how much of the quota is gone, in per cent, if it said so."""
        if usage is not None and usage > FULL:
            self._rate = max(SLOWEST, self._full * max(0.0, 100.0 - usage) / (100.0 - FULL))
        elif self._rate < self._full:
            self._rate = min(self._full, self._rate + self._full / RECOVERY)


class Pairs:
    """Every customer's, by conversation. Only those who were written to within minutes are held."""

    def __init__(self) -> None:
        self._whole: dict[str, float] = {}
        self._most = 4096

    def take(self, conversation_id: str, now: float) -> float:
        """Take the next place; ms to wait until it comes."""
        whole = self._whole
        free = max(whole.get(conversation_id, 0.0), now) + PAIR_STEP
        whole[conversation_id] = free
        if len(whole) > self._most:
            self._whole = {key: at for key, at in whole.items() if at > now}
            self._most = max(4096, 2 * len(self._whole))
        return max(0.0, free - now - PAIR_BURST)
