"""How findings quote what an author wrote: short, on one line, and harmless for a terminal."""

from __future__ import annotations

_LONGEST = 60


def quoted(text: str) -> str:
    """``"text"``, cut after 60 characters, control characters shown as escapes."""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return '"' + "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in short) + '"'


def listed(names: list[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"
