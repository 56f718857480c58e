"""Why a message was taken for what it was: in a few words, for every tier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.services.test_documents import bakery
from wabox.core.intent import Candidate, Understanding
from wabox.services.verdict import verdict, why
from wabox.simulator.tiers import Tiers


def found(tier: Any, **more: Any) -> Understanding:
    return Understanding(**{"event": "e", "intent": None, "confidence": 1.0, "tier": tier, "language": "en", **more})


@pytest.mark.parametrize(
    ("understood", "words"),
    [
        (found("structured"), "a tap"),
        (found("type"), "not a text"),
        (found("expected"), "what the question waits for"),
        (found("expected", data={"slots": {"day": "2026-11-24", "people": 2}}), "has day, people"),
        (found("expected", data={"slot": "day", "reason": "past"}), "no answer for day: past"),
        (found("rules"), "its words"),
        (found("rules", why="a keyword of order, en"), "a keyword of order, en"),
        (found("classifier", confidence=0.91), "the classifier is sure: 0.91"),
        (found("fallback", ask=("a", "b")), "between sure and lost: a or b?"),
        (found("fallback", candidates=(Candidate("a", 0.3),)), "nobody is sure; nearest is a, 0.30"),
        (found("fallback"), "nobody knows it"),
    ],
)
def test_why(understood: Understanding, words: str) -> None:
    """Every tier says something."""
    assert why(understood) == words


def test_a_verdict_is_stored_whole() -> None:
    """Tier, intent, confidence, language, milliseconds, values, reason, and what the language model cost."""
    assert verdict(found("rules", ms=0.2, trace={"money": 0.1}, data={"slots": {"n": 2}})) == {
        "understood": ["rules", None, 1.0, "en"],
        "ms": 0.2,
        "entities": {"n": 2},
        "why": "its words",
        "llm": {"money": 0.1},
    }


def test_it_is_shown(tmp_path: Path) -> None:
    """Scripts and /why in the chat get it with every input."""
    chat = bakery(tmp_path)
    assert chat.play({"user": "hi"})["why"] == "an example of greet, en"
    assert chat.play({"user": "is there parking?"})["why"].startswith("bakery.md#1 answers it: 0.")
    assert chat.play({"tap": "who"})["why"] == "a tap"
    assert chat.play({"user": "Ana"})["entities"] == {"name": "Ana"}
    assert chat.play({"user": "qwertz"})["why"] == "no answer for day: nothing of the kind"


def test_the_figures_of_the_tiers() -> None:
    """What was decided before any language model, of everything and of what was typed."""
    tiers = Tiers()
    assert (tiers.decided, tiers.decided_of_typed) == (1.0, 1.0)
    for tier in ("structured", "structured", "rules", "rules", "llm"):
        tiers.see(found(tier))
    tiers.see(found("fallback", ask=("a", "b")))
    assert (round(tiers.decided, 2), tiers.decided_of_typed) == (0.67, 0.5)
    assert next(tiers.lines("shop")) == (
        "shop: 6 messages; 66.7% decided before any language model, 50.0% of what was typed"
    )
    assert list(tiers.lines("shop"))[-1].endswith("16.7%, 1 of them asked which of two")
    assert tiers.to_json()["decided"] == 0.6667
