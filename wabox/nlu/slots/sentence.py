"""One message, read for one slot or for several: its words and, for each of its possible languages, their vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wabox.nlu.slots.setting import Setting
from wabox.nlu.slots.words import LONGEST, MOST, Vocabulary, Word, short, vocabulary, words_of


@dataclass(frozen=True, slots=True)
class Found:
    """A value that stands in a message."""

    value: Any
    start: int
    """The first character of it."""
    end: int


class Sentence:
    """A message and where it was written."""

    def __init__(self, text: str, setting: Setting) -> None:
        self.text = text.strip()
        self.setting = setting
        self.memo: dict[object, Any] = {}
        """What was read of it before: several slots look at the same words."""

    @property
    def whole(self) -> bool:
        """Whether all of it is looked at."""
        return len(self.text) <= LONGEST and len(self.words) < MOST

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return words_of(self.text)

    def vocabularies(self) -> Iterator[tuple[str, Vocabulary]]:
        """Language and vocabulary: the message's own first, then the bot's others."""
        for language in dict.fromkeys((self.setting.language, *self.setting.languages)):
            found = vocabulary(language)
            if found is not None:
                yield language, found

    def is_own(self, language: str) -> bool:
        """Whether it is the language of the message."""
        return short(language) == short(self.setting.language)

    def is_all(self, start: int, end: int, words: Vocabulary | None) -> bool:
        """Whether the words from ``start`` to before ``end`` are the message, but for polite words and signs."""
        return self._is_polite(0, start, words) and self._is_polite(end, len(self.words), words)

    def _is_polite(self, start: int, end: int, words: Vocabulary | None) -> bool:
        place = start
        while place < end:
            word = self.words[place]
            found = None
            for category in ("polite", "on", "at", "near") if words is not None else ():
                found = words.at(category, self.words, place) if words is not None else None
                if found is not None and found[1] <= end:
                    break
                found = None
            if found is not None:
                place = found[1]
            elif not word.text[0].isalnum() and word.text not in "+-/%":
                place += 1
            else:
                return False
        return True

    def found(self, value: Any, start: int, end: int) -> Found:
        """What stands from one word to before another."""
        last = self.words[end - 1].end if end > start else self.words[start].start
        return Found(value, self.words[start].start, last)
