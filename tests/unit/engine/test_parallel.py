"""Parallel states and the conflicts between their regions' transitions (SCXML 3.4, 3.13, removeConflictingTransitions)."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import Case, play

TWO = {
    "initial": "p",
    "states": {
        "p": {
            "type": "parallel",
            "entry": "in_p",
            "exit": "out_p",
            "on": {"out": "q"},
            "states": {
                "x": {
                    "entry": "in_x",
                    "exit": "out_x",
                    "states": {
                        "x1": {"exit": "out_x1", "on": {"t": {"target": "x2", "actions": "tx"}}},
                        "x2": {"entry": "in_x2"},
                    },
                },
                "y": {
                    "entry": "in_y",
                    "exit": "out_y",
                    "states": {
                        "y1": {"exit": "out_y1", "on": {"t": {"target": "y2", "actions": "ty"}, "y": "y2"}},
                        "y2": {"entry": "in_y2"},
                    },
                },
            },
        },
        "q": {"on": {"in": "p", "deep": "p.y.y2", "both": {"target": ["p.y.y2", "p.x.x2"]}}},
    },
}


def regions(x: dict[str, object], y: dict[str, object], **p: object) -> dict[str, object]:
    """p with the regions x (x1, x2) and y (y1, y2), and q outside."""
    return {
        "initial": "p",
        "states": {
            "p": {
                "type": "parallel",
                **p,
                "states": {
                    "x": {"states": {"x1": {"on": x}, "x2": {}}},
                    "y": {"states": {"y1": {"on": y}, "y2": {}}},
                },
            },
            "q": {},
            "r": {},
        },
    }


NESTED = {
    "initial": "p",
    "states": {
        "p": {
            "type": "parallel",
            "states": {
                "a": {
                    "states": {
                        "a1": {
                            "type": "parallel",
                            "on": {"t": "a2"},
                            "states": {
                                "i": {"states": {"i1": {"on": {"t": "i2"}}, "i2": {}}},
                                "j": {"states": {"j1": {"on": {"u": "j2", "leave": "#m.q"}}, "j2": {}}},
                            },
                        },
                        "a2": {},
                    }
                },
                "b": {"states": {"b1": {"on": {"t": "b2", "u": "#m.q", "leave": "b2"}}, "b2": {}}},
            },
        },
        "q": {},
    },
}

CASES = [
    Case(
        "all regions are entered in document order and left in reverse",
        TWO,
        ("p.x.x1 p.y.y1", "in_p in_x in_y"),
        [("out", "q", "out_y1 out_y out_x1 out_x out_p"), ("in", "p.x.x1 p.y.y1", "in_p in_x in_y")],
    ),
    Case(
        "one event moves every region that handles it: first all exits, then all actions, then all entries",
        TWO,
        "p.x.x1 p.y.y1",
        [("t", "p.x.x2 p.y.y2", "out_y1 out_x1 tx ty in_x2 in_y2")],
    ),
    Case(
        "a region moves alone when only it handles the event",
        TWO,
        "p.x.x1 p.y.y1",
        [("y", "p.x.x1 p.y.y2", "out_y1 in_y2")],
    ),
    Case(
        "a target in one region enters the others where they begin; targets in several enter each",
        TWO,
        "p.x.x1 p.y.y1",
        [
            ("out", "q"),
            ("deep", "p.x.x1 p.y.y2", "in_p in_x in_y in_y2"),
            ("out", "q"),
            ("both", "p.x.x2 p.y.y2", "in_p in_x in_x2 in_y in_y2"),
        ],
    ),
    Case(
        "a parallel state whose regions are atomic",
        {"type": "parallel", "states": {"a": {"on": {"t": {"actions": "ta"}}}, "b": {"on": {"t": {"actions": "tb"}}}}},
        "a b",
        [("t", "a b", "ta tb")],
    ),
    Case(
        "of two transitions that both leave the parallel state, the first region's is taken",
        regions({"t": "#m.q"}, {"t": "#m.r"}),
        "p.x.x1 p.y.y1",
        [("t", "q")],
    ),
    Case(
        "a transition that leaves the parallel state pre-empts a later region's inner one",
        regions({"t": "#m.q"}, {"t": {"target": "y2", "actions": "never"}}),
        "p.x.x1 p.y.y1",
        [("t", "q", "")],
    ),
    Case(
        "an earlier region's inner transition pre-empts a later one that leaves the parallel state",
        regions({"t": "x2"}, {"t": {"target": "#m.q", "actions": "never"}}),
        "p.x.x1 p.y.y1",
        [("t", "p.x.x2 p.y.y1", "")],
    ),
    Case(
        "a transition of a descendant pre-empts one of an ancestor, whichever region is first",
        regions({}, {"t": {"target": "y2", "actions": "inner"}}, on={"t": {"target": "q", "actions": "never"}}),
        "p.x.x1 p.y.y1",
        [("t", "p.x.x1 p.y.y2", "inner")],
    ),
    Case(
        "a transition without target conflicts with nothing",
        regions({"t": {"actions": "tx"}}, {"t": "#m.q"}),
        "p.x.x1 p.y.y1",
        [("t", "q", "tx")],
    ),
    Case(
        "a state that targets itself leaves nothing, so it conflicts with nothing and is not entered when all is left",
        regions({"t": {"target": "x1", "actions": "tx"}}, {"t": {"target": "#m.q", "actions": "ty"}}),
        "p.x.x1 p.y.y1",
        [("t", "q", "tx ty")],
    ),
    Case(
        "an ancestor's transition that two regions share is taken once",
        regions({}, {}, on={"t": {"actions": "once"}, "u": {"target": "q", "actions": "once"}}),
        "p.x.x1 p.y.y1",
        [("t", "p.x.x1 p.y.y1", "once"), ("u", "q", "once")],
    ),
    Case(
        "a region without a transition of its own has the ancestor's, without a target beside the other's own",
        regions({"t": {"actions": "own"}}, {}, on={"t": {"actions": "shared"}}),
        "p.x.x1 p.y.y1",
        [("t", "p.x.x1 p.y.y1", "own shared")],
    ),
    Case(
        "a transition from one region to another leaves and enters the parallel state: the ancestor is the compound one",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "entry": "in_p",
                    "exit": "out_p",
                    "states": {
                        "x": {"entry": "in_x", "exit": "out_x", "states": {"x1": {"on": {"t": "#m.p.y.y2"}}, "x2": {}}},
                        "y": {"entry": "in_y", "exit": "out_y", "states": {"y1": {}, "y2": {}}},
                    },
                }
            },
        },
        "p.x.x1 p.y.y1",
        [("t", "p.x.x1 p.y.y2", "out_y out_x out_p in_p in_x in_y")],
    ),
    Case(
        "a region that is its own transition's source does the same with reenter",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "exit": "out_p",
                    "states": {
                        "x": {
                            "on": {"t": {"target": ".x2", "reenter": True}, "stay": ".x2"},
                            "states": {"x1": {}, "x2": {}},
                        },
                        "y": {"states": {"y1": {"on": {"y": "y2"}}, "y2": {}}},
                    },
                }
            },
        },
        "p.x.x1 p.y.y1",
        [("y", "p.x.x1 p.y.y2"), ("stay", "p.x.x2 p.y.y2", ""), ("t", "p.x.x2 p.y.y1", "out_p")],
    ),
    Case(
        "with a parallel root, a transition between regions keeps the root, which is never left",
        {
            "type": "parallel",
            "entry": "in_root",
            "exit": "out_root",
            "states": {
                "x": {"states": {"x1": {"on": {"t": "#root.y.y2"}}, "x2": {}}},
                "y": {"states": {"y1": {}, "y2": {"entry": "in_y2"}}},
            },
        },
        ("x.x1 y.y1", "in_root"),
        [("t", "x.x1 y.y2", "in_y2")],
    ),
    Case(
        "nested: an inner transition and one of another region go together, the ancestor's does not",
        NESTED,
        "p.a.a1.i.i1 p.a.a1.j.j1 p.b.b1",
        [("t", "p.a.a1.i.i2 p.a.a1.j.j1 p.b.b2")],
    ),
    Case(
        "nested: when the inner state has none left, the ancestor's is taken",
        NESTED,
        "p.a.a1.i.i1 p.a.a1.j.j1 p.b.b1",
        [("t", "p.a.a1.i.i2 p.a.a1.j.j1 p.b.b2"), ("t", "p.a.a2 p.b.b2")],
    ),
    Case(
        "nested: an inner transition pre-empts another region's that leaves everything",
        NESTED,
        "p.a.a1.i.i1 p.a.a1.j.j1 p.b.b1",
        [("u", "p.a.a1.i.i1 p.a.a1.j.j2 p.b.b1")],
    ),
    Case(
        "nested: one that leaves everything pre-empts the regions after it",
        NESTED,
        "p.a.a1.i.i1 p.a.a1.j.j1 p.b.b1",
        [("leave", "q")],
    ),
    Case(
        "an interrupt does not touch the transitions of regions that it does not leave",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "states": {
                        "c": {
                            "states": {
                                "c1": {
                                    "type": "parallel",
                                    "states": {
                                        "e": {"states": {"e1": {"on": {"t": "e2"}}, "e2": {}}},
                                        "f": {"states": {"f1": {"on": {"t": "#m.p.c.c2"}}, "f2": {}}},
                                    },
                                },
                                "c2": {},
                            }
                        },
                        "d": {"states": {"d1": {"on": {"t": "d2"}}, "d2": {}}},
                    },
                }
            },
        },
        "p.c.c1.e.e1 p.c.c1.f.f1 p.d.d1",
        [("t", "p.c.c1.e.e2 p.c.c1.f.f1 p.d.d2"), ("t", "p.c.c2 p.d.d2")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_parallel(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)
