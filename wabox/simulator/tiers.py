"""Who decided what the customers' messages mean: the figures that say whether a language model would be worth its money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wabox.core.intent import Tier, Understanding

ORDER: tuple[Tier, ...] = ("structured", "type", "expected", "rules", "classifier", "documents", "llm", "fallback")
UNDECIDED: frozenset[Tier] = frozenset({"llm", "fallback"})


class Tiers:
    """Counts turns."""

    def __init__(self) -> None:
        self.counts: Counter[Tier] = Counter()
        self.clarified = 0
        """Of those of the fallback: the classifier asked which of two is meant."""

    def see(self, found: Understanding) -> None:
        self.counts[found.tier] += 1
        self.clarified += bool(found.ask)

    @property
    def decided(self) -> float:
        """The share, 0 to 1, that was decided before any language model would be asked."""
        total = self.counts.total()
        return 1 - sum(self.counts[tier] for tier in UNDECIDED) / total if total else 1.0

    @property
    def decided_of_typed(self) -> float:
        """The same of what was typed: taps decide themselves."""
        typed = self.counts.total() - self.counts["structured"] - self.counts["type"]
        return 1 - sum(self.counts[tier] for tier in UNDECIDED) / typed if typed else 1.0

    def lines(self, bot: str) -> Iterator[str]:
        """For a person."""
        total = self.counts.total()
        typed = f"{self.decided_of_typed:.1%} of what was typed"
        yield f"{bot}: {total} messages; {self.decided:.1%} decided before any language model, {typed}"
        for tier in ORDER:
            if self.counts[tier]:
                more = f", {self.clarified} of them asked which of two" if tier == "fallback" and self.clarified else ""
                yield f"  {tier:<10} {self.counts[tier]:>6}  {self.counts[tier] / total:6.1%}{more}"

    def to_json(self) -> dict[str, float | int]:
        counts: dict[str, float | int] = {tier: self.counts[tier] for tier in ORDER if self.counts[tier]}
        return {**counts, "decided": round(self.decided, 4), "decided_of_typed": round(self.decided_of_typed, 4)}
