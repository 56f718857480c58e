"""How long will it take: the told range is honest, or there is none."""

from __future__ import annotations

import heapq
from random import Random

import pytest

from wabox.core.wait import FEWEST, Past, Range, estimate, material

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def days(agents: int, per_hour: float, minutes: float, seed: int, count: int = 20) -> list[Past]:
    """Cases of working days of eight hours, first come first served, in the order of their opening."""
    random, found = Random(seed), []
    for day in range(count):
        free = [(day * DAY, str(name)) for name in range(agents)]
        heapq.heapify(free)
        now = float(day * DAY)
        while (now := now + random.expovariate(per_hour) * 60 * MINUTE) < day * DAY + 8 * 60 * MINUTE:
            at, agent = heapq.heappop(free)
            claimed = max(at, now) + random.uniform(5_000, 60_000)
            found.append(Past(int(now), int(claimed), agent))
            heapq.heappush(free, (int(claimed + random.lognormvariate(0, 0.8) * minutes * MINUTE), agent))
    return found


@pytest.mark.parametrize(
    ("agents", "per_hour", "minutes"), [(1, 5, 7), (2, 12, 7), (3, 20, 7), (5, 30, 8), (3, 24, 6.5), (2, 6, 5)]
)
def test_four_of_five_waits_fall_into_the_told_range(agents: int, per_hour: float, minutes: float) -> None:
    """Told to whoever comes, from what had happened until then: slack days, busy days, and crowds."""
    cases = days(agents, per_hour, minutes, seed=agents)
    told = inside = 0
    for place, case in enumerate(cases[len(cases) // 3 :], len(cases) // 3):
        known = [one for one in cases[max(0, place - 400) : place] if one.claimed_at <= case.opened_at]
        ahead = sum(one.claimed_at > case.opened_at for one in cases[:place])
        found = estimate(known, ahead, case.opened_at)
        if found is not None:
            told += 1
            inside += found.least <= (case.claimed_at - case.opened_at) / MINUTE <= found.most
    assert told > 100
    assert inside / told >= 0.8, (told, inside / told)


def test_nothing_is_told_without_history() -> None:
    """Neither with too few cases, nor for a place in the line that nobody ever had."""
    few = [Past(n * DAY, n * DAY + MINUTE, "a") for n in range(FEWEST - 1)]
    assert estimate(few, 0, 100 * DAY) is None
    many = [Past(n * DAY, n * DAY + MINUTE, "a") for n in range(50)]
    assert estimate(many, 0, 100 * DAY) == Range(1, 2)
    assert estimate(many, 7, 100 * DAY) is None


def test_told_again_only_when_it_does_not_hold() -> None:
    """The end has passed, or will by far, or it goes much quicker; not at once, and not for a minute more or less."""
    told = Range(5, 20)
    assert not material(told, 0, Range(30, 60), 4 * MINUTE)
    assert not material(told, 0, Range(5, 20), 10 * MINUTE)
    assert material(told, 0, Range(15, 30), 10 * MINUTE)
    assert material(told, 0, Range(1, 3), 10 * MINUTE)
    assert material(told, 0, Range(5, 20), 20 * MINUTE)
