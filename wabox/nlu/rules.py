"""Keywords, patterns and exact examples of a bot's intents, compiled once.

* An *example* counts when it is the whole message.
* What is *lent* by wabox (:class:`wabox.core.intent.Words`) counts likewise, but after the bot's own words.
* A *keyword* counts when its words stand in the message, next to each other and whole. A longer one swallows a shorter one
  inside it: in "cancel my order", ``cancel my order`` leaves nothing to ``order``. In scripts without blanks between words it
  counts anywhere.
* A *pattern* is a regular expression, searched without regard to case and accents, within a time (:mod:`wabox.nlu.shapes`).

All languages of the bot are tried: people mix them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from wabox.core.intent import Intent
from wabox.nlu.shapes import Shapes
from wabox.nlu.utterances import folded, is_unspaced, tokens, tokens_of_folded, words_only

Kind = Literal["example", "keyword", "pattern", "lent"]


@dataclass(frozen=True, slots=True)
class Match:
    """One reason to take a message for an intent."""

    intent: str
    kind: Kind
    language: str
    length: int
    """Words of the keyword, or of the example; characters that the pattern covered."""
    start: int = 0
    """Of a keyword: the place of its first word."""
    place: int = 0
    """Of the intent, in the order of the bot's file."""

    def swallows(self, other: Match) -> bool:
        """Whether the other's words are part of this one's."""
        return (
            self.kind == other.kind == "keyword"
            and self.intent != other.intent
            and self.length > other.length
            and self.start <= other.start
            and other.start + other.length <= self.start + self.length
        )


class Rules:
    """The words of all intents, indexed."""

    def __init__(self, intents: Sequence[Intent]) -> None:
        self._examples: dict[tuple[str, ...], list[tuple[str, str, int]]] = {}
        self._lent: dict[tuple[str, ...], list[tuple[str, str, int]]] = {}
        self._keywords: dict[str, list[tuple[tuple[str, ...], str, str, int]]] = {}
        """By first word."""
        self._unspaced: list[tuple[str, str, str, int]] = []
        self._shapes: Shapes[tuple[str, str, int]] = Shapes()
        for place, intent in enumerate(intents):
            for language, words in intent.words.items():
                for text in words.examples:
                    self._examples.setdefault(words_only(tokens(text)), []).append((intent.name, language, place))
                for text in words.lent:
                    self._lent.setdefault(words_only(tokens(text)), []).append((intent.name, language, place))
                for text in words.keywords:
                    self._keyword(text, intent.name, language, place)
                for pattern in words.patterns:
                    self._shapes.add(pattern, (intent.name, language, place))

    def _keyword(self, text: str, intent: str, language: str, place: int) -> None:
        found = tokens(text)
        if is_unspaced(text):
            self._unspaced.append((folded(text).strip(), intent, language, place))
        elif found:
            self._keywords.setdefault(found[0], []).append((found, intent, language, place))

    def examples_of(self, intent: str) -> frozenset[tuple[str, ...]]:
        """The examples of one intent, as words."""
        return frozenset(
            words for words, owners in self._examples.items() if any(name == intent for name, *_ in owners)
        )

    def matches(self, text: str) -> list[Match]:
        """Every match in a message; a keyword inside a longer one is still there."""
        plain = folded(text)
        found = tokens_of_folded(plain)
        return [*self._whole(found), *self._inside(found, plain), *self._shaped(plain)]

    def _whole(self, found: tuple[str, ...]) -> Iterator[Match]:
        for form in {found, words_only(found)} if found else ():
            for intent, language, place in self._examples.get(form, ()):
                yield Match(intent, "example", language, len(form), place=place)
            for intent, language, place in self._lent.get(form, ()):
                yield Match(intent, "lent", language, len(form), place=place)

    def _inside(self, found: tuple[str, ...], plain: str) -> Iterator[Match]:
        for start, word in enumerate(found):
            for words, intent, language, place in self._keywords.get(word, ()):
                if found[start : start + len(words)] == words:
                    yield Match(intent, "keyword", language, len(words), start, place)
        for text, intent, language, place in self._unspaced:
            start = plain.find(text)
            if start >= 0:
                yield Match(intent, "keyword", language, len(text), start, place)

    def _shaped(self, plain: str) -> Iterator[Match]:
        for (intent, language, place), length in self._shapes.search(plain):
            yield Match(intent, "pattern", language, length, place=place)
