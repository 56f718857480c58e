"""Hindi, Urdu, Bengali and Arabic typed in Latin letters: known by their little words (``phrases/romanised.txt``).

Such messages are full of English ("order cancel karna hai"), so what decides is not most of the letters but a few words that no
other language has. Words that Swahili, Indonesian or German have too count half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from wabox.nlu.phrasebook import phrases

_ENOUGH = 1.0


class Romanised:
    """The little words of the languages of one bot that are romanised."""

    def __init__(self, languages: Iterable[str], others: Iterable[str] = ()) -> None:
        """``others``: words that mean another language of the bot."""
        self._words: dict[str, Mapping[str, float]] = {}
        taken = frozenset(others) | frozenset(phrases("romanised")["english"]["words"])
        for language in languages:
            weights = dict(_weights(language))
            if weights:
                self._words[language] = {word: weight for word, weight in weights.items() if word not in taken}

    def choose(self, found: Sequence[str], current: str | None = None) -> tuple[str, float] | None:
        """The language and its points, if there is enough of it."""
        said = set(found)
        points = {language: sum(words[word] for word in said & words.keys()) for language, words in self._words.items()}
        if not points:
            return None
        best = max(points, key=lambda language: (points[language], language == current))
        return (best, points[best]) if points[best] >= _ENOUGH else None


@lru_cache(maxsize=8)
def _weights(language: str) -> Mapping[str, float]:
    book = phrases("romanised")
    short = language.replace("_", "-").partition("-")[0].lower()
    rows = [*book.get(short, {}).get("words", ()), *(book["hi"]["words"] if short == "ur" else ())]
    shared = frozenset(book["shared"]["words"])
    return {word: 0.5 if word in shared else 1.0 for word in rows if " " not in word}
