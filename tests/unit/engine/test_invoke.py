"""Calls that a state asks for: wanted on entry, no longer on exit, their results events like others."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.engine import (
    ChartError,
    Charts,
    Event,
    Invoke,
    Revoke,
    Snapshot,
    answer,
    compile_chart,
    decode,
    encode,
    start,
    step,
)

NOW = 1_790_000_000_000

CHECKING: dict[str, Any] = {
    "initial": "idle",
    "context": {"item": "mug", "stock": None},
    "on": {"restart": ".idle"},
    "states": {
        "idle": {"on": {"go": "checking"}},
        "checking": {
            "invoke": {
                "id": "stock",
                "action": "check_stock",
                "input": {"item": {"from": "context.item"}},
                "onDone": {"target": "free", "actions": {"assign": {"stock": {"from": "event.output.free"}}}},
                "onError": "trouble",
            },
            "on": {"leave": "idle", "again": {"target": "checking", "reenter": True}},
        },
        "free": {"on": {"back": "idle"}},
        "trouble": {},
    },
}
ASIDE: dict[str, Any] = {"initial": "a", "states": {"a": {"on": {"end": "z"}}, "z": {"type": "final"}}}


def charts(definition: dict[str, Any] = CHECKING) -> Charts:
    return Charts(
        [compile_chart("m", definition, guards={}, actions={}), compile_chart("aside", ASIDE, guards={}, actions={})]
    )


def test_it_is_asked_for_on_entry_and_its_result_is_an_event() -> None:
    """The call goes out with the variables as they were; `event.output` is what came back."""
    known = charts()
    before = start(known, "m", NOW).snapshot
    asked = step(known, before, Event("go", customer=True), NOW)
    (call,) = [effect for effect in asked.effects if isinstance(effect, Invoke)]
    assert (call.spec.id, call.spec.action, call.chart, call.armed) == ("stock", "check_stock", "m", asked.snapshot.seq)
    assert call.context["item"] == "mug"
    stored = decode(encode(asked.snapshot))
    assert stored.invokes == {"stock": call.armed}
    done = answer(known, stored, ("m", "stock", call.armed), Event("done.invoke.stock", {"output": {"free": 3}}), NOW)
    assert done.handled
    assert done.snapshot.leaves == ("free",)
    assert done.snapshot.context["stock"] == 3
    assert done.snapshot.invokes == {}


def test_an_error_takes_its_own_way() -> None:
    known = charts()
    asked = step(known, start(known, "m", NOW).snapshot, Event("go"), NOW).snapshot
    failed = answer(known, asked, ("m", "stock", asked.seq), Event("error.invoke.stock", {"error": "no"}), NOW)
    assert failed.snapshot.leaves == ("trouble",)


def test_a_result_that_nobody_waits_for_does_nothing() -> None:
    """The state was left, or entered anew, and then the first call's answer arrives."""
    known = charts()
    asked = step(known, start(known, "m", NOW).snapshot, Event("go"), NOW).snapshot
    left = step(known, asked, Event("leave"), NOW)
    assert Revoke("m", "stock") in left.effects
    assert (
        answer(known, left.snapshot, ("m", "stock", asked.seq), Event("done.invoke.stock"), NOW).snapshot
        == left.snapshot
    )
    again = step(known, asked, Event("again"), NOW).snapshot
    assert again.invokes == {"stock": again.seq}
    assert answer(known, again, ("m", "stock", asked.seq), Event("done.invoke.stock"), NOW).snapshot == again
    once = answer(known, again, ("m", "stock", again.seq), Event("done.invoke.stock", {"output": {"free": 1}}), NOW)
    assert once.snapshot.leaves == ("free",)
    twice = answer(known, once.snapshot, ("m", "stock", again.seq), Event("done.invoke.stock"), NOW)
    assert twice.snapshot == once.snapshot


def suspended(definition: dict[str, Any]) -> tuple[Charts, Snapshot, int]:
    known = charts(definition)
    asked = step(known, start(known, "m", NOW).snapshot, Event("go"), NOW).snapshot
    return known, step(known, asked, Event("question", customer=True), NOW).snapshot, asked.seq


@pytest.mark.parametrize("stored", [False, True])
def test_a_result_waits_for_the_end_of_a_detour(stored: bool) -> None:
    """The answer comes while the customer asks something else; the chart gets it when it goes on."""
    known, aside, armed = suspended({**CHECKING, "detours": {"question": "aside"}})
    assert aside.stack[0].invokes == {"stock": armed}
    came = answer(known, aside, ("m", "stock", armed), Event("done.invoke.stock", {"output": {"free": 2}}), NOW)
    assert came.handled
    assert came.snapshot.chart == aside.chart
    kept = decode(encode(came.snapshot)) if stored else came.snapshot
    ended = step(known, kept, Event("end"), NOW)
    assert ended.snapshot.leaves == ("free",)
    assert ended.snapshot.context["stock"] == 2
    assert (
        answer(known, ended.snapshot, ("m", "stock", armed), Event("done.invoke.stock"), NOW).snapshot == ended.snapshot
    )


def test_leaving_through_an_escape_revokes_the_call_of_the_suspended_state() -> None:
    known, aside, _ = suspended({**CHECKING, "detours": {"question": "aside"}})
    escaped = step(known, aside, Event("restart"), NOW)
    assert escaped.snapshot.leaves == ("idle",)
    assert Revoke("m", "stock") in escaped.effects
    assert escaped.snapshot.invokes == {}


def test_a_result_that_came_during_a_detour_is_not_the_new_calls() -> None:
    """The state was entered anew through an escape: its second call waits for its own result."""
    definition = {
        **CHECKING,
        "detours": {"question": "aside"},
        "on": {"again": {"target": ".checking", "reenter": True}},
    }
    known, aside, armed = suspended(definition)
    came = answer(
        known, aside, ("m", "stock", armed), Event("done.invoke.stock", {"output": {"free": 2}}), NOW
    ).snapshot
    anew = step(known, came, Event("again"), NOW).snapshot
    assert anew.leaves == ("checking",)
    assert anew.context["stock"] is None
    assert anew.invokes == {"stock": anew.seq}


def test_a_url_may_have_a_query_with_a_value() -> None:
    url = {"http": {"url": "https://x.example?q={v}"}, "onDone": "a"}
    chart = {"initial": "a", "states": {"a": {"invoke": url}}}
    assert compile_chart("m", chart, guards={}, actions={}).states["a"].invokes[0].http is not None


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({}, "bad-invoke"),
        (7, "bad-invoke"),
        ({"action": "a", "src": "a"}, "bad-invoke"),
        ({"action": "a", "http": {"url": "https://x.example"}}, "bad-invoke"),
        ({"http": {}}, "bad-invoke"),
        ({"http": {"url": "ftp://x.example"}}, "bad-invoke"),
        ({"http": {"url": "https://{event.text}/x"}}, "bad-invoke"),
        ({"http": {"url": "https://{secret.key}@{domain}/x"}}, "bad-invoke"),
        ({"http": {"url": "https://{secret.key}.{domain}/x"}}, "bad-invoke"),
        ({"http": {"url": "https://x.example", "method": "FETCH"}}, "bad-invoke"),
        ({"http": {"url": "https://x.example", "body": "x"}}, "unknown-key"),
        ({"action": "a", "timeout": "10m"}, "bad-duration"),
        ({"action": "a", "timeout": "soon"}, "bad-duration"),
        ({"action": "a", "retries": -1}, "bad-value"),
        ([{"action": "a", "id": "x"}, {"action": "b", "id": "x"}], "duplicate-id"),
    ],
)
def test_bad_invokes_are_named(written: object, code: str) -> None:
    with pytest.raises(ChartError) as caught:
        compile_chart("m", {"initial": "a", "states": {"a": {"invoke": written}}}, guards={}, actions={})
    assert [problem.code for problem in caught.value.problems] == [code]
