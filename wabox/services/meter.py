"""The meter: delivered messages this month, per number, category and source, against the free 1,000."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from wabox.core.meter import FREE, WARN_AT, Metered
from wabox.core.ports import Clock
from wabox.errors import WaboxError

log = structlog.get_logger(__name__)

Sum = Callable[[int, int], Awaitable[Sequence[Metered]]]
"""Counters from begin to before end, ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    name: str
    """``2026-11``."""
    begin: int
    """ms since the epoch."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberMeter:
    """One business number's month."""

    number_id: str
    used: int
    """Of the free ones."""
    delivered: int
    billed: int
    """Those that Meta says it charges."""
    rows: Sequence[Metered]
    free: int = FREE

    @property
    def warning(self) -> str | None:
        """What the owner should know."""
        if self.used >= self.free:
            return f"the {self.free:,} free service messages of number {self.number_id} are used up: each one more is paid for"
        if self.used >= self.free * WARN_AT:
            return f"{self.used:,} of the {self.free:,} free service messages of number {self.number_id} are used"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReport:
    month: Month
    timezone: str
    numbers: Sequence[NumberMeter]


def month_of(at: int, timezone: str) -> Month:
    """The month around ``at`` (ms), from midnight to midnight in that zone."""
    day = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(timezone))
    return _month(day.year, day.month, timezone)


def month_named(name: str, timezone: str) -> Month:
    """``2026-10``. Raises WaboxError."""
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", name)
    if found is None or not 2000 <= int(found[1]) < 9999:
        raise WaboxError(f"{name!r} is no month: write it like 2026-11")
    return _month(int(found[1]), int(found[2]), timezone)


def _month(year: int, month: int, timezone: str) -> Month:
    zone = ZoneInfo(timezone)
    begin = datetime(year, month, 1, tzinfo=zone)
    end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return Month(name=f"{year}-{month:02}", begin=round(begin.timestamp() * 1000), end=round(end.timestamp() * 1000))


def report(rows: Sequence[Metered], month: Month, timezone: str) -> MeterReport:
    """The counters, by number."""
    by_number: dict[str, list[Metered]] = {}
    for row in rows:
        by_number.setdefault(row.number_id, []).append(row)
    numbers = [
        NumberMeter(
            number_id=number_id,
            used=sum(row.of_the_free for row in found),
            delivered=sum(row.delivered for row in found),
            billed=sum(row.billed for row in found),
            rows=found,
        )
        for number_id, found in sorted(by_number.items())
    ]
    return MeterReport(month=month, timezone=timezone, numbers=numbers)


class Meter:
    """Of this process: the same counters, and the log that warns."""

    def __init__(self, sum_: Sum, clock: Clock, timezone: str) -> None:
        self._sum = sum_
        self._clock = clock
        self.timezone = timezone
        self._told: set[tuple[str, str, bool]] = set()

    async def month(self, name: str | None = None) -> MeterReport:
        """This month, or the one named. Raises WaboxError."""
        month = month_of(self._clock(), self.timezone) if name is None else month_named(name, self.timezone)
        return report(await self._sum(month.begin, month.end), month, self.timezone)

    async def look(self) -> None:
        """Warn, once a month and number, at 80 % of the free messages and when they are used up."""
        found = await self.month()
        for number in found.numbers:
            warning, key = number.warning, (found.month.name, number.number_id, number.used >= number.free)
            if warning is not None and key not in self._told:
                self._told.add(key)
                log.warning(
                    "meter", number=number.number_id, month=found.month.name, used=number.used, sentence=warning
                )
