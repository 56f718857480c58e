"""The language model in the simulator: a stub, held to the rules of a real one. And what breaks a circuit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.services.test_documents import bakery, texts
from wabox.services.breaker import FAILURES, FIRST_PAUSE, Breaker

STRANGE = "we come by tractor, is there a place for our vehicle"


@pytest.mark.parametrize(
    ("stub", "tier", "said"),
    [
        ({"event": "order"}, "llm", "Which bread?"),
        (
            {"passage": "bakery.md#1", "quote": "Use the blue gate."},
            "llm",
            "Use the blue gate.\n\n📄 Our bakery › Parking",
        ),
        ({"event": "no_such_event"}, "fallback", "Sorry, I didn't get that."),
        ({"passage": "bakery.md#1", "quote": "Come in, all is free"}, "fallback", "Sorry, I didn't get that."),
        ("unknown", "fallback", "Sorry, I didn't get that."),
        ([{"event": "order"}], "llm", "Which bread?"),
    ],
)
def test_a_stub_says_what_it_would_answer(tmp_path: Path, stub: Any, tier: str, said: str) -> None:
    """Event, quotation, unknown; what is not allowed is refused here too."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    chat.play({"stub": {"llm": stub}})
    out = chat.play({"user": STRANGE})
    assert out["tier"] == tier
    assert texts(out)[0].startswith(said)


def test_without_a_stub_nobody_is_asked(tmp_path: Path) -> None:
    """The fallback ladder, as before."""
    chat = bakery(tmp_path)
    chat.play({"user": "hi"})
    assert chat.play({"user": STRANGE})["tier"] == "fallback"


def test_the_breaker() -> None:
    """It opens after some failures, lets one through after a pause, and waits longer each time that one fails."""
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.allows(0)
        opened = breaker.went(False, 0)
    assert opened
    assert not breaker.allows(FIRST_PAUSE - 1)
    assert breaker.allows(FIRST_PAUSE)
    assert not breaker.allows(FIRST_PAUSE)  # one at a time
    breaker.went(False, FIRST_PAUSE)
    assert not breaker.allows(2 * FIRST_PAUSE)
    assert breaker.allows(3 * FIRST_PAUSE)
    breaker.leave()  # it was not asked after all
    assert breaker.allows(3 * FIRST_PAUSE)
    assert not breaker.went(True, 3 * FIRST_PAUSE)
    assert all(breaker.allows(3 * FIRST_PAUSE) for _ in range(3))
