"""What is wrong with a chart's definition, said to the person who writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wabox.errors import FlowError

Path: TypeAlias = tuple[str | int, ...]
"""Where in a definition: keys and list positions from its root, ``("states", "pay", "on", "PAID", 0, "target")``."""


@dataclass(frozen=True, slots=True)
class Problem:
    path: Path
    """Where it is."""
    code: str
    """Which rule, such as ``unknown-target``."""
    sentence: str
    """What is wrong."""
    fix: str
    """What to do about it."""


class ChartError(FlowError):
    """A definition that is no chart. ``problems`` has everything that was found; the other attributes are the first's."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        first = self.problems[0]
        self.path = first.path
        self.sentence = first.sentence
        self.fix = first.fix
        where = ".".join(str(part) for part in first.path) or "the chart"
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(f"{where}: {first.sentence}; {first.fix}{more}")
