"""Numbers as people write them: ``12``, ``1,200.50``, ``1.200,50``, ``٣٠``, ``twenty five``, ``doscientos tres``.

Which of ``.`` and ``,`` parts the fraction: the last one of the two when both are there; the one that is there twice parts
thousands; one alone in front of exactly three digits parts thousands where that is the custom (``1,200`` in English,
``1.200`` in Spanish or German), and the fraction otherwise; in front of any other count of digits it parts the fraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from wabox.nlu.slots.words import Vocabulary, Word, short

_POINT = ("en", "ar", "hi", "zh", "ja", "ko", "th", "he", "bn", "ta", "te", "mr", "gu", "pa", "ur")
"""Languages that write the fraction with a point; the others with a comma."""
_GROUPS = 6
"""Of three digits; nobody has more money than that."""
_COMMAS = {"٫": ".", "٬": ","}


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal
    end: int
    """The place of the word after it."""
    digits: bool
    """Written in digits."""
    article: bool = False
    """It is only "a" or "one"."""


def number_at(words: tuple[Word, ...], place: int, vocabulary: Vocabulary | None, language: str) -> Number | None:
    """The number that begins at this word, sign excluded."""
    if place >= len(words):
        return None
    if words[place].number is not None:
        return _digits(words, place, language)
    return _spoken(words, place, vocabulary) if vocabulary is not None else None


def _digits(words: tuple[Word, ...], place: int, language: str) -> Number:
    parts, signs = [words[place].text], []
    end = place + 1
    while (
        len(parts) < _GROUPS
        and end + 1 < len(words)
        and words[end].text in ".,'’ ٫٬"
        and words[end].glued
        and words[end + 1].glued
        and words[end + 1].number is not None
    ):
        signs.append(_COMMAS.get(words[end].text, words[end].text))
        parts.append(words[end + 1].text)
        end += 2
    # "1 200": groups of three after a blank.
    while (
        not signs
        and end < len(words)
        and not words[end].glued
        and words[end].start == words[end - 1].end + 1
        and len(words[end].text) == 3
        and words[end].number is not None
        and len(parts[0]) <= 3
        and len(parts) < _GROUPS
    ):
        parts.append(words[end].text)
        end += 1
    return Number(_value(parts, signs, language), end, True)


def _value(parts: list[str], signs: list[str], language: str) -> Decimal:
    if not signs:
        return Decimal("".join(parts))
    grouped = all(len(part) == 3 for part in parts[1:]) and len(parts[0]) <= 3
    last = signs[-1]
    point = "." if short(language) in _POINT else ","
    fraction = signs.count(last) == 1 and (len(set(signs)) > 1 or not grouped or last == point)
    if fraction:
        return Decimal("".join(parts[:-1]) + "." + parts[-1])
    return Decimal("".join(parts))


def _spoken(words: tuple[Word, ...], place: int, vocabulary: Vocabulary) -> Number | None:
    """Number words, added up as they are said: "two hundred and five" is 2 × 100 + 5."""
    whole, current, last = 0, None, 1_000
    end, article = place, False
    here = place
    while here < len(words):
        found = vocabulary.at("numbers", words, here)
        bound = False
        if found is None and end == place:
            found = vocabulary.at("articles", words, here)
            article = found is not None
        elif found is None:
            joined = vocabulary.at("joins", words, here)
            if joined is None and words[here].text == "-":
                joined = "", here + 1
            if joined is not None:
                found = vocabulary.at("numbers", words, joined[1])
                if found is None and last >= 20:
                    found = vocabulary.at("articles", words, joined[1])
            else:
                found = _joined_letter(words, here, vocabulary)
            bound = found is not None
        if found is None:
            break
        value = int(found[0])
        if current is None:
            current = value
        elif value == 1000:
            whole, current = whole + current * 1000, 0
        elif value == 100 and 0 < current < 10:
            current *= 100
        elif value < last and (last >= 100 or (last >= 20 and last % 10 == 0 and value < 10)):
            current += value
        elif bound and 20 <= value < 100 and 0 < current < 10:
            current += value  # units first: خمسة وعشرون
        else:
            break
        last = value
        here = end = found[1]
        if value != 1 or here - place > 1:
            article = article and here - place == 1
    if current is None:
        return None
    return Number(Decimal(whole + current), end, False, article)


def _joined_letter(words: tuple[Word, ...], place: int, vocabulary: Vocabulary) -> tuple[str, int] | None:
    """The Arabic "and" is a letter of the next word: ``وعشرون``."""
    word = words[place]
    if not word.text.startswith("و") or len(word.text) < 3:
        return None
    bare = Word(word.text[1:], word.start + 1, word.end, True)
    found = vocabulary.at("numbers", (bare,), 0)
    return None if found is None else (found[0], place + 1)


def as_json(value: Decimal) -> int | float:
    """A whole number as ``int``, any other as ``float``."""
    return int(value) if value == value.to_integral_value() else float(value)
