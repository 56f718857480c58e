"""A message as words with their places, and the phrases of a language found among them.

A word is a run of letters, a run of digits, or one sign: ``5pm`` is two words, ``3/4`` three. Digits of every script become
``0`` to ``9``, letters are folded (:mod:`wabox.nlu.utterances`), Arabic ones more than elsewhere: alif with and without hamza,
ta marbuta and ha, ya and alif maqsura are one letter each, as people type them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from wabox.nlu.slots.vocabulary import LANGUAGES
from wabox.nlu.utterances import folded

LONGEST = 300
"""Characters of a message in which values are looked for. Nobody needs more for a date; who writes more, writes a story."""

MOST = 80
"""Words and signs of it, likewise: it bounds what the strangest message costs."""

_WORD = re.compile(r"\d+|[^\W\d_]+(?:[\u0300-\u036f\u064b-\u0655\u0640'’‘][^\W\d_]*)*|[^\w\s]|_")
_HAMZA = re.compile("[\u0653-\u0655\u0640]")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a message."""

    text: str
    """Folded."""
    start: int
    """Where it stands in the message as written."""
    end: int
    glued: bool
    """Nothing stands between it and the word before."""

    @property
    def number(self) -> int | None:
        """Its value, if it is digits."""
        return int(self.text) if self.text.isdecimal() and len(self.text) < 16 else None


def digits(text: str) -> str:
    """The text with the digits of every script as ``0`` to ``9``."""
    if text.isascii():
        return text
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in text)


def plain(text: str) -> str:
    """A text folded for comparison, its digits 0 to 9."""
    return _HAMZA.sub("", folded(digits(text)))


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a message (its first :data:`LONGEST` characters)."""
    found = []
    last = -1
    for match in _WORD.finditer(text, 0, LONGEST):
        found.append(Word(plain(match[0]), match.start(), match.end(), match.start() == last))
        last = match.end()
        if len(found) == MOST:
            break
    return tuple(found)


Phrases = Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]
"""By first word: the phrases, longest first, and their values."""


class Vocabulary:
    """The phrases of one language by category, ready to be found."""

    def __init__(self, written: Mapping[str, str]) -> None:
        self._categories = {name: _phrases(text) for name, text in written.items()}

    def at(self, category: str, words: tuple[Word, ...], place: int) -> tuple[str, int] | None:
        """The value of the longest phrase of the category that begins at this word, and the place after it."""
        if place >= len(words):
            return None
        for phrase, value in self._categories.get(category, {}).get(words[place].text, ()):
            end = place + len(phrase)
            if len(phrase) == 1 or tuple(word.text for word in words[place:end]) == phrase:
                return value, end
        return None


def _phrases(written: str) -> Phrases:
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for entry in written.split(","):
        phrase, _, value = entry.strip().partition("=")
        words = tuple(word.text for word in words_of(phrase))
        if words:
            found.setdefault(words[0], []).append((words, value))
    return {first: tuple(sorted(items, key=lambda item: -len(item[0]))) for first, items in found.items()}


@lru_cache(maxsize=16)
def vocabulary(language: str) -> Vocabulary | None:
    """The vocabulary of a language (``pt-BR`` is ``pt``); None when there is none."""
    written = LANGUAGES.get(short(language))
    return None if written is None else Vocabulary(written)


def short(language: str) -> str:
    """``pt`` of ``pt-BR``."""
    return language.replace("_", "-").partition("-")[0].lower()
