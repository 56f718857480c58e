"""Durations as people and ISO 8601 write them."""

from __future__ import annotations

import pytest

from wabox.core.duration import parse_duration


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("10s", 10_000),
        ("30m", 1_800_000),
        ("24h", 86_400_000),
        ("2d", 172_800_000),
        ("1w", 604_800_000),
        ("500ms", 500),
        ("1h30m", 5_400_000),
        ("1h 30m", 5_400_000),
        ("1.5h", 5_400_000),
        (".5s", 500),
        ("10S", 10_000),
        ("PT10S", 10_000),
        ("PT1H30M", 5_400_000),
        ("P1DT2H", 93_600_000),
        ("P2W", 1_209_600_000),
        ("PT0.5S", 500),
        ("PT0,5S", 500),
        ("pt5m", 300_000),
        ("1000", 1000),
        (" 1000 ", 1000),
        (1000, 1000),
        (0, 0),
        ("0s", 0),
    ],
)
def test_duration(written: object, ms: int) -> None:
    """All of these are durations."""
    assert parse_duration(written) == ms


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "P", "PT", "P1M", "P1Y", "10 minutes", "-5s", "5s!", "1e3s", "٣s", "²"),
        *(True, None, 1.5, [], -1, 10**15, "9999999d", "1" * 50, "s" * 10_000),
    ],
)
def test_no_duration(written: object) -> None:
    """What is none, or longer than ten years, is refused with a sentence."""
    with pytest.raises(ValueError, match="is not a duration; write|is out of range; "):
        parse_duration(written)
