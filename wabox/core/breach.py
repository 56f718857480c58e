"""One reason why WhatsApp would refuse a message, as a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitBreach:
    """One reason why WhatsApp would refuse a message."""

    path: Path
    """Where in the content: ``("text",)``, ``("buttons", 1, "title")``, ``("list", "sections", 0, "rows", 2)``"""
    what: str
    """The element in words: ``the title of button 2``."""
    limit: int
    """The most that is allowed; for a rule that is not about size, what was wanted (1 title, 0 repeats)."""
    actual: int
    sentence: str
    fix: str


def length(path: Path, what: str, text: str, limit: int) -> Iterator[LimitBreach]:
    """Too long, or nothing at all."""
    if len(text) > limit:
        sentence = f"has {len(text)} characters, WhatsApp takes {limit}"
        yield rule(path, what, limit, len(text), sentence, f"say it in {limit} characters or fewer")
    elif not text.strip():
        yield rule(path, what, 1, 0, "is empty", "write something there, or leave the key out")


def rule(path: Path, what: str, limit: int, actual: int, rest: str, fix: str) -> LimitBreach:
    """``rest`` is the sentence after ``what``."""
    return LimitBreach(path=path, what=what, limit=limit, actual=actual, sentence=f"{what} {rest}", fix=fix)
