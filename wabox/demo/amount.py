"""How much of a fault, as people write it.

=========  =====================================================
``5%``     by lot, that part of what it can happen to
``3x``     the next three
``1h``     everything, for that long from now on
``on``     everything, until it is switched off
``off``    nothing
=========  =====================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wabox.core.duration import parse_duration, written

_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%", re.ASCII)
_TIMES = re.compile(r"(\d{1,6})\s*x", re.ASCII | re.IGNORECASE)


@dataclass(slots=True)
class Amount:
    """What is left of one fault; the three parts may be combined."""

    share: float = 0.0
    """0 to 1, by lot."""
    left: int = 0
    """So many of the next."""
    until: float = 0.0
    """ms since the epoch: everything before."""

    def strikes(self, now: int, drawn: float) -> bool:
        """Whether it happens now; one of the counted ones is used up by that."""
        if now < self.until:
            return True
        if self.left:
            self.left -= 1
            return True
        return drawn < self.share

    def shown(self, now: int) -> str:
        """As :func:`amount` reads it; empty when nothing is left."""
        if now < self.until:
            return "on" if self.until == float("inf") else written(round(self.until) - now)
        if self.left:
            return f"{self.left}x"
        return f"{self.share * 100:g}%" if self.share else ""


def amount(words: str, now: int) -> Amount:
    """Raises ValueError with a sentence for the person who wrote it."""
    words = words.strip().lower()
    if words in ("off", "0"):
        return Amount()
    if words == "on":
        return Amount(until=float("inf"))
    if (share := _SHARE.fullmatch(words)) and float(share[1]) <= 100:
        return Amount(share=float(share[1]) / 100)
    if times := _TIMES.fullmatch(words):
        return Amount(left=int(times[1]))
    try:
        if not words[-1:].isdigit():
            return Amount(until=now + parse_duration(words))
    except ValueError:
        pass
    raise ValueError(f"{words!r} is no amount; write 5% (by lot), 3x (the next three), 1h (for that long), on or off")
