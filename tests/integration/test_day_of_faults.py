"""The whole product through a day on which Meta fails in every way it can (P2, P3, P5): see tests/day.py.

A longer one by hand: ``python -m tests.day --customers 500 --days 10``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.day import WEATHER, check, day


def test_a_day(tmp_path: Path) -> None:
    """Duplicates, batches in any order, timeouts after acceptance, 5xx, an hour of 429, a token that expires and is replaced:
    each message is handled once and in order, no bubble comes twice, and what is missing has a reason that the flow heard."""
    seen = day(tmp_path, 1)
    check(seen)
    assert max(max(Counter(phone).values()) for phone in seen.phones.values()) == 1, "statuses came: nobody need guess"
    taken, again = seen.webhooks
    sends = sum(seen.answers.values())
    assert again > 0.04 * taken
    assert seen.answers["none"] > 0.02 * sends
    assert seen.answers["500"] > 0.01 * sends
    assert {reason.split(":")[0] for reason in seen.stops} == {"130429", "190"}
    assert any(len(value["messages"]) > 1 for value in seen.values if "messages" in value), "some came together"


def test_a_day_on_which_statuses_are_missing(tmp_path: Path) -> None:
    """With every third status missing, what may be repeated comes again, three times at most; what may not never does."""
    seen = day(tmp_path, 2, customers=25, weather={**WEATHER, "missing": "30%", "hang": "10%"})
    check(seen)
    assert max(max(Counter(phone).values()) for phone in seen.phones.values()) > 1
    assert any("nobody knows" in reason for told in seen.told.values() for reason in told.values())


def test_the_same_seed_is_the_same_day(tmp_path: Path) -> None:
    """So a failure can be looked at again."""
    first, second = (day(tmp_path / name, 3, customers=8, messages=5) for name in ("first", "second"))
    assert (first.phones, first.arrived, first.told) == (second.phones, second.arrived, second.told)
