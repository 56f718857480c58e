"""How wide a text is in a sans-serif face, and how it is broken. An estimate on the safe side: no font is at hand."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_NARROW = frozenset("iljtfrI.,:;'|!()[]{}-/ ")
_WIDE = frozenset("mwMW@%&→⇒…")


@lru_cache(maxsize=4_096)
def width(text: str, size: float) -> float:
    """px of a text of this size."""
    return sum(map(_em, text)) * size


def _em(sign: str) -> float:
    if sign in _NARROW:
        return 0.34
    if sign in _WIDE:
        return 0.9
    if sign.isascii():
        return 0.7 if sign.isupper() else 0.6
    if unicodedata.combining(sign):
        return 0
    return 1.05 if unicodedata.east_asian_width(sign) in "WF" else 0.68


def cut(text: str, size: float, room: float) -> str:
    """The text, or as much of it as fits before an ellipsis."""
    if width(text, size) <= room:
        return text
    while text and width(text, size) + size > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, size: float, room: float, most: int) -> list[str]:
    """Lines of at most ``room`` px, broken after blanks and _ - . or inside a word that is too long; the last of ``most``
    says with an ellipsis that there is more."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line and width(line + piece.rstrip(), size) > room:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while width(line.rstrip(), size) > room:
            fits = 1
            while width(line[: fits + 1], size) <= room:
                fits += 1
            lines.append(line[:fits])
            line = line[fits:]
    if line.strip() or not lines:
        lines.append(line.rstrip())
    if len(lines) > most:
        lines = [*lines[: most - 1], cut(lines[most - 1] + " …", size, room - size)]
        lines[-1] = lines[-1].rstrip(" …") + "…"
    return lines


def _pieces(text: str) -> list[str]:
    pieces, piece = [], ""
    for sign in text:
        piece += sign
        if sign in " _-.":
            pieces.append(piece)
            piece = ""
    return [*pieces, piece] if piece else pieces
