"""What a regular expression of an author may cost."""

from __future__ import annotations

import pytest

from wabox.core.pattern import SEEN, quick_up_to, trouble_of


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("^(a|aa)+$", "repeats a repetition or a choice, which can take for ever on some messages"),
        ("(a+)+", "repeats"),
        ("a*", "fits every message"),
        ("(", "not a regular expression"),
        ("a" * 501, "more than 500"),
        ("order #?[0-9]+", ""),
    ],
)
def test_what_is_wrong(pattern: str, words: str) -> None:
    """The same eyes look at patterns of intents and of slots."""
    trouble = trouble_of(pattern, searched=True)
    assert (words in trouble.sentence) if trouble is not None else not words


@pytest.mark.parametrize(
    "pattern",
    [
        "order",
        r"\w+@",
        r"^(yes|yeah)\b",
        r"\b(where|when)\b.*\b(order|parcel)\b",
        "a{2,9}b?",
        "x(,? (please|now)){0,2}",
    ],
)
def test_quick_on_any_message(pattern: str) -> None:
    """One repetition without end, words to choose from, a few optional parts."""
    assert quick_up_to(pattern) == SEEN


@pytest.mark.parametrize(
    "pattern",
    [r".*where.*is.*my.*order", r"\w+ ?\w+ ?\w+ order", r"\w+\s*,?\s*\w+@", r"\w*\w*\w*!", r"\S+@\S+\.\S+$"],
)
def test_quick_on_short_ones_only(pattern: str) -> None:
    """Each repetition that follows another costs the length of the message once more."""
    assert 0 < quick_up_to(pattern) < 40


@pytest.mark.parametrize(
    "pattern", ["^(a|aa)+$", "(a|a)" * 20 + "b", "(?P<x>a)(?P=x)", r"((\d+)-?)*x", r"(?m)^(a?){30}x"]
)
def test_nothing_is_proved(pattern: str) -> None:
    """What multiplies, and what is not known, is never taken for quick."""
    assert quick_up_to(pattern) == 0
