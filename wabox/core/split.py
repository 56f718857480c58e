"""A text that is too long for one message, cut where a reader would pause.

At the end of a paragraph if there is one, then of a line, of a sentence (in any script), at a blank; only a single word that
is longer than a message is cut inside, and then between two characters as people see them: no accent, flag or family is torn
from its letter. An address is one word. A fenced block that is cut is closed and opened again, so both halves are code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_FENCE: Final = "```"
_PARAGRAPH: Final = re.compile(r"[ \t]*\n[ \t]*\n\s*")
_LINE: Final = re.compile(r"[ \t]*\n\s*")
_CLOSING: Final = r"[\"'”’»›」』）)\]}*_~]*"
_SENTENCE: Final = re.compile(
    rf"(?:[.!?…؟।॥۔։።፧။៕꘎‽]+{_CLOSING}\s+)|(?:[。！？｡．]+[\"'”’」』）)]*\s*)",
)
"""Latin, Arabic, Urdu, Devanagari, Armenian, Ethiopic, Burmese, Khmer ends need a blank after them, as ``3.5`` shows; Chinese
and Japanese have none."""
_PAUSE: Final = re.compile(r"\s+|[，、；：]+\s*")
_ADDRESS: Final = re.compile(r"https?://[!-~]+")
_VIRAMA: Final = 9
"""Its combining class."""
_LONGEST: Final = 64
"""More than any sign has characters."""


def split(text: str, limit: int) -> tuple[str, ...]:
    """The text in pieces of ``limit`` characters at most, in order; blanks at the cuts are left out. One that fits stays."""
    if len(text) <= limit:
        return (text,)
    return tuple(_pieces(text.strip(), limit))


def _pieces(text: str, limit: int) -> Iterator[str]:
    fenced = False
    while True:
        before = f"{_FENCE}\n" if fenced else ""
        if len(before) + len(text) <= limit:
            yield before + text
            return
        # Room to close a block that the cut may fall into.
        room = limit - len(before) - (len(_FENCE) + 1 if _FENCE in before + text else 0)
        end, begin = _cut(text, room)
        piece, text = text[:end].rstrip(), text[begin:]
        fenced = (before + piece).count(_FENCE) % 2 == 1
        if fenced and text.lstrip().startswith(_FENCE):
            # The block ends just here.
            text, fenced = text.lstrip().removeprefix(_FENCE).lstrip(), False
            piece += _FENCE
            yield before + piece
            if not text:
                return
            continue
        yield before + piece + (f"\n{_FENCE}" if fenced else "")


def _cut(text: str, room: int) -> tuple[int, int]:
    """Where the piece ends, and where the next one begins."""
    # A blank that begins at the limit still ends the piece.
    window = text[: room + 1]
    for pattern in (_PARAGRAPH, _LINE, _SENTENCE):
        found = None
        for match in pattern.finditer(window):
            end = match.start() + len(match[0].rstrip())
            if 0 < end <= room:
                found = (end, match.end())
        if found is not None:
            end, begin = found
            return end, begin + len(text[begin:]) - len(text[begin:].lstrip())
    pauses = [match for match in _PAUSE.finditer(window) if 0 < match.start() + len(match[0].rstrip()) <= room]
    if pauses:
        end = pauses[-1].start() + len(pauses[-1][0].rstrip())
        return end, end + len(text[end:]) - len(text[end:].lstrip())
    inside = next((match for match in _ADDRESS.finditer(text) if 0 < match.start() < room < match.end()), None)
    end = inside.start() if inside is not None else _last_sign(text, room)
    return end, end


def _last_sign(text: str, room: int) -> int:
    """The end of the last character, as people see them, that fits."""
    import regex  # knows them; a word that is longer than a message is rare

    fits = [match.end() for match in regex.finditer(r"\X", text[: room + _LONGEST]) if match.end() <= room]
    # A virama joins the next letter to the same sign.
    return next((end for end in reversed(fits) if unicodedata.combining(text[end - 1]) != _VIRAMA), room)
