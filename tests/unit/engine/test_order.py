"""Document order, and which events a descriptor means (SCXML 3.12.1, 3.13)."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import Case, play
from wabox.engine.event import matches

CASES = [
    Case(
        "of several transitions for an event the first in document order is taken",
        {"initial": "a", "states": {"a": {"on": {"t": ["b", "c"]}}, "b": {}, "c": {}}},
        "a",
        [("t", "b")],
    ),
    Case(
        "a guard that does not hold passes the event to the next transition",
        {
            "initial": "a",
            "states": {
                "a": {
                    "on": {
                        "t": [
                            {"target": "b", "guard": {"path": "event.n", "op": "gt", "value": 10}},
                            {"target": "c", "guard": {"path": "event.n", "op": "gt", "value": 5}},
                            "d",
                        ]
                    }
                },
                "b": {},
                "c": {},
                "d": {"on": {"again": "a"}},
            },
        },
        "a",
        [(("t", {"n": 1}), "d"), ("again", "a"), (("t", {"n": 7}), "c")],
    ),
    Case(
        "an inner state whose guards all fail leaves the event to the outer one",
        {
            "initial": "p",
            "context": {"ready": False},
            "states": {
                "p": {
                    "on": {"t": {"target": "q", "actions": "outer"}},
                    "states": {
                        "c": {"on": {"t": {"actions": "inner", "guard": {"path": "ready", "op": "eq", "value": True}}}}
                    },
                },
                "q": {},
            },
        },
        "p.c",
        [("t", "q", "outer")],
    ),
    Case(
        "a wildcard that is written first is taken first",
        {"initial": "a", "states": {"a": {"on": {"*": "b", "t": "c"}}, "b": {}, "c": {}}},
        "a",
        [("t", "b")],
    ),
    Case(
        "an inner wildcard comes before an outer exact name",
        {
            "initial": "p",
            "states": {"p": {"on": {"t": "q"}, "states": {"c": {"on": {"*": {"actions": "any"}}}}}, "q": {}},
        },
        "p.c",
        [("t", "p.c", "any")],
    ),
    Case(
        "keys are tried in the order in which they are written: a wildcard before onDone takes the done event",
        {
            "initial": "a",
            "states": {
                "a": {
                    "on": {"*": {"actions": "any"}},
                    "onDone": "b",
                    "states": {"x": {"on": {"t": "f"}}, "f": {"type": "final"}},
                },
                "b": {},
            },
        },
        "a.x",
        [("t", "a.f", "any")],
    ),
    Case(
        "one transition may be for several events",
        {"initial": "a", "states": {"a": {"on": {"foo bar": "b"}}, "b": {"on": {"bar baz.*": "a"}}}},
        "a",
        [("baz", "a"), ("bar", "b"), ("foo", "b"), ("baz.now", "a"), ("foo", "b")],
    ),
    Case(
        "an event without a transition of its own is forbidden with nothing, so that no outer state sees it",
        {
            "initial": "p",
            "states": {"p": {"on": {"t": "q", "u": "q"}, "states": {"c": {"on": {"t": None, "u": {}}}}}, "q": {}},
        },
        "p.c",
        [("t", "p.c", ""), ("u", "p.c", "")],
    ),
    Case(
        "actions run in the order written",
        {
            "initial": "a",
            "states": {
                "a": {
                    "exit": ["x1", "x2"],
                    "on": {"t": {"target": "b", "actions": ["t1", {"type": "t2"}, {"t3": {"n": 1}}]}},
                },
                "b": {"entry": ["e1", "e2"]},
            },
        },
        "a",
        [("t", "b", "x1 x2 t1 t2 t3 e1 e2")],
    ),
    Case(
        "an internal event waits behind those raised before it, and before any external one",
        {
            "initial": "a",
            "states": {
                "a": {
                    "on": {
                        "t": {"actions": [{"raise": {"event": "one"}}, {"raise": "two"}, "did"]},
                        "one": {"actions": ["got1", {"raise": "three"}]},
                        "two": {"actions": "got2"},
                        "three": {"target": "b", "actions": "got3"},
                    }
                },
                "b": {},
            },
        },
        "a",
        [("t", "b", "raise raise did got1 raise got2 got3")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_order(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)


@pytest.mark.parametrize(
    ("descriptor", "meant", "not_meant"),
    [
        ("message", "message", "message.image messages"),
        ("message.*", "message message.image message.image.big", "messages mess"),
        (
            "*",
            "anything message.image done.state.a error.execution fallback",
            "timeout.soft timeout.hard resumed after:10:a",
        ),
        ("timeout.*", "timeout.soft timeout.hard timeout", "timeouts"),
        ("timeout.hard", "timeout.hard", "timeout.soft"),
        ("a.b.*", "a.b a.b.c", "a a.c"),
    ],
)
def test_descriptors(descriptor: str, meant: str, not_meant: str) -> None:
    """A name means itself, a family whole tokens, and the star everything but the engine's own clock and stack."""
    assert [name for name in meant.split() if not matches(descriptor, name)] == []
    assert [name for name in not_meant.split() if matches(descriptor, name)] == []
