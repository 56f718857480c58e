"""Beginning in the middle of a chart."""

from __future__ import annotations

from typing import Any

import pytest

from wabox.engine import Charts, Event, Snapshot, begin_at, compile_chart, decode, encode, fire, start, step
from wabox.errors import ConversationError

NOW = 1_000_000
CHART = {
    "initial": "menu",
    "context": {"cart": 0, "name": "nobody"},
    "timeouts": {"soft": "30m", "hard": "23h"},
    "states": {
        "menu": {"ask": "What?", "on": {"pay": "checkout"}},
        "checkout": {
            "timeouts": {"soft": "5m"},
            "entry": {"assign": {"name": "somebody"}},
            "after": {"10m": "menu"},
            "states": {
                "address": {"ask": "Where?", "on": {"next": "confirm"}},
                "confirm": {"ask": "Right?", "after": {"1m": "address"}, "on": {"yes": "#main.end"}},
                "again": {"type": "history", "target": "confirm"},
            },
        },
        "both": {
            "type": "parallel",
            "states": {
                "left": {"states": {"l1": {"on": {"go": "l2"}}, "l2": {}}},
                "right": {"states": {"r1": {}, "r2": {"after": {"1s": "r1"}}}},
            },
        },
        "end": {"type": "final"},
    },
}
CHARTS = Charts([compile_chart("main", CHART, guards={}, actions={})])


def at(*states: str, **context: Any) -> Snapshot:
    return begin_at(CHARTS, "main", states, context, NOW)


def test_a_leaf_in_the_middle() -> None:
    """It stands in the leaf with its context; nothing has been done and nothing said."""
    snapshot = at("checkout.confirm", cart=3)
    assert snapshot.leaves == ("checkout.confirm",)
    assert snapshot.context == {"cart": 3, "name": "nobody"}
    assert decode(encode(snapshot)) == snapshot


def test_timers_run_as_if_just_entered() -> None:
    """Those of every active state, with the innermost silence."""
    assert at("checkout.confirm").timers == {
        "after:600000:checkout": (NOW + 600_000, 1),
        "after:60000:checkout.confirm": (NOW + 60_000, 1),
        "soft": (NOW + 300_000, 1),
        "hard": (NOW + 82_800_000, 1),
    }


def test_it_goes_on_from_there() -> None:
    """An event and a due timer do what they do in a conversation that came there by itself."""
    snapshot = at("checkout.confirm")
    assert step(CHARTS, snapshot, Event("yes", customer=True), NOW).snapshot.status == "done"
    name = "after:60000:checkout.confirm"
    assert fire(CHARTS, snapshot, name, snapshot.timers[name][1], NOW + 60_000).snapshot.leaves == ("checkout.address",)


def test_the_same_as_coming_there() -> None:
    """At the beginning of a chart without entry actions it is what :func:`start` makes, but for what is said."""
    assert at() == start(CHARTS, "main", NOW).snapshot


@pytest.mark.parametrize(
    ("states", "leaves"),
    [
        (("checkout",), ("checkout.address",)),
        (("checkout.again",), ("checkout.confirm",)),
        (("both",), ("both.left.l1", "both.right.r1")),
        (("both.right.r2",), ("both.left.l1", "both.right.r2")),
        (("both.right.r2", "both.left.l2"), ("both.left.l2", "both.right.r2")),
        (("both.left", "both.right.r2"), ("both.left.l1", "both.right.r2")),
        ((), ("menu",)),
    ],
)
def test_what_is_not_named_begins_where_it_begins(states: tuple[str, ...], leaves: tuple[str, ...]) -> None:
    """A compound state, a history state, the other regions of a parallel one."""
    assert at(*states).leaves == leaves


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (("chekout",), "no state 'chekout'"),
        (("end",), "is the end"),
        (("menu", "checkout.address"), "cannot be active together"),
    ],
)
def test_refused(states: tuple[str, ...], words: str) -> None:
    """A state that is not there, the end, and two that exclude each other."""
    with pytest.raises(ConversationError, match=words):
        at(*states)


def test_a_context_that_cannot_be_stored_is_refused() -> None:
    """As by :func:`start`."""
    with pytest.raises(TypeError):
        at("menu", cart=object())


def test_entered_states_are_told() -> None:
    """A step names every state that it entered, also those that it left at once."""
    step_ = step(CHARTS, at("menu"), Event("pay", customer=True), NOW)
    assert [entered.state for entered in step_.entered] == ["checkout", "checkout.address"]
    assert [entered.state for entered in start(CHARTS, "main", NOW).entered] == ["", "menu"]
