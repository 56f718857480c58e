"""Pace and prices of broadcasts."""

from __future__ import annotations

import pytest

from wabox.core.broadcast import due
from wabox.core.phone import spellings
from wabox.core.prices import price, read
from wabox.errors import SettingsError


def test_the_pace_over_an_hour() -> None:
    """Asked every second, it lets through as many as the rate says, and never catches up after a pause."""
    for rate in (1.0, 7.0, 60.0, 600.0, 4800.0):
        next_at, entered = 0, 0
        for second in range(3600):
            count, next_at = due(rate, next_at, 1_795_300_000_000 + second * 1000, 200)
            entered += count
        assert rate * 60 - 1 <= entered <= rate * 60 + max(rate / 30, 2)
    count, _ = due(60.0, 1_795_300_000_000, 1_795_300_000_000 + 3_600_000, 200)
    assert count <= 3


def test_what_is_not_taken_is_not_lost() -> None:
    """Fewer than are due are taken where there is less room; the next ones come at their time."""
    count, next_at = due(600.0, 0, 1_795_300_000_000, 5)
    assert count == 5
    assert due(600.0, next_at, 1_795_300_000_000, 200)[0] > 0


def test_prices() -> None:
    """The owner's, with one for all other countries; Meta's examples only where there are none; unknown is None."""
    own, currency = read({"currency": "EUR", "marketing": {"ES": 0.05, "other": 0.06}})
    assert currency == "EUR"
    assert [price("marketing", country, own) for country in ("ES", "FR", None)] == [0.05, 0.06, 0.06]
    assert price("utility", "ES", own) is None
    assert price("utility", "ES", {}) == 0.02
    assert price("marketing", "ES", {}) is None
    for wrong in ({"marketing": 0.05}, {"marketing": {"es": 0.05}}, {"marketing": {"ES": "cheap"}}):
        with pytest.raises(SettingsError, match="marketing must be like"):
            read(wrong)


@pytest.mark.parametrize(
    ("one", "other"),
    [("525550002222", "5215550002222"), ("541123456789", "5491123456789"), ("551187654321", "5511987654321")],
)
def test_two_spellings_of_one_number(one: str, other: str) -> None:
    """Mexico, Argentina, Brazil: each finds the other, and the one as given comes first."""
    assert spellings(one) == (one, other)
    assert spellings(other) == (other, one)
    assert spellings("34600111222") == ("34600111222",)
