"""A template as WhatsApp has it, in one language; what differs from it is refused there (132000, 132001).

Shapes: Meta, "message templates" and the webhooks about them (Oct 2026). Every list of words
is open: what Meta invents next is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

APPROVED = "APPROVED"
SENDABLE = frozenset({APPROVED, "FLAGGED", "REINSTATED", "UNARCHIVED"})
"""Statuses, and webhook events, after which it can be sent. A flagged one is about to lose that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate:
    """JSON-serialisable."""

    name: str
    language: str
    """As WhatsApp writes it: ``en``, ``es_MX``."""
    status: str
    """APPROVED PENDING REJECTED PAUSED DISABLED IN_APPEAL …"""
    category: str
    """marketing, utility, authentication."""
    id: str = ""
    parameters: str = "positional"
    """``positional``: {{1}}; ``named``: {{name}}."""
    quality: str = ""
    """GREEN YELLOW RED UNKNOWN."""
    reason: str = ""
    """Why it was rejected, paused or disabled."""
    components: tuple[Mapping[str, Any], ...] = ()
    """As Meta writes them: HEADER, BODY, FOOTER, BUTTONS."""
    asked_at: int = 0
    """When WhatsApp was last asked, ms since the epoch."""
    changed_at: int | None = None
    """When a webhook last said something about it."""

    @property
    def sendable(self) -> bool:
        return self.status in SENDABLE

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.language


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateChange:
    """What became different at WhatsApp since we last knew."""

    name: str
    language: str
    what: str
    """``status``, ``category``, ``quality``, ``words``, ``new``, ``gone``."""
    before: str = ""
    after: str = ""

    @property
    def sentence(self) -> str:
        match self.what:
            case "new":
                return f"{self.name} ({self.language}) is new: {self.after}"
            case "gone":
                return f"{self.name} ({self.language}) is gone from WhatsApp"
            case "words":
                return f"{self.name} ({self.language}) has other words"
        return f"{self.name} ({self.language}): {self.what} {self.before or 'unknown'} → {self.after or 'unknown'}"


def changes(before: StoredTemplate | None, after: StoredTemplate | None) -> list[TemplateChange]:
    """What differs; ``None``: it is not there."""
    one = after or before
    if one is None:
        return []
    if before is None or after is None:
        what = "new" if before is None else "gone"
        return [TemplateChange(name=one.name, language=one.language, what=what, after=one.status.lower())]
    found = [
        TemplateChange(name=one.name, language=one.language, what=what, before=old, after=new)
        for what, old, new in (
            ("status", before.status, after.status),
            ("category", before.category, after.category),
            ("quality", before.quality, after.quality),
        )
        if old != new
    ]
    if [*before.components] != [*after.components]:
        found.append(TemplateChange(name=one.name, language=one.language, what="words"))
    return found
