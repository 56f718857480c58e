"""What is said of a message that the bot heard."""

from __future__ import annotations

import pytest

from wabox.cli.caseview import understood


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
