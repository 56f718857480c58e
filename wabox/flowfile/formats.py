"""How values are written in the customer's language: ``{visit.day:date}``, ``{total:money}``.

The words and orders are CLDR's, through Babel: every language that a bot may speak, kept by people who do nothing else. It is
imported with the first value that needs it (a quarter of a second, 16 MB).

=========  ================================================  ================================
format     value                                             in English
=========  ================================================  ================================
date       ``2026-11-24``, ``2026-11-24T17:30``              Tuesday, November 24
time       ``17:30``, ``2026-11-24T17:30``                   5:30 PM
datetime   ``2026-11-24T17:30``                              Tuesday, November 24, 5:30 PM
money      ``{amount: "12.50", currency: EUR}``              €12.50
number     ``1234.5``, ``"1234.5"``                          1,234.5
markdown   ``"**Yes**, [here](https://…)"``                  ``*Yes*, here: https://…``
=========  ================================================  ================================

A value of another kind is written as it is: a customer must not get an error instead of an answer. ``markdown`` is for values
that the bot's own side made, an action's or a model's answer; any other value is never read as formatting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any

from wabox.core.markup import formatted
from wabox.engine.text import Show, written

if TYPE_CHECKING:
    from babel import Locale

_SKELETON = "MMMMEEEEd"
_NO_BREAK = {0x202F: " ", 0xA0: " "}
"""Babel's narrow and fixed blanks: a phone shows them alike, and whoever searches a text does not find them."""


@cache
def in_language(language: str) -> Show:
    """Writes values in the language; one that nobody knows is written as English."""

    def show(value: Any, form: str) -> str | None:
        write = FORMATS.get(form)
        if write is None:
            return None
        try:
            return write(value, _locale(language)).translate(_NO_BREAK)
        except (ValueError, TypeError, AttributeError, KeyError, InvalidOperation):
            return None

    return show


@cache
def _locale(language: str) -> Locale:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@cache
def _day_pattern(locale: Locale) -> str:
    """Day and month spelled out, without the year."""
    from babel.dates import match_skeleton

    found = match_skeleton(_SKELETON, locale.datetime_skeletons)
    pattern = str(locale.datetime_skeletons[found]) if found else "EEEE d MMMM"
    # What matches best is mostly the abbreviated one.
    return re.sub(r"(?<!M)MMM(?!M)", "MMMM", re.sub(r"(?<!E)(?:E|EEE|ccc)(?!E)", "EEEE", pattern))


def _date(value: Any, locale: Locale) -> str:
    from babel.dates import format_date

    return format_date(date.fromisoformat(value[:10]), _day_pattern(locale), locale)


def _time(value: Any, locale: Locale) -> str:
    from babel.dates import format_time

    return format_time(time.fromisoformat(value.rpartition("T")[2]), "short", locale=locale)


def _datetime(value: Any, locale: Locale) -> str:
    moment = datetime.fromisoformat(value)
    return f"{_date(moment.date().isoformat(), locale)}, {_time(moment.time().isoformat(), locale)}"


def _money(value: Any, locale: Locale) -> str:
    from babel.numbers import format_currency

    return format_currency(Decimal(str(value["amount"])), value["currency"], locale=locale)


def _number(value: Any, locale: Locale) -> str:
    from babel.numbers import format_decimal

    if isinstance(value, bool | Mapping):
        raise TypeError("no number")
    return format_decimal(Decimal(str(value)), locale=locale)


def _markdown(value: Any, locale: Locale) -> str:
    return formatted(written(value))


FORMATS: Mapping[str, Callable[[Any, Locale], str]] = {
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "money": _money,
    "number": _number,
    "markdown": _markdown,
}
