"""Yes, no, or neither yet, in twenty languages at once: a customer may say "sí" to an English bot.

A message is an answer when *all* of it is: it is cut into phrases of ``phrases/yes_no.txt``, the longest first, and one
word that is left over makes it more than an answer. So "don't do it" is not "do it" and "yes, but change the address" is not
yes. What the phrases say together:

* wait, maybe, not sure: *hold*, whatever stands beside it. Nobody is charged for "yes, wait".
* Behind the last "actually", "sorry", "in fact" only what follows it counts: "yes … actually no" is no.
* Agreement strengthens either: "of course not", "ok no". It is yes by itself.
* A yes and a no that nothing reconciles are *hold*: asked again.
* "That's all" is *done*: no to an offer. "Yes, that's all" is *hold*: yes to a summary, no to an offer.
* "That's it" is said to both: *hold*, unless a no or a "nothing else" stands beside it.

In doubt nothing is yes: it is the one answer that costs money.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from wabox.nlu.phrasebook import phrases
from wabox.nlu.utterances import is_emoji, is_unspaced, tokens

Answer = Literal["yes", "no", "hold", "done"]

_LONGEST = 12
"""Tokens of an answer; who writes more, says more."""
_ALONE = frozenset({"y", "n", "s", "k", "x", "ama", "la", "da", "di", "bu"})
"""Words of one language that are little words of another: an answer only when nothing else is said."""
_HESITATION = frozenset({"hm", "hmm", "hmmm", "hmn", "mmm", "umm", "ummm", "ehm", "eee", "🤔"})
"""A "hmm" before an answer changes nothing."""
_RANK = ("hold", "no", "yes", "fine", "done", "either", "turn", "little")
"""Which kind a phrase is that two languages use differently; yes and no never meet (a test)."""
_STRETCHED = re.compile(r"(.)\1+")

Phrase = tuple[tuple[str, ...], str, bool]
"""Tokens, kind, and whether it is a little word elsewhere: then it counts only where nothing else does."""


@dataclass(frozen=True, slots=True)
class Lead:
    """How a longer message begins."""

    answer: Answer
    loses: bool
    """Whether what follows would be lost, if the answer alone were taken: "but …", "and …", another number."""


class YesNo:
    """The phrases, ready to be found. Made once a process: see :func:`yes_no`."""

    def __init__(self, book: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        kinds: dict[tuple[str, ...], set[str]] = {}
        self._but: set[str] = set()
        for by_kind in book.values():
            for kind, written in by_kind.items():
                for phrase in written:
                    found = tokens(phrase)
                    if kind == "but":
                        self._but.update(found)
                    elif found:
                        kinds.setdefault(found, set()).add(kind)
        self._by_first: dict[str, list[Phrase]] = {}
        self._glued: dict[str, list[tuple[str, str]]] = {}
        """By first letter, longest first: what is written without blanks, and its kind."""
        self._stretched: dict[str, str] = {}
        """A word without its doubled letters → the word."""
        for found, known in sorted(kinds.items(), key=lambda item: -len(item[0])):
            kind = next(one for one in _RANK if one in known)
            self._by_first.setdefault(found[0], []).append((found, kind, "little" in known))
            if len(found) == 1 and not is_emoji(found[0]):
                self._stretched.setdefault(_STRETCHED.sub(r"\1", found[0]), found[0])
                if is_unspaced(found[0]):
                    self._glued.setdefault(found[0][0], []).append((found[0], kind))
        for glued in self._glued.values():
            glued.sort(key=lambda one: -len(one[0]))

    def read(self, found: tuple[str, ...], besides: frozenset[str] = frozenset()) -> Answer | None:
        """What the tokens of a message answer, if they do nothing else; ``besides``: words that are no answer here."""
        if not found or len(found) > _LONGEST:
            return None
        kinds, after = self._kinds(found, besides)
        return _answer(kinds) if after == len(found) else None

    def lead(self, found: tuple[str, ...]) -> Lead | None:
        """The answer that a longer message begins with."""
        kinds, after = self._kinds(found[:_LONGEST], frozenset())
        answer = _answer(kinds) if kinds else None
        if answer is None or after >= len(found):
            return None
        rest = found[after:]
        loses = any(word in self._but or word.isdecimal() for word in rest) or any(
            kind in ("no", "hold", "turn") for word in rest for _, kind, _ in self._by_first.get(word, ())[-1:]
        )
        return Lead(answer, loses)

    def _kinds(self, found: tuple[str, ...], besides: frozenset[str]) -> tuple[list[str], int]:
        """The kinds of the phrases at the head of a message, in order, and the place after them."""
        kinds: list[str] = []
        soft: list[str] = []
        place = 0
        while place < len(found):
            word = found[place]
            for phrase, kind, is_little in self._by_first.get(word, ()):
                end = place + len(phrase)
                if found[place:end] != phrase or (len(phrase) == 1 and word in besides):
                    continue
                if len(phrase) == 1 and word in _ALONE and len(found) > 1:
                    if not is_little:
                        return kinds or soft, place
                    kind = "little"
                if is_little and kind != "little":
                    soft.append(kind)
                    kinds.append("little")
                else:
                    kinds.append("hm" if word in _HESITATION else kind)
                place = end
                break
            else:
                more = self._other(word)
                if more is None:
                    break
                kinds.extend(more)
                place += 1
        if soft and not any(kind in ("yes", "no", "hold", "fine") for kind in kinds):
            return soft, place
        return kinds, place

    def _other(self, word: str) -> list[str] | None:
        """The kinds of a word that is not in the lists as it is."""
        if is_emoji(word):
            return ["little"]
        if not word.isascii() and word[0] in self._glued and is_unspaced(word):
            return self._cut(word)
        plain = _STRETCHED.sub(r"\1", word)
        if len(word) - len(plain) < 2 and word[-1:] != word[-2:-1]:
            return None
        known = self._stretched.get(plain)
        if known is None or known in _ALONE:
            return None
        return ["hm" if known in _HESITATION else kind for _, kind, _ in self._by_first[known][-1:]]

    def _cut(self, word: str) -> list[str] | None:
        """The kinds of the phrases in a text without blanks; None when something else is in it."""
        kinds = []
        place = 0
        while place < len(word):
            for phrase, kind in self._glued.get(word[place], ()):
                if word.startswith(phrase, place):
                    kinds.append(kind)
                    place += len(phrase)
                    break
            else:
                return None
        return kinds


def _answer(kinds: Iterable[str]) -> Answer | None:
    """What phrases of these kinds answer together."""
    said = [kind for kind in kinds if kind != "little"]
    if "turn" in said:
        after = said[len(said) - said[::-1].index("turn") :]
        said = after if any(kind in ("yes", "no", "fine", "hold") for kind in after) else said
    known = set(said)
    if "hold" in known:
        return "hold"
    if "no" in known:
        return "hold" if "yes" in known else "no"
    if "done" in known:
        return "hold" if known & {"yes", "fine"} else "done"
    if "either" in known:
        return "hold"
    if "yes" in known or "fine" in known:
        return "yes"
    return "hold" if "hm" in known else None


@lru_cache(maxsize=1)
def yes_no() -> YesNo:
    """The words that come with wabox."""
    return YesNo(phrases("yes_no"))
