"""Chance that can be repeated: what is drawn depends on the seed, on what it is for and about whom, and how often it was drawn.

A shared generator would give each draw to whoever happens to come first, and two conversations at the same time never come in
the same order twice. Here every customer has draws of their own, so the same seed and the same messages are the same day.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b


class Lot:
    """Numbers for one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._drawn: Counter[tuple[str, str]] = Counter()

    def draw(self, what: str, about: str) -> float:
        """0 ≤ x < 1, the next one of this kind about this customer."""
        self._drawn[what, about] += 1
        ticket = f"{self.seed}\0{what}\0{about}\0{self._drawn[what, about]}".encode()
        return int.from_bytes(blake2b(ticket, digest_size=8).digest()) / 2**64

    def between(self, least: float, most: float, what: str, about: str) -> float:
        """The same, as a number in a range."""
        return least + (most - least) * self.draw(what, about)
