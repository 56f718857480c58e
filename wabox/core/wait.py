"""How long will it take? An honest range from a queue's own history, or nothing. Pure.

The method: each earlier case of the queue found so many people before it, and so many agents at work. Of the newest cases that
found about as many of both as the customer does now, leave out the longest and shortest waits, as many on each side as make one
in twenty; what is between is the range. If waits go on as they went, and the cases may be thought shuffled, the next wait falls
into it with a probability of at least (n + 1 − 2r)/(n + 1) for n cases and r left out on each side: 88 % or more (this is
split conformal prediction). The ends are rounded outwards, to minutes that people say, so it is wider still. With fewer than
:data:`FEWEST` such cases, or none with a like crew, nothing is told: a number without grounds is a lie.

*Agents at work* are those who took a case within the hour before: nobody has to sign in or out for it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

FEWEST: Final = 16
NEWEST: Final = 60
"""Similar cases that count; older ones tell of other times."""
CREW: Final = 3_600_000
"""ms in which whoever took a case is at work."""
SAID: Final = (0, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720)
"""Minutes that people say."""


class Past(NamedTuple):
    """A case that somebody took. ms since the epoch."""

    opened_at: int
    claimed_at: int
    agent: str | None


class Range(NamedTuple):
    """Minutes."""

    least: int
    most: int


def estimate(history: Sequence[Past], ahead: int, now: int) -> Range | None:
    """The wait of a customer who has ``ahead`` people before them in the queue. ``history``: in any order."""
    found = similar(history, ahead, now)
    count = len(found)
    if count < FEWEST:
        return None
    left_out = max(1, (count + 1) // 20)
    waits = sorted(found)
    return _rounded(waits[left_out - 1] / 60_000, waits[-left_out] / 60_000)


def similar(history: Sequence[Past], ahead: int, now: int) -> list[int]:
    """The waits, ms, of the newest cases like this one."""
    opened = sorted(case.opened_at for case in history)
    claimed = sorted(case.claimed_at for case in history)
    taken = sorted((case.claimed_at, case.agent) for case in history)
    crew_now = _crew(taken, claimed, now)
    near = ahead // 4
    waits: list[int] = []
    for case in sorted(history, key=lambda one: -one.opened_at):
        before = bisect_left(opened, case.opened_at) - bisect_right(claimed, case.opened_at)
        if abs(max(0, before) - ahead) > near or len(waits) == NEWEST:
            continue
        if crew_now and abs(_crew(taken, claimed, case.opened_at) - crew_now) > crew_now // 3:
            continue
        waits.append(case.claimed_at - case.opened_at)
    return waits


def material(before: Range, told_at: int, new: Range, now: int) -> bool:
    """Whether what was told does not hold any more: the promised end has passed, or it will be passed by far, or it goes much
    quicker. Never twice within five minutes."""
    gone = (now - told_at) / 60_000
    if gone < 5:
        return False
    rest = before.most - gone
    return rest <= 0 or new.least > rest or new.most <= rest / 2


def _crew(taken: Sequence[tuple[int, str | None]], claimed: Sequence[int], at: int) -> int:
    """How many agents took a case within the hour before."""
    return len({agent for _, agent in taken[bisect_left(claimed, at - CREW) : bisect_right(claimed, at)]})


def _rounded(least: float, most: float) -> Range:
    below = max(one for one in SAID if one <= least) if least < SAID[-1] else SAID[-1]
    above = next((one for one in SAID if one >= most and one > below), int(most) + 1)
    return Range(below, above)
