"""Dates: ``tomorrow``, ``next Tuesday``, ``pasado mañana``, ``in two days``, ``3/4``, ``5 de diciembre``, ``الثلاثاء القادم``.

What has more than one reading is read the same way every time, and the bot says back what it understood:

* a weekday, with or without "next" or "this", is the next such day after today ("this" may be today);
* a day without a year is the next one that is not over, or the last one where the slot wants the past;
* ``3/4`` begins with the day, except in English of a country that begins with the month (:mod:`wabox.nlu.slots.setting`);
  where only one reading is a date, that is meant.

"Next week" and "in December" are no days, and are not made into one.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from wabox.nlu.slots.clock import time_at
from wabox.nlu.slots.numbers import Number, number_at
from wabox.nlu.slots.setting import Setting
from wabox.nlu.slots.words import Vocabulary, Word


@dataclass(frozen=True, slots=True)
class Day:
    date: date | None
    """None: it is said to be a weekday that it is not."""
    end: int
    """The place of the word after it."""
    sure: bool = True
    """It cannot be anything but a date: a bare 27 or "the 5th" can."""
    short: bool = False
    """Said with a word that is also another one: "mon", "sun"."""
    full: bool = False
    """Day and month are said."""


class Days:
    """Reads dates of one language."""

    def __init__(
        self, words: tuple[Word, ...], vocabulary: Vocabulary, setting: Setting, *, past: bool = False
    ) -> None:
        self._words = words
        self._vocabulary = vocabulary
        self._setting = setting
        self._today = setting.now.date()
        self._past = past

    def at(self, place: int) -> Day | None:
        """The date that begins at this word."""
        start = self._skip(place)
        for read in (self._relative, self._ahead, self._weekday, self._written, self._named, self._of_month):
            found = read(start)
            if found is not None:
                return found
        return None

    def _find(self, category: str, place: int) -> tuple[str, int] | None:
        return self._vocabulary.at(category, self._words, place)

    def _skip(self, place: int) -> int:
        """Past the little words in front of a date."""
        while (found := self._find("on", place)) is not None and found[1] < len(self._words):
            named = self._find("days", place)
            if named is not None and named[1] > found[1]:
                break
            place = found[1]
        return place

    def _relative(self, place: int) -> Day | None:
        found = self._find("days", place)
        if found is None:
            return None
        short = self._find("short", place)
        return Day(self._today + timedelta(int(found[0])), found[1], short=short is not None and short[1] == found[1])

    def _ahead(self, place: int) -> Day | None:
        """In two days, two weeks from now."""
        ahead = self._find("ahead", place)
        start = ahead[1] if ahead is not None else place
        single = self._find("units", start)
        number: Number | None = None
        if single is not None and len(single[0]) > 1:
            unit, end = single
        else:
            number = number_at(self._words, start, self._vocabulary, self._setting.language)
            found = self._find("units", number.end) if number is not None else single
            if found is None or (number is None and ahead is None):
                return None
            unit, end = found
        later = self._find("later", end)
        if ahead is None and later is None:
            return None
        count = int(number.value) if number is not None else 1
        count *= int(unit[1:] or 1)
        end = later[1] if later is not None else end
        if not 0 <= count <= 1000 or unit[0] not in "dwm":
            return None
        if unit[0] == "m":
            return Day(_months_on(self._today, count), end)
        return Day(self._today + timedelta(count * (7 if unit[0] == "w" else 1)), end)

    def _weekday(self, place: int) -> Day | None:
        modifier = None
        for name in ("next", "this", "last"):
            found = self._find(name, place)
            if found is not None and self._find("weekdays", found[1]) is not None:
                modifier, place = name, found[1]
                break
        found = self._find("weekdays", place)
        if found is None:
            return None
        weekday, end = int(found[0]), found[1]
        known_short = self._find("short", place)
        short = known_short is not None and known_short[1] == end
        for name in ("next", "this", "last") if modifier is None else ():
            after = self._find(name, end)
            if after is not None:
                modifier, end = name, after[1]
                break
        # "Friday the 27th", "viernes 27": the day of the month decides, if the two agree.
        start = self._skip(end + 1 if end < len(self._words) and self._words[end].text == "," else end)
        clock = time_at(self._words, start, self._vocabulary, self._setting.language)
        dated = self._named(start) or self._written(start)
        if dated is not None and dated.date is not None:
            return dated if dated.date.weekday() == weekday else Day(None, dated.end)
        dated = self._of_month(start) if clock is None or not clock.sure else None
        if dated is not None and dated.date is not None:
            return Day(self._agree(dated.date, weekday), dated.end, short=short)
        if modifier == "last" or (self._past and modifier is None):
            return Day(self._today - timedelta((self._today.weekday() - weekday - 1) % 7 + 1), end, short=short)
        ahead = (weekday - self._today.weekday()) % 7
        if ahead == 0 and modifier != "this":
            ahead = 7
        return Day(self._today + timedelta(ahead), end, short=short)

    def _agree(self, day: date, weekday: int) -> date | None:
        for month in range(12):
            moved = _months_on(day, month)
            if moved.day == day.day and moved.weekday() == weekday:
                return moved
        return None

    def _written(self, place: int) -> Day | None:
        """3/4, 3-4-2027, 2027-04-03, 3.4."""
        words = self._words
        parts: list[int] = []
        sign = None
        here = place
        while here < len(words) and len(parts) < 3:
            number = words[here].number
            if number is None or len(words[here].text) > 4 or (parts and not words[here].glued):
                break
            parts.append(number)
            here += 1
            if here + 1 < len(words) and words[here].text in "/-." and words[here].glued and words[here + 1].glued:
                if sign not in (None, words[here].text) or words[here + 1].number is None:
                    break
                sign = words[here].text
                here += 1
            else:
                break
        if len(parts) < 2 or (len(parts) == 2 and sign != "/"):
            return None
        found = self._of_parts(parts, len(words[place].text))
        return None if found is None else Day(found, here, full=True)

    def _of_parts(self, parts: list[int], first: int) -> date | None:
        if first == 4:
            return _date(parts[0], parts[1], parts[2]) if len(parts) == 3 else None
        orders = [(parts[1], parts[0]), (parts[0], parts[1])]  # (month, day)
        if self._setting.month_first:
            orders.reverse()
        for month, day in orders:
            if len(parts) == 3:
                year = parts[2] + (2000 if parts[2] < 70 else 1900 if parts[2] < 100 else 0)
                found = _date(year, month, day)
            else:
                found = self._next(month, day)
            if found is not None:
                return found
        return None

    def _named(self, place: int) -> Day | None:
        """5 December, 5 de diciembre de 2026, December 5th, 2026."""
        found = self._find("months", place)
        if found is not None:
            month, end = int(found[0]), self._skip_joint(found[1])
            number = number_at(self._words, end, self._vocabulary, "")
            if number is None or not 1 <= number.value <= 31 or number.value != int(number.value):
                return None
            return self._with_year(month, int(number.value), self._after_ordinal(number.end))
        day = self._day_number(place)
        if day is None:
            return None
        end = self._after_ordinal(day[1])
        if end < len(self._words) and self._words[end].text == ".":
            end += 1
        found = self._find("months", self._skip_joint(end))
        return None if found is None else self._with_year(int(found[0]), day[0], found[1])

    def _day_number(self, place: int) -> tuple[int, int] | None:
        number = number_at(self._words, place, self._vocabulary, "")
        if number is not None and number.digits and place < len(self._words):
            value = self._words[place].number  # "5." and "5.12" are not fractions here
            return (value, place + 1) if value is not None and 1 <= value <= 31 else None
        if number is None or number.article or not 1 <= number.value <= 31:
            return None
        return int(number.value), number.end

    def _skip_joint(self, place: int) -> int:
        while (found := self._find("on", place)) is not None:
            place = found[1]
        return place

    def _after_ordinal(self, place: int) -> int:
        found = self._find("ordinals", place)
        return found[1] if found is not None and self._words[place].glued else place

    def _with_year(self, month: int, day: int, end: int) -> Day | None:
        start = end + 1 if end < len(self._words) and self._words[end].text == "," else end
        start = self._skip_joint(start)
        year = self._words[start].number if start < len(self._words) and len(self._words[start].text) == 4 else None
        if year is not None and 1900 <= year <= 2199:
            found = _date(year, month, day)
            return None if found is None else Day(found, start + 1, full=True)
        found = self._next(month, day)
        return None if found is None else Day(found, end, full=True)

    def _of_month(self, place: int) -> Day | None:
        """The 5th; a bare 27 beside a weekday or as the whole answer."""
        number = self._day_number(place)
        if number is None or number[1] > place + 1:
            return None
        day, end = number
        after = self._after_ordinal(end)
        if after < len(self._words) and self._words[after].glued and self._words[after].text in ":./-":
            return None
        if self._words[place].number is None:
            return None
        base = self._today if not self._past else self._today.replace(day=1)
        for step in range(13):
            month = _months_on(base.replace(day=1), -step if self._past else step)
            found = _date(month.year, month.month, day)
            if found is not None and (found <= self._today if self._past else found >= self._today):
                return Day(found, after, sure=after > end)
        return None

    def _next(self, month: int, day: int) -> date | None:
        """The nearest such day in the direction that the slot looks; 29 February may be years away."""
        for step in range(9):
            found = _date(self._today.year + (-step if self._past else step), month, day)
            if found is not None and (found <= self._today if self._past else found >= self._today):
                return found
        return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _months_on(day: date, count: int) -> date:
    months = day.year * 12 + day.month - 1 + count
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
