"""Times of day: ``5pm``, ``17:30``, ``half past five``, ``a las cinco y media de la tarde``, ``الساعة ٥ مساء``.

An hour from 1 to 12 that nobody called morning or evening has two readings; :class:`TimeOfDay` keeps both, and whoever knows
the opening hours, or what lies in the past, chooses (:meth:`TimeOfDay.choices`: the likelier first. Before seven it is the
afternoon: nobody books a table, a doctor or a delivery for three in the morning).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from wabox.nlu.slots.numbers import number_at
from wabox.nlu.slots.words import Vocabulary, Word

_EARLIEST = 7


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    minutes: int
    """Since midnight, as said."""
    end: int
    """The place of the word after it."""
    exact: bool
    """Half of the day and all; otherwise twelve hours more is meant as well."""
    sure: bool
    """It cannot be anything but a time."""

    def choices(self) -> tuple[time, ...]:
        """The readings, the likelier first."""
        if self.exact or self.minutes >= 12 * 60 + 60:
            return (_time(self.minutes),)
        hour = self.minutes // 60 % 12
        early, late = _time(hour * 60 + self.minutes % 60), _time((hour + 12) * 60 + self.minutes % 60)
        return (late, early) if hour < _EARLIEST else (early, late)


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


def time_at(words: tuple[Word, ...], place: int, vocabulary: Vocabulary, language: str) -> TimeOfDay | None:
    """The time that begins at this word."""
    named = vocabulary.at("clock", words, place)
    if named is not None:
        return TimeOfDay(int(named[0]), named[1], True, True)
    begin = vocabulary.at("at", words, place)
    near = vocabulary.at("near", words, place) if begin is None else None
    begin = begin or near
    if begin is not None:
        named = vocabulary.at("clock", words, begin[1])
        if named is not None:
            return TimeOfDay(int(named[0]), named[1], True, True)
    period = None
    for category in ("am", "pm", "night") if begin is None else ():
        found = vocabulary.at(category, words, place)
        if found is not None:
            inner = vocabulary.at("at", words, found[1])
            if inner is not None:
                period, begin = category, inner
                break
    start = begin[1] if begin is not None else place
    read = _before(words, start, vocabulary, language) or _hour(words, start, vocabulary, language)
    if read is None:
        return None
    minutes, end, shaped = read
    marked = vocabulary.at("oclock", words, end)
    if marked is not None:
        minutes, end, shaped = _and_half(minutes, marked[1], words, vocabulary, True)
    if begin is None and not shaped and vocabulary.at("articles", words, start) is not None:
        return None  # "a" is no hour
    for category in ("am", "pm", "night"):
        found = vocabulary.at(category, words, end) or _after_comma(words, end, category, vocabulary)
        if found is not None and (end > start):
            period, end = category, found[1]
            break
    if period is not None:
        whole = _in_period(minutes, period)
        return None if whole is None else TimeOfDay(whole, end, True, True)
    exact = minutes >= 13 * 60 or minutes < 60
    if not exact and shaped and words[start].text.startswith("0"):
        exact = True  # 08:30 is how clocks write it
    return TimeOfDay(minutes, end, exact, shaped or (begin is not None and (near is None or _closes(words, end))))


def _closes(words: tuple[Word, ...], place: int) -> bool:
    """Whether nothing follows that the number could count: "about 3", not "about 3 people"."""
    return place >= len(words) or not words[place].text[0].isalnum()


def _after_comma(words: tuple[Word, ...], place: int, category: str, vocabulary: Vocabulary) -> tuple[str, int] | None:
    if place < len(words) and words[place].text == ",":
        return vocabulary.at(category, words, place + 1)
    return None


def _before(words: tuple[Word, ...], place: int, vocabulary: Vocabulary, language: str) -> tuple[int, int, bool] | None:
    """Minutes said before the hour: half past five, ten to six, halb sechs."""
    for category, sign in (("before", 1), ("to", -1)):
        found = vocabulary.at(category, words, place)
        if found is not None:
            hour = _hour(words, found[1], vocabulary, language)
            if hour is not None:
                return (hour[0] + sign * int(found[0])) % (24 * 60), hour[1], True
    number = number_at(words, place, vocabulary, language)
    if number is None or not 1 <= number.value <= 29:
        return None
    for category, sign in (("past", 1), ("until", -1)):
        found = vocabulary.at(category, words, number.end)
        if found is not None:
            hour = _hour(words, found[1], vocabulary, language)
            if hour is not None and hour[0] % 60 == 0:
                return (hour[0] + sign * int(number.value)) % (24 * 60), hour[1], True
    return None


def _hour(words: tuple[Word, ...], place: int, vocabulary: Vocabulary, language: str) -> tuple[int, int, bool] | None:
    """Minutes since midnight, the place after, and whether it has the shape of a time."""
    named = vocabulary.at("hours", words, place)
    if named is not None:
        return _and_half(int(named[0]) * 60, named[1], words, vocabulary, True)
    if place >= len(words):
        return None
    number = words[place].number
    if number is not None:
        if len(words[place].text) > 2 or number > 24:
            return None
        end = place + 1
        # 17:30, 17.30, 17h30, 17h
        if end + 1 < len(words) and words[end].glued and words[end + 1].glued and len(words[end + 1].text) == 2:
            minutes = words[end + 1].number
            if words[end].text in (":", "h", ".") and minutes is not None and minutes < 60:
                after = words[end + 2] if end + 2 < len(words) else None
                dotted = words[end].text == "." and after is not None and after.glued and after.text in ".,/"
                if not dotted:
                    return number % 24 * 60 + minutes, end + 2, words[end].text != "."
        if end < len(words) and words[end].glued and words[end].text in "/-,.:%€$£" and _digit_after(words, end):
            return None
        if end < len(words) and words[end].glued and words[end].text == "h":
            return _and_half(number % 24 * 60, end + 1, words, vocabulary, True)
        return _and_half(number % 24 * 60, end, words, vocabulary, False)
    spoken = number_at(words, place, vocabulary, language) or None
    if spoken is None:
        return None
    value = int(spoken.value)
    if spoken.value != value or not 1 <= value <= 24:
        # "five thirty" is read as the two numbers that it is
        return None
    return _and_half(value * 60, spoken.end, words, vocabulary, False)


def _digit_after(words: tuple[Word, ...], place: int) -> bool:
    return place + 1 < len(words) and words[place + 1].glued and words[place + 1].number is not None


def _and_half(
    minutes: int, end: int, words: tuple[Word, ...], vocabulary: Vocabulary, shaped: bool
) -> tuple[int, int, bool]:
    """Minutes said after the hour: five thirty, cinco y media, menos cuarto."""
    for category, sign in (("half", 1), ("less", -1)):
        found = vocabulary.at(category, words, end)
        if found is not None and int(found[0]):
            return (minutes + sign * int(found[0])) % (24 * 60), found[1], True
        if found is not None:
            number = number_at(words, found[1], vocabulary, "")
            if number is not None and 1 <= number.value <= 29:
                return (minutes + sign * int(number.value)) % (24 * 60), number.end, True
    return minutes, end, shaped


def _in_period(minutes: int, period: str) -> int | None:
    hour = minutes // 60
    if hour > 12:
        return minutes
    if period == "am":
        return minutes % (12 * 60)
    if period == "night":
        return minutes % (12 * 60) + (12 * 60 if 5 <= hour < 12 else 0)
    return minutes % (12 * 60) + 12 * 60
