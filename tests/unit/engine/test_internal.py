"""Internal, targetless and re-entering transitions: SCXML's domain, with XState v5's ``reenter`` in place of ``type``."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import Case, play

S = {
    "initial": "s",
    "states": {
        "s": {
            "entry": "in_s",
            "exit": "out_s",
            "on": {
                "to_b": ".b",
                "to_b_afresh": {"target": ".b", "reenter": True},
                "self": "s",
                "self_afresh": {"target": "s", "reenter": True},
                "act": {"actions": "did"},
                "act_afresh": {"actions": "did", "reenter": True},
            },
            "states": {
                "a": {
                    "entry": "in_a",
                    "exit": "out_a",
                    "on": {
                        "a": "a",
                        "a_afresh": {"target": "a", "reenter": True},
                        "a_act": {"target": "a", "actions": "did"},
                    },
                },
                "b": {
                    "entry": "in_b",
                    "exit": "out_b",
                    "on": {"up": "#m.s", "up_afresh": {"target": "#m.s", "reenter": True}},
                },
            },
        }
    },
}

CASES = [
    Case(
        "a target inside the source leaves the source active", S, ("s.a", "in_s in_a"), [("to_b", "s.b", "out_a in_b")]
    ),
    Case(
        "unless it says reenter",
        S,
        "s.a",
        [("to_b_afresh", "s.b", "out_a out_s in_s in_b"), ("to_b_afresh", "s.b", "out_b out_s in_s in_b")],
    ),
    Case(
        "a target that is active already is left and entered, as it is inside the source",
        S,
        "s.a",
        [("to_b", "s.b"), ("to_b", "s.b", "out_b in_b")],
    ),
    Case(
        "a compound state that targets itself begins again inside and stays itself",
        S,
        "s.a",
        [("to_b", "s.b"), ("self", "s.a", "out_b in_a")],
    ),
    Case("with reenter it is left and entered too", S, "s.a", [("self_afresh", "s.a", "out_a out_s in_s in_a")]),
    Case(
        "an atomic state that targets itself stays, and the actions run",
        S,
        "s.a",
        [("a", "s.a", ""), ("a_act", "s.a", "did")],
    ),
    Case("with reenter it is left and entered", S, "s.a", [("a_afresh", "s.a", "out_a in_a")]),
    Case(
        "without a target only the actions run, reenter or not",
        S,
        "s.a",
        [("act", "s.a", "did"), ("act_afresh", "s.a", "did")],
    ),
    Case(
        "a target above the source is outside it: the target is left and entered",
        S,
        "s.a",
        [
            ("to_b", "s.b"),
            ("up", "s.a", "out_b out_s in_s in_a"),
            ("to_b", "s.b"),
            ("up_afresh", "s.a", "out_b out_s in_s in_a"),
        ],
    ),
    Case(
        "a parallel source stays, its regions are left and entered",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "entry": "in_p",
                    "exit": "out_p",
                    "on": {"x2": ".x.x2", "x2_afresh": {"target": ".x.x2", "reenter": True}, "self": "p"},
                    "states": {
                        "x": {"entry": "in_x", "exit": "out_x", "states": {"x1": {}, "x2": {}}},
                        "y": {"entry": "in_y", "exit": "out_y", "states": {"y1": {"on": {"y": "y2"}}, "y2": {}}},
                    },
                }
            },
        },
        "p.x.x1 p.y.y1",
        [
            ("y", "p.x.x1 p.y.y2", ""),
            ("x2", "p.x.x2 p.y.y1", "out_y out_x in_x in_y"),
            ("y", "p.x.x2 p.y.y2", ""),
            ("x2_afresh", "p.x.x2 p.y.y1", "out_y out_x out_p in_p in_x in_y"),
            ("self", "p.x.x1 p.y.y1", "out_y out_x in_x in_y"),
        ],
    ),
    Case(
        "the root is left and entered only by its own reenter",
        {
            "entry": "in_root",
            "exit": "out_root",
            "initial": "a",
            "on": {"b": ".b", "afresh": {"target": ".b", "reenter": True}, "self": "#root"},
            "states": {"a": {"exit": "out_a"}, "b": {"entry": "in_b", "exit": "out_b"}},
        },
        ("a", "in_root"),
        [("b", "b", "out_a in_b"), ("afresh", "b", "out_b out_root in_root in_b"), ("self", "a", "out_b")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_internal(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)
