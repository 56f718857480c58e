"""Actions: the built-in ones, named ones, and what happens when one fails."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.actions import ActionInput
from wabox.engine import ChartError, Charts, Event, Failed, Log, Say, SayTemplate, Step, compile_chart, start, step

CONTEXT: dict[str, Any] = {
    "n": 1,
    "name": "Ana",
    "cart": {"items": ["a", "b", "a"], "total": 3},
    "deep": {"er": {"x": 1}},
}


def run(actions: object, data: dict[str, Any] | None = None, **functions: Any) -> Step:
    given = {
        "initial": "a",
        "context": CONTEXT,
        "states": {
            "a": {
                "on": {
                    "t": {"actions": actions},
                    "error.execution": {"actions": {"assign": {"told": {"from": "event.error"}}}},
                }
            }
        },
    }
    charts = Charts([compile_chart("m", given, guards={}, actions=functions)])
    first = start(charts, "m", 0).snapshot
    done = step(charts, first, Event("t", data or {"text": "hi", "list": [1, {"k": 2}]}), 1)
    assert first.context == CONTEXT, "the snapshot that was given has changed"
    return done


@pytest.mark.parametrize(
    ("action", "changed"),
    [
        ({"assign": {"n": 2, "new": None}}, {"n": 2, "new": None}),
        ({"type": "assign", "params": {"n": 2}}, {"n": 2}),
        ({"assign": {"n": {"from": "event.text"}}}, {"n": "hi"}),
        ({"assign": {"n": {"from": "event.nothing"}}}, {"n": None}),
        ({"assign": {"n": {"from": "event.name"}}}, {"n": "t"}),
        ({"assign": {"n": {"from": "context.cart.total"}, "name": {"from": "n"}}}, {"n": 3, "name": 1}),
        ({"assign": {"n": {"from": "name"}, "name": {"from": "n"}}}, {"n": "Ana", "name": 1}),
        ({"assign": {"n": {"a": [{"from": "event.list.1.k"}, 5]}}}, {"n": {"a": [2, 5]}}),
        ({"assign": {"deep.er.y": 2}}, {"deep": {"er": {"x": 1, "y": 2}}}),
        ({"assign": {"n.under": 2}}, {"n": {"under": 2}}),
        ({"append": {"path": "cart.items", "value": "c"}}, {"cart": {"items": ["a", "b", "a", "c"], "total": 3}}),
        ({"append": {"path": "fresh", "value": {"sku": {"from": "event.text"}}}}, {"fresh": [{"sku": "hi"}]}),
        ({"remove": {"path": "cart.items", "value": "a"}}, {"cart": {"items": ["b", "a"], "total": 3}}),
        ({"remove": {"path": "cart.items", "value": "z"}}, {}),
        ({"remove": {"path": "cart", "value": "total"}}, {"cart": {"items": ["a", "b", "a"]}}),
        ({"remove": {"path": "cart.total"}}, {"cart": {"items": ["a", "b", "a"]}}),
        ({"remove": {"path": "nowhere.at.all"}}, {}),
        ({"increment": {"path": "n"}}, {"n": 2}),
        ({"increment": {"path": "cart.total", "by": -1.5}}, {"cart": {"items": ["a", "b", "a"], "total": 1.5}}),
        ({"increment": {"path": "fresh", "by": {"from": "cart.total"}}}, {"fresh": 3}),
    ],
)
def test_built_in(action: object, changed: dict[str, Any]) -> None:
    """The action makes new variables and leaves the old ones alone."""
    assert run(action).snapshot.context == CONTEXT | changed


def test_remove_of_a_whole_variable() -> None:
    """Without a value the path itself is removed."""
    assert "n" not in run({"remove": {"path": "n"}}).snapshot.context


def test_say_speaks_with_the_variables_of_its_moment() -> None:
    """What was said does not change with what is assigned later in the same step."""
    done = run(
        [
            {"assign": {"n": 2}},
            {"say": ["{n}", {"text": "x", "buttons": {"e": "E"}}]},
            {"assign": {"n": 3}},
            {"say": "{n}"},
        ]
    )
    said = [effect for effect in done.effects if isinstance(effect, Say)]
    assert [(effect.template.text, effect.context["n"]) for effect in said] == [("{n}", 2), ("x", 2), ("{n}", 3)]
    assert {(effect.state, effect.question) for effect in said} == {("a", False)}
    assert said[1].template.buttons == (("e", "E"),)


def test_log_is_filled_in() -> None:
    """A log line has its placeholders filled in and names its state."""
    assert run({"log": "n is {n}"}).effects == (Log("n is 1", "a"),)


def test_raised_event_carries_data() -> None:
    """What is raised is an event of its own, with data from context and event."""
    given = {
        "states": {
            "a": {
                "on": {
                    "t": {"actions": {"raise": {"event": "u", "data": {"was": {"from": "event.text"}}}}},
                    "u": {"actions": {"assign": {"got": {"from": "event.was"}}}},
                }
            }
        }
    }
    charts = Charts([compile_chart("m", given, guards={}, actions={})])
    done = step(charts, start(charts, "m", 0).snapshot, Event("t", {"text": "hi"}), 1)
    assert (done.snapshot.context, done.events, done.unhandled) == ({"got": "hi"}, ("t", "u"), ())


def test_raised_event_that_nobody_handles_is_told() -> None:
    """An internal event without a transition is in the step's list of unhandled ones."""
    done = run({"raise": "nobody"})
    assert (done.handled, done.events, done.unhandled) == (True, ("t", "nobody"), ("nobody",))


def test_named_action() -> None:
    """A named action gets context, event and params, and what it returns is merged."""

    def add(given: ActionInput) -> dict[str, Any]:
        return {"n": given.context["n"] + given.params["by"] + given.event.data["plus"], "seen": (1, 2)}

    done = run({"type": "add", "params": {"by": 10}}, {"plus": 100}, add=add)
    assert done.snapshot.context == CONTEXT | {"n": 111, "seen": [1, 2]}
    assert done.actions == ("add",)
    assert run({"add": {"by": 1}}, {"plus": 1}, add=add).snapshot.context["n"] == 3
    assert run("nothing", nothing=lambda given: None).snapshot.context == CONTEXT


def test_action_cannot_change_in_place() -> None:
    """Neither what it was given nor what it returned stays connected to the conversation."""
    kept: list[Any] = []

    def spoil(given: ActionInput) -> dict[str, Any]:
        given.context["cart"]["items"].append("stolen")
        kept.append(given.context)
        return {"mine": kept}

    done = run("spoil", spoil=spoil)
    before = len(done.snapshot.context["mine"])
    kept.append("later")
    assert len(done.snapshot.context["mine"]) == before
    assert done.snapshot.context["cart"] == CONTEXT["cart"]


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        ([1], "TypeError: it returned a list"),
        ({"n": object()}, "TypeError: a value of type object cannot be stored"),
        ({"n": {1: 2}}, "TypeError: the key 1 is no string"),
        ({"n": float("nan")}, "ValueError: nan is not a number"),
        ({"n": 2**70}, "ValueError: an integer of more than 64 bits"),
    ],
)
def test_action_that_returns_what_cannot_be_stored(returned: Any, error: str) -> None:
    """It counts as failed, and nothing of it is kept."""
    done = run("bad", bad=lambda given: returned)
    assert isinstance(done.effects[0], Failed)
    assert done.effects[0].error.startswith(error)
    assert done.snapshot.context["n"] == 1


def test_half_a_surrogate_pair_is_made_whole() -> None:
    """Broken text of a customer is stored as what JSON can hold."""
    assert run({"assign": {"n": {"from": "event.text"}}}, {"text": "a\ud83d"}).snapshot.context["n"] == "a\ufffd"


@pytest.mark.parametrize(
    "action",
    [
        {"append": {"path": "name", "value": 1}},
        {"increment": {"path": "name"}},
        {"increment": {"path": "n", "by": {"from": "name"}}},
    ],
)
def test_built_in_on_the_wrong_type_fails(action: object) -> None:
    """A built-in action that cannot be done is a failure like any other."""
    done = run([action, {"assign": {"after": 1}}])
    assert [type(effect) for effect in done.effects] == [Failed]
    assert "after" not in done.snapshot.context


def failing(given: ActionInput) -> dict[str, Any]:
    raise RuntimeError("out of order")


def test_failure_drops_the_rest_of_its_block_only() -> None:
    """When an action raises, the actions after it in the same list are skipped; everything else of the step happens, and the
    chart hears of it before anything else."""
    given = {
        "initial": "a",
        "states": {
            "a": {
                "exit": [{"assign": {"one": 1}}, "failing", {"assign": {"two": 2}}],
                "on": {"t": {"target": "b", "actions": {"assign": {"three": 3}}}},
            },
            "b": {
                "entry": ["failing", {"assign": {"four": 4}}],
                "say": "Here",
                "on": {"error.execution": {"actions": "hear", "target": "c"}},
            },
            "c": {},
        },
    }
    told = []
    functions = {"failing": failing, "hear": lambda given: told.append(given.event.data)}
    charts = Charts([compile_chart("m", given, guards={}, actions=functions)])
    done = step(charts, start(charts, "m", 0).snapshot, Event("t"), 1)
    assert done.snapshot.leaves == ("c",)
    assert done.snapshot.context == {"one": 1, "three": 3}
    failed, again, said = done.effects
    assert isinstance(failed, Failed)
    assert isinstance(again, Failed)
    assert failed.where == "m: exit of a, action failing"
    assert again.where == "m: entry of b, action failing"
    assert failed.error.startswith("RuntimeError: out of order (test_action.py, line ")
    assert said == Say(SayTemplate(text="Here"), {"one": 1, "three": 3}, "b")
    assert done.actions == ("assign", "failing", "assign", "failing", "hear")
    assert told[0] == {"where": failed.where, "error": failed.error}
    assert done.events == ("t", "error.execution", "error.execution")


def test_the_same_failure_is_reported_once_in_a_step() -> None:
    """A failing action that a step runs over and over is one report, not hundreds."""
    given = {
        "states": {
            "a": {
                "on": {
                    "t": {"actions": [{"raise": "again"}, "failing"]},
                    "again": {"actions": [{"raise": "again"}, "failing"]},
                }
            }
        }
    }
    charts = Charts([compile_chart("m", given, guards={}, actions={"failing": failing})])
    done = step(charts, start(charts, "m", 0).snapshot, Event("t"), 1)
    assert [effect.where for effect in done.effects if isinstance(effect, Failed)] == [
        "m: transition t of a, action failing",
        "m: transition again of a, action failing",
        "m: a",
    ]


def test_failure_while_handling_a_failure_raises_no_other() -> None:
    """A handler of error.execution that fails itself is reported and not called again."""
    given = {"states": {"a": {"on": {"t": {"actions": "failing"}, "error.execution": {"actions": "failing"}}}}}
    charts = Charts([compile_chart("m", given, guards={}, actions={"failing": failing})])
    done = step(charts, start(charts, "m", 0).snapshot, Event("t"), 1)
    assert [type(effect) for effect in done.effects] == [Failed, Failed]
    assert done.events == ("t", "error.execution")


@pytest.mark.parametrize(
    ("action", "code", "words"),
    [
        ("nothere", "unknown-action", "there is no action 'nothere'"),
        ("assing", "unknown-action", "did you mean 'assign'?"),
        ({"type": "helo"}, "unknown-action", "did you mean 'hello'?"),
        (5, "bad-action", "an action cannot be 5"),
        ({"a": 1, "b": 2}, "bad-action", "an action cannot be"),
        ({"assign": 5}, "bad-value", "assign cannot be 5"),
        ({"assign": {"a..b": 5}}, "bad-action", "'a..b' is no context variable"),
        ({"append": {"value": 5}}, "bad-action", "append needs the path"),
        ({"append": {"path": "x", "val": 5}}, "unknown-key", "did you mean 'value'?"),
        ({"raise": {}}, "bad-action", "raise needs the name of an event"),
        ({"raise": "two words"}, "bad-action", "raise needs the name of an event"),
        ({"raise": {"event": "x", "delay": "soon"}}, "bad-duration", "'soon' is not a duration"),
        ({"raise": {"event": "x", "delay": "1s", "id": "a:b"}}, "bad-action", "a name without ':'"),
        ({"raise": {"event": "x", "id": "a"}}, "bad-action", "has no id"),
        ({"cancel": {}}, "bad-action", "cancel needs the id"),
        ("say", "bad-action", "say has nothing to say"),
        ({"say": {"text": "a", "buttons": {"e": None}}}, "bad-value", "the title of an option cannot be null"),
        ({"say": {"header": "a"}}, "bad-value", "neither text nor image"),
        ({"hello": 5}, "bad-value", "params cannot be 5"),
    ],
)
def test_wrong_action(action: object, code: str, words: str) -> None:
    """An action that cannot be read is refused with the place, the reason and what to do."""
    with pytest.raises(ChartError) as raised:
        run(action, hello=lambda given: None)
    assert [problem.code for problem in raised.value.problems] == [code]
    assert raised.value.path[:5] == ("states", "a", "on", "t", "actions")
    assert words in f"{raised.value.sentence}; {raised.value.fix}"
