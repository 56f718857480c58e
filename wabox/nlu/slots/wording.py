"""A slot's value as a customer reads it: ``2026-11-24`` is "Tuesday 24 November", ``2026-11-24T17:00`` "… at 5 pm"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from wabox.core.slot import Slot
from wabox.nlu.slots.words import short

_DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "ar": "الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
}
_DATE = {
    "en": "{weekday} {day} {month}{year}",
    "es": "{weekday} {day} de {month}{year}",
    "ar": "{weekday} {day} {month}{year}",
    "fr": "{weekday} {day} {month}{year}",
    "pt": "{weekday}, {day} de {month}{year}",
    "de": "{weekday}, {day}. {month}{year}",
    "it": "{weekday} {day} {month}{year}",
}
_YEAR = {"es": " de ", "pt": " de "}
_YES_NO = {
    "en": ("yes", "no"),
    "es": ("sí", "no"),
    "ar": ("نعم", "لا"),
    "fr": ("oui", "non"),
    "pt": ("sim", "não"),
    "de": ("ja", "nein"),
    "it": ("sì", "no"),
}


def worded(slot: Slot, value: Any, language: str, today: date, titles: Mapping[str, str] | None = None) -> str:
    """The value in words. Years are said only when it is not this one's or the next months'."""
    language = short(language)
    match slot.type, value:
        case "date", str():
            return _date(date.fromisoformat(value), language, today)
        case "time", str():
            return _time(time.fromisoformat(value), language)
        case "datetime", str():
            moment = datetime.fromisoformat(value)
            return f"{_date(moment.date(), language, today)}, {_time(moment.time(), language)}"
        case "yes_no", bool():
            return _YES_NO.get(language, _YES_NO["en"])[0 if value else 1]
        case "choice", str():
            return (titles or {}).get(value, value)
        case "money", {"amount": amount, "currency": currency}:
            return f"{amount} {currency}"
        case (("address" | "location"), Mapping()):
            place = value.get("text") or value.get("name") or value.get("address")
            return str(place or f"{value.get('latitude')}, {value.get('longitude')}")
        case "media", Mapping():
            return str(value.get("filename") or value.get("type"))
        case _:
            return str(value)


def _date(day: date, language: str, today: date) -> str:
    if language not in _DATE:
        return day.isoformat()
    near = abs((day - today).days) < 300
    return _DATE[language].format(
        weekday=_DAYS[language].split()[day.weekday()],
        day=day.day,
        month=_MONTHS[language].split()[day.month - 1],
        year="" if near else f"{_YEAR.get(language, ' ')}{day.year}",
    )


def _time(at: time, language: str) -> str:
    if language not in ("en", "ar"):
        return at.strftime("%H:%M")
    half = ("am", "pm") if language == "en" else ("صباحًا", "مساءً")
    minutes = f":{at.minute:02d}" if at.minute else ""
    return f"{(at.hour - 1) % 12 + 1}{minutes} {half[at.hour >= 12]}"
