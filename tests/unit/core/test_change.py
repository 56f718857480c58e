"""What is said after each commit, joined and cut into notes."""

from __future__ import annotations

from wabox.core.change import Changed, joined, read, written


def change(number: int, at: int = 0, **more: object) -> Changed:
    return Changed(conversation_id=f"c{number}", at=at, **more)  # type: ignore[arg-type]


def test_changes_of_one_conversation_are_one_with_all_kinds() -> None:
    found = joined(
        [
            change(1, 1, kinds=("case", "state"), case_id="h-1"),
            change(2, 2, kinds=("state",)),
            change(1, 3, kinds=("message", "state")),
            Changed(conversation_id="", at=4, kinds=("delivery",), outbound_id="a", status="sent"),
            Changed(conversation_id="", at=5, kinds=("delivery",), outbound_id="b", status="sent"),
            Changed(conversation_id="", at=6, kinds=("delivery",), outbound_id="a", status="read"),
        ]
    )
    assert [(one.conversation_id, one.at, one.outbound_id) for one in found] == [
        ("c2", 2, None),
        ("c1", 3, None),
        ("", 5, "b"),
        ("", 6, "a"),
    ]
    assert (found[1].kinds, found[1].case_id, found[3].status) == (("case", "state", "message"), "h-1", "read")


def test_they_are_written_in_as_few_pieces_as_fit() -> None:
    every = [change(number, number, kinds=("message",), queue="Größe") for number in range(100)]
    pieces = written(every, 2000)
    assert [one for piece in pieces for one in read(piece)] == every
    assert all(len(piece) <= 2000 for piece in pieces)
    assert all(len(piece) > 1600 for piece in pieces[:-1])
    assert written([], 2000) == []


def test_one_that_is_too_long_is_alone() -> None:
    long = change(1, agent="x" * 3000)
    pieces = written([change(0), long, change(2)], 2000)
    assert [read(piece) for piece in pieces] == [[change(0)], [long], [change(2)]]
