"""``collect``: the engine fills slots, skips questions that are answered, and takes corrections."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.player import Player
from wabox.core.pattern import trouble_of
from wabox.engine import Charts, Say, Step, compile_chart
from wabox.engine.snapshot import encode
from wabox.engine.view import collecting, filled_slots, open_slots

FORM: dict[str, Any] = {
    "initial": "form",
    "states": {
        "form": {
            "initial": "people",
            "states": {
                "people": {
                    "ask": "How many?",
                    "collect": {"slot": "people", "type": "number"},
                    "on": {
                        "collected": [{"guard": {"path": "people", "op": "gt", "value": 12}, "target": "many"}, "day"]
                    },
                },
                "many": {"ask": "So many?"},
                "day": {
                    "ask": "When, for {people}?",
                    "collect": {"slot": "trip.day", "type": "date"},
                    "on": {"collected": "name"},
                },
                "name": {"ask": "Name?", "collect": {"slot": "name", "type": "name"}, "on": {"collected": "#root.end"}},
            },
        },
        "end": {"type": "final"},
    },
}


def player(*, round_trip: bool = False) -> Player:
    return Player(Charts([compile_chart("m", FORM, guards={}, actions={})]), "m", round_trip=round_trip)


def asked(step: Step) -> list[str]:
    """The questions of states that are still active."""
    leaves = step.snapshot.leaves
    return [effect.template.text or "" for effect in step.effects if isinstance(effect, Say) and effect.state in leaves]


@pytest.mark.parametrize("round_trip", [False, True])
def test_a_value_enters_the_context_before_guards_are_asked(round_trip: bool) -> None:
    """``collected`` brings the value of the state's own slot, and the transition may look at it."""
    one = player(round_trip=round_trip)
    one.do(("collected", {"value": 20}))
    assert one.leaves == ("form.many",)
    two = player(round_trip=round_trip)
    two.do(("collected", {"slots": {"people": 2}}))
    assert two.leaves == ("form.day",)
    assert two.step.snapshot.context == {"people": 2}


@pytest.mark.parametrize("round_trip", [False, True])
def test_a_filled_slot_is_not_asked_again(round_trip: bool) -> None:
    """Several values in one event pass several questions; only the one that is open is asked."""
    one = player(round_trip=round_trip)
    one.do(("collected", {"slots": {"people": 2, "trip.day": "2026-11-24"}}))
    assert one.leaves == ("form.name",)
    assert one.events == ["collected", "collected"]
    assert asked(one.step) == ["Name?"]
    assert one.step.snapshot.context == {"people": 2, "trip": {"day": "2026-11-24"}}


def test_only_declared_slots_are_filled() -> None:
    """Whatever else an event brings stays outside of the context."""
    one = player()
    one.do(("collected", {"slots": {"people": 2, "admin": True}}))
    assert one.step.snapshot.context == {"people": 2}


def test_a_correction_moves_nothing() -> None:
    """``corrected`` changes a value, also of a state that was left long ago, and the chart stays where it is."""
    one = player()
    one.do(("collected", {"value": 2})).do(("corrected", {"slots": {"people": 5}}))
    assert one.leaves == ("form.day",)
    assert one.step.handled
    assert one.step.snapshot.context == {"people": 5}


def test_what_is_open_and_what_is_filled() -> None:
    """The views tell the slot that is asked for, those of the same form without a value, and those with one."""
    one = player()
    one.do(("collected", {"value": 2}))
    charts, snapshot = one.charts, one.step.snapshot
    own = collecting(charts, snapshot)
    assert own is not None
    assert own.slot.name == "trip.day"
    assert [slot.name for slot in open_slots(charts, snapshot)] == ["trip.day", "name"]
    assert list(filled_slots(charts, snapshot)) == ["people"]


def test_wrong_answers_are_counted_per_question() -> None:
    """The count belongs to the question: moving on begins it anew, staying keeps it."""
    import msgspec

    from wabox.engine import Event, step

    one = player()
    tried = msgspec.structs.replace(one.step.snapshot, tries=2)
    stayed = step(one.charts, tried, Event("nothing"), one.now).snapshot
    moved = step(one.charts, tried, Event("collected", {"value": 2}), one.now).snapshot
    assert (stayed.tries, moved.tries) == (2, 0)


def test_the_way_back_is_remembered_and_bounded() -> None:
    """The last three questions that were answered are in the snapshot; those that answered themselves are not."""
    one = player()
    one.do(("collected", {"slots": {"people": 2, "trip.day": "2026-11-24"}}))
    assert one.step.snapshot.back == ("form.people",)
    loop = {"states": {"a": {"ask": "A?", "on": {"x": "b"}}, "b": {"ask": "B?", "on": {"x": "a"}}}}
    two = Player(Charts([compile_chart("m", loop, guards={}, actions={})]), "m")
    for _ in range(6):
        two.do("x")
    assert two.step.snapshot.back == ("b", "a", "b")
    assert len(encode(two.step.snapshot)) < 150


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "not a regular expression"),
        ("(a+)+", "repeats a repetition"),
        ("(a|aa)*", "repeats a repetition"),
        ("(ab{2,})+", "repeats a repetition"),
        (r"(a)\1", "repeats a repetition"),
        ("a*", "fits an empty answer"),
        ("a" * 501, "more than 500"),
        ("[A-Z]{2}[0-9]{4}", ""),
        ("(EN|ES)-[0-9]+", ""),
    ],
)
def test_dangerous_patterns_are_refused(pattern: str, words: str) -> None:
    """A pattern that is none, that fits nothing at all or could take for ever, is found when the chart is read."""
    trouble = trouble_of(pattern)
    assert (words in trouble[0]) if trouble is not None else not words
