"""What the clinic's calendar does. Here it is made up from the day; a real clinic would ask its own over HTTP."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from wabox.actions import ActionInput, GuardInput, TaskInput, action, guard, task

ZONE = ZoneInfo("Asia/Dubai")
CLOSED = 4
"""Friday."""
TIMES = ["08:30", "09:30", "10:15", "11:00", "13:30", "14:45", "16:15", "17:30"]
OFFERED = 6

_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")


@task
def free_times(given: TaskInput) -> dict[str, Any]:
    """Up to six times of the day at which the doctor is free; none on Fridays."""
    doctor, day = given.input["doctor"], date.fromisoformat(given.input["day"])
    if day.weekday() == CLOSED:
        return {"times": []}
    taken = hashlib.blake2b(f"{doctor} {day}".encode(), digest_size=len(TIMES)).digest()
    free = [at for at, chance in zip(TIMES, taken, strict=True) if chance > 80]
    return {"times": free[:OFFERED]}


@task
def book_visit(given: TaskInput) -> dict[str, Any]:
    """Enter the visit, and say when to remind of it and when it is over. Called twice with one key it enters one visit."""
    visit = given.input["visit"]
    at = datetime.combine(date.fromisoformat(visit["day"]), time.fromisoformat(visit["time"]), ZONE)
    now = datetime.now(ZONE)
    remind_in = max(timedelta(minutes=1), at - timedelta(days=1) - now)
    over_in = max(timedelta(hours=1), at + timedelta(hours=2) - now)
    return {
        "number": f"N-{int(given.key[:6], 16) % 9000 + 1000}",
        "remind_in": f"{int(remind_in.total_seconds())}s",
        "over_in": f"{int(over_in.total_seconds())}s",
    }


@task
def cancel_visit(given: TaskInput) -> dict[str, Any]:
    """Take the visit out of the calendar. One that is not there any more is fine."""
    return {"cancelled": given.input["number"]}


@guard
def names_a_free_time(given: GuardInput) -> bool:
    """Whether the customer wrote one of the times instead of choosing its row."""
    return _named(given) is not None


@action
def choose_time(given: ActionInput) -> dict[str, Any]:
    """The time that was written, or the row that was chosen: ``time.2`` is the third one that is free."""
    at = _named(given) or given.context["free"][int(given.event.name.rpartition(".")[2])]
    return {"visit": {**given.context["visit"], "time": at}}


@action
def keep_visit(given: ActionInput) -> dict[str, Any]:
    """What was arranged, with the calendar's number."""
    return {"booked": {**given.context["visit"], **given.event.data["output"]}, "free": []}


def _named(given: GuardInput) -> str | None:
    """The free time that a text names, in 24 hours or 12; ``\\d`` knows the digits of every script."""
    if given.event.name != "message.text":
        return None
    for hour, minute in _CLOCK.findall(str(given.event.data.get("text", ""))):
        for offered in given.context["free"]:
            if int(hour) in (int(offered[:2]), int(offered[:2]) % 12) and int(minute) == int(offered[3:]):
                return str(offered)
    return None
