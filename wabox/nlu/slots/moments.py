"""Days and times together, in any order: ``tomorrow at 8``, ``5pm on Friday``, ``mañana por la mañana a las 9``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from wabox.core.slot import Slot
from wabox.nlu.slots.clock import TimeOfDay, time_at
from wabox.nlu.slots.days import Days
from wabox.nlu.slots.numbers import number_at
from wabox.nlu.slots.setting import Setting
from wabox.nlu.slots.words import Vocabulary, Word

_HALVES = ("am", "pm", "night")


@dataclass(frozen=True, slots=True)
class Moment:
    """What was said of a moment: a day, a time, or both."""

    start: int
    """The first word of it."""
    end: int
    """The place after its last one."""
    day: date | None = None
    times: tuple[time, ...] = ()
    """The readings of the time, the likelier first."""
    sure: bool = False
    """It cannot be anything else."""
    short: bool = False
    """Its day is said with a word that is also another one."""
    full: bool = False
    """Its day is said with day and month."""


def moments(words: tuple[Word, ...], vocabulary: Vocabulary, setting: Setting, slot: Slot) -> Iterator[Moment]:
    """Every moment in a message, from left to right."""
    reader = _Reader(words, vocabulary, setting, past=slot.when == "past")
    place = 0
    while place < len(words):
        found = reader.read(place)
        if found is None:
            place += 1
            continue
        if not doubtful(words, vocabulary, found.start, found.end):
            yield found
        place = max(found.end, place + 1)


def doubtful(words: tuple[Word, ...], vocabulary: Vocabulary, start: int, end: int) -> bool:
    """Whether the words around make something else of it: not Tuesday, a week from Monday, Tuesday or Wednesday."""
    if vocabulary.at("doubt", words, end) is not None:
        return True
    before = (vocabulary.at("doubt", words, place) for place in range(max(0, start - 3), start))
    return any(found is not None and found[1] == start for found in before)


class _Reader:
    def __init__(self, words: tuple[Word, ...], vocabulary: Vocabulary, setting: Setting, *, past: bool) -> None:
        self._words = words
        self._vocabulary = vocabulary
        self._setting = setting
        self._days = Days(words, vocabulary, setting, past=past)

    def read(self, place: int) -> Moment | None:
        """The longest moment that begins at this word."""
        ahead = self._ahead(place)
        if ahead is not None:
            return ahead
        day: date | None = None
        clock: TimeOfDay | None = None
        half: str | None = None
        sure = short = full = False
        here = end = place
        while here < len(self._words):
            found = self._days.at(here) if day is None else None
            timed = time_at(self._words, here, self._vocabulary, self._setting.language) if clock is None else None
            if found is not None and timed is not None and not found.sure and (timed.sure or day is not None):
                found = None
            if found is not None and found.date is None:
                return Moment(place, found.end)
            if found is not None:
                half = self._half_within(here, found.end) or half
                day, here, sure = found.date, found.end, sure or found.sure
                short, full = found.short, found.full
            elif timed is not None and (timed.sure or here == place or day is not None):
                if not timed.sure and day is not None and not self._ends(timed.end):
                    break  # "tomorrow 4 people": the number may be anything
                clock, here, sure = timed, timed.end, sure or timed.sure
                if not sure:
                    end = here
                    break  # "two tomorrow": a bare number stands for itself
            elif half is None and (day is not None or clock is not None) and (half_at := self._half_at(here)):
                half, here = half_at
            elif here > place and (self._words[here].text == "," or self._little(here)):
                here += 1
                continue
            else:
                break
            end = here
        if day is None and clock is None:
            return None
        return Moment(place, end, day, self._times(clock, half), sure, short, full)

    def _ends(self, place: int) -> bool:
        return place >= len(self._words) or self._words[place].text in ",.!?;"

    def _little(self, place: int) -> bool:
        return self._vocabulary.at("on", self._words, place) is not None

    def _half_at(self, place: int) -> tuple[str, int] | None:
        for name in _HALVES:
            found = self._vocabulary.at(name, self._words, place)
            if found is not None:
                return name, found[1]
        return None

    def _half_within(self, start: int, end: int) -> str | None:
        """ "tonight", "esta tarde": a day that says its half."""
        for place in range(start, end):
            found = self._half_at(place)
            if found is not None and found[1] == end:
                return found[0]
        return None

    def _times(self, clock: TimeOfDay | None, half: str | None) -> tuple[time, ...]:
        if clock is None:
            return ()
        choices = clock.choices()
        if half is None or len(choices) == 1:
            return choices
        morning = half == "am"
        wanted = [choice for choice in choices if (choice.hour < 12) == morning]
        return tuple(wanted) or choices

    def _ahead(self, place: int) -> Moment | None:
        """In two hours, half an hour from now."""
        at = self._vocabulary.at
        ahead = at("ahead", self._words, place)
        start = ahead[1] if ahead is not None else place
        found = at("units", self._words, start)
        if found is not None and len(found[0]) > 1:
            count, (unit, end) = int(found[0][1:]), found
        else:
            number = number_at(self._words, start, self._vocabulary, self._setting.language)
            found = at("units", self._words, number.end) if number is not None else None
            if number is None or found is None:
                return None
            count, (unit, end) = int(number.value), found
            count *= int(unit[1:] or 1)
        later = at("later", self._words, end)
        if (ahead is None and later is None) or unit[0] not in "hn" or not 0 < count <= 1000:
            return None
        then = self._setting.now + timedelta(minutes=count * (60 if unit[0] == "h" else 1))
        then = then.replace(second=0, microsecond=0)
        return Moment(place, later[1] if later is not None else end, then.date(), (then.time(),), True)


def chosen(moment: Moment, slot: Slot, setting: Setting) -> Moment:
    """The moment with one reading of its time: the first that the slot's bounds and its side of now admit."""
    if len(moment.times) < 2:
        return moment
    fitting = [one for one in moment.times if _fits(moment.day, one, slot, setting)]
    if moment.day == setting.now.date() and slot.when != "past":
        later = [one for one in fitting or moment.times if one > setting.now.time()]
        fitting = later or fitting
    return replace(moment, times=tuple(fitting or moment.times)[:1])


def _fits(day: date | None, at: time, slot: Slot, setting: Setting) -> bool:
    written = at.strftime("%H:%M")
    for bound, low in ((slot.min, True), (slot.max, False)):
        if isinstance(bound, str) and len(bound) == 5 and (written < bound if low else written > bound):
            return False
    if day is None or slot.type != "datetime":
        return True
    moment = datetime.combine(day, at)
    for bound, low in ((slot.min, True), (slot.max, False)):
        if isinstance(bound, str) and len(bound) > 5:
            limit = datetime.fromisoformat(bound)
            if moment < limit if low else moment > limit:
                return False
    if slot.when == "future":
        return moment > setting.now
    return moment < setting.now if slot.when == "past" else True
