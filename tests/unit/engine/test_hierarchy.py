"""States inside states: who handles an event, what is left and entered, and in which order (SCXML 3.1, 3.3, 3.13)."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import Case, play

NESTED = {
    "initial": "a",
    "states": {
        "a": {
            "initial": "a1",
            "entry": "in_a",
            "exit": "out_a",
            "on": {"outer": "b", "both": "b", "across": ".a2.deep"},
            "states": {
                "a1": {
                    "entry": "in_a1",
                    "exit": "out_a1",
                    "on": {"inner": "a2", "both": "a2", "leave": "#root.b", "cousin": "#root.b.b2"},
                },
                "a2": {
                    "entry": "in_a2",
                    "exit": "out_a2",
                    "initial": "first",
                    "states": {
                        "first": {"entry": "in_first", "exit": "out_first"},
                        "deep": {"entry": "in_deep", "exit": "out_deep"},
                    },
                },
            },
        },
        "b": {
            "entry": "in_b",
            "exit": "out_b",
            "initial": "b1",
            "states": {
                "b1": {"entry": "in_b1"},
                "b2": {"entry": "in_b2", "on": {"back": {"target": "#root.a", "actions": "go"}}},
            },
        },
    },
}

CASES = [
    Case(
        "the innermost state that handles an event takes it",
        NESTED,
        ("a.a1", "in_a in_a1"),
        [("both", "a.a2.first", "out_a1 in_a2 in_first")],
    ),
    Case(
        "an event that the inner state does not handle is the outer one's",
        NESTED,
        "a.a1",
        [("inner", "a.a2.first"), ("outer", "b.b1", "out_first out_a2 out_a in_b in_b1")],
    ),
    Case(
        "states are left from the inside out and entered from the outside in, the transition's actions between",
        NESTED,
        "a.a1",
        [("cousin", "b.b2", "out_a1 out_a in_b in_b2"), ("back", "a.a1", "out_b go in_a in_a1")],
    ),
    Case(
        "the least common compound ancestor is neither left nor entered",
        NESTED,
        "a.a1",
        [("inner", "a.a2.first", "out_a1 in_a2 in_first")],
    ),
    Case(
        "a target deep inside enters everything above it and nothing beside it",
        NESTED,
        "a.a1",
        [("across", "a.a2.deep", "out_a1 in_a2 in_deep")],
    ),
    Case(
        "an event that nobody handles changes nothing", NESTED, "a.a1", [("what", "a.a1", ""), ("inner", "a.a2.first")]
    ),
    Case(
        "without initial, the first child in document order is entered",
        {
            "states": {
                "one": {"states": {"first": {"on": {"go": "second"}}, "second": {}}},
                "two": {},
            }
        },
        "one.first",
        [("go", "one.second")],
    ),
    Case(
        "a history state is not what a state begins with by default",
        {"states": {"h": {"type": "history"}, "a": {}}},
        "a",
        [],
    ),
    Case(
        "initial may lead deeper than a child",
        {
            "initial": "a.b.c",
            "states": {"a": {"states": {"x": {}, "b": {"entry": "in_b", "states": {"y": {}, "c": {}}}}}},
        },
        ("a.b.c", "in_b"),
        [],
    ),
    Case(
        "the actions of initial run after the state is entered and before its child is",
        {
            "initial": "s",
            "states": {
                "s": {
                    "entry": "in_s",
                    "initial": {"target": "c", "actions": "begin"},
                    "states": {"c": {"entry": "in_c"}, "d": {"entry": "in_d"}},
                    "on": {
                        "d": {"target": ".d"},
                        "again": {"target": "s", "reenter": True},
                        "d_afresh": {"target": ".d", "reenter": True},
                    },
                }
            },
        },
        ("s.c", "in_s begin in_c"),
        [
            ("d", "s.d", "in_d"),
            ("again", "s.c", "in_s begin in_c"),
            ("d_afresh", "s.d", "in_s in_d"),
        ],
    ),
    Case(
        "ids, aliases and paths all lead to their state",
        {
            "id": "own",
            "initial": "a",
            "states": {
                "a": {
                    "on": {
                        "alias": "#somewhere",
                        "below": "#somewhere.inside",
                        "root": "#root.b.c.inside",
                        "chart": "#m.b.c",
                        "own": "#own.b.c.inside",
                        "path": "b.c.inside",
                    }
                },
                "b": {
                    "on": {"home": "a"},
                    "states": {"c": {"id": "somewhere", "initial": "start", "states": {"start": {}, "inside": {}}}},
                },
            },
        },
        "a",
        [
            ("alias", "b.c.start"),
            ("home", "a"),
            ("below", "b.c.inside"),
            ("home", "a"),
            ("root", "b.c.inside"),
            ("home", "a"),
            ("chart", "b.c.start"),
            ("home", "a"),
            ("path", "b.c.inside"),
            ("home", "a"),
            ("own", "b.c.inside"),
        ],
    ),
    Case(
        "the root's own transitions are everyone's, and a bare target there is a child",
        {"initial": "a", "entry": "in_root", "on": {"help": "h", "a": ".a"}, "states": {"a": {}, "b": {}, "h": {}}},
        ("a", "in_root"),
        [("help", "h", ""), ("a", "a", "")],
    ),
    Case(
        "a chart may be a single state",
        {"entry": "in", "on": {"x": {"actions": "did"}, "again": {"target": "#root", "reenter": True}}},
        ("", "in"),
        [("x", "", "did"), ("again", "", "in")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hierarchy(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)
