"""Which language a text is in, of twenty-six: by its script, and where languages share one by how their letters follow.

Tamil, Thai, Chinese and others have their script to themselves. For Latin, Arabic, Devanagari and Cyrillic there is a table:
for each of a quarter of a million n-grams of up to five letters, and for frequent words, what it says for each language, in 8
bits (``languages/NOTICE`` tells from where). A text is as likely in a language as the sum of its n-grams.

Hindi typed in Latin letters is ``hi-Latn``. It is full of English words, so besides the table there are its little words
(``phrases/romanised.txt``), as for Arabic and Bengali: two of them decide. The table is read from disk page by page.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from wabox.nlu.utterances import RECENT

GROUPS: Mapping[str, tuple[str, ...]] = {
    "LATIN": ("en", "es", "pt", "fr", "de", "it", "nl", "pl", "ro", "tr", "vi", "id", "ms", "sw", "tl", "hi-Latn"),
    "ARABIC": ("ar", "ur", "fa"),
    "DEVANAGARI": ("hi", "mr"),
    "CYRILLIC": ("ru", "uk", "bg"),
}
"""Languages that share a script, in the order of the table's columns."""

_OWN = {
    "BENGALI": "bn", "GURMUKHI": "pa", "GUJARATI": "gu", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml",
    "THAI": "th", "LAO": "lo", "GREEK": "el", "HEBREW": "he", "HANGUL": "ko", "KANA": "ja", "CJK": "zh",
}  # fmt: skip

_BLOCKS = {
    **dict.fromkeys((0, 1, 2, 3, 4, 0x3C, 0x3D), "LATIN"), 6: "GREEK", 7: "GREEK", 8: "CYRILLIC", 9: "CYRILLIC", 0xB: "HEBREW",
    **dict.fromkeys((0xC, 0xD, 0xE, 0x1F6, 0x1F7, 0x1FC, 0x1FD), "ARABIC"),
    0x12: "DEVANAGARI", 0x13: "BENGALI", 0x14: "GURMUKHI", 0x15: "GUJARATI", 0x17: "TAMIL", 0x18: "TELUGU", 0x19: "KANNADA",
    0x1A: "MALAYALAM", 0x1C: "THAI", 0x1D: "LAO", 0x60: "KANA", 0x61: "KANA",
    **dict.fromkeys(range(0x68, 0x140), "CJK"), **dict.fromkeys(range(0x158, 0x1B0), "HANGUL"),
}  # fmt: skip
"""Script by code point >> 7."""

MARK = "_"
"""Before and behind a word."""
KEYS = 16
"""Letters of the longest word that is looked up whole, its marks counted."""
LONGEST = 5
SEEN = 200
"""Letters of a text that are looked at."""

_WORD = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0dff'’]+[^\W\d_]*)*")
SOFTENED = 0.35
"""The n-grams of a text are not independent: how much of the difference to believe."""

_LEANING = {"mr": -0.25}
"""A letter. Marathi has less text behind it than Hindi and looks likelier than it is (tuned on Firefox's translations)."""


def words_of(text: str) -> list[str]:
    """The words of the head of a text, in small letters."""
    return [word.replace("’", "'") for word in _WORD.findall(text[: 2 * SEEN].lower())]


@lru_cache(maxsize=RECENT)
def script_of(text: str) -> str | None:
    """The script of the text; None when it has no letters that we know."""
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else None
    found = Counter(_BLOCKS.get(ord(letter) >> 7) for letter in text[:SEEN] if letter.isalpha())
    del found[None]
    found["LATIN"] //= 3  # names and brands are in Latin letters everywhere
    if found["KANA"]:
        return "KANA"
    script, most = found.most_common(1)[0]
    return script if most or script == "LATIN" else None


def identify(text: str, among: Iterable[str] | None = None) -> tuple[tuple[str, float], ...]:
    """The languages that the text may be in, with their likelihoods, the best first; empty when its script is none of theirs.

    ``among``: the only ones in question, ``hi-Latn`` too.
    """
    script = script_of(text)
    if script is None:
        return ()
    own = _OWN.get(script)
    allowed = None if among is None else frozenset(among)
    if own is not None:
        return ((own, 1.0),) if allowed is None or own in allowed else ()
    places = _columns(script, allowed)
    if len(places) < 2:
        return tuple((GROUPS[script][place], 1.0) for place in places)
    import numpy as np  # a bot whose languages have scripts of their own does without

    from wabox.nlu.languagetable import table

    words = words_of(text)
    scores = table().scores(words)[places] * SOFTENED
    letters = sum(map(len, words))
    for at, place in enumerate(places):
        if leaning := _LEANING.get(GROUPS[script][place]):
            scores[at] += leaning * min(letters, SEEN) * SOFTENED
    odds = np.exp(scores - scores.max())
    odds /= odds.sum()
    found = [(GROUPS[script][place], float(share)) for place, share in zip(places, odds, strict=True)]
    return tuple(sorted(found, key=lambda one: -one[1]))


@lru_cache(maxsize=64)
def _columns(script: str, allowed: frozenset[str] | None) -> list[int]:
    """Of the table, for those languages of a script that are in question."""
    return [place for place, one in enumerate(GROUPS[script]) if allowed is None or one in allowed]
