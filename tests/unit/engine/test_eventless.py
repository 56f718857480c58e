"""Transitions without an event, taken as long as there is one (SCXML 3.13, mainEventLoop)."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import Case, Player, play
from wabox.engine import Charts, Failed, Say, compile_chart

BIG = {"path": "n", "op": "ge", "value": 3}

CASES = [
    Case(
        "they are followed to the first state that has none",
        {
            "initial": "a",
            "states": {
                "a": {"on": {"t": "b"}},
                "b": {"always": "c"},
                "c": {"always": {"target": "d", "actions": "went"}},
                "d": {},
            },
        },
        "a",
        [("t", "d", "went")],
    ),
    Case(
        "they are followed at the beginning",
        {
            "initial": "a",
            "context": {"n": 5},
            "states": {"a": {"always": [{"target": "b", "guard": BIG}, "c"]}, "b": {}, "c": {}},
        },
        "b",
        [],
    ),
    Case(
        "they go before internal events",
        {
            "initial": "a",
            "states": {
                "a": {"on": {"t": {"target": "b", "actions": {"raise": "e"}}}},
                "b": {"always": "c", "on": {"e": "wrong"}},
                "c": {"on": {"e": "right"}},
                "right": {},
                "wrong": {},
            },
        },
        "a",
        [("t", "right")],
    ),
    Case(
        "an outer state's is taken whatever is active inside, as soon as its guard holds",
        {
            "initial": "s",
            "context": {"n": 0},
            "states": {
                "s": {
                    "always": {"target": "out", "guard": BIG},
                    "on": {"t": {"actions": {"increment": {"path": "n"}}}},
                    "states": {"a": {"on": {"go": "b"}}, "b": {}},
                },
                "out": {},
            },
        },
        "s.a",
        [("t", "s.a"), ("go", "s.b"), ("t", "s.b"), ("t", "out")],
    ),
    Case(
        "they count up to a fixpoint",
        {
            "initial": "a",
            "context": {"n": 0},
            "states": {
                "a": {"always": [{"guard": {"not": BIG}, "actions": {"increment": {"path": "n"}}}, "b"]},
                "b": {},
            },
        },
        "b",
        [],
    ),
    Case(
        "they see the event that was handled last, and one that no other transition is for",
        {
            "initial": "a",
            "states": {
                "a": {"always": {"target": "b", "guard": {"path": "event.k", "value": 1}}},
                "b": {"on": {"t": "a"}},
            },
        },
        "a",
        [("t", "a"), (("other", {"k": 2}), "a"), (("other", {"k": 1}), "b"), (("t", {"k": 1}), "b"), ("t", "a")],
    ),
    Case(
        "regions take theirs together, and In() sees the configuration of the microstep before",
        {
            "type": "parallel",
            "states": {
                "x": {"states": {"x1": {"on": {"t": "x2"}}, "x2": {}}},
                "y": {"states": {"y1": {"always": {"target": "y2", "guard": {"in": "#m.x.x2"}}}, "y2": {}}},
                "z": {"states": {"z1": {"always": {"target": "z2", "guard": {"in": "#m.y.y2"}}}, "z2": {}}},
            },
        },
        "x.x1 y.y1 z.z1",
        [("t", "x.x2 y.y2 z.z2")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_eventless(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)


@pytest.mark.parametrize(
    "given",
    [
        {"initial": "a", "states": {"a": {"on": {"t": "b"}}, "b": {"always": "c"}, "c": {"always": "b"}}},
        {"initial": "a", "states": {"a": {"on": {"t": {"actions": {"raise": "t"}}}}}},
        {"initial": "a", "states": {"a": {"on": {"t": {"actions": [{"raise": "t"}, {"raise": "t"}]}}}}},
        {"initial": "a", "states": {"a": {"on": {"t": "b"}}, "b": {"always": {"target": "b", "reenter": True}}}},
    ],
    ids=["always", "raise", "raise more and more", "itself"],
)
def test_chart_that_never_rests(given: dict[str, object]) -> None:
    """A cycle is cut after 1000 transitions and reported, and the conversation can still be stepped."""
    player = Player(Charts([compile_chart("m", given, guards={}, actions={})]), "m").do("t")
    failed = [effect for effect in player.effects if isinstance(effect, Failed)]
    assert len(failed) == 1
    assert "no rest after 1000 transitions" in failed[0].error
    assert len(player.step.transitions) <= 1001
    assert player.do("what").step.snapshot.status == "active"


def test_circle_that_speaks() -> None:
    """The customer hears ten messages of it at most."""
    given = {
        "states": {"a": {"on": {"t": "b"}}, "b": {"say": "Round", "always": "c"}, "c": {"say": "and", "always": "b"}}
    }
    player = Player(Charts([compile_chart("m", given, guards={}, actions={})]), "m").do("t")
    assert sum(isinstance(effect, Say) for effect in player.effects) == 10
    assert isinstance(player.effects[-1], Failed)
