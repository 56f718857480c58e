"""The action ``repair``: wishes of a detour are granted in the frame below, once the detour has ended."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.player import Player
from wabox.engine import ChartError, Charts, Say, compile_chart
from wabox.engine.effect import Ask, Failed, Restart, Resumed

MAIN: dict[str, Any] = {
    "initial": "one",
    "detours": {name: f"repair.{name}" for name in ("back", "skip", "cancel", "repeat", "restart", "tell")},
    "states": {
        "one": {"ask": "One?", "collect": {"slot": "one", "type": "text"}, "on": {"collected": "two"}},
        "two": {
            "states": {
                "a": {"ask": "A?", "on": {"next": "b", "resumed": "#root.lost"}},
                "b": {
                    "ask": "B?",
                    "collect": {"slot": "b", "type": "text", "required": False},
                    "on": {"collected": "#root.three"},
                },
            },
            "entry": {"increment": {"path": "entered"}},
            "exit": {"say": "Out of two."},
        },
        "three": {"ask": "Three?", "detours": {"aside": "aside"}, "on": {"told": "end"}},
        "lost": {},
        "end": {"type": "final"},
    },
}
ASIDE = {"states": {"here": {"ask": "Here?", "on": {"done": "end"}, "exit": {"say": "Bye."}}, "end": {"type": "final"}}}


def player(*, round_trip: bool = False) -> Player:
    def wish(name: Any) -> dict[str, Any]:
        return {"states": {"end": {"type": "final", "entry": {"repair": name}}}}

    charts = {"m": MAIN, "aside": ASIDE, "repair.tell": wish({"event": "told"})}
    charts |= {f"repair.{name}": wish(name) for name in ("back", "skip", "cancel", "repeat", "restart")}
    return Player(
        Charts([compile_chart(name, chart, guards={}, actions={}) for name, chart in charts.items()]),
        "m",
        round_trip=round_trip,
    )


@pytest.mark.parametrize("round_trip", [False, True])
def test_back_enters_the_question_before_and_forgets_its_answer(round_trip: bool) -> None:
    """Inside one compound state that is not left; beyond it, it is; the way ends at the first question."""
    one = player(round_trip=round_trip)
    one.do(("collected", {"value": "x"})).do("next").do("back")
    assert one.leaves == ("two.a",)
    assert one.step.snapshot.context == {"one": "x", "entered": 1}
    one.do("back")
    assert one.leaves == ("one",)
    assert one.step.snapshot.context == {"entered": 1}
    said = [effect.template.text for effect in one.effects if isinstance(effect, Say)]
    assert said == ["Out of two.", "One?"]
    one.do("back")
    assert one.effects == [effect for effect in one.effects if not isinstance(effect, Resumed)]
    assert Ask("wabox.repair.no_way_back") in one.effects


@pytest.mark.parametrize("round_trip", [False, True])
def test_repeat_moves_nothing_and_is_no_resumption(round_trip: bool) -> None:
    """The frame below does not hear that it was resumed."""
    one = player(round_trip=round_trip)
    one.do(("collected", {"value": "x"})).do("repeat")
    assert one.leaves == ("two.a",)
    assert Ask() in one.effects
    assert "resumed" not in one.events


def test_skip_only_what_is_not_required() -> None:
    """An optional slot stays empty and the chart goes on; a required one is explained."""
    one = player()
    one.do("skip")
    assert one.leaves == ("one",)
    assert Ask("wabox.repair.cannot_skip") in one.effects
    one.do(("collected", {"value": "x"})).do("next").do("skip")
    assert one.leaves == ("three",)
    assert "b" not in one.step.snapshot.context


def test_cancel_ends_a_detour_where_it_is() -> None:
    """The detour's exit actions run, and the frame below is resumed."""
    one = player()
    one.do(("collected", {"value": "x"})).do("next").do("skip").do("aside")
    assert one.leaves == ("here",)
    one.do("cancel")
    assert one.leaves == ("three",)
    assert Resumed("m") in one.effects
    assert "Bye." in [effect.template.text for effect in one.effects if isinstance(effect, Say)]


@pytest.mark.parametrize("wish", ["cancel", "restart"])
def test_the_conversation_begins_again(wish: str) -> None:
    """Outside of a detour cancel is a restart: everything is left, and the step asks for a new beginning."""
    one = player()
    one.do(("collected", {"value": "x"})).do(wish)
    assert one.step.snapshot.status == "done"
    assert [effect.chart for effect in one.effects if isinstance(effect, Restart)] == ["m"]
    assert "Out of two." in [effect.template.text for effect in one.effects if isinstance(effect, Say)]


def test_an_event_for_the_chart_below() -> None:
    """It is handled there as if it had come by itself; what nobody handles is said not to be understood."""
    one = player()
    one.do("tell")
    assert Ask("wabox.rephrase", own_words=True) in one.effects
    one.do(("collected", {"value": "x"})).do("next").do("skip").do("tell")
    assert one.step.snapshot.status == "done"


def test_in_a_chart_that_goes_on_it_is_about_itself() -> None:
    """A transition with the action repairs its own chart."""
    chart = {
        "states": {
            "a": {"ask": "A?", "on": {"x": "b"}},
            "b": {"ask": "B?", "on": {"return": {"actions": {"repair": "back"}}}},
        }
    }
    one = Player(Charts([compile_chart("m", chart, guards={}, actions={})]), "m")
    assert one.do("x").do("return").leaves == ("a",)


@pytest.mark.parametrize("wish", ["everything", None, {"event": "a b"}, {"events": "a"}, 3])
def test_wrong_wishes(wish: Any) -> None:
    """What the action cannot do is found when the chart is read."""
    with pytest.raises(ChartError, match="there is no repair"):
        compile_chart("m", {"entry": {"repair": wish}}, guards={}, actions={})


def test_a_circle_of_wishes_comes_to_rest() -> None:
    """Two repairs that pass each other's event on for ever are reported, as a circle of raise is."""
    circle = {
        "initial": "a",
        "states": {"a": {"ask": "A?"}},
        "on": {
            "deny": {"actions": {"repair": {"event": "affirm"}}},
            "affirm": {"actions": {"repair": {"event": "deny"}}},
        },
    }
    one = Player(Charts([compile_chart("m", circle, guards={}, actions={})]), "m").do("affirm")
    [failed] = [effect for effect in one.effects if isinstance(effect, Failed)]
    assert "no rest after 1000 transitions" in failed.error
    assert one.leaves == ("a",)
    one.do("deny").do("other")
    assert one.leaves == ("a",)


BOOKING: dict[str, Any] = {
    "initial": "name",
    "detours": {"back": "repair.back"},
    "states": {
        "name": {"ask": "Name?", "collect": {"slot": "name", "type": "text"}, "on": {"collected": "day"}},
        "day": {"ask": "Day?", "collect": {"slot": "day", "type": "text"}, "on": {"collected": "confirm"}},
        "confirm": {
            "ask": "{name}, {day}?",
            "on": {
                "other": {"target": "day", "actions": {"remove": {"path": "day"}}},
                "anew": {"target": "day", "actions": [{"remove": {"path": "day"}}, {"remove": {"path": "name"}}]},
                "yes": "booking",
                "human": "people",
            },
        },
        "booking": {"invoke": {"action": "book", "id": "book", "onDone": "booked", "onError": "confirm"}},
        "booked": {"ask": "Booked. Anything else?", "on": {"no": "end"}},
        "people": {"handoff": {}, "ask": "A person is coming.", "on": {"bot": "booked"}},
        "end": {"type": "final"},
    },
}


def booking(*, round_trip: bool) -> Player:
    wish = {"states": {"end": {"type": "final", "entry": {"repair": "back"}}}}
    charts = {"b": BOOKING, "repair.back": wish}
    compiled = [compile_chart(name, chart, guards={}, actions={}) for name, chart in charts.items()]
    one = Player(Charts(compiled), "b", round_trip=round_trip)
    return one.do(("collected", {"value": "Ana"})).do(("collected", {"value": "Friday"}))


@pytest.mark.parametrize("round_trip", [False, True])
def test_not_back_to_a_question_about_what_is_gone(round_trip: bool) -> None:
    """After "another day" the confirmation has no day to ask about: back is the question before the day's."""
    one = booking(round_trip=round_trip)
    one.do("other").do("back")
    assert one.leaves == ("name",)
    one = booking(round_trip=round_trip)
    one.do("anew").do("back")
    assert one.leaves == ("name",)


@pytest.mark.parametrize("round_trip", [False, True])
def test_not_back_across_what_was_done(round_trip: bool) -> None:
    """What a call has booked would be booked twice; people would be called twice."""
    one = booking(round_trip=round_trip)
    one.do("yes").do("done.invoke.book").do("back")
    assert one.leaves == ("booked",)
    assert Ask("wabox.repair.no_way_back") in one.effects
    one = booking(round_trip=round_trip)
    one.do("human").do("bot").do("back")
    assert one.leaves == ("booked",)
    assert Ask("wabox.repair.no_way_back") in one.effects
