"""What the public suites for statecharts ask and no other file here does; own charts, written from the recommendation's text.

Order, hierarchy, history, internal and parallel transitions, done events and timers have files of their own.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.player import Case, play
from wabox.engine import Charts, Event, compile_chart, decode, encode, fire, start, step
from wabox.engine.player import Player

ADD = {"increment": {"path": "n"}}


def counted(op: str, value: int, target: str) -> dict[str, Any]:
    return {"guard": {"path": "n", "op": op, "value": value}, "target": target}


CASES = [
    Case(
        "assign in a small step: what was assigned on entry is there for the eventless transitions that follow",
        {
            "initial": "a",
            "context": {"n": 0},
            "states": {
                "a": {"on": {"t": {"target": "b", "actions": {"assign": {"n": 0}}}}},
                "b": {
                    "always": [{**counted("lt", 100, "b"), "reenter": True, "actions": ADD}, counted("eq", 100, "c")]
                },
                "c": {
                    "always": [{**counted("lt", 200, "c"), "reenter": True, "actions": ADD}, counted("eq", 200, "d")]
                },
                "d": {"entry": {"multiply": {"path": "n", "by": 2}}, "always": counted("eq", 400, "e")},
                "e": {},
            },
        },
        "a",
        [("t", "e")],
    ),
    Case(
        "assign in a small step: exit, transition and entry actions see each other's values in their order",
        {
            "initial": "a",
            "context": {"n": 2},
            "states": {
                "a": {
                    "exit": {"multiply": {"path": "n", "by": 3}},
                    "on": {"t": {"target": "b", "actions": {"multiply": {"path": "n", "by": 5}}}},
                },
                "b": {"entry": ADD, "always": [counted("eq", 31, "c"), {"target": "f"}]},
                "c": {},
                "f": {},
            },
        },
        "a",
        [("t", "c")],
    ),
    Case(
        "targetless: an eventless one counts until a sibling before it leads out",
        {
            "initial": "a",
            "context": {"n": 0},
            "states": {
                "a": {"on": {"t": "b"}},
                "b": {"always": [counted("eq", 100, "done"), {"actions": ADD}]},
                "done": {},
            },
        },
        "a",
        [("t", "done")],
    ),
    Case(
        "targetless: those of a leaf and of another region's leaf run together, an ancestor's only where no leaf has one",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "on": {"t": {"actions": "of_p"}, "u": {"actions": "of_p"}},
                    "states": {
                        "x": {"states": {"x1": {"on": {"t": {"actions": "of_x1"}}}}},
                        "y": {"on": {"t": {"actions": "of_y"}}, "states": {"y1": {}}},
                    },
                }
            },
        },
        "p.x.x1 p.y.y1",
        [("t", "p.x.x1 p.y.y1", "of_x1 of_y"), ("u", "p.x.x1 p.y.y1", "of_p")],
    ),
    Case(
        "several events of one transition, with families among them",
        {
            "initial": "a",
            "states": {
                "a": {"on": {"foo.* bar": "b"}},
                "b": {"on": {"foo bar.*": "c"}},
                "c": {"on": {"*": "a"}},
            },
        },
        "a",
        [("bar.x", "a"), ("foo.x.y", "b"), ("foo.x", "b"), ("bar.x", "c"), ("fo", "a"), ("foo", "b"), ("foobar", "b")],
    ),
    Case(
        "a family is of whole words",
        {"initial": "a", "states": {"a": {"on": {"foo.*": "b"}}, "b": {}}},
        "a",
        [("foobar", "a"), ("fo", "a"), ("foo.", "b")],
    ),
    Case(
        "error events reach a family's descriptor",
        {
            "initial": "a",
            "context": {"n": "x"},
            "states": {"a": {"on": {"t": {"actions": [ADD, "after"]}, "error.*": {"target": "b"}}}, "b": {}},
        },
        "a",
        [("t", "b", "increment")],
    ),
    Case(
        "raised events wait in order and before any other, eventless transitions between them",
        {
            "initial": "a",
            "states": {
                "a": {"entry": [{"raise": "one"}, {"raise": "two"}], "on": {"one": "b", "*": "f"}},
                "b": {"always": {"target": "c"}},
                "c": {"on": {"two": "d", "*": "f"}},
                "d": {},
                "f": {},
            },
        },
        "d",
        [],
    ),
    Case(
        "conflicts: the transition of the first region in document order wins, also when both lead to the same state",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "states": {
                        "x": {"states": {"x1": {"on": {"t": {"target": "#root.q", "actions": "x_first"}}}}},
                        "y": {"states": {"y1": {"on": {"t": {"target": "#root.q", "actions": "y_first"}}}}},
                    },
                },
                "q": {},
            },
        },
        "p.x.x1 p.y.y1",
        [("t", "q", "x_first")],
    ),
    Case(
        "an event that interrupts a parallel state from within leaves nothing of it behind",
        {
            "initial": "p",
            "states": {
                "p": {
                    "type": "parallel",
                    "onDone": "wrong",
                    "states": {
                        "x": {"states": {"x1": {"on": {"t": "x2"}}, "x2": {"type": "final"}}},
                        "y": {"states": {"y1": {"on": {"t": "#root.q"}}, "y2": {"type": "final"}}},
                    },
                },
                "q": {"on": {"done.state.*": "wrong"}},
                "wrong": {},
            },
        },
        "p.x.x1 p.y.y1",
        [("t", "p.x.x2 p.y.y1"), ("t", "q")],
    ),
    Case(
        "internal transitions: of a compound state into itself, entry and exit of it do not run",
        {
            "initial": "a",
            "context": {"n": 0},
            "states": {
                "a": {
                    "entry": ADD,
                    "exit": ADD,
                    "on": {"in": ".a2", "out": {"target": ".a2", "reenter": True}},
                    "states": {"a1": {}, "a2": {"on": {"*": counted("eq", 3, "#root.b")}}},
                },
                "b": {},
            },
        },
        "a.a1",
        [("in", "a.a2"), ("what", "a.a2"), ("out", "a.a2"), ("what", "b")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)


SENDS = {
    "context": {"sku": "mug", "seen": []},
    "states": {
        "a": {
            "on": {
                "t": {
                    "actions": [
                        {"raise": {"event": "got", "delay": "2s", "data": {"what": {"from": "sku"}}}},
                        {"assign": {"sku": "cap"}},
                        {"raise": {"event": "got", "delay": "1s", "data": {"what": {"from": "sku"}}}},
                        {"raise": {"event": "got", "delay": "2s"}},
                        {"raise": {"event": "got", "delay": "2s"}},
                    ]
                },
                "got": {"actions": {"append": {"path": "seen", "value": {"from": "event.what"}}}},
                "stop": {"actions": {"cancel": "one"}},
                "once": {"actions": {"raise": {"event": "got", "id": "one", "delay": "1s", "data": {"what": "id"}}}},
            }
        }
    },
}


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
def test_delayed_events_carry_their_data(round_trip: bool) -> None:
    """The data is that of the moment of sending; events of one name are as many as were sent, in the order they are due."""
    player = Player(compile_chart("m", SENDS, guards={}, actions={}), round_trip=round_trip)
    player.send("t")
    assert player.wait(1_000).context["seen"] == ["cap"]
    assert player.wait(1_000).context["seen"] == ["cap", "mug", None, None]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
def test_delayed_event_with_an_id(round_trip: bool) -> None:
    """There is one of it, begun anew when it is sent again, and it can be cancelled."""
    player = Player(compile_chart("m", SENDS, guards={}, actions={}), round_trip=round_trip)
    player.send("once")
    player.wait(600)
    player.send("once")
    assert player.wait(999).context["seen"] == []
    assert player.wait(1).context["seen"] == ["id"]
    player.send("once")
    player.send("stop")
    assert player.wait(5_000).context["seen"] == ["id"]


def test_data_too_long_for_a_timer() -> None:
    """It is refused as the action's failure; the conversation goes on."""
    late = {"raise": {"event": "x", "delay": "1s", "data": {"words": {"from": "event.words"}}}}
    chart = compile_chart("m", {"on": {"t": {"actions": late}}}, guards={}, actions={})
    moment = Player(chart).send("t", {"words": "long" * 1_000})
    assert "keep it in the context" in moment.failed[0].error


def test_stored_timer_of_an_older_release_still_raises() -> None:
    """Its name is the id and the event, and nothing behind it."""
    chart = compile_chart("m", {"states": {"a": {"on": {"late:x": "b"}}, "b": {}}}, guards={}, actions={})
    charts = Charts([chart])
    snapshot = start(charts, "m", 0).snapshot
    old = decode(encode(snapshot).replace(b'"seq"', b'"timers":{"raise:my id:late:x":[5,1]},"seq"'))
    assert fire(charts, old, "raise:my id:late:x", 1, 5).snapshot.leaves == ("b",)


OUTPUT = {
    "context": {"n": 3, "got": None},
    "states": {
        "s": {
            "states": {
                "a": {"on": {"t": "f"}},
                "f": {"type": "final", "output": {"n": {"from": "n"}, "by": {"from": "event.by"}}},
            },
            "onDone": {"target": "z", "actions": {"assign": {"got": {"from": "event.output"}}}},
        },
        "z": {},
    },
}


def test_final_state_gives_its_output() -> None:
    """It is worked out when the state is entered, and the parent's done event carries it."""
    charts = Charts([compile_chart("m", OUTPUT, guards={}, actions={})])
    done = step(charts, start(charts, "m", 0).snapshot, Event("t", {"by": "me"}), 0)
    assert done.snapshot.leaves == ("z",)
    assert done.snapshot.context["got"] == {"n": 3, "by": "me"}


@pytest.mark.parametrize(
    ("path", "data", "found"),
    [
        ("event.data", {"a": 1}, {"a": 1}),
        ("event.data.a", {"a": 1}, 1),
        ("event.data", {"data": "words"}, "words"),
        ("event.data.a", {"data": {"a": 2}, "a": 1}, 2),
        ("event.type", {}, "t"),
        ("event.type", {"type": "image"}, "image"),
        ("event.name", {}, "t"),
    ],
)
def test_an_event_by_other_words(path: str, data: dict[str, Any], found: object) -> None:
    """XState's and SCXML's words for an event's name and data mean the same here, unless the data has such a key."""
    given = {"context": {"got": None}, "on": {"t": {"actions": {"assign": {"got": {"from": path}}}}}}
    player = Player(compile_chart("m", given, guards={}, actions={}))
    assert player.send("t", data).context["got"] == found
