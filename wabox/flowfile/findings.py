"""What is wrong in a bot's folder, said so that its author can act: where, what, and what to do.

One finding reads, at 80 columns::

    flows/shop/flow.yaml:12:15: error[unknown-target]: no state is called
      "chekout" here
       12 |       target: chekout
          |               ^^^^^^^
       fix: did you mean "checkout"?

Line and column count from 1, as editors do. ``code`` is stable: scripts and tests may rely on it.
"""

from __future__ import annotations

import difflib
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]

WIDTH = 80
_TAB = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to repair (``error``: the bot is not loaded) or to look at (``warning``)."""

    file: str
    """As the author would type it, relative to where he stands if that is shorter."""
    line: int
    column: int
    severity: Severity
    code: str
    sentence: str
    fix: str
    source: str = ""
    """The line of the file; empty when the finding is about the whole file."""
    width: int = 1
    """How many characters of it are meant."""

    def to_json(self) -> dict[str, Any]:
        """A JSON object with one member per field."""
        return asdict(self)


_COLOURS = {"error": "1;31", "warning": "1;33", "place": "1", "caret": "1;31", "fix": "1;32"}


def render(finding: Finding, *, colour: bool = False, width: int = WIDTH) -> str:
    """The finding as text of at most ``width`` columns (a file name that is longer stays whole), without a final newline."""

    def paint(text: str, role: str) -> str:
        return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m" if colour else text

    place = f"{finding.file}:{finding.line}:{finding.column}:"
    label = f"{finding.severity}[{finding.code}]:"
    lines = _wrap(f"{place} {label} {finding.sentence}", width, "", "  ")
    text = "\n".join(lines).replace(place, paint(place, "place"), 1).replace(label, paint(label, finding.severity), 1)
    if finding.source.strip():
        number = str(finding.line)
        shown, before, under = _excerpt(finding, width - len(number) - 6)
        margin = " " * len(number)
        text += f"\n   {number} | {shown}\n   {margin} | {' ' * before}{paint('^' * under, 'caret')}"
    if finding.fix:
        fixes = _wrap(f"fix: {finding.fix}", width, "   ", "        ")
        text += "\n" + "\n".join(fixes).replace("fix:", paint("fix:", "fix"), 1)
    return text


def render_all(findings: Sequence[Finding], *, colour: bool = False, width: int = WIDTH) -> str:
    """All findings, a blank line between two, and a last line that counts them."""
    parts = [render(finding, colour=colour, width=width) for finding in findings]
    errors = sum(finding.severity == "error" for finding in findings)
    counts = [_count(errors, "error"), _count(len(findings) - errors, "warning")]
    parts.append(", ".join(count for count in counts if count) or "nothing to report")
    return "\n\n".join(parts)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A fix for a word that is not known: the nearest one that is, or ``otherwise``, or what there is to choose from."""
    choices = list(dict.fromkeys(known))
    lowered = {choice.casefold(): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(word[:200].casefold(), lowered, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{lowered[near[0]]}"?'
    if otherwise:
        return otherwise
    listed = ", ".join(choices[:8]) + (" …" if len(choices) > 8 else "")
    return f"known here: {listed}" if listed else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}" if number else ""


def _wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _excerpt(finding: Finding, room: int) -> tuple[str, int, int]:
    """The part of the source line around the place, columns before the caret, columns under it."""
    start = finding.column - 1
    head, meant = _clean(finding.source[:start]), _clean(finding.source[start : start + finding.width])
    tail = _clean(finding.source[start + finding.width :])
    if columns(head + meant + tail) + (not meant) > room:
        if columns(head) > room // 2:
            head = "…" + _end(head, room // 2 - 1)
        rest = meant + tail
        if columns(head + rest) + (not meant) > room:
            rest = _start(rest, room - columns(head) - 1) + "…"
            tail = rest[len(meant) :]
            meant = rest[: len(meant)]
    return head + meant + tail, columns(head), max(1, columns(meant))


def _clean(text: str) -> str:
    return "".join(_TAB if sign == "\t" else sign if sign.isprintable() else "�" for sign in text)


def _start(text: str, room: int) -> str:
    """As much of the beginning as fits."""
    while columns(text) > room:
        text = text[: -max(1, (columns(text) - room) // 2)]
    return text


def _end(text: str, room: int) -> str:
    while columns(text) > room:
        text = text[max(1, (columns(text) - room) // 2) :]
    return text


def columns(text: str) -> int:
    """How many terminal columns a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) or unicodedata.category(sign) in ("Mn", "Me", "Cf")
        else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )  # fmt: skip
