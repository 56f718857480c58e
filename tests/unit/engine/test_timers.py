"""Timers as data: ``after``, delayed events, and the soft and hard timeouts."""

from __future__ import annotations

import pytest

from tests.unit.engine.player import NOW, Case, Player, play
from wabox.engine import Arm, Charts, Disarm, Ended, Event, Failed, Nudge, compile_chart, fire, start, step

CASES = [
    Case(
        "after a while a state is left by itself",
        {"initial": "a", "states": {"a": {"after": {"1000": "b"}}, "b": {}}},
        "a",
        [(999, "a"), (1, "b")],
    ),
    Case(
        "leaving the state takes the timer along, entering it again starts anew",
        {"initial": "a", "states": {"a": {"after": {"10s": "c"}, "on": {"t": "b"}}, "b": {"on": {"t": "a"}}, "c": {}}},
        "a",
        [(9000, "a"), ("t", "b"), (5000, "b"), ("t", "a"), (9000, "a"), (1000, "c")],
    ),
    Case(
        "an inner move leaves the outer state's timer running",
        {
            "initial": "s",
            "states": {"s": {"after": {"10s": "z"}, "states": {"a": {"on": {"t": "b"}}, "b": {}}}, "z": {}},
        },
        "s.a",
        [(6000, "s.a"), ("t", "s.b"), (4000, "z")],
    ),
    Case(
        "a transition that re-enters restarts it, one that does not leaves it",
        {
            "initial": "s",
            "states": {
                "s": {"after": {"10s": "z"}, "on": {"stay": "s", "again": {"target": "s", "reenter": True}}},
                "z": {},
            },
        },
        "s",
        [(6000, "s"), ("stay", "s"), ("again", "s"), (9000, "s"), (1000, "z")],
    ),
    Case(
        "several delays of one state fire in turn, each once",
        {
            "initial": "a",
            "states": {"a": {"after": {"1s": {"actions": "one"}, "2s": {"actions": "two"}, "PT3S": "b"}}, "b": {}},
        },
        "a",
        [(1500, "a", "one"), (1000, "a", "two"), (1000, "b")],
    ),
    Case(
        "a guard decides when the time has come; when none holds, the time is over",
        {
            "initial": "a",
            "context": {"paid": False},
            "states": {
                "a": {
                    "after": {"1s": [{"target": "b", "guard": {"path": "paid", "op": "eq", "value": True}}]},
                    "on": {"pay": {"actions": {"assign": {"paid": True}}}},
                },
                "b": {},
            },
        },
        "a",
        [(1000, "a"), ("pay", "a"), (5000, "a")],
    ),
    Case(
        "a state of no duration is left by its timer, not at once",
        {"initial": "a", "states": {"a": {"after": {"0": "b"}}, "b": {}}},
        "a",
        [(0, "b")],
    ),
    Case(
        "a star does not take what is due",
        {"initial": "a", "states": {"a": {"on": {"*": {"actions": "any"}}, "after": {"1s": "b"}}, "b": {}}},
        "a",
        [("t", "a", "any"), (1000, "b", "")],
    ),
    Case(
        "an event can be raised later, whatever state is active then, and be cancelled",
        {
            "initial": "a",
            "states": {
                "a": {
                    "on": {"t": {"target": "b", "actions": {"raise": {"event": "late", "delay": "10s", "id": "one"}}}}
                },
                "b": {"on": {"late": "c", "stop": {"actions": {"cancel": "one"}}}},
                "c": {"on": {"t": {"target": "b", "actions": {"raise": {"event": "late", "delay": 5000}}}}},
            },
        },
        "a",
        [("t", "b"), (9999, "b"), (1, "c"), ("t", "b"), (5000, "c"), ("t", "b"), ("stop", "b"), (5000, "c")],
    ),
    Case(
        "a cancelled one does not come",
        {
            "initial": "a",
            "states": {
                "a": {
                    "entry": {"raise": {"event": "late", "delay": "10s", "id": "one"}},
                    "on": {"late": "b", "stop": {"actions": {"cancel": {"id": "one"}}}},
                },
                "b": {},
            },
        },
        "a",
        [("stop", "a"), (60_000, "a")],
    ),
]


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_delayed(case: Case, round_trip: bool) -> None:
    """The case holds."""
    play(case, round_trip=round_trip)


WAITING = {
    "initial": "a",
    "timeouts": {"soft": "30m", "hard": "24h"},
    "states": {
        "a": {"on": {"t": "b", "quick": "quick", "quiet": "quiet", "end": "end"}},
        "b": {"on": {"t": "a"}},
        "quick": {"timeouts": {"soft": "5m"}, "on": {"t": "a"}},
        "quiet": {"timeouts": {"soft": "off"}, "on": {"t": "a"}},
        "end": {"type": "final"},
    },
}
MINUTE = 60_000


def waiting(**root: object) -> Player:
    return Player(Charts([compile_chart("m", WAITING | root, guards={}, actions={})]), "m", round_trip=True)


def timers(player: Player) -> dict[str, int]:
    """Minutes until each is due."""
    return {name: (due - player.now) // MINUTE for name, (due, _) in player.step.snapshot.timers.items()}


def test_soft_and_hard_run_from_the_beginning() -> None:
    """A conversation begins with both clocks, and the effects say when they are due."""
    player = waiting()
    assert timers(player) == {"soft": 30, "hard": 24 * 60}
    assert player.effects == [Arm("soft", NOW + 30 * MINUTE, 1), Arm("hard", NOW + 24 * 60 * MINUTE, 1)]


def test_every_word_of_the_customer_winds_the_clocks() -> None:
    """A customer's event starts both anew, whether or not anybody handles it."""
    player = waiting()
    for happens in ("t", "nobody handles this"):
        player.do(10 * MINUTE).do(happens, customer=True)
        assert timers(player) == {"soft": 30, "hard": 24 * 60}
        assert {effect.armed for effect in player.effects if isinstance(effect, Arm)} == {player.step.snapshot.seq}


def test_other_events_leave_the_clocks_alone() -> None:
    """An event that is not the customer's moves no clock while the delays in force are the same."""
    player = waiting().do(10 * MINUTE).do("t")
    assert player.leaves == ("b",)
    assert timers(player) == {"soft": 20, "hard": 24 * 60 - 10}
    assert player.effects == []


def test_another_delay_winds_its_clock() -> None:
    """Where another delay comes into force its clock starts anew, and stops where it is switched off."""
    player = waiting()
    hard = 24 * 60
    for _ in range(3):
        player.do(10 * MINUTE).do("quick")
        hard -= 10
        assert timers(player) == {"soft": 5, "hard": hard}
        player.do("t").do("quiet")
        assert timers(player) == {"hard": hard}
        assert Disarm("soft") in player.effects
        assert timers(player.do("t")) == {"soft": 30, "hard": hard}


def test_soft_timeout_nudges_once() -> None:
    """By default the soft timeout is a nudge, and does not come again before the customer says something."""
    player = waiting().do(31 * MINUTE)
    assert player.effects == [Nudge()]
    assert player.events == ["timeout.soft"]
    assert player.step.handled
    assert timers(player) == {"hard": 24 * 60 - 31}
    assert timers(player.do("t", customer=True))["soft"] == 30


def test_hard_timeout_ends_the_conversation_as_it_stands() -> None:
    """By default the hard timeout ends the conversation without leaving its states, so that it can be taken up again."""
    player = waiting(exit={"assign": {"left": True}}).do(24 * 60 * MINUTE)
    assert player.effects == [Nudge(), Ended("m", expired=True)]
    snapshot = player.step.snapshot
    assert (snapshot.status, snapshot.leaves, snapshot.context, snapshot.timers) == ("done", ("a",), {}, {})


def test_chart_may_handle_its_timeouts() -> None:
    """A transition for a timeout replaces what happens by default; a star is none."""
    player = waiting(on={"timeout.soft": ".b", "timeout.hard": ".end", "*": {"actions": {"assign": {"star": True}}}})
    assert player.do(30 * MINUTE).leaves == ("b",)
    assert player.effects == []
    player.do(24 * 60 * MINUTE)
    assert player.leaves == ("end",)
    assert player.effects[0] == Ended("m")
    assert player.step.snapshot.context == {}


def test_stale_timer_does_nothing() -> None:
    """A timer that was set anew since, or is not there, changes nothing, not even the sequence."""
    player = waiting().do("t", customer=True)
    snapshot = player.step.snapshot
    for name, armed in (("soft", 1), ("hard", 1), ("after:1:a", 2), ("nothing", 2)):
        stale = fire(player.charts, snapshot, name, armed, NOW + MINUTE)
        assert (stale.snapshot, stale.effects, stale.handled) == (snapshot, (), False)
    assert fire(player.charts, snapshot, "soft", 2, NOW + MINUTE).handled


def test_timer_fires_once() -> None:
    """The same timer a second time is stale."""
    player = waiting()
    once = fire(player.charts, player.step.snapshot, "soft", 1, NOW)
    twice = fire(player.charts, once.snapshot, "soft", 1, NOW)
    assert once.effects == (Nudge(),)
    assert (twice.handled, twice.snapshot) == (False, once.snapshot)


def test_done_conversation_has_no_timers() -> None:
    """A timer of a conversation that is over is stale."""
    player = waiting().do("end")
    assert player.step.snapshot.status == "done"
    assert not fire(player.charts, player.step.snapshot, "soft", 1, NOW).handled


def test_innermost_state_decides_and_parallel_regions_are_asked_deepest_first() -> None:
    """Of several active states the deepest that says something about a clock is heard."""
    given = {
        "type": "parallel",
        "timeouts": {"soft": "1m", "hard": "1h"},
        "states": {
            "x": {"timeouts": {"soft": "2m"}},
            "y": {"timeouts": {"hard": "3h"}, "states": {"y1": {"timeouts": {"soft": "4m"}}}},
        },
    }
    player = Player(Charts([compile_chart("m", given, guards={}, actions={})]), "m")
    assert timers(player) == {"soft": 4, "hard": 180}


def test_a_delay_may_come_from_the_context() -> None:
    """A reminder the day before a visit: how long that is, only the visit knows. What is no duration fails and says so."""
    remind = {"raise": {"event": "remind", "id": "visit", "delay": {"from": "context.visit.remind_in"}}}
    chart = {
        "initial": "booked",
        "context": {"visit": {"remind_in": "26h"}},
        "states": {
            "booked": {
                "entry": remind,
                "on": {
                    "remind": "reminded",
                    "moved": {"actions": [{"assign": {"visit.remind_in": {"from": "event.in"}}}, remind]},
                },
            },
            "reminded": {},
        },
    }
    charts = Charts([compile_chart("m", chart, guards={}, actions={})])
    booked = start(charts, "m", NOW).snapshot
    assert [due - NOW for due, _ in booked.timers.values()] == [26 * 3_600_000]
    moved = step(charts, booked, Event("moved", {"in": 5000}), NOW).snapshot
    assert [due - NOW for due, _ in moved.timers.values()] == [5000]
    broken = step(charts, booked, Event("moved", {"in": "soon"}), NOW)
    assert any("'soon' is not a duration" in effect.error for effect in broken.effects if isinstance(effect, Failed))
