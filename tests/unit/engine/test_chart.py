"""Compiling a definition: what is read, what is refused, what a chart is called."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.core.kind import Media
from wabox.engine import (
    ButtonTemplate,
    ChartError,
    Charts,
    Event,
    HandoffSpec,
    ListTemplate,
    RowTemplate,
    SayTemplate,
    SectionTemplate,
    Timeouts,
    compile_chart,
    start,
    step,
)
from wabox.engine.chart import Chart
from wabox.errors import ConversationError, FlowError


def compiled(definition: Any, chart_id: str = "m", **functions: Any) -> Chart:
    return compile_chart(chart_id, definition, guards=functions, actions=functions)


def state(**written: Any) -> Any:
    return compiled({"states": {"a": written, "b": {}}}).states["a"]


def test_tree() -> None:
    """States have dotted ids, document order, parents and children; the root's id is empty."""
    chart = compiled(
        {"states": {"a": {"states": {"b": {}, "h": {"type": "history"}, "c": {"type": "final"}}}, "d": {}}}
    )
    assert [(one.id, one.type, one.order, one.last) for one in chart.states.values()] == [
        ("", "compound", 0, 5),
        ("a", "compound", 1, 4),
        ("a.b", "atomic", 2, 2),
        ("a.h", "history", 3, 3),
        ("a.c", "final", 4, 4),
        ("d", "atomic", 5, 5),
    ]
    inner = chart.states["a.b"]
    assert (inner.key, inner.parent, inner.path) == ("b", chart.states["a"], ("states", "a", "states", "b"))
    assert inner.within(chart.root)
    assert not chart.root.within(inner)


def test_say_as_text_bubble_or_several() -> None:
    """A message may be a text, a bubble or a list of them; numbers are read as text."""
    assert state(say="Hi").say == (SayTemplate(text="Hi"),)
    assert state(say=5).say == (SayTemplate(text="5"),)
    bubble = {
        "text": "Q",
        "header": "H",
        "footer": "F",
        "image": "https://x/y.png",
        "buttons": {"yes": "Yes", 1: "One"},
    }
    assert state(ask=["Hi", bubble]).ask == (
        SayTemplate(text="Hi"),
        SayTemplate(
            text="Q",
            header="H",
            footer="F",
            media=Media(type="image", link="https://x/y.png"),
            buttons=(ButtonTemplate("yes", "Yes"), ButtonTemplate("1", "One")),
        ),
    )


@pytest.mark.parametrize(
    "buttons",
    [
        {"yes": "Yes", "no": "No"},
        [{"yes": "Yes"}, {"no": "No"}],
        [{"event": "yes", "title": "Yes"}, {"event": "no", "title": "No"}],
    ],
)
def test_buttons_as_mapping_or_list(buttons: Any) -> None:
    """All spellings of options mean the same."""
    assert state(ask={"text": "Q", "buttons": buttons}).ask[0].buttons == (("yes", "Yes"), ("no", "No"))


def test_list() -> None:
    """Sections have titles, rows descriptions; rows alone are one section."""
    rows = {"red": "Red", "blue": {"title": "Blue", "description": "Like the sea"}}
    wanted = (RowTemplate("red", "Red"), RowTemplate("blue", "Blue", "Like the sea"))
    alone = state(ask={"text": "Q", "list": {"button": "Choose", "rows": rows}}).ask[0]
    assert alone.list == ListTemplate("Choose", (SectionTemplate(None, wanted),))
    titled = state(
        ask={
            "text": "Q",
            "list": {"button": "Choose", "sections": [{"title": "T", "rows": rows}, {"rows": {"x": "X"}}]},
        }
    ).ask[0]
    assert titled.list == ListTemplate(
        "Choose", (SectionTemplate("T", wanted), SectionTemplate(None, (RowTemplate("x", "X"),)))
    )
    assert titled.options == (*wanted, RowTemplate("x", "X"))


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ({"soft": "30m", "hard": "24h"}, Timeouts(1_800_000, 86_400_000)),
        ({"soft": None}, Timeouts(0, None)),
        ({"hard": "off"}, Timeouts(None, 0)),
        ("off", Timeouts(0, 0)),
        (None, Timeouts(0, 0)),
        ({}, Timeouts()),
    ],
)
def test_timeouts(written: Any, wanted: Timeouts) -> None:
    """A timeout is a duration, off, or as the parent has it."""
    assert state(timeouts=written).timeouts == wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (True, HandoffSpec()),
        ("sales", HandoffSpec("sales")),
        ({"queue": "sales", "priority": 2, "reason": "asked"}, HandoffSpec("sales", 2, "asked")),
        (None, None),
    ],
)
def test_handoff(written: Any, wanted: HandoffSpec | None) -> None:
    """A hand-off names its queue, priority and reason, or leaves them to the default."""
    assert state(handoff=written).handoff == wanted


XSTATE = {
    "$schema": "https://stately.ai/schema.json",
    "version": "1",
    "id": "fetch",
    "description": "From an editor",
    "initial": "idle",
    "context": {"retries": 0},
    "types": {},
    "states": {
        "idle": {
            "on": {
                "FETCH": {
                    "target": "loading",
                    "actions": [{"type": "track", "params": {"what": "fetch"}}],
                    "description": "go",
                }
            }
        },
        "loading": {
            "tags": ["busy"],
            "meta": {"x": 1},
            "entry": "load",
            "exit": ["stop", {"type": "track"}],
            "after": {"5000": {"target": "failure", "guard": "allowed"}},
            "on": {
                "RESOLVE": {"target": "#fetch.success"},
                "REJECT": [
                    {"target": "failure", "guard": {"type": "allowed", "params": {"max": 3}}},
                    {"target": ".nothing"},
                ],
            },
            "initial": "nothing",
            "states": {"nothing": {}},
        },
        "success": {"type": "final", "output": {"ok": True}},
        "failure": {
            "id": "failed",
            "on": {"RETRY": {"target": "loading", "reenter": True}, "*": {"actions": []}},
            "always": [],
        },
    },
    "output": {},
}


def test_xstate_config_loads_as_it_is() -> None:
    """An XState v5 config whose guards and actions are names is a chart."""
    calls: list[str] = []
    functions = {name: lambda given, name=name: calls.append(name) for name in ("track", "load", "stop")}
    chart = compile_chart("fetch", XSTATE, guards={"allowed": lambda given: True}, actions=functions)
    charts = Charts([chart])
    loading = step(charts, start(charts, "fetch", 0).snapshot, Event("FETCH"), 0)
    assert calls == ["track", "load"]
    assert step(charts, loading.snapshot, Event("REJECT"), 0).snapshot.leaves == ("failure",)
    assert step(charts, loading.snapshot, Event("RESOLVE"), 0).snapshot.status == "done"
    other_name = compile_chart("other", XSTATE, guards={"allowed": lambda given: True}, actions=functions)
    resolve = next(one for one in other_name.states["loading"].transitions if one.events == ("RESOLVE",))
    assert resolve.targets == (other_name.states["success"],)
    assert chart.states["loading"].tags == {"busy"}
    assert chart.states["loading"].meta == {"x": 1}
    assert chart.states["idle"].transitions[0].description == "go"


def test_hash_names_the_definition() -> None:
    """The same definition has the same hash wherever it was read; any change, of order too, gives another."""
    one = {"initial": "a", "states": {"a": {"after": {"1000": "b"}}, "b": {}}}
    same = {"initial": "a", "states": {"a": {"after": {1000: "b"}}, "b": {}}}
    other = {"initial": "a", "states": {"b": {}, "a": {"after": {"1000": "b"}}}}
    assert compiled(one).hash == compiled(same).hash == "471ca62d86a0"
    assert compiled(other).hash != compiled(one).hash
    assert compiled(one).ref == f"m@{compiled(one).hash}"


def test_charts_by_id_and_reference() -> None:
    """The live chart is found by id, every version by reference."""
    old, new = compiled({"states": {"a": {}}}), compiled({"states": {"b": {}}})
    charts = Charts([new], older=[old])
    assert (charts["m"], charts[old.ref], charts[new.ref]) == (new, old, new)
    assert list(charts) == [old.ref, new.ref]
    assert charts.get("m@0") is None
    assert "x" not in charts
    assert dict(charts.live) == {"m": new}
    with pytest.raises(ConversationError, match="chart m@0, which is not loaded"):
        charts.find("m@0")
    with pytest.raises(KeyError):
        start(charts, "nothere", 0)


def test_context_given_at_the_start() -> None:
    """What is given goes over the chart's own variables, and must be storable."""
    charts = Charts([compiled({"context": {"a": 1, "b": 2}, "states": {"x": {}}})])
    assert start(charts, "m", 0, {"b": 3, "c": (4,)}).snapshot.context == {"a": 1, "b": 3, "c": [4]}
    with pytest.raises(TypeError):
        start(charts, "m", 0, {"b": object()})


A: dict[str, Any] = {"on": {}}


@pytest.mark.parametrize(
    ("definition", "path", "code", "words"),
    [
        ({"states": {"a": {"onn": {}}}}, "states.a.onn", "unknown-key", "did you mean 'on'?"),
        ({"states": {"a": {"gather": {}}}}, "states.a.gather", "unknown-key", 'has no key "gather"'),
        ({"states": {"a": {"context": {}}}}, "states.a.context", "unknown-key", 'has no key "context"'),
        (
            {"states": {"a": {"type": "paralel", "states": {"b": {}}}}},
            "states.a.type",
            "bad-type",
            "did you mean 'parallel'?",
        ),
        ({"states": {"a": {"type": "final", "states": {"b": {}}}}}, "states.a", "bad-type", "no states inside"),
        ({"states": {"a": {"type": "parallel"}}}, "states.a", "bad-type", "needs states inside"),
        (
            {"states": {"a": {"states": {"h": {"type": "history"}}}}},
            "states.a",
            "bad-type",
            "a state inside that is no history",
        ),
        ({"states": {"a.b": {}, "c": {}}}, "states.a.b", "bad-id", "cannot name a state"),
        ({"states": {"a b": {}, "c": {}}}, "states.a b", "bad-id", "cannot name a state"),
        ({"states": {"#a": {}, "c": {}}}, "states.#a", "bad-id", "cannot name a state"),
        ({"states": {"a": 5}}, "states.a", "bad-value", "a state cannot be 5"),
        ({"states": {"a": {"id": "x"}, "b": {"id": "x"}}}, "states.b.id", "duplicate-id", "two states have the id 'x'"),
        ({"initial": "b", "states": {"a": {}}}, "initial", "unknown-target", 'no state "b" inside'),
        (
            {"initial": "#m.a", "states": {"a": {"initial": "#m.b", "states": {"x": {}}}, "b": {}}},
            "states.a.initial",
            "unknown-target",
            "inside",
        ),
        ({"states": {"a": {"initial": "b"}}}, "states.a.initial", "bad-type", "has none to begin in"),
        (
            {"states": {"a": {"on": {"t": "c"}}, "b": {}}},
            "states.a.on.t",
            "unknown-target",
            "there is no state 'c' here",
        ),
        ({"states": {"a": {"on": {"t": "bb"}}, "bbb": {}}}, "states.a.on.t", "unknown-target", "did you mean 'bbb'?"),
        (
            {"states": {"a": {"on": {"t": "b"}, "states": {"b": {}}}}},
            "states.a.on.t",
            "unknown-target",
            "did you mean '.b'",
        ),
        (
            {"states": {"a": {"on": {"t": "c"}}, "b": {"states": {"c": {}}}}},
            "states.a.on.t",
            "unknown-target",
            "did you mean '#root.b.c'?",
        ),
        ({"states": {"a": {"on": {"t": {"target": "#x"}}}}}, "states.a.on.t.target", "unknown-target", "'#x'"),
        ({"states": {"a": {"on": {"t": [{"target": ["x"]}]}}}}, "states.a.on.t.0.target.0", "unknown-target", "'x'"),
        (
            {"states": {"a": {"on": {"t": {"target": 5}}}}},
            "states.a.on.t.target",
            "unknown-target",
            "a target cannot be 5",
        ),
        (
            {"states": {"a": {"on": {"t": {"target": ["b", "c"]}}}, "b": {}, "c": {}}},
            "states.a.on.t.target",
            "bad-target",
            "cannot both be entered",
        ),
        ({"states": {"a": {"on": {"t": 5}}}}, "states.a.on.t", "bad-transition", "a transition cannot be 5"),
        ({"states": {"a": {"on": {"t": {"to": "a"}}}}}, "states.a.on.t.to", "unknown-key", 'has no key "to"'),
        ({"states": {"a": {"on": {" ": "a"}}}}, "states.a.on. ", "bad-event", "no event"),
        ({"states": {"a": {"on": [{"t": "a"}]}}}, "states.a.on", "bad-value", "on cannot be"),
        ({"states": {"a": {"always": {"actions": []}}}}, "states.a.always", "always-cycle", "never comes to rest"),
        (
            {"states": {"a": {"after": {"soon": "a"}}}},
            "states.a.after.soon",
            "bad-duration",
            "'soon' is not a duration",
        ),
        ({"states": {"a": {"timeouts": {"soft": "0s"}}}}, "states.a.timeouts.soft", "bad-duration", "write off"),
        (
            {"states": {"a": {"timeouts": {"soft": "2h", "hard": "1h"}}}},
            "states.a.timeouts",
            "bad-duration",
            "soft shorter than hard",
        ),
        (
            {"states": {"a": {"timeouts": {"medium": "2h"}}}},
            "states.a.timeouts.medium",
            "unknown-key",
            "knows soft, hard",
        ),
        (
            {"states": {"a": {"states": {"x": {}, "h": {"type": "history", "history": "full"}}}}},
            "states.a.states.h.history",
            "bad-value",
            "shallow or deep",
        ),
        (
            {"states": {"a": {"states": {"x": {}, "h": {"type": "history", "target": "#m.b"}}}, "b": {}}},
            "states.a.states.h.target",
            "bad-target",
            "not inside 'a'",
        ),
        (
            {"states": {"a": {"initial": "h", "states": {"x": {}, "h": {"type": "history"}}}}},
            "states.a.states.h.target",
            "bad-target",
            "cannot lead to history",
        ),
        (
            {"states": {"a": {"states": {"x": {}, "h": {"type": "history", "on": {}}}}}},
            "states.a.states.h.on",
            "unknown-key",
            "a history state",
        ),
        (
            {"states": {"a": {"target": "b"}, "b": {}}},
            "states.a.target",
            "unknown-key",
            "only a history state has a target",
        ),
        (
            {"states": {"a": {"ask": {"text": "x", "buttons": {"y": {"title": "Y", "description": "d"}}}}}},
            "states.a.ask.buttons.y",
            "bad-value",
            "use a list",
        ),
        (
            {
                "states": {
                    "a": {"ask": {"text": "x", "buttons": {"y": "Y"}, "list": {"button": "B", "rows": {"z": "Z"}}}}
                }
            },
            "states.a.ask",
            "bad-value",
            "not both",
        ),
        (
            {"states": {"a": {"ask": {"text": "x", "list": {"rows": {"z": "Z"}}}}}},
            "states.a.ask.list",
            "bad-value",
            "no button",
        ),
        (
            {"states": {"a": {"ask": {"text": "x", "list": {"button": "B"}}}}},
            "states.a.ask.list",
            "bad-value",
            "either rows or sections",
        ),
        (
            {"states": {"a": {"ask": {"text": "x", "buttons": ["y"]}}}},
            "states.a.ask.buttons.0",
            "bad-value",
            'an option cannot be "y"',
        ),
        (
            {"states": {"a": {"ask": {"text": "x", "buttons": [{"y": "Y"}, {"y": "Z"}]}}}},
            "states.a.ask.buttons.1.y",
            "bad-value",
            "two options",
        ),
        (
            {"states": {"a": {"ask": {"text": "x", "vidoe": "v"}}}},
            "states.a.ask.vidoe",
            "unknown-key",
            'has no key "vidoe"',
        ),
        ({"states": {"a": {"say": True}}}, "states.a.say", "bad-value", "a message cannot be true"),
        (
            {"states": {"a": {"handoff": {"priority": "high"}}}},
            "states.a.handoff.priority",
            "bad-value",
            "a whole number",
        ),
        (
            {"states": {"a": {"detours": {"x": 1.5, "y": None}}}},
            "states.a.detours.y",
            "bad-value",
            "a detour's chart cannot be null",
        ),
        ({"context": {"x": float("inf")}, "states": {"a": {}}}, "context", "bad-value", "cannot be stored"),
        ({"context": [1], "states": {"a": {}}}, "context", "bad-value", "context cannot be [1]"),
        ([], "", "bad-value", "a state cannot be []"),
    ],
)
def test_wrong_definition(definition: Any, path: str, code: str, words: str) -> None:
    """What cannot be a chart is refused with the place, what is wrong and what to do."""
    with pytest.raises(ChartError) as raised:
        compiled(definition)
    assert isinstance(raised.value, FlowError)
    assert (".".join(map(str, raised.value.path)), raised.value.problems[0].code) == (path, code)
    assert words in f"{raised.value.sentence}; {raised.value.fix}"
    assert raised.value.fix
    assert raised.value.sentence in str(raised.value)


def test_everything_wrong_is_found_at_once() -> None:
    """All problems of a definition come together, each with its place."""
    wrong = {
        "states": {
            "a": {"on": {"t": "x", "u": {"target": "y", "guard": "g", "actions": "f"}}, "say": {}, "nonsense": 1}
        }
    }
    with pytest.raises(ChartError) as raised:
        compiled(wrong)
    assert [one.code for one in raised.value.problems] == [
        "unknown-key",
        "bad-value",
        "unknown-target",
        "unknown-guard",
        "unknown-target",
        "unknown-action",
    ]
    assert "and 5 more" in str(raised.value)


@pytest.mark.parametrize("chart_id", ["", "a b", "a@b", "a#b", "a:b"])
def test_wrong_chart_id(chart_id: str) -> None:
    """A chart's id cannot have blanks or the signs that references are made of; dots are fine."""
    assert compiled({"states": {"a": {}}}, "faq.hours").id == "faq.hours"
    with pytest.raises(ChartError, match="cannot name a chart"):
        compiled({"states": {"a": {}}}, chart_id)


def test_very_deep_definition() -> None:
    """Nesting without end is refused instead of exhausting the stack."""
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"states": {"a": deep}}
    with pytest.raises(ChartError, match="nested more than 40 levels"):
        compiled(deep)
