"""``[queues.NAME]``: who answers which cases, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wabox.errors import SettingsError
from wabox.settings.alerts import addresses
from wabox.settings.sources import QUEUE_KEYS, Section

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
Hours = tuple[tuple[int, int], ...]
"""Begin and end, minutes after midnight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """One queue. A queue that nobody describes is always open, waits for ever and asks for no rating."""

    name: str
    title: str = ""
    skills: tuple[str, ...] = ()
    """What its agents know."""
    hours: tuple[Hours, ...] | None = None
    """By weekday, Monday first; None: always."""
    timezone: str = "UTC"
    holidays: frozenset[date] = frozenset()
    number_holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)
    """More of them, by business number."""
    capacity: int = 0
    """Cases that one agent may have at once; 0: any number."""
    assign: str = "pull"
    """``pull``: whoever is there takes what they like; ``offer``: each case is offered to one agent after the other."""
    offer: int = 30_000
    """ms that a case stays one agent's to take."""
    max_wait: int = 0
    """ms after which a case that nobody took escalates; 0: never."""
    idle: int = 30 * 60_000
    """ms after which an agent who keeps a customer waiting loses the case."""
    rating: bool = False
    """Customers are asked how it was."""
    rating_template: str = ""
    """With this one, when the service window is closed; empty: then they are not asked."""
    alerts: tuple[str, ...] | None = None
    """Who is told of its cases; None: those of ``[alerts] to``."""
    escalate: tuple[str, ...] | None = None


def queue_settings(section: Section, timezone: str) -> Mapping[str, QueueSettings]:
    """By name. Raises SettingsError."""
    found = {}
    for name, table in section.items():
        where = f"{section.path}: [queues.{name}]"
        if not isinstance(table, dict):
            raise SettingsError(f"{where} must be a section of its own")
        for key in table:
            if key not in QUEUE_KEYS:
                raise SettingsError(f"{where}: unknown setting {key!r}; known: {', '.join(sorted(QUEUE_KEYS))}")
        zone = table.get("timezone", timezone)
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
            raise SettingsError(f"{where} timezone {zone!r} is no time zone; write one such as Europe/Madrid") from None
        found[name] = QueueSettings(
            name=name,
            title=str(table.get("title", name)),
            skills=tuple(_texts(table.get("skills", []), f"{where} skills")),
            hours=_hours(table.get("hours"), f"{where} hours"),
            timezone=zone,
            holidays=frozenset(_day(day, f"{where} holidays") for day in table.get("holidays", [])),
            number_holidays=_number_holidays(table.get("number_holidays", {}), f"{where} number_holidays"),
            capacity=_count(table.get("capacity", 0), f"{where} capacity"),
            assign=_assign(table.get("assign", "pull"), f"{where} assign"),
            offer=_duration(table.get("offer", "30s"), f"{where} offer") or 30_000,
            max_wait=_duration(table.get("max_wait", "0m"), f"{where} max_wait"),
            idle=_duration(table.get("idle", "30m"), f"{where} idle"),
            rating=_flag(table.get("rating", True), f"{where} rating"),
            rating_template=str(table.get("rating_template", "")),
            alerts=addresses(table["alerts"], f"{where} alerts") if "alerts" in table else None,
            escalate=addresses(table["escalate"], f"{where} escalate") if "escalate" in table else None,
        )
    return found


def _number_holidays(given: Any, where: str) -> dict[str, frozenset[date]]:
    if not isinstance(given, dict) or not all(isinstance(days, list) for days in given.values()):
        raise SettingsError(f'{where} must be lists of days by number, such as {{"1055" = ["2026-12-25"]}}')
    return {number: frozenset(_day(day, where) for day in days) for number, days in given.items()}


def _texts(given: Any, where: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise SettingsError(f'{where} must be a list of words such as ["refunds", "es"]')
    return given


def _count(given: Any, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise SettingsError(f"{where} must be a whole number, 0 for any, not {given!r}")
    return given


def _flag(given: Any, where: str) -> bool:
    if not isinstance(given, bool):
        raise SettingsError(f"{where} must be true or false, not {given!r}")
    return given


def _assign(given: Any, where: str) -> str:
    if given not in ("pull", "offer"):
        raise SettingsError(f"{where} must be pull or offer, not {given!r}")
    return str(given)


def _duration(given: Any, where: str) -> int:
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", given) if isinstance(given, str) else None
    if found is None:
        raise SettingsError(f"{where} must be a duration such as 30m or 4h, not {given!r}")
    return int(found[1]) * _UNITS[found[2]]


def _day(given: Any, where: str) -> date:
    try:
        return given if type(given) is date else date.fromisoformat(str(given))
    except ValueError:
        raise SettingsError(f'{where}: {given!r} is no day; write "2026-12-25"') from None


def _hours(given: Any, where: str) -> tuple[Hours, ...] | None:
    """``"09:00-18:00"`` for every day, or by days: ``{mon-fri = "09:00-14:00, 16:00-19:00", sat = "10:00-13:00"}``."""
    if given is None:
        return None
    if isinstance(given, str):
        return (_spans(given, where),) * 7
    if not isinstance(given, dict):
        raise SettingsError(f'{where} must be such as {{mon-fri = "09:00-18:00"}}')
    week: list[Hours] = [()] * 7
    for days, spans in given.items():
        first, dash, last = str(days).lower().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise SettingsError(f"{where}: {days!r} is no day; write mon, mon-fri, sat …")
        begin, end = DAYS.index(first), DAYS.index(last) if dash else DAYS.index(first)
        for step in range((end - begin) % 7 + 1):
            week[(begin + step) % 7] = _spans(str(spans), where)
    return tuple(week)


def _spans(written: str, where: str) -> Hours:
    found: list[tuple[int, int]] = []
    for part in filter(None, (one.strip() for one in written.split(","))):
        span = re.fullmatch(r"([01]?\d|2[0-4]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-4]):([0-5]\d)", part)
        begin, end = (int(span[1]) * 60 + int(span[2]), int(span[3]) * 60 + int(span[4])) if span else (0, 0)
        if not 0 <= begin < end <= 1440:
            raise SettingsError(f'{where}: {part!r} are no hours; write "09:00-18:00", before midnight')
        found.append((begin, end))
    return tuple(sorted(found))
