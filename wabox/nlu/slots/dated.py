"""Slots of the types date, time and datetime."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

from wabox.core.slot import Slot, Value, Wrong
from wabox.nlu.slots.moments import Moment, chosen, moments
from wabox.nlu.slots.sentence import Found, Sentence
from wabox.nlu.slots.words import Vocabulary

NO_TIME, NO_DAY = Wrong("no_time"), Wrong("no_day")


def parse(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """The moment that an answer names."""
    best: Value | Wrong = Wrong()
    for _, vocabulary in sentence.vocabularies():
        found = _of_slot(slot, sentence, vocabulary)
        read = _one(slot, found) if found else Wrong()
        if isinstance(read, Value):
            return _within(slot, read.value, sentence)
        best = read if read.reason else best
    return best


def find(slot: Slot, sentence: Sentence) -> list[Found]:
    """The moment in a longer message; none unless there is exactly one that cannot be anything else.

    Words of the bot's other languages are other words here ("mon" is French, too): of those only a full date counts.
    """
    for language, vocabulary in sentence.vocabularies():
        own = sentence.is_own(language)
        found = [
            chosen(moment, slot, sentence.setting)
            for moment in _joined(slot, _all(sentence, vocabulary, slot))
            if moment.sure and not moment.short and (own or moment.full)
        ]
        moment = _only(slot, found)
        value = _value(slot, moment) if moment is not None else None
        if moment is None or not isinstance(value, Value):
            continue
        if isinstance(_within(slot, value.value, sentence), Value):
            return [sentence.found(value.value, moment.start, moment.end)]
    return []


def merged(slot: Slot, sentence: Sentence, before: str) -> Value | None:
    """A datetime with what the message says of it changed: another day at the same time, or another time that day."""
    old = datetime.fromisoformat(before)
    for _, vocabulary in sentence.vocabularies():
        for moment in _all(sentence, vocabulary, slot):
            if not moment.sure and not sentence.is_all(moment.start, moment.end, vocabulary):
                continue
            day = moment.day or old.date()
            at = chosen(replace(moment, day=day), slot, sentence.setting).times
            new = datetime.combine(day, _near(moment.times, at, old.time()) if at else old.time())
            value = _within(slot, new.strftime("%Y-%m-%dT%H:%M"), sentence)
            return value if isinstance(value, Value) else None
    return None


def _near(choices: tuple[time, ...], chosen_: tuple[time, ...], old: time) -> time:
    """ "No, at 5" about eight in the evening means the evening."""
    same = [one for one in choices if (one.hour < 12) == (old.hour < 12)]
    return same[0] if len(choices) > 1 and same else chosen_[0]


def _of_slot(slot: Slot, sentence: Sentence, vocabulary: Vocabulary) -> list[Moment]:
    """Moments that count as an answer: the sure ones; else a bare number that is the whole answer."""
    found = _all(sentence, vocabulary, slot)
    sure = [moment for moment in found if moment.sure]
    if sure:
        return [chosen(moment, slot, sentence.setting) for moment in _joined(slot, sure)]
    return [
        chosen(_as_wanted(slot, moment, sentence), slot, sentence.setting)
        for moment in found
        if sentence.is_all(moment.start, moment.end, vocabulary) and slot.type != "datetime"
    ]


def _as_wanted(slot: Slot, moment: Moment, sentence: Sentence) -> Moment:
    """A bare number is the hour where an hour was asked for, the day of the month where a day was."""
    number = sentence.words[moment.end - 1].number
    if slot.type == "time" and not moment.times and number is not None and number <= 24:
        readings = (number % 24,) if number > 12 or number == 0 else (number, number + 12) if number < 12 else (12,)
        ordered = readings if not 1 <= number < 7 else readings[::-1]
        return replace(moment, day=None, times=tuple(time(hour) for hour in ordered))
    return moment


def _joined(slot: Slot, found: list[Moment]) -> list[Moment]:
    """A day and a time that stand apart ("tomorrow for two at 8") are one moment."""
    days = [moment for moment in found if moment.day is not None and not moment.times]
    times = [moment for moment in found if moment.times and moment.day is None]
    if slot.type == "datetime" and len(found) == 2 and len(days) == 1 and len(times) == 1:
        start, end = min(found[0].start, found[1].start), max(found[0].end, found[1].end)
        sure = days[0].sure and times[0].sure
        return [Moment(start, end, days[0].day, times[0].times, sure, days[0].short, days[0].full)]
    return found


def _only(slot: Slot, found: list[Moment]) -> Moment | None:
    fitting = [moment for moment in found if isinstance(_value(slot, moment), Value)]
    return fitting[0] if len(fitting) == 1 else None


def _one(slot: Slot, found: list[Moment]) -> Value | Wrong:
    values = [_value(slot, moment) for moment in found]
    good = {str(value.value): value for value in values if isinstance(value, Value)}
    if len(good) == 1:
        return next(iter(good.values()))
    return Wrong() if good else next((value for value in values if isinstance(value, Wrong)), Wrong())


def _value(slot: Slot, moment: Moment) -> Value | Wrong:
    if slot.type == "date":
        return Value(moment.day.isoformat()) if moment.day is not None else Wrong()
    if not moment.times:
        return NO_TIME if slot.type == "datetime" else Wrong()
    at = moment.times[0].strftime("%H:%M")
    if slot.type == "time":
        return Value(at)
    return Value(f"{moment.day.isoformat()}T{at}") if moment.day is not None else NO_DAY


def _within(slot: Slot, value: str, sentence: Sentence) -> Value | Wrong:
    """The value, if the slot's bounds admit it."""
    now = sentence.setting.now
    here = {
        "date": now.date().isoformat(),
        "time": now.strftime("%H:%M"),
        "datetime": now.strftime("%Y-%m-%dT%H:%M"),
    }[slot.type]
    # All of these are written so that the order of the texts is the order in time.
    if slot.when == "future" and value < here:
        return Wrong("past")
    if slot.when == "past" and value > here:
        return Wrong("future")
    for bound, low in ((slot.min, True), (slot.max, False)):
        if isinstance(bound, str):
            part = value if len(bound) > 5 or slot.type == "time" else value[-5:]
            if part < bound if low else part > bound:
                return Wrong("min" if low else "max")
    return Value(value)


def spans(sentence: Sentence) -> list[Found]:
    """The places of everything that is a moment for sure."""
    if "spans" not in sentence.memo:
        sentence.memo["spans"] = _spans(sentence)
    found: list[Found] = sentence.memo["spans"]
    return found


def _all(sentence: Sentence, vocabulary: Vocabulary, slot: Slot) -> list[Moment]:
    """Every moment in the message. A short word for a day is one in the message's own language only."""
    key = (vocabulary, slot.when == "past")
    if key not in sentence.memo:
        own = next((own for language, own in sentence.vocabularies() if sentence.is_own(language)), None)
        found_here = moments(sentence.words, vocabulary, sentence.setting, slot)
        sentence.memo[key] = [one for one in found_here if not one.short or vocabulary is own]
    found: list[Moment] = sentence.memo[key]
    return found


def _spans(sentence: Sentence) -> list[Found]:
    any_moment = Slot(name="", type="datetime")
    for _, vocabulary in sentence.vocabularies():
        found = [one for one in _all(sentence, vocabulary, any_moment) if one.sure]
        if found:
            return [sentence.found(None, one.start, one.end) for one in found]
    return []
