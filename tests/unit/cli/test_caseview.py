"""What is said of a message that the bot heard."""

from __future__ import annotations

import pytest

from wabox.cli.caseview import brief, understood


@pytest.mark.parametrize(
    ("intent", "confidence", "tier", "said"),
    [
        ("refund", 0.824, "classifier", "refund 82 %"),
        (None, 1.0, "structured", "a button"),
        (None, 1.0, "type", "no text"),
        (None, 0.31, "fallback", "nothing for sure"),
    ],
)
def test_understood(intent: str | None, confidence: float, tier: str, said: str) -> None:
    """An intent and how sure that was; without one there is nothing to be sure of."""
    assert understood({"intent": intent, "confidence": confidence, "tier": tier}) == said


def test_a_case_and_the_last_that_was_said_fit_into_80_columns() -> None:
    """``wabox handoff watch`` says a case alone, or with the newest line."""
    case = {"id": "h-1f3a", "queue": "support", "customer": "Ana", "priority": 0, "reason": "asked for a person"}
    case |= {"status": "claimed", "agent_name": "Marta", "waiting_ms": None}
    line = {"at": 0, "who": "customer", "by": None, "status": None, "delivery": None}
    found = {"case": case, "transcript": [{**line, "text": "first"}, {**line, "text": "a long word " * 20}]}
    assert len(brief(found, 0).splitlines()) == 1
    shown = brief(found, 1)
    assert "a long word" in shown
    assert "first" not in shown
    assert max(map(len, shown.splitlines())) <= 80
