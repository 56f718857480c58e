"""What ``wabox doctor`` finds: one line what, one line what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    """It works, and somebody should look."""
    FAIL = "fail"
    """It does not work, or will not for long."""
    UNKNOWN = "unknown"
    """It could not be looked at: no account, no network, no server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    area: str
    """``machine``, ``bot``, ``cluster``, ``messages``, ``meta``, ``webhook``."""
    check: str
    """What was looked at: ``disk``, ``token`` …"""
    level: Level
    what: str
    todo: str = ""
    """Empty when nobody need do anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step on the way from nothing to a connected number."""

    title: str
    done: bool
    how: tuple[str, ...]
    """Sentences, in the order in which they are done. One that begins with ``$`` is typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    findings: tuple[Finding, ...]
    steps: tuple[Step, ...]

    @property
    def step(self) -> int | None:
        """The first step that is not done, from 0; None: connected."""
        return next((place for place, step in enumerate(self.steps) if not step.done), None)

    @property
    def well(self) -> bool:
        """Nothing fails, and the number is connected."""
        return self.step is None and all(one.level is not Level.FAIL for one in self.findings)


class Notes:
    """Findings of one area, as they are made."""

    def __init__(self, area: str) -> None:
        self._area = area
        self.made: list[Finding] = []

    def ok(self, check: str, what: str, todo: str = "") -> None:
        self._add(check, Level.OK, what, todo)

    def warn(self, check: str, what: str, todo: str) -> None:
        self._add(check, Level.WARN, what, todo)

    def fail(self, check: str, what: str, todo: str) -> None:
        self._add(check, Level.FAIL, what, todo)

    def unknown(self, check: str, what: str, todo: str = "") -> None:
        self._add(check, Level.UNKNOWN, what, todo)

    def _add(self, check: str, level: Level, what: str, todo: str) -> None:
        self.made.append(Finding(area=self._area, check=check, level=level, what=what, todo=todo))
