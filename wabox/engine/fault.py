"""One thing that an author should repair in a chart that compiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wabox.engine.problem import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that an author should repair."""

    chart: str
    """Id."""
    path: Path
    """Where in the chart's definition."""
    code: str
    sentence: str
    fix: str
    severity: Literal["error", "warning"] = "error"
