"""What is remembered of conversations has a limit in number and in bytes."""

from __future__ import annotations

from wabox.core.conversation import Session
from wabox.sqlite.recent import EACH, MOST, Recent


def session(number: int, snapshot: bytes = b"") -> Session:
    return Session(conversation_id=f"c{number}", sequence=1, snapshot=snapshot)


def test_large_snapshots_make_room_for_each_other() -> None:
    """Four that fill it: a fifth takes the place of the first, and the newest are there."""
    recent = Recent(most_bytes=4 * (EACH + 1000))
    for number in range(5):
        recent.keep(session(number, bytes(1000)))
    assert [f"c{number}" in recent for number in range(5)] == [False, True, True, True, True]


def test_one_that_grows_counts_once() -> None:
    """And what was dropped counts no more."""
    recent = Recent(most_bytes=10 * EACH)
    for size in range(0, 9 * EACH, EACH):
        recent.keep(session(1, bytes(size)))
    assert "c1" in recent
    recent.drop("c1")
    recent.keep(session(2, bytes(9 * EACH)))
    assert "c2" in recent
    recent.keep(session(3, bytes(100 * EACH)))
    assert len(recent) == 0


def test_small_ones_are_counted() -> None:
    """As many as always."""
    recent = Recent()
    for number in range(MOST + 10):
        recent.keep(session(number))
    assert len(recent) == MOST
    assert recent.get("c9") is None
    assert recent.get(f"c{MOST}") is not None
