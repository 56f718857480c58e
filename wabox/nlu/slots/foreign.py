"""Dates in languages that :mod:`wabox.nlu.slots.vocabulary` does not have, read by ``dateparser``.

It reads two hundred languages, and guesses: it drops what it does not understand ("tomorrow at 8" becomes tomorrow at this
hour) and completes what is not there ("5" becomes a day in May). So its answer counts only when every number of the message
is in it, and there is more in the message than a number. It costs 0.1 s to import and 0.1 to 0.3 s at its first date, and
22 MB: it is loaded only for a bot that speaks such a language and asks for a date, by :func:`prepare` before the
server opens.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from wabox.core.slot import Slot, Value
from wabox.nlu.slots.sentence import Sentence
from wabox.nlu.slots.words import digits, short, vocabulary

LONGEST = 60
"""Characters: it takes 1 ms for a short text and 85 ms for a thousand numbers."""


def prepare(language: str, now: datetime) -> None:
    """Load what the first date of this language needs; nothing for a language with a vocabulary."""
    if vocabulary(language) is None:
        _read("1/1", language, now)


def parse(slot: Slot, sentence: Sentence) -> Value | None:
    """The date, time or datetime of an answer; None when there is none to be trusted."""
    setting = sentence.setting
    text = digits(sentence.text)
    if vocabulary(setting.language) is not None or len(text) > LONGEST or not re.search(r"[^\W\d_]", text):
        return None
    found = _read(text, setting.language, setting.now)
    numbers = {int(number) for number in re.findall(r"\d+", text)}
    if found is None or not numbers <= {
        found.day,
        found.month,
        found.year,
        found.year % 100,
        found.hour,
        found.hour % 12,
        found.minute,
    }:
        return None
    timed = (found.hour, found.minute) != (0, 0)
    if slot.type == "date":
        return Value(found.date().isoformat())
    if not timed:
        return None
    return Value(found.strftime("%H:%M" if slot.type == "time" else "%Y-%m-%dT%H:%M"))


def _read(text: str, language: str, now: datetime) -> datetime | None:
    parser = _parser(short(language))
    if parser is None:
        return None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    parser._settings = parser._settings.replace(RELATIVE_BASE=midnight)
    try:
        found = parser.get_date_data(text).date_obj
    except (ValueError, OverflowError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found.replace(tzinfo=None) if found is not None else None


@lru_cache(maxsize=32)
def _parser(language: str) -> Any:
    from dateparser.date import DateDataParser  # here, because it takes a tenth of a second

    try:
        return DateDataParser(
            languages=[language],
            settings={
                "PREFER_DATES_FROM": "future",
                "RETURN_AS_TIMEZONE_AWARE": False,
                "TIMEZONE": "UTC",
                "PARSERS": ["relative-time", "absolute-time"],
            },
        )
    except ValueError:
        return None  # a language that it does not know either
