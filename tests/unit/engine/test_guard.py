"""Guards: names, comparisons, and their combination."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.actions import GuardInput
from wabox.engine import ChartError, Charts, Event, Failed, compile_chart, start, step

CONTEXT: dict[str, Any] = {
    "n": 5,
    "f": 5.0,
    "name": "Ana",
    "yes": True,
    "none": None,
    "cart": {"total": 49.9, "items": ["red", "blue"]},
    "event": "mine",
}


def holds(guard: object, data: dict[str, Any] | None = None, **guards: Any) -> bool:
    given = {
        "initial": "a",
        "context": CONTEXT,
        "states": {"a": {"on": {"t": {"target": "b", "guard": guard}}}, "b": {}},
    }
    charts = Charts([compile_chart("m", given, guards=guards, actions={})])
    done = step(charts, start(charts, "m", 0).snapshot, Event("t", data or {}), 1)
    assert not [effect for effect in done.effects if isinstance(effect, Failed)]
    return done.handled


@pytest.mark.parametrize(
    ("path", "op", "value", "expected"),
    [
        ("n", "eq", 5, True),
        ("n", "eq", 5.0, True),
        ("n", "eq", "5", False),
        ("yes", "eq", 1, False),
        ("yes", "eq", True, True),
        ("yes", "ne", 1, True),
        ("cart.total", "gt", 49, True),
        ("cart.total", "ge", 49.9, True),
        ("cart.total", "lt", 49.9, False),
        ("cart.total", "le", 49.9, True),
        ("name", "lt", "Bea", True),
        ("name", "gt", 3, False),
        ("name", "le", 3, False),
        ("missing", "lt", 3, False),
        ("missing", "ge", 3, False),
        ("yes", "gt", 0, False),
        ("missing", "eq", None, True),
        ("missing.below", "ne", None, False),
        ("name", "in", ["Ana", "Bea"], True),
        ("name", "in", "Anastasia", True),
        ("n", "in", [True, 6], False),
        ("missing", "in", [], False),
        ("cart.items", "contains", "red", True),
        ("cart.items", "contains", "green", False),
        ("cart", "contains", "total", True),
        ("name", "contains", "na", True),
        ("n", "contains", 5, False),
        ("cart.items.1", "eq", "blue", True),
        ("cart.items.7", "exists", True, False),
        ("none", "exists", True, False),
        ("none", "exists", False, True),
        ("name", "exists", True, True),
        ("context.n", "eq", 5, True),
        ("event", "eq", "mine", True),
        ("event.text", "eq", "hi", True),
        ("event.deep.er", "eq", 1, True),
        ("event.name", "eq", "t", True),
        ("event.nothing", "exists", False, True),
        ("n", "eq", {"from": "context.f"}, True),
        ("n", "lt", {"from": "event.deep.er"}, False),
    ],
)
def test_comparison(path: str, op: str, value: object, expected: bool) -> None:
    """A comparison is of JSON values: numbers with numbers, text with text, and what cannot be compared does not hold."""
    assert holds({"path": path, "op": op, "value": value}, {"text": "hi", "deep": {"er": 1}}) is expected


def test_equality_is_the_comparison_meant_without_op() -> None:
    """Without op the comparison is eq, and exists needs no value."""
    assert holds({"path": "n", "value": 5})
    assert holds({"path": "n", "op": "exists"})


YES: dict[str, object] = {"path": "n", "value": 5}
NO: dict[str, object] = {"path": "n", "value": 6}


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ({"and": [YES, YES]}, True),
        ({"and": [YES, NO]}, False),
        ({"or": [NO, YES]}, True),
        ({"or": [NO, NO]}, False),
        ({"not": NO}, True),
        ({"not": {"or": [NO, {"and": [YES, {"not": YES}]}]}}, True),
        ({"type": "xstate.and", "guards": [YES, NO]}, False),
        ({"type": "xstate.or", "guards": [YES, NO]}, True),
        ({"type": "xstate.not", "guards": [NO]}, True),
        ({"in": "#m.a"}, True),
        ({"in": "a"}, True),
        ({"in": "b"}, False),
    ],
)
def test_combination(guard: object, expected: bool) -> None:
    """And, or, not, and being in a state."""
    assert holds(guard) is expected


def test_named_guard_is_given_context_event_and_params() -> None:
    """A named guard sees the context, the event and its literal parameters, and its answer is taken as yes or no."""

    def more_than(given: GuardInput) -> Any:
        assert given.event.name == "t"
        return given.context["n"] > given.params["limit"] and "yes"

    assert holds({"type": "more_than", "params": {"limit": 4}}, more_than=more_than)
    assert not holds({"type": "more_than", "params": {"limit": 5}}, more_than=more_than)


def test_guard_cannot_reach_into_the_conversation() -> None:
    """What a guard does to its input stays with it."""

    def spoils(given: GuardInput) -> bool:
        given.context["cart"]["items"].append("stolen")
        given.params["list"].append(1)
        return len(given.params["list"]) == 1

    guard = {"and": [{"type": "spoils", "params": {"list": []}}, {"type": "spoils", "params": {"list": []}}]}
    assert holds(guard, spoils=spoils)
    assert CONTEXT["cart"]["items"] == ["red", "blue"]


def test_guard_that_raises_does_not_hold_and_is_reported_once() -> None:
    """A failing guard is false, its failure is an effect, and the chart gets error.execution once."""

    def broken(given: GuardInput) -> bool:
        raise KeyError("no such slot")

    given = {
        "initial": "a",
        "context": {"errors": 0},
        "on": {"error.execution": {"actions": {"increment": {"path": "errors"}}}},
        "states": {
            "a": {"always": {"target": "b", "guard": "broken"}, "on": {"t": [{"target": "b", "guard": "broken"}, "c"]}},
            "b": {},
            "c": {},
        },
    }
    charts = Charts([compile_chart("m", given, guards={"broken": broken}, actions={})])
    first = start(charts, "m", 0)
    assert first.snapshot.context == {"errors": 1}
    assert [type(effect) for effect in first.effects] == [Failed]
    done = step(charts, first.snapshot, Event("t"), 1)
    assert (done.snapshot.leaves, done.snapshot.context) == (("c",), {"errors": 2})
    (failed,) = done.effects
    assert isinstance(failed, Failed)
    assert failed.where == "m: guard broken of a"
    assert failed.error.startswith("KeyError: 'no such slot' (test_guard.py, line ")


def test_chart_hears_of_a_failed_guard_though_nobody_handles_the_event() -> None:
    """When a guard fails and no transition is left, error.execution is handled all the same, before any detour is tried."""

    def broken(given: GuardInput) -> bool:
        raise ValueError

    given: dict[str, Any] = {
        "initial": "a",
        "detours": {"t": "d"},
        "states": {"a": {"on": {"t": {"target": "b", "guard": "broken"}}}, "b": {}, "c": {}},
    }
    told = given | {"on": {"error.execution": ".c"}}
    for definition, leaves in ((told, ("c",)), (given, ("x",))):
        detour = compile_chart("d", {"states": {"x": {}}}, guards={}, actions={})
        charts = Charts([compile_chart("m", definition, guards={"broken": broken}, actions={}), detour])
        done = step(charts, start(charts, "m", 0).snapshot, Event("t"), 1)
        assert (done.handled, done.snapshot.leaves) == (True, leaves)
        assert done.events == ("t", "error.execution")


@pytest.mark.parametrize(
    ("guard", "code", "words"),
    [
        ("nothere", "unknown-guard", "there is no guard 'nothere'"),
        ("in_stok", "unknown-guard", "did you mean 'in_stock'?"),
        ({"path": "n", "op": "matches", "value": ".*"}, "bad-guard", "use one of eq, ne"),
        ({"path": "n", "op": "gt"}, "bad-guard", "nothing to compare with"),
        ({"path": "a..b", "value": 1}, "bad-guard", "is no path"),
        ({"path": "n", "value": 1, "or": []}, "unknown-key", 'has no key "or"'),
        ({"and": []}, "bad-guard", "needs a list"),
        ({"and": [YES, "nothere"]}, "unknown-guard", "nothere"),
        ({"in": "nowhere"}, "unknown-target", "nowhere"),
        ({"type": "in_stock", "param": {}}, "unknown-key", "did you mean 'params'?"),
        (7, "bad-guard", "a guard cannot be 7"),
        ({"a": 1, "b": 2}, "bad-guard", "a guard cannot be"),
    ],
)
def test_wrong_guard(guard: object, code: str, words: str) -> None:
    """A guard that cannot be read is refused with the place, the reason and what to do."""
    with pytest.raises(ChartError) as raised:
        holds(guard, in_stock=lambda given: True)
    assert [problem.code for problem in raised.value.problems] == [code]
    assert raised.value.path[:5] == ("states", "a", "on", "t", "guard")
    assert words in f"{raised.value.sentence}; {raised.value.fix}"
