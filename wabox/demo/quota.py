"""Meta's limits on sending, as Meta keeps them: per customer, and per number.

Source: Meta, "About the platform" and "Throughput" (Oct 2026): one message in 6 s to the same customer, of which 45 may be
borrowed from the future; 80 messages a second per number. A message that is refused counts for nothing.
"""

from __future__ import annotations

from collections import deque

PAIR_EVERY = 6_000
"""ms."""
PAIR_AT_ONCE = 45
NUMBER_A_SECOND = 80


class Quota:
    """Of one business number."""

    def __init__(self) -> None:
        self._owed: dict[str, int] = {}
        """By customer: when everything that was borrowed is paid back, ms since the epoch."""
        self._second: deque[int] = deque()
        """When the messages of the last second were taken."""

    def refuses(self, customer: str, now: int) -> int | None:
        """Meta's code, if this message is one too many; otherwise it is counted."""
        owed = max(self._owed.get(customer, now), now)
        if owed - now > (PAIR_AT_ONCE - 1) * PAIR_EVERY:
            return 131056
        while self._second and self._second[0] <= now - 1000:
            self._second.popleft()
        if len(self._second) >= NUMBER_A_SECOND:
            return 130429
        self._owed[customer] = owed + PAIR_EVERY
        self._second.append(now)
        return None
