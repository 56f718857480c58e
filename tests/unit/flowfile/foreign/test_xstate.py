"""XState's spellings become ours."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.flowfile.foreign.xstate import canonical


def state(written: dict[str, Any]) -> dict[str, Any]:
    return canonical({"states": {"a": written, "b": {"states": {"deep": {}}}}}).definition["states"]["a"]


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("pay", "pay"),
        ({"type": "pay", "params": {"n": 1}}, {"type": "pay", "params": {"n": 1}}),
        ({"type": "pay", "n": 1}, {"type": "pay", "params": {"n": 1}}),
        ({"type": "xstate.assign", "params": {"assignment": {"n": 1}}}, {"assign": {"n": 1}}),
        ({"type": "assign", "assignment": {"n": 1}}, {"assign": {"n": 1}}),
        ({"type": "assign", "params": {"n": 1}}, {"assign": {"n": 1}}),
        ({"type": "raise", "event": "x"}, {"raise": "x"}),
        ({"type": "raise", "params": {"event": {"type": "x", "n": 1}}}, {"raise": {"event": "x", "data": {"n": 1}}}),
        (
            {"type": "xstate.raise", "event": {"type": "x"}, "delay": 5, "id": "i"},
            {"raise": {"event": "x", "delay": 5, "id": "i"}},
        ),
        ({"type": "xstate.send", "event": "x"}, {"raise": {"event": "x", "delay": 0}}),
        ({"type": "xstate.send", "event": "x", "to": "#_internal"}, {"raise": "x"}),
        ({"type": "xstate.cancel", "sendId": "i"}, {"cancel": "i"}),
        ({"type": "cancel", "params": "i"}, {"cancel": "i"}),
        ({"type": "xstate.log", "params": {"value": "hello"}}, {"log": {"message": "hello"}}),
        ({"increment": {"path": "n"}}, {"increment": {"path": "n"}}),
        ({"increment": "n"}, {"increment": {"path": "n"}}),
        (
            {"type": "xstate.sendTo", "params": {"to": "self", "event": {"type": "x"}}},
            {"raise": {"event": "x", "delay": 0}},
        ),
        ({"type": "increment", "params": {"path": "n"}}, {"increment": {"path": "n"}}),
    ],
)
def test_actions(written: object, ours: object) -> None:
    """Each way to write an action."""
    assert state({"entry": [written]})["entry"] == [ours]
    assert state({"on": {"t": {"actions": written}}})["on"]["t"]["actions"] == ours


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("may", "may"),
        ({"type": "may", "params": {"n": 1}}, {"type": "may", "params": {"n": 1}}),
        ({"type": "and", "guards": ["x", {"type": "xstate.not", "guards": ["y"]}]}, {"and": ["x", {"not": "y"}]}),
        ({"type": "or", "params": {"guards": ["x", "y"]}}, {"or": ["x", "y"]}),
        ({"type": "xstate.not", "params": {"guard": "x"}}, {"not": "x"}),
        ({"type": "stateIn", "params": {"stateValue": "#deep"}}, {"in": "#root.b.deep"}),
        ({"type": "xstate.stateIn", "params": "deep"}, {"in": "#root.b.deep"}),
        ("In('deep')", {"in": "#root.b.deep"}),
        ({"type": "xstate.stateIn", "params": {"stateValue": {"b": "deep"}}}, {"in": "#root.b.deep"}),
        ({"path": "n", "op": ">=", "value": 1}, {"path": "n", "op": "ge", "value": 1}),
        ({"in": "#elsewhere"}, {"in": "#elsewhere"}),
        ({"and": [{"type": "not", "guards": ["x"]}, "y"]}, {"and": [{"not": "x"}, "y"]}),
        ({"path": "n", "op": "eq", "value": 1}, {"path": "n", "op": "eq", "value": 1}),
    ],
)
def test_guards(written: object, ours: object) -> None:
    """Each way to write a guard, under v5's word and v4's."""
    assert state({"on": {"t": {"guard": written}}})["on"]["t"] == {"guard": ours}
    assert state({"always": [{"cond": written}]})["always"] == [{"guard": ours}]


def test_old_words() -> None:
    """What v4 wrote otherwise."""
    written = {
        "onEntry": ["x"],
        "onExit": "y",
        "after": [{"delay": 1000, "target": "b"}],
        "on": {"": {"target": "b", "cond": "may"}, "t": {"target": "a", "internal": False}, "u": {"in": "#deep"}},
        "key": "a",
        "order": 3,
    }
    assert state(written) == {
        "entry": ["x"],
        "exit": "y",
        "after": {"1000": [{"target": "b"}]},
        "always": [{"target": "b", "guard": "may"}],
        "on": {"t": {"target": "a", "reenter": True}, "u": {"guard": {"in": "#root.b.deep"}}},
    }


def test_list_of_transitions_keeps_its_order() -> None:
    """As a list, events may be mixed; the order between them stays."""
    found = state({"on": [{"event": "t", "guard": "x"}, {"event": "*", "target": "b"}, {"event": "t", "target": "b"}]})
    assert list(found["on"].items()) == [
        ("t", [{"guard": "x"}]),
        ("*", [{"target": "b"}]),
        ("t ", [{"target": "b"}]),
    ]


def test_actors_are_noted() -> None:
    """What has no counterpart becomes a bare name, and is told with its place."""
    done = canonical(
        {"entry": [{"type": "xstate.sendTo", "params": {"to": "x"}}], "states": {"a": {"activities": ["beep"]}}}
    )
    assert done.definition["entry"] == [{"type": "sendTo"}]
    assert [note.path for note in done.notes] == [(), ("entry", 0), ("states", "a", "activities")]


@pytest.mark.parametrize("wrong", [3, [3], {"on": 3}, {"states": []}, {"entry": 3}, {"on": {"x": 3}}, {"after": 3}])
def test_nonsense_is_left_to_the_compiler(wrong: Any) -> None:
    """What is no machine stays what it is."""
    assert state(wrong) == wrong


def test_exact_events_first() -> None:
    """XState's precedence becomes an order."""
    written = {"on": {"*": "z", "b": "b", "a.*": "z", "a.b.*": "z", "a": "a"}}
    assert list(canonical(written, exact_first=True).definition["on"]) == ["b", "a", "a.b.*", "a.*", "*"]
    assert canonical(written).definition == written
