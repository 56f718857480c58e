"""Final states and the events they raise (SCXML 3.7, 3.4)."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import Case, Player, play
from wabox.engine import Charts, Disarm, Ended, Event, compile_chart, start, step


def parallel(**more: object) -> dict[str, object]:
    return {
        "initial": "p",
        "states": {
            "p": {
                "type": "parallel",
                "states": {
                    "x": {"states": {"x1": {"on": {"x": "xf"}}, "xf": {"type": "final"}}},
                    "y": {"states": {"y1": {"on": {"y": "yf"}}, "yf": {"type": "final"}}},
                },
                **more,
            },
            "q": {},
        },
    }


CASES = [
    Case(
        "a compound state is done when its final child is entered",
        {
            "initial": "a",
            "states": {
                "a": {
                    "onDone": {"target": "b", "actions": "done"},
                    "states": {"x": {"on": {"t": "f"}}, "f": {"type": "final", "entry": "in_f", "exit": "out_f"}},
                },
                "b": {},
            },
        },
        "a.x",
        [("t", "b", "in_f out_f done")],
    ),
    Case(
        "the done event has the state's id, and any state above may handle it",
        {
            "initial": "a",
            "on": {"done.state.a.b": ".z"},
            "states": {"a": {"states": {"b": {"states": {"x": {"on": {"t": "f"}}, "f": {"type": "final"}}}}}, "z": {}},
        },
        "a.b.x",
        [("t", "z")],
    ),
    Case(
        "an alias names the done event too",
        {
            "initial": "a",
            "states": {
                "a": {
                    "id": "order",
                    "on": {"done.state.order": "z"},
                    "states": {"x": {"on": {"t": "f"}}, "f": {"type": "final"}},
                },
                "z": {},
            },
        },
        "a.x",
        [("t", "z")],
    ),
    Case(
        "XState's name for it as well",
        {
            "initial": "a",
            "states": {
                "a": {
                    "on": {"xstate.done.state.m.a": "z"},
                    "states": {"x": {"on": {"t": "f"}}, "f": {"type": "final"}},
                },
                "z": {},
            },
        },
        "a.x",
        [("t", "z")],
    ),
    Case(
        "completion climbs one level at a time, through onDone",
        {
            "initial": "a",
            "states": {
                "a": {
                    "onDone": "z",
                    "states": {
                        "b": {"onDone": "f", "states": {"x": {"on": {"t": "g"}}, "g": {"type": "final"}}},
                        "f": {"type": "final"},
                    },
                },
                "z": {},
            },
        },
        "a.b.x",
        [("t", "z")],
    ),
    Case(
        "a final child of a child does not complete the parent",
        {
            "initial": "a",
            "states": {
                "a": {"onDone": "z", "states": {"b": {"states": {"x": {"on": {"t": "g"}}, "g": {"type": "final"}}}}},
                "z": {},
            },
        },
        "a.b.x",
        [("t", "a.b.g")],
    ),
    Case(
        "a state may be done from its beginning",
        {"initial": "a", "states": {"a": {"onDone": "b", "states": {"f": {"type": "final"}}}, "b": {}}},
        "b",
        [],
    ),
    Case(
        "a parallel state is done when all its regions are, in whatever order",
        parallel(onDone="q"),
        "p.x.x1 p.y.y1",
        [("y", "p.x.x1 p.y.yf"), ("x", "q")],
    ),
    Case(
        "regions that end in the same step complete it once",
        parallel(onDone={"actions": "done"}) | {"on": {"t": {"target": ["#m.p.x.xf", "#m.p.y.yf"]}}},
        "p.x.x1 p.y.y1",
        [("t", "p.x.xf p.y.yf", "done")],
    ),
    Case(
        "each region raises its own done event first",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "on": {"done.state.p.x": {"actions": "x"}, "done.state.p.y": {"actions": "y"}},
                    "onDone": {"actions": "both"},
                    "states": {
                        "x": {"states": {"x1": {"on": {"x": "xf", "t": "xf"}}, "xf": {"type": "final"}}},
                        "y": {"states": {"y1": {"on": {"t": "yf"}}, "yf": {"type": "final"}}},
                    },
                }
            },
        },
        "p.x.x1 p.y.y1",
        [("t", "p.x.xf p.y.yf", "x y both")],
    ),
    Case(
        "a parallel state inside another completes both",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "onDone": "z",
                    "states": {
                        "i": {
                            "type": "parallel",
                            "onDone": {"actions": "inner"},
                            "states": {"a": {"states": {"a1": {"on": {"t": "af"}}, "af": {"type": "final"}}}},
                        },
                        "b": {"states": {"b1": {"on": {"t": "bf"}}, "bf": {"type": "final"}}},
                    },
                },
                "z": {},
            },
        },
        "p.b.b1 p.i.a.a1",
        [("t", "z", "inner")],
    ),
    Case(
        "a region that is itself final counts as done",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "onDone": "z",
                    "states": {
                        "f": {"type": "final"},
                        "x": {"states": {"x1": {"on": {"t": "xf"}}, "xf": {"type": "final"}}},
                    },
                },
                "z": {},
            },
        },
        "p.f p.x.x1",
        [("t", "z")],
    ),
    Case(
        "at the end every active state is left, and nothing more happens",
        {
            "exit": "out_root",
            "initial": "a",
            "states": {
                "a": {"exit": "out_a", "on": {"t": {"target": "f", "actions": {"raise": "later"}}}},
                "f": {"type": "final", "entry": "in_f", "exit": "out_f"},
            },
            "on": {"later": {"actions": "never"}},
        },
        "a",
        [("t", "f", "out_a raise in_f out_f out_root"), ("t", "f", "")],
    ),
    Case(
        "a parallel root is done when all its regions are",
        {
            "type": "parallel",
            "exit": "out_root",
            "states": {
                "x": {"states": {"x1": {"on": {"t": "xf"}}, "xf": {"type": "final"}}},
                "y": {"states": {"y1": {"on": {"t": "yf"}}, "yf": {"type": "final"}}},
            },
        },
        "x.x1 y.y1",
        [("t", "x.xf y.yf", "out_root")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_done(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)


def test_conversation_ends_with_its_chart() -> None:
    """When the chart is at its end the snapshot is done, its timers go, and the effect says so."""
    given = {"initial": "a", "timeouts": {"hard": "1h"}, "states": {"a": {"on": {"t": "f"}}, "f": {"type": "final"}}}
    charts = Charts([compile_chart("m", given, guards={}, actions={})])
    done = step(charts, start(charts, "m", 0).snapshot, Event("t"), 1)
    assert (done.snapshot.status, done.snapshot.timers) == ("done", {})
    assert done.effects == (Ended("m"), Disarm("hard"))
    again = step(charts, done.snapshot, Event("t"), 2)
    assert (again.handled, again.snapshot, again.unhandled) == (False, done.snapshot, ("t",))


def test_chart_that_is_done_at_once() -> None:
    """A chart that begins at its end says what it says and is over."""
    given = {"states": {"f": {"type": "final", "say": "Bye"}}}
    player = Player(Charts([compile_chart("m", given, guards={}, actions={})]), "m")
    assert player.step.snapshot.status == "done"
    assert player.effects[-1] == Ended("m")
