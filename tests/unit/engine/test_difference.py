"""What two versions of a chart differ in, in words that an owner can act on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.test_rebase import FAQ, OLD, RENAMED, changed
from wabox.engine import Chart, compile_chart
from wabox.engine.difference import differences


def charts(definition: dict[str, Any], **others: dict[str, Any]) -> dict[str, Chart]:
    return {name: compile_chart(name, one, guards={}, actions={}) for name, one in {"m": definition, **others}.items()}


def told(new: dict[str, Any], old: dict[str, Any] = OLD) -> set[str]:
    return {f"{one.kind} {one.place}: {one.sentence}" for one in differences(charts(old), charts(new))}


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (OLD, set()),
        (changed(states__browse__say="Hello"), set()),
        (
            changed(states__both=None, states__browse__on={"buy": "checkout"}),
            {
                "state-removed both: is gone, with the 6 inside",
                "event-removed browse: does not take both any more",
            },
        ),
        (
            changed(states__checkout__states__address__on={"next": "confirm", "more": "confirm"}, states__extra={}),
            {"event-added checkout.address: takes more too", "state-added extra: is new"},
        ),
        (
            changed(states__checkout__states__confirm__after={"20m": "address"}),
            {
                "timer-changed checkout.confirm: does nothing after 10m any more",
                "timer-changed checkout.confirm: does something after 20m now",
            },
        ),
        (
            changed(timeouts={"soft": "off"}),
            {
                "timer-changed : soft timeout off now, it was 30m",
                "timer-changed : hard timeout that of the state around now, it was 23h",
            },
        ),
        (
            changed(context={"name": "x", "cart": {"lines": "", "total": 0}, "notes": ""}),
            {
                "variable-changed name: is text now, it was nothing",
                "variable-changed cart.lines: is text now, it was a list",
                "variable-removed tries: is not declared any more; its value stays",
                "variable-added notes: is new",
            },
        ),
        (
            changed(states__both__states__l__states__a__type="final", states__browse__handoff=True),
            {
                "state-changed both.l.a: is final now, it was atomic",
                "state-changed browse: gives the conversation to people now",
            },
        ),
    ],
)
def test_differences(new: dict[str, Any], words: set[str]) -> None:
    """Removed and other states, narrowed events, other timers and variables; words alone are no difference."""
    assert told(new) == words


def test_renamed_states() -> None:
    """A state that moved by a migration, or looks like one that is gone, is called renamed, not removed."""
    said = told({**RENAMED, "migrations": {"states": {"checkout": "pay", "checkout.address": "pay.where"}}})
    assert "state-renamed checkout: moves by a migration to pay" in said
    assert "state-renamed checkout.address: moves by a migration to pay.where" in said
    new = changed(states__checkout__states__confirm=None)
    new["states"]["checkout"]["states"]["verify"] = OLD["states"]["checkout"]["states"]["confirm"]
    new["states"]["checkout"]["states"]["address"] = {"on": {"next": "verify"}}
    assert told(new) == {"state-renamed checkout.confirm: looks as if it were called checkout.verify"}


def test_charts() -> None:
    """A chart that is gone, and one that is new."""
    found = differences(charts(OLD, faq=FAQ), charts(OLD, help=FAQ))
    assert [(one.chart, one.kind) for one in found] == [("faq", "chart-removed"), ("help", "chart-added")]
    assert [one.harmless for one in found] == [False, True]
