"""History states: shallow, deep, their defaults (SCXML 3.10)."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import Case, play


def menu(kind: str, **more: str) -> dict[str, object]:
    return {
        "initial": "menu",
        "states": {
            "menu": {
                "initial": "a",
                "on": {"away": "away"},
                "states": {
                    "h": {"type": "history", "history": kind, **more},
                    "a": {"on": {"next": "b"}},
                    "b": {
                        "initial": "b1",
                        "states": {
                            "b1": {"on": {"next": "b2"}},
                            "b2": {"initial": "x", "states": {"x": {"on": {"next": "y"}}, "y": {"entry": "in_y"}}},
                        },
                    },
                },
            },
            "away": {"on": {"back": "menu.h", "anew": "menu"}},
        },
    }


SPLIT = {
    "initial": "away",
    "states": {
        "away": {"on": {"shallow": "p.sh", "deep": "p.dh"}},
        "p": {
            "type": "parallel",
            "on": {"away": "away"},
            "states": {
                "sh": {"type": "history"},
                "dh": {"type": "history", "history": "deep"},
                "l": {
                    "initial": "l1",
                    "states": {"l1": {"on": {"l": "l2"}}, "l2": {"states": {"i": {"on": {"l": "j"}}, "j": {}}}},
                },
                "r": {"initial": "r1", "states": {"r1": {"on": {"r": "r2"}}, "r2": {}}},
            },
        },
    },
}

CASES = [
    Case(
        "shallow history brings back the child, which begins where it begins",
        menu("shallow"),
        "menu.a",
        [("next", "menu.b.b1"), ("next", "menu.b.b2.x"), ("away", "away"), ("back", "menu.b.b1")],
    ),
    Case(
        "deep history brings back the leaf",
        menu("deep"),
        "menu.a",
        [
            ("next", "menu.b.b1"),
            ("next", "menu.b.b2.x"),
            ("next", "menu.b.b2.y"),
            ("away", "away"),
            ("back", "menu.b.b2.y", "in_y"),
        ],
    ),
    Case(
        "history is what was active when its parent was last left",
        menu("deep"),
        "menu.a",
        [("next", "menu.b.b1"), ("away", "away"), ("anew", "menu.a"), ("away", "away"), ("back", "menu.a")],
    ),
    Case(
        "without history its default target is taken",
        {
            "initial": "off",
            "states": {
                "off": {"on": {"go": "on.h"}},
                "on": {
                    "initial": "a",
                    "states": {"h": {"type": "history", "target": "b"}, "a": {}, "b": {"on": {"off": "#m.off"}}},
                },
            },
        },
        "off",
        [("go", "on.b")],
    ),
    Case(
        "without history and default, its parent begins as always",
        {
            "initial": "off",
            "states": {
                "off": {"on": {"go": "on.h"}},
                "on": {"initial": "b", "states": {"a": {}, "b": {}, "h": {"type": "history"}}},
            },
        },
        "off",
        [("go", "on.b")],
    ),
    Case(
        "a default target deep inside enters what is above it",
        {
            "initial": "off",
            "states": {
                "off": {"on": {"go": "on.h"}},
                "on": {
                    "entry": "in_on",
                    "states": {
                        "h": {"type": "history", "history": "deep", "target": "b.c"},
                        "a": {},
                        "b": {"entry": "in_b", "initial": "x", "states": {"x": {}, "c": {"entry": "in_c"}}},
                    },
                },
            },
        },
        "off",
        [("go", "on.b.c", "in_on in_b in_c")],
    ),
    Case(
        "a history state may be where a state begins",
        {
            "initial": "s",
            "states": {
                "s": {
                    "initial": "h",
                    "on": {"out": "t"},
                    "states": {"h": {"type": "history", "target": "a"}, "a": {"on": {"n": "b"}}, "b": {}},
                },
                "t": {"on": {"in": "s"}},
            },
        },
        "s.a",
        [("out", "t"), ("in", "s.a"), ("n", "s.b"), ("out", "t"), ("in", "s.b")],
    ),
    Case(
        "history is recorded before exit actions and is back after other history was made elsewhere",
        {
            "initial": "a",
            "states": {
                "a": {
                    "exit": "out_a",
                    "on": {"go": "b"},
                    "states": {"h": {"type": "history"}, "a1": {"on": {"n": "a2"}}, "a2": {"exit": "out_a2"}},
                },
                "b": {
                    "on": {"back": "a.h", "go": "c"},
                    "states": {"h": {"type": "history"}, "b1": {"on": {"n": "b2"}}, "b2": {}},
                },
                "c": {"on": {"b": "b.h"}},
            },
        },
        "a.a1",
        [
            ("n", "a.a2"),
            ("go", "b.b1", "out_a2 out_a"),
            ("n", "b.b2"),
            ("go", "c"),
            ("b", "b.b2"),
            ("back", "a.a2"),
        ],
    ),
    Case(
        "shallow history of a parallel state enters each region where it begins",
        SPLIT,
        "away",
        [
            ("shallow", "p.l.l1 p.r.r1"),
            ("l", "p.l.l2.i p.r.r1"),
            ("r", "p.l.l2.i p.r.r2"),
            ("away", "away"),
            ("shallow", "p.l.l1 p.r.r1"),
        ],
    ),
    Case(
        "deep history of a parallel state brings back the leaf of each region",
        SPLIT,
        "away",
        [
            ("deep", "p.l.l1 p.r.r1"),
            ("l", "p.l.l2.i p.r.r1"),
            ("l", "p.l.l2.j p.r.r1"),
            ("r", "p.l.l2.j p.r.r2"),
            ("away", "away"),
            ("deep", "p.l.l2.j p.r.r2"),
        ],
    ),
    Case(
        "a transition whose history is its own source stays where it is, as any that targets itself",
        {
            "entry": "in_root",
            "initial": "a",
            "on": {"afresh": {"target": ".a", "reenter": True}},
            "states": {
                "h": {"type": "history"},
                "a": {"entry": "in_a", "exit": "out_a", "on": {"t": {"target": "h", "actions": "went"}}},
            },
        },
        "a",
        [("afresh", "a", "out_a in_root in_a"), ("t", "a", "went")],
    ),
    Case(
        "history that is made by the very transition that asks for it brings all of it back",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "exit": "out_p",
                    "entry": "in_p",
                    "states": {
                        "h": {"type": "history", "history": "deep"},
                        "x": {"states": {"x1": {"on": {"n": "x2"}}, "x2": {"on": {"t": "#m.p.h"}}}},
                    },
                }
            },
        },
        "p.x.x1",
        [("n", "p.x.x2", ""), ("t", "p.x.x2", "out_p in_p")],
    ),
    Case(
        "history of one region leaves the other to its beginning",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "on": {"away": "away"},
                    "states": {
                        "l": {"states": {"h": {"type": "history"}, "l1": {"on": {"n": "l2"}}, "l2": {}}},
                        "r": {"states": {"h": {"type": "history"}, "r1": {"on": {"n": "r2"}}, "r2": {}}},
                    },
                },
                "away": {"on": {"left": "p.l.h", "both": {"target": ["p.l.h", "p.r.h"]}}},
            },
        },
        "p.l.l1 p.r.r1",
        [
            ("n", "p.l.l2 p.r.r2"),
            ("away", "away"),
            ("left", "p.l.l2 p.r.r1"),
            ("away", "away"),
            ("both", "p.l.l2 p.r.r1"),
        ],
    ),
    Case(
        "a transition to the history of the source's own parent re-enters what was just left",
        {
            "initial": "s",
            "states": {
                "s": {
                    "on": {"again": {"target": ".h", "reenter": True}},
                    "entry": "in_s",
                    "states": {
                        "h": {"type": "history"},
                        "a": {"on": {"n": "b"}},
                        "b": {"entry": "in_b", "exit": "out_b"},
                    },
                }
            },
        },
        "s.a",
        [("n", "s.b", "in_b"), ("again", "s.b", "out_b in_s in_b")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_history(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)
