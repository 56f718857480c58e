"""What a conversation waits for, read without changing it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.player import Player
from wabox.engine import Charts, SayTemplate, accepts, active_states, compile_chart, expected, question, reprompt
from wabox.errors import ConversationError

SHOP: dict[str, Any] = {
    "initial": "order",
    "expect": ["track"],
    "detours": {"hours": "hours"},
    "on": {"human": ".desk", "*": {"actions": []}},
    "states": {
        "order": {
            "ask": "What?",
            "reprompt": "Sorry, what?",
            "onDone": "desk",
            "on": {"back stop": "desk"},
            "states": {
                "size": {
                    "ask": {"text": "Which size?", "buttons": {"S": "Small", "L": "Large"}},
                    "expect": ["small", "track"],
                    "detours": {"sizes": "sizes"},
                    "after": {"1h": "done"},
                    "on": {"S": "pay", "message.*": {"actions": []}},
                },
                "pay": {"on": {"paid": "done"}},
                "done": {"type": "final"},
            },
        },
        "desk": {},
    },
}
SIZES = {"states": {"which": {"ask": "Which brand?", "on": {"nike": "told"}}, "told": {"type": "final"}}}


@pytest.fixture
def player() -> Player:
    charts = [compile_chart(name, given, guards={}, actions={}) for name, given in {"m": SHOP, "sizes": SIZES}.items()]
    return Player(Charts(charts), "m")


def test_question_is_the_innermost(player: Player) -> None:
    """The question that stands is the innermost active state's; states without one leave it to those around them."""
    found = question(player.charts, player.step.snapshot)
    assert found is not None
    assert (found[0], found[1][0].text) == ("order.size", "Which size?")
    assert [option.event for option in found[1][0].options] == ["S", "L"]
    player.do("S")
    assert question(player.charts, player.step.snapshot) == ("order", (SayTemplate(text="What?"),))
    player.do("back")
    assert question(player.charts, player.step.snapshot) is None


def test_reprompt_is_its_own_or_the_question_again(player: Player) -> None:
    """A state without a reprompt asks again."""
    assert reprompt(player.charts, player.step.snapshot) == question(player.charts, player.step.snapshot)
    player.do("S")
    assert reprompt(player.charts, player.step.snapshot) == ("order", (SayTemplate(text="Sorry, what?"),))
    player.do("back")
    assert reprompt(player.charts, player.step.snapshot) is None


def test_expected_intents_inside_out(player: Player) -> None:
    """Inner states' intents come first, each once."""
    assert expected(player.charts, player.step.snapshot) == ("small", "track")
    player.do("S")
    assert expected(player.charts, player.step.snapshot) == ("track",)


def test_accepted_events(player: Player) -> None:
    """Everything that somebody would take: transitions and detours of the active states, but no timers and done events."""
    assert accepts(player.charts, player.step.snapshot) == {
        "S",
        "message.*",
        "back",
        "stop",
        "human",
        "*",
        "sizes",
        "hours",
    }


def test_inside_a_detour(player: Player) -> None:
    """The detour's own question and events, with the escapes and detours of the outermost root; the star is no escape."""
    player.do("sizes")
    found = question(player.charts, player.step.snapshot)
    assert found is not None
    assert found[0] == "which"
    assert accepts(player.charts, player.step.snapshot) == {"nike", "human", "hours"}
    assert expected(player.charts, player.step.snapshot) == ()


def test_conversation_that_is_over_waits_for_nothing() -> None:
    """It has no question and accepts nothing."""
    given = {"initial": "f", "on": {"x": ".f"}, "states": {"f": {"type": "final", "ask": "?", "expect": ["x"]}}}
    player = Player(Charts([compile_chart("m", given, guards={}, actions={})]), "m")
    assert question(player.charts, player.step.snapshot) is None
    assert reprompt(player.charts, player.step.snapshot) is None
    assert expected(player.charts, player.step.snapshot) == ()
    assert accepts(player.charts, player.step.snapshot) == frozenset()


def test_active_states_in_document_order(player: Player) -> None:
    """From the root inwards; leaves that cannot be active together are refused."""
    chart = player.charts["m"]
    assert [state.id for state in active_states(chart, ["order.size"])] == ["", "order", "order.size"]
    with pytest.raises(ConversationError, match="cannot be active together"):
        active_states(chart, ["order.size", "desk"])
