"""Detours: charts pushed on the conversation's stack, and what comes back when they end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.engine.player import NOW, Player
from wabox.engine import (
    Chart,
    Charts,
    CloseHandoff,
    Ended,
    Event,
    Nudge,
    OpenHandoff,
    Push,
    Resumed,
    Say,
    compile_chart,
    question,
    step,
)

MINUTE = 60_000

SHOP: dict[str, Any] = {
    "initial": "checkout",
    "context": {"entered": 0, "name": "Ana"},
    "timeouts": {"soft": "30m", "hard": "24h"},
    "detours": {"hours": "hours", "returns": "returns"},
    "on": {
        "human": {"target": ".desk", "actions": {"assign": {"asked": True}}},
        "language": {"actions": {"assign": {"language": {"from": "event.text"}}}},
        "*": {"actions": {"assign": {"star": True}}},
    },
    "states": {
        "checkout": {
            "exit": {"assign": {"left": True}},
            "states": {
                "h": {"type": "history"},
                "address": {
                    "entry": {"increment": {"path": "entered"}},
                    "ask": "Where to?",
                    "after": {"10m": {"actions": {"assign": {"late": True}}}},
                    "on": {
                        "given": "pay",
                        "returns": {"guard": {"path": "own", "op": "exists"}, "actions": {"assign": {"took": True}}},
                    },
                },
                "pay": {"ask": "How?", "on": {"end": "#m.end", "resumed": {"actions": {"say": "Where were we"}}}},
            },
        },
        "desk": {"handoff": "sales"},
        "end": {"type": "final"},
    },
}
RETURNS: dict[str, Any] = {
    "initial": "what",
    "context": {"own": 1},
    "detours": {"refund": "refund", "hours": "hours", "self": "returns"},
    "states": {
        "what": {
            "ask": "What came back?",
            "exit": {"say": "Bye"},
            "after": {"2h": "done"},
            "on": {"given": "done", "local": {"actions": {"increment": {"path": "own"}}}},
        },
        "done": {"type": "final"},
    },
}
REFUND: dict[str, Any] = {
    "detours": {"hours": "hours", "returns": "returns"},
    "states": {
        "how": {"handoff": {"queue": "money"}, "ask": "How much?", "on": {"given": "done"}},
        "done": {"type": "final"},
    },
}
HOURS: dict[str, Any] = {"states": {"said": {"type": "final", "say": "9 to 5"}}}


def compiled(chart_id: str, definition: Mapping[str, Any]) -> Chart:
    return compile_chart(chart_id, definition, guards={}, actions={})


def shop(**changes: Mapping[str, Any]) -> Player:
    charts = {"m": SHOP, "returns": RETURNS, "refund": REFUND, "hours": HOURS} | changes
    return Player(Charts([compiled(name, definition) for name, definition in charts.items()]), "m", round_trip=True)


def stack(player: Player) -> list[str]:
    return [ref.partition("@")[0] for ref in player.step.snapshot.charts]


def test_detour_that_ends_at_once() -> None:
    """A question answered on the way: its answer, and the chart below is where it was, nothing left, nothing entered."""
    player = shop()
    before = player.step.snapshot
    player.do(5 * MINUTE).do("hours")
    after = player.step.snapshot
    assert (after.leaves, after.context, after.history, after.stack) == (before.leaves, before.context, {}, ())
    assert [effect for effect in player.effects if not isinstance(effect, Say)][:2] == [Push("hours"), Resumed("m")]
    assert [effect.template.text for effect in player.effects if isinstance(effect, Say)] == ["9 to 5"]
    assert player.events == ["hours", "resumed"]
    assert player.step.handled


def test_detour_that_ends_at_once_leaves_the_clocks_alone() -> None:
    """Timers go on with what remained; only the customer's own word winds soft and hard anew."""
    player = shop().do(5 * MINUTE).do("hours")
    assert {name: due - player.now for name, (due, _) in player.step.snapshot.timers.items()} == {
        "soft": 25 * MINUTE,
        "hard": 24 * 60 * MINUTE - 5 * MINUTE,
        "after:600000:checkout.address": 5 * MINUTE,
    }
    player.do("hours", customer=True)
    assert {name: due - player.now for name, (due, _) in player.step.snapshot.timers.items()} == {
        "soft": 30 * MINUTE,
        "hard": 24 * 60 * MINUTE,
        "after:600000:checkout.address": 5 * MINUTE,
    }


def test_suspended_chart_waits_with_its_timers() -> None:
    """While a detour is on top the timers below stand still, and go on with what remained when it ends."""
    player = shop().do(4 * MINUTE).do("returns", customer=True)
    assert stack(player) == ["m", "returns"]
    assert question(player.charts, player.step.snapshot) == ("what", player.charts["returns"].states["what"].ask)
    player.do(60 * MINUTE)
    assert "late" not in player.step.snapshot.stack[0].context
    player.do("given")
    assert stack(player) == ["m"]
    assert player.step.snapshot.context == {"entered": 1, "name": "Ana"}
    assert Resumed("m") in player.effects
    player.do(6 * MINUTE)
    assert player.step.snapshot.context["late"] is True
    assert player.step.snapshot.context["entered"] == 1


def test_pushed_chart_gets_the_events_first() -> None:
    """The detour's own transitions come first; what it does not handle does not reach the states below."""
    player = shop().do("returns")
    player.do("given")
    assert (stack(player), player.leaves) == (["m"], ("checkout.address",))
    player.do("returns").do("local")
    assert player.step.snapshot.context == {"own": 2}
    player.do("end")
    assert (player.step.handled, player.step.unhandled) == (False, ("end",))
    assert stack(player) == ["m", "returns"]


def test_transition_comes_before_detour() -> None:
    """An event with a transition that holds is never a detour; one whose guard fails may be."""
    player = shop()
    assert stack(player.do("returns")) == ["m", "returns"]
    player.do("given")
    player = shop(m=SHOP | {"context": {"entered": 0, "own": True}}).do("returns")
    assert (stack(player), player.step.snapshot.context["took"]) == (["m"], True)


def test_resumed_may_be_handled() -> None:
    """A chart with a transition for resumed answers itself; nothing is offered by default."""
    player = shop().do("given").do("hours")
    assert [effect.template.text for effect in player.effects if isinstance(effect, Say)] == ["9 to 5", "Where were we"]
    assert not [effect for effect in player.effects if isinstance(effect, Resumed)]


def test_detours_nest_three_deep_and_resume_exactly() -> None:
    """Three detours on top of each other, time passing in each: coming back, every frame is as it was left, timers included."""
    player = shop().do(1 * MINUTE).do("returns").do(2 * MINUTE).do("refund").do(3 * MINUTE)
    assert stack(player) == ["m", "returns", "refund"]
    frames = player.step.snapshot.stack
    assert frames[0].timers["after:600000:checkout.address"][0] == 9 * MINUTE
    assert frames[1].timers["after:7200000:what"][0] == 118 * MINUTE
    player.do("hours")
    assert [effect for effect in player.effects if isinstance(effect, Push | Resumed)] == [
        Push("hours"),
        Resumed("refund"),
    ]
    assert player.step.snapshot.stack == frames
    player.do("given")
    assert CloseHandoff("how") in player.effects
    assert Resumed("returns") in player.effects
    assert (stack(player), player.leaves) == (["m", "returns"], ("what",))
    assert player.step.snapshot.timers["after:7200000:what"][0] == player.now + 118 * MINUTE
    player.do("given")
    assert (stack(player), player.leaves) == (["m"], ("checkout.address",))
    assert player.step.snapshot.timers["after:600000:checkout.address"][0] == player.now + 9 * MINUTE
    assert player.step.snapshot.context == {"entered": 1, "name": "Ana"}
    assert player.events == ["given", "resumed"]


def test_chart_on_the_stack_is_not_started_again() -> None:
    """A detour to a chart that is on the stack already, itself included, is not handled."""
    player = shop().do("returns")
    assert not player.do("self").step.handled
    assert not player.do("returns").step.handled
    player.do("refund")
    assert not player.do("returns").step.handled
    assert stack(player) == ["m", "returns", "refund"]


def test_stack_is_bounded() -> None:
    """The ninth frame is refused: the event counts as not handled."""
    charts = [compiled(f"c{n}", {"detours": {f"e{n}": f"c{n + 1}"}, "states": {"a": {}}}) for n in range(12)]
    player = Player(Charts(charts), "c0")
    handled = [player.do(f"e{n}").step.handled for n in range(11)]
    assert handled == [True] * 7 + [False] * 4
    assert len(player.step.snapshot.charts) == 8


def test_unknown_detour_is_not_handled() -> None:
    """A detour to a chart that does not exist leaves the event unhandled instead of breaking the conversation."""
    player = shop(m=SHOP | {"detours": {"x": "nowhere"}, "on": {}})
    assert not player.do("x").step.handled


def test_detours_of_the_root_are_there_from_anywhere() -> None:
    """A detour of the outermost chart's root can be taken from inside another chart, and leads back there."""
    player = shop(returns={key: value for key, value in RETURNS.items() if key != "detours"}).do("returns").do("hours")
    assert stack(player) == ["m", "returns"]
    assert [effect for effect in player.effects if isinstance(effect, Push | Resumed)] == [
        Push("hours"),
        Resumed("returns"),
    ]


def test_inner_detour_comes_before_the_outer() -> None:
    """Of two active states with a detour for one intent, the inner one's is taken."""
    given = {"detours": {"x": "returns"}, "states": {"a": {"detours": {"x": "hours"}}}}
    assert shop(m=given).do("x").effects[0] == Push("hours")


def test_escape_drops_the_detours() -> None:
    """A transition of the outermost root with a target takes the conversation out of all detours, whose exit actions run."""
    player = shop().do("returns").do("refund").do("human")
    assert (stack(player), player.leaves) == (["m"], ("desk",))
    assert [effect for effect in player.effects if isinstance(effect, CloseHandoff | OpenHandoff)] == [
        CloseHandoff("how"),
        OpenHandoff("sales", 0, "", "desk"),
    ]
    assert [effect.template.text for effect in player.effects if isinstance(effect, Say)] == ["Bye"]
    assert player.step.snapshot.context == {"entered": 1, "name": "Ana", "left": True, "asked": True}
    assert not [effect for effect in player.effects if isinstance(effect, Resumed)]
    assert set(player.step.snapshot.timers) == {"soft", "hard"}


def test_escape_without_a_target_leaves_the_detour_running() -> None:
    """A transition of the outermost root without a target runs in that chart's context; the detour goes on."""
    player = shop().do("returns").do(MINUTE)
    before = player.step.snapshot
    player.do(("language", {"text": "es"}))
    after = player.step.snapshot
    assert player.step.handled
    assert (stack(player), after.leaves, after.context, after.timers) == (
        ["m", "returns"],
        before.leaves,
        before.context,
        before.timers,
    )
    assert after.stack[0].context == before.stack[0].context | {"language": "es"}
    assert after.stack[0].timers.keys() == before.stack[0].timers.keys()


def test_star_waits_for_detours_and_escapes() -> None:
    """A bare star of the active state takes what is left: not a detour, not an escape, not a detour of the outermost root."""
    starred = {"states": {"what": {"on": {"*": {"actions": {"assign": {"star": True}}}}}}}
    player = shop(returns=starred).do("returns")
    assert Push("hours") in player.do("hours").effects
    player.do("anything")
    assert player.step.snapshot.context == {"star": True}
    assert player.do("human").leaves == ("desk",)


def test_the_same_again_inside_a_detour() -> None:
    """What a chart remembers of an event changes nothing: the tenth time is like the first, inside a detour and out."""
    starred = RETURNS | {"on": {"*": {"actions": {"assign": {"star": True}}}}}
    player = shop(returns=starred)
    for _ in range(10):
        assert Push("hours") in player.do("hours", customer=True).effects
        assert stack(player.do("returns", customer=True)) == ["m", "returns"]
        for times in range(3):
            assert player.do("local").step.snapshot.context == {"own": 2 + times}
            assert stack(player) == ["m", "returns"]
        assert Push("hours") in player.do("hours").effects
        assert stack(player.do("given")) == ["m"]
    assert player.step.snapshot.context == {"entered": 1, "name": "Ana"}


def test_what_was_raised_in_a_detour_ends_with_it() -> None:
    """An internal event that a detour raised on its last step does not reach the chart below."""
    raising = {
        "initial": "a",
        "states": {"a": {"on": {"t": {"target": "f", "actions": {"raise": "end"}}}}, "f": {"type": "final"}},
    }
    player = shop(returns=raising).do("given").do("returns").do("t")
    assert (stack(player), player.leaves) == (["m"], ("checkout.pay",))
    assert player.events == ["t", "resumed"]


def test_timer_that_was_overdue_is_due_at_once() -> None:
    """A timer that should have fired before the detour began has nothing left when the detour ends, not less."""
    player = shop()
    player.now += 11 * MINUTE
    player.do("returns")
    assert player.step.snapshot.stack[0].timers["after:600000:checkout.address"][0] == 0
    player.now += MINUTE
    assert player.do("given").step.snapshot.timers["after:600000:checkout.address"][0] == player.now


def test_customer_who_takes_a_detour_has_all_the_time_again() -> None:
    """The word that began the detour winds the clocks of the chart below too, whatever ends the detour."""
    player = shop().do(5 * MINUTE).do("returns", customer=True).do(2 * 60 * MINUTE)
    assert stack(player) == ["m"]
    assert player.step.snapshot.timers["soft"][0] == player.now + 30 * MINUTE


def test_dropped_frames_are_left_from_the_top() -> None:
    """An escape leaves the innermost detour first and the outermost chart's own states last."""
    charts = {
        f"d{n}": {"detours": {"deeper": f"d{n + 1}"}, "exit": {"say": f"out {n}"}, "states": {"a": {}}}
        for n in range(1, 5)
    }
    player = shop(m=SHOP | {"detours": {"deeper": "d1"}}, **charts).do("deeper").do("deeper").do("deeper")
    player.do("human")
    assert [effect.template.text for effect in player.effects if isinstance(effect, Say)] == ["out 3", "out 2", "out 1"]


def test_star_of_the_root_is_no_escape() -> None:
    """A bare star at the outermost root does not reach into detours."""
    player = shop().do("returns").do("whatever")
    assert not player.step.handled
    assert "star" not in player.step.snapshot.stack[0].context


def test_unhandled_event_in_a_detour_disturbs_nothing() -> None:
    """It changes the sequence number and nothing else."""
    player = shop().do("returns").do(MINUTE)
    before = player.step.snapshot
    player.do("end")
    after = player.step.snapshot
    assert (after.stack, after.timers, after.context, after.seq) == (
        before.stack,
        before.timers,
        before.context,
        before.seq + 1,
    )
    assert player.effects == []


def test_detour_without_timeouts_has_those_below() -> None:
    """A wait in a detour that says nothing about its end ends like the chart below would; off is off."""
    player = shop().do("returns")
    assert {name for name in player.step.snapshot.timers if ":" not in name} == {"soft", "hard"}
    assert player.step.snapshot.timers["soft"][0] == NOW + 30 * MINUTE
    player.do(31 * MINUTE)
    assert Nudge() in player.effects
    player.do(25 * 60 * MINUTE)
    player = shop(returns=RETURNS | {"timeouts": {"soft": "off"}}).do("returns")
    assert {name for name in player.step.snapshot.timers if ":" not in name} == {"hard"}


def test_hard_timeout_inside_a_detour_ends_the_conversation() -> None:
    """The whole conversation ends, as it stands."""
    returns = {"initial": "what", "states": {"what": {"ask": "?"}}}
    player = shop(returns=returns).do("returns").do(25 * 60 * MINUTE)
    assert player.effects[1] == Ended("m", expired=True)
    assert (player.step.snapshot.status, stack(player), player.step.snapshot.timers) == ("done", ["m", "returns"], {})


def test_end_of_the_outermost_chart_through_resumed() -> None:
    """A chart that ends when it is resumed ends the conversation in the same step."""
    given = SHOP | {"on": {"resumed": "#root.end"}}
    player = shop(m=given).do("hours")
    assert (player.step.snapshot.status, player.leaves) == ("done", ("end",))
    assert Ended("m") in player.effects
    assert not [effect for effect in player.effects if isinstance(effect, Resumed)]


def test_context_of_a_detour_is_its_own() -> None:
    """A pushed chart begins with its own variables, each time anew."""
    player = shop().do("returns").do("local")
    assert player.step.snapshot.context == {"own": 2}
    player.do("given").do("returns")
    assert player.step.snapshot.context == {"own": 1}


def test_failure_in_a_detour_is_told_to_it() -> None:
    """An action that fails in a detour raises error.execution there, not below."""
    broken = {
        "states": {
            "a": {"on": {"t": {"actions": {"append": {"path": "n", "value": 1}}}, "error.execution": "f"}},
            "f": {"type": "final"},
        },
        "context": {"n": 5},
    }
    player = shop(returns=broken).do("returns").do("t")
    assert stack(player) == ["m"]
    assert player.events == ["t", "error.execution", "resumed"]


def test_live_chart_is_pushed_and_older_ones_are_resumed() -> None:
    """A detour starts the live version; a frame goes on in the version that it began with."""
    first = shop().do("returns")
    newer = compiled("returns", RETURNS | {"description": "newer"})
    charts = Charts([first.charts["m"], newer], older=[first.charts["returns"]])
    still = step(charts, first.step.snapshot, Event("local"), NOW)
    assert still.snapshot.chart == first.charts["returns"].ref
    ended = step(charts, still.snapshot, Event("given"), NOW)
    again = step(charts, ended.snapshot, Event("returns"), NOW)
    assert again.snapshot.chart == newer.ref
