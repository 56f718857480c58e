"""What could not be carried over, and where it stands in the original."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wabox.flowfile.document import START, Mark, Steps


@dataclass(frozen=True, slots=True)
class Note:
    path: Steps
    """Where it belongs in the new definition."""
    sentence: str
    mark: Mark = START
    """Where it stands in the original."""


@dataclass(slots=True)
class Brought:
    """A chart of another make as a definition of ours."""

    definition: dict[str, Any]
    notes: list[Note] = field(default_factory=list)
    guards: dict[str, str] = field(default_factory=dict)
    """Guards that the chart calls by name and that nobody wrote yet: name → what the original says."""
    actions: dict[str, str] = field(default_factory=dict)


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}
