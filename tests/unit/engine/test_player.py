"""A chart played by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.player import AnyName
from wabox.engine import compile_chart
from wabox.engine.player import Player
from wabox.errors import ConversationError


def playing(given: dict[str, Any], *, round_trip: bool = False) -> Player:
    return Player(compile_chart("m", given, guards={}, actions=AnyName()), round_trip=round_trip)


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
def test_it_says_where_the_chart_stands(round_trip: bool) -> None:
    """Leaves in document order, the actions run, the variables, what nobody took, and the end."""
    given = {
        "context": {"n": 0},
        "states": {
            "p": {
                "type": "parallel",
                "states": {"z": {"entry": "in_z"}, "a": {"initial": "x", "states": {"x": {}, "y": {}}}},
                "on": {"go": ".a.y", "count": {"actions": {"increment": {"path": "n"}}}, "end": "over"},
            },
            "over": {"type": "final"},
        },
    }
    player = playing(given, round_trip=round_trip)
    assert player.begun.configuration == ("p.z", "p.a.x")
    assert player.begun.actions == ("in_z",)
    assert player.send("go").configuration == ("p.z", "p.a.y")
    assert player.send("count").context == {"n": 1}
    assert player.send("what").unhandled == ("what",)
    end = player.send("end")
    assert (end.configuration, end.done) == (("over",), True)


@pytest.mark.parametrize("round_trip", [False, True], ids=["straight", "stored"])
def test_time_passes_when_told_to(round_trip: bool) -> None:
    """Everything due on the way happens in order, at its own time."""
    given = {
        "states": {
            "a": {"after": {"10s": {"actions": "ten"}, "20s": "b"}, "entry": {"raise": {"event": "x", "delay": "15s"}}},
            "b": {"after": {"5s": "c"}},
            "c": {},
        },
        "on": {"x": {"actions": "fifteen"}},
    }
    player = playing(given, round_trip=round_trip)
    assert player.wait(9_999).actions == ()
    moment = player.wait(15_001)
    assert moment.actions == ("ten", "fifteen")
    assert moment.configuration == ("c",)


def test_delay_of_nothing_is_the_external_queue() -> None:
    """What is raised goes first; the delayed event is handled when time passes at all, and before the next event."""
    given = {
        "states": {
            "a": {
                "on": {"t": {"target": "b", "actions": [{"raise": {"event": "late", "delay": 0}}, {"raise": "soon"}]}}
            },
            "b": {"on": {"late": "wrong", "soon": "c"}},
            "c": {"on": {"late": "d"}},
            "d": {},
            "wrong": {},
        }
    }
    player = playing(given)
    assert player.send("t").configuration == ("c",)
    assert player.wait(0).configuration == ("d",)
    player = playing(given)
    player.send("t")
    assert player.send("other").configuration == ("d",)


def test_silence_has_no_default() -> None:
    """A soft or hard timeout that no transition waits for does nothing here; one that is waited for comes."""
    given = {"timeouts": {"soft": "1m", "hard": "1h"}, "states": {"a": {"on": {"timeout.hard": "b"}}, "b": {}}}
    player = playing(given)
    assert player.wait(120_000).configuration == ("a",)
    assert player.wait(3_600_000).configuration == ("b",)
    silent = playing({"timeouts": {"hard": "1h"}, "states": {"a": {}}})
    assert not silent.wait(10_000_000).done


def test_clock_that_never_stands_still() -> None:
    """A chart that sends itself around without end is stopped."""
    again = {"raise": {"event": "t", "delay": 0}}
    player = playing({"states": {"a": {"on": {"t": {"actions": again}}}}})
    player.send("t")
    with pytest.raises(ConversationError, match="more are due at once"):
        player.wait(0)


def test_what_fails_is_told() -> None:
    """So is an action that raised."""
    given = {"context": {"n": "x"}, "states": {"a": {"on": {"t": {"actions": {"increment": {"path": "n"}}}}}}}
    assert "no number" in playing(given).send("t").failed[0].error
