"""Readers of single values: each takes what was written and where, and raises SettingsError with what to write instead."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wabox.errors import SettingsError
from wabox.settings.sources import Section

LEVELS = ("debug", "info", "warning", "error")
PROXIES = ("127.0.0.1", "::1")
NIGHT = (22 * 60, 8 * 60)
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def text(section: Section, key: str, default: str | None = None) -> str | None:
    """A word or sentence, not empty."""
    value = section.get(key, default)
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise SettingsError(f"{section.where(key)} must be a text, not {value!r}")
    return value


def flag(section: Section, key: str, *, default: bool) -> bool:
    value = section.get(key, default)
    if not isinstance(value, bool):
        raise SettingsError(f"{section.where(key)} must be true or false, not {value!r}")
    return value


def amount(section: Section, key: str, default: float | None) -> float | None:
    """A number that is not negative."""
    value = section.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 100_000:
        raise SettingsError(f"{section.where(key)} must be a number, and not below 0, not {value!r}")
    return float(value)


def port(section: Section, name: str = "port", default: int = 8080) -> int:
    value = section.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise SettingsError(f"{section.where(name)}: the port must be a number from 0 to 65535, not {value!r}")
    return value


def admin(section: Section) -> str:
    value = section.get("admin", "loopback")
    if value not in ("loopback", "all"):
        raise SettingsError(f'{section.where("admin")} is "loopback" or "all", not {value!r}')
    return str(value)


def proxies(section: Section) -> tuple[str, ...]:
    """Addresses and networks."""
    found = section.get("proxies", list(PROXIES))
    if not isinstance(found, list):
        raise SettingsError(f'{section.where("proxies")} must be a list such as ["127.0.0.1", "10.0.0.0/24"]')
    for entry in found:
        try:
            ipaddress.ip_network(entry)
        except ValueError as error:
            raise SettingsError(f"{section.where('proxies')}: {error}") from None
    return tuple(map(str, found))


def duration(section: Section, key: str, default: str) -> int:
    """ms."""
    given = section.get(key, default)
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", given) if isinstance(given, str) else None
    if found is None:
        raise SettingsError(f"{section.where(key)} must be a duration such as 30m, 4h or 1d, not {given!r}")
    return int(found[1]) * _UNITS[found[2]]


def timezone(section: Section) -> str:
    name = section.get("timezone", "UTC")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise SettingsError(
            f"{section.where('timezone')} {name!r} is no time zone; write one such as Europe/Madrid"
        ) from None
    return str(name)


def region(section: Section) -> str | None:
    code = section.get("region")
    if code is not None and not (isinstance(code, str) and re.fullmatch("[A-Z]{2}", code)):
        raise SettingsError(f"{section.where('region')} {code!r} is no country; write its two letters, such as ES")
    return code


def night(section: Section) -> tuple[int, int] | None:
    """Minutes after midnight; None: never."""
    given = section.get("quiet_hours")
    if given is None or given in (False, "off"):
        return NIGHT if given is None else None
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-3]):([0-5]\d)", str(given).strip())
    begin, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if begin == end:
        raise SettingsError(f'{section.where("quiet_hours")} {given!r} are no hours; write "22:00-08:00", or "off"')
    return begin, end


def form(section: Section) -> str:
    """Of the log's lines."""
    value = section.get("format", "auto")
    if value not in ("auto", "json", "text"):
        raise SettingsError(f"{section.where('format')} must be auto, json or text, not {value!r}")
    return str(value)


def level(section: Section) -> str:
    """Of the log."""
    value = section.get("level", "info")
    if value not in LEVELS:
        raise SettingsError(f"{section.where('level')} must be one of {', '.join(LEVELS)}, not {value!r}")
    return str(value)


def meta_id(section: Section, key: str) -> str | None:
    """One of Meta's ids, as text or number."""
    found = str(section.get(key, "")).strip()
    if found and not found.isdecimal():
        raise SettingsError(f"{section.where(key)} is digits, an id at Meta, not {found!r}")
    return found or None


def url(section: Section, key: str, default: str) -> str:
    value = section.get(key, default)
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise SettingsError(f"{section.where(key)} must start with https://, not {value!r}")
    return value.rstrip("/")


def table(section: Section, key: str) -> Mapping[str, Any]:
    value = section.get(key, {})
    if not isinstance(value, dict):
        raise SettingsError(f"{section.where(key)} must be a table of values")
    return value


def keep(section: Section) -> Mapping[str, int]:
    """Days by kind of data."""
    for name, days in section.items():
        if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 36_500:
            raise SettingsError(f"{section.where(name)} must be a number of days, 0 for ever, not {days!r}")
        if name == "outbox" and 0 < days < 31:
            raise SettingsError(
                f"{section.where(name)}: WhatsApp reports on messages for 30 days; write 31 or more, or 0"
            )
    return dict(section)


def prices(section: Section) -> Mapping[str, Any]:
    """By category and country; read by :func:`wabox.core.prices.read`."""
    for category, countries in section.items():
        if category == "currency":
            if not (isinstance(countries, str) and re.fullmatch("[A-Z]{3}", countries)):
                raise SettingsError(f"{section.where(category)} must be three letters, such as EUR, not {countries!r}")
        elif not isinstance(countries, dict) or not all(_price(*one) for one in countries.items()):
            raise SettingsError(
                f"{section.where(category)} must be like {{ES = 0.0509, other = 0.06}}: countries and prices"
            )
    return dict(section)


def _price(country: str, price: Any) -> bool:
    number = isinstance(price, int | float) and not isinstance(price, bool) and price >= 0
    return number and re.fullmatch("[A-Z]{2}|other", country) is not None


def allow(section: Section) -> tuple[str, ...]:
    """Hosts, addresses and networks."""
    found = section.get("allow", [])
    if not isinstance(found, list) or not all(isinstance(entry, str) and entry.strip() for entry in found):
        raise SettingsError(f'{section.where("allow")} must be a list such as ["crm.internal", "10.0.0.0/24"]')
    for entry in found:
        if "/" in entry or ":" in entry or entry.replace(".", "").isdigit():
            try:
                ipaddress.ip_network(entry.strip())
            except ValueError as error:
                raise SettingsError(f"{section.where('allow')}: {error}") from None
    return tuple(found)
