"""When people are there: the business hours of a queue, by its own clock, without its holidays and those of the number."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from wabox.settings import QueueSettings

AHEAD: Final = 15
"""Days looked ahead for the next time that somebody is there."""


def on_duty(queue: QueueSettings, now: int, number: str | None = None) -> bool:
    """Whether somebody should be there now (ms since the epoch), for who wrote to this business number."""
    free = _holidays(queue, number)
    here = datetime.fromtimestamp(now / 1000, ZoneInfo(queue.timezone))
    if queue.hours is None:
        return here.date() not in free
    minute = here.hour * 60 + here.minute
    spans = () if here.date() in free else queue.hours[here.weekday()]
    return any(begin <= minute < end for begin, end in spans)


def opens_at(queue: QueueSettings, now: int, number: str | None = None) -> datetime | None:
    """When somebody is there next, by the queue's clock; None: not within :data:`AHEAD` days."""
    here = datetime.fromtimestamp(now / 1000, ZoneInfo(queue.timezone))
    for ahead in range(AHEAD):
        day = here.date() + timedelta(days=ahead)
        if day in _holidays(queue, number):
            continue
        for begin, _ in ((0, 1440),) if queue.hours is None else queue.hours[day.weekday()]:
            # By the wall clock: on the night that the clocks change it is not 24 hours later.
            at = datetime(day.year, day.month, day.day, begin // 60, begin % 60, tzinfo=here.tzinfo)
            if at > here:
                return at
    return None


def _holidays(queue: QueueSettings, number: str | None) -> frozenset[date]:
    return queue.holidays | queue.number_holidays.get(number or "", frozenset())
