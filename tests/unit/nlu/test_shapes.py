"""Patterns that would take for ever on some messages."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from wabox.core.intent import Intent, Words
from wabox.nlu import shapes
from wabox.nlu.rules import Rules

SLOW = r"\w+ ?\w+ ?\w+[!?]"


def rules(*patterns: str) -> Rules:
    return Rules([Intent(name=f"i{place}", words={"en": Words(patterns=(one,))}) for place, one in enumerate(patterns)])


def names(found: Rules, text: str) -> list[str]:
    return [match.intent for match in found.matches(text)]


def test_a_pattern_that_runs_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not fit this message, which is logged once; the other patterns do, and so does it with the next message."""
    monkeypatch.setattr(shapes, "PATIENCE", 0.001)
    one = rules(SLOW, "^aa")
    with capture_logs() as logged:
        assert names(one, "a" * 150) == ["i1"]
        assert names(one, "a" * 150) == ["i1"]
    assert [(line["event"], line["pattern"]) for line in logged] == [("pattern.slow", SLOW)]
    assert names(one, "where is it?") == ["i0"]


def test_all_patterns_of_a_message_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is over, what is left is not tried; on a usual message quick ones always are."""
    monkeypatch.setattr(shapes, "TOGETHER", 0.0)
    one = rules(SLOW, "hello", r"\w+ .*\w+ .*order")
    with capture_logs() as logged:
        assert names(one, "hello, where is my order") == ["i1"]
    assert [line["pattern"] for line in logged] == [SLOW, r"\w+ .*\w+ .*order"]
    with capture_logs() as logged:
        assert names(one, "hello " * 10) == []
    assert "hello" in [line["pattern"] for line in logged]


def test_the_beginning_of_a_message_is_searched() -> None:
    """Nobody says what they want after five hundred characters, and time grows with them."""
    one = rules("order")
    assert names(one, " " * 490 + "order") == ["i0"]
    assert names(one, " " * 500 + "order") == []


def test_both_engines_find_the_same() -> None:
    """A pattern finds in a long message what it finds in a short one."""
    one = rules(r"(where|when)\b.*\bis.*my.*(order|parcel)")
    assert names(one, "When is my PARCEL here") == names(one, "When is my PARCEL here" + " x" * 60) == ["i0"]
