"""Is the customer angry? Noticed cheaply, in the languages of ``phrases/anger.txt``, and rather too seldom than too often.

Points: 3 for words that nobody content says, 2 for "the third time" and "how many times", 1 for a polite displeasure. Capitals
throughout and signs like ``!!!`` or ``?!`` are 1 each, and 1 more when the words are about the matter itself: an order, money,
an answer. The same message again is 1, and again 2. A word of joy takes everything back but the first. From 2 points on a
message is angry, from 3 *clearly*. What the messages before had counts half.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from wabox.nlu.phrasebook import phrases
from wabox.nlu.utterances import is_emoji, is_unspaced, tokens, words_only

ANGRY, CLEAR = 2, 3
_POINTS = {"clear": 3, "tried": 2, "unhappy": 1}
_SHOUTED = re.compile(r"[!?！？؟][!?！？؟\s]*[!?！？؟][!?！？؟\s]*[!?！？؟]|\?!|!\?")
_FACES = {"😡": 3, "🤬": 3, "😠": 2, "👿": 2, "💢": 2, "🖕": 3, "😤": 1}
_CAPITALS, _WORDS = 10, 3
"""Letters and words from which on capitals shout."""


@dataclass(frozen=True, slots=True)
class Tone:
    """How a message sounds."""

    points: int = 0
    why: str = ""
    """The words or signs that count most, as they stand in our lists."""


CALM = Tone()


class Anger:
    """The phrases, ready to be found. Made once a process: see :func:`anger`."""

    def __init__(self, book: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._unspaced: list[tuple[str, str]] = []
        self._words: dict[str, set[str]] = {"matter": set(), "joy": set()}
        for kinds in book.values():
            for kind, rows in kinds.items():
                for phrase in rows:
                    found = tokens(phrase)
                    if kind in self._words and len(found) == 1 and not is_unspaced(phrase):
                        self._words[kind].add(found[0])
                    elif is_unspaced(phrase):
                        self._unspaced.append((phrase, kind))
                    elif found:
                        self._by_first.setdefault(found[0], []).append((found, kind))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def tone(self, text: str, again: int = 0) -> Tone:
        """How the text sounds; ``again``: how often the same was written just before."""
        found = tokens(text)
        said = words_only(found)
        heard = self._heard(found, text)
        points, why = max(((_POINTS[kind], words) for kind, words in heard if kind in _POINTS), default=(0, ""))
        joy = not self._words["joy"].isdisjoint(said) or any(kind == "joy" for kind, _ in heard)
        faces = 0 if text.isascii() else max((_FACES.get(token, 0) for token in found), default=0)
        if points < CLEAR and joy:
            return CALM
        if faces > points:
            points, why = faces, next(token for token in found if _FACES.get(token) == faces)
        loud = self._loud(text, said, heard)
        if loud or again:
            named = why or ("the same message again" if again and not loud else "it is shouted")
            points, why = points + loud + min(again, 2), named
        return Tone(points, why) if points else CALM

    def _loud(self, text: str, said: Sequence[str], heard: Sequence[tuple[str, str]]) -> int:
        letters = [letter for letter in text[:200] if letter.isalpha()]
        capitals = (
            len(said) >= _WORDS and len(letters) >= _CAPITALS and sum(map(str.isupper, letters)) > 0.8 * len(letters)
        )
        signs = _SHOUTED.search(text) is not None
        if not (capitals or signs) or not said or all(map(is_emoji, said)):
            return 0
        matter = not self._words["matter"].isdisjoint(said) or any(kind == "matter" for kind, _ in heard)
        return capitals + signs + (matter and len(said) > 1)

    def _heard(self, found: Sequence[str], text: str) -> list[tuple[str, str]]:
        heard = []
        for place, word in enumerate(found[:60]):
            for phrase, kind in self._by_first.get(word, ()):
                if tuple(found[place : place + len(phrase)]) == phrase:
                    heard.append((kind, " ".join(phrase)))
                    break
        if not text.isascii() and is_unspaced(text):
            heard.extend((kind, phrase) for phrase, kind in self._unspaced if phrase in text)
        return heard


@lru_cache(maxsize=1)
def anger() -> Anger:
    """The words that come with wabox."""
    return Anger(phrases("anger"))
