"""Customers who come back, write in pieces, or sleep: silence, night and re-entry as a customer meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wabox.core.contact import Contact
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.settings import Manners
from wabox.simulator import Simulator

FLOW = """
language: en
initial: hello
timeouts: {soft: 30m, hard: 20h, remember: 3d}
on: {human: people}
states:
  hello:
    ask: {text: Hello!, buttons: {order: Order, hours: Opening hours}}
    on: {order: item, hours: opening}
  opening:
    ask: {text: Nine to five., buttons: {order: Order}}
    on: {order: item}
  item:
    meta: {doing: ordering}
    ask: {text: Which bread?, buttons: {rye: Rye, wheat: Wheat}}
    on: {rye: {target: count, actions: {assign: {item: rye}}}, wheat: {target: count, actions: {assign: {item: wheat}}}}
  count:
    meta: {doing: "ordering {item} bread"}
    quiet: 3s
    ask: How many, and when?
    on: {message.text: {target: done, actions: {assign: {count: {from: event.text}}}}}
  people:
    handoff: {reason: asked}
    ask: {text: A person comes., buttons: {back: Back}}
    on: {back: hello, handoff.closed: hello}
  done: {type: final, say: "Thank you: {count}"}
"""
NIGHT = (22 * 60, 8 * 60)


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return made(tmp_path)


def made(folder: Path, old: str = "", new: str = "") -> Bot:
    (folder / "bread").mkdir()
    (folder / "bread" / "flow.yaml").write_text(FLOW.replace(old, new) if old else FLOW, encoding="utf-8")
    assert [one for one in check_bot(folder / "bread") if one.severity == "error"] == []
    return load_bot(folder / "bread", manners=Manners(timezone="Europe/Madrid", night=NIGHT))


def words(out: dict[str, Any]) -> list[str]:
    return [
        body["text"]["body"] if body["type"] == "text" else body["interactive"]["body"]["text"] for body in out["sent"]
    ]


def test_within_the_soft_timeout_nothing_is_special(bot: Bot) -> None:
    """A customer who comes back in time simply goes on, and "hello" is not understood as before."""
    talk = Simulator(bot)
    talk.play({"user": "hi"})
    talk.play({"tap": "order"})
    talk.play({"wait": "29m"})
    out = talk.play({"user": "hello"})
    assert out["states"] == ["item"]
    assert "Welcome back" not in words(out)[0]


def test_an_answer_fits_after_the_nudge_and_after_the_end(bot: Bot) -> None:
    """What fits where they were is taken, an hour or two days later."""
    for pause in ("1h", "47h"):
        talk = Simulator(bot)
        talk.play({"user": "hi"})
        talk.play({"tap": "order"})
        talk.play({"wait": pause})
        out = talk.play({"user": "Rye"})
        assert out["states"] == ["count"]
        assert out["context"] == {"item": "rye"}


def test_hello_after_the_end_asks(bot: Bot) -> None:
    """It names what was going on; go on and start again do what they say."""
    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"tap": "order"}, {"tap": "rye"}, {"wait": "2d"}):
        talk.play(line)
    out = talk.play({"user": "hello"})
    assert words(out) == ["Welcome back! You were ordering rye bread. Shall we go on, or start again?"]
    out = talk.play({"user": "yes"})
    assert words(out)[-1].endswith("How many, and when?")
    assert out["states"] == ["count"]
    talk.play({"user": "two, on Friday"})
    out = talk.play({"wait": "4s"})
    assert words(out) == ["Thank you: two, on Friday"]

    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"tap": "order"}, {"wait": "40m"}):
        talk.play(line)
    talk.play({"user": "good morning"})
    out = talk.play({"user": "start again"})
    assert out["states"] == ["hello"]


def test_hello_is_no_wrong_answer_to_a_form(tmp_path: Path) -> None:
    """Neither after two days, when it is asked whether to go on, nor in between, when the question is asked again."""
    bot = made(
        tmp_path,
        "ask: How many, and when?\n    on: {message.text: {target: done, actions: {assign: {count: {from: event.text}}}}}",
        "ask: How many?\n    collect: {slot: count, type: number}\n    on: {collected: done, invalid: people}",
    )
    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"tap": "order"}, {"tap": "rye"}, {"wait": "2d"}):
        talk.play(line)
    assert words(talk.play({"user": "hello"}))[0].startswith("Welcome back! You were ordering rye bread.")
    assert talk.play({"user": "yes"})["states"] == ["count"]


def test_a_second_hello_is_understood(bot: Bot) -> None:
    """However often it is said, nobody is told that it was not."""
    talk = Simulator(bot)
    talk.play({"user": "hi"})
    assert [words(talk.play({"user": "hello"})) for _ in range(4)] == [["Hello!"]] * 4


def test_what_was_not_begun_is_not_asked_about(bot: Bot) -> None:
    """Who only ever said hello is greeted anew."""
    talk = Simulator(bot)
    talk.play({"user": "hi"})
    talk.play({"wait": "2d"})
    assert words(talk.play({"user": "hello"})) == ["Hello!"]


def test_too_long_ago(bot: Bot) -> None:
    """After ``remember`` a conversation begins anew; so it does after one that came to its end."""
    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"tap": "order"}, {"wait": "5d"}):
        talk.play(line)
    assert words(talk.play({"user": "Rye"})) == ["Hello!"]


def test_people_had_it(bot: Bot) -> None:
    """Nobody goes on with a case that nobody answered."""
    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"user": "i want a person"}, {"wait": "2d"}):
        talk.play(line)
    assert words(talk.play({"user": "hello"})) == ["Hello!"]


def test_the_flow_may_decide_itself(tmp_path: Path) -> None:
    """``reentered`` is an event like any other."""
    bot = made(tmp_path, "on: {human: people}", "on: {human: people, reentered: {target: .hello}}")
    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"tap": "order"}, {"wait": "40m"}):
        talk.play(line)
    assert words(talk.play({"user": "hello"})) == ["Hello!"]


def test_pieces_are_read_as_one_message(bot: Bot) -> None:
    """In a state with ``quiet``; each piece keeps the wait open, and a tap ends it."""
    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"tap": "order"}, {"tap": "rye"}):
        talk.play(line)
    assert talk.play({"user": "two"})["sent"] == []
    assert talk.play({"wait": "2s"})["sent"] == []
    assert talk.play({"user": "no, three"})["sent"] == []
    assert talk.play({"wait": "2s"})["sent"] == []
    out = talk.play({"wait": "2s"})
    assert words(out) == ["Thank you: two\nno, three"]


def test_a_tap_comes_after_what_was_written(bot: Bot) -> None:
    """It waits for nothing."""
    talk = Simulator(bot)
    for line in ({"user": "hi"}, {"tap": "order"}, {"tap": "rye"}, {"user": "two"}):
        talk.play(line)
    out = talk.play({"tap": "order"})
    assert words(out)[0] == "Thank you: two"
    assert out["states"] == ["item"]


def test_nobody_is_reminded_at_night(bot: Bot) -> None:
    """The reminder waits for the customer's morning: eight in Madrid is eleven hours after nine in the evening."""
    talk = Simulator(bot, clock_start_ms=1_795_291_200_000, contact=Contact(user_id="ES.1", wa_id="34600111222"))
    talk.play({"user": "hi"})  # 21 November 2026, 21:00 in Madrid
    talk.play({"wait": "50m"})
    talk.play({"tap": "order"})  # 21:50; the reminder would be due at 22:20
    assert talk.play({"wait": "9h"})["sent"] == []
    out = talk.play({"wait": "71m"})  # 8:01
    assert len(out["sent"]) == 1
    assert "still there" in words(out)[0]


def test_the_night_is_the_customers(bot: Bot) -> None:
    """Somebody in India is not woken by a bot in Madrid."""
    talk = Simulator(bot, clock_start_ms=1_795_291_200_000 - 4 * 3_600_000, contact=Contact(wa_id="919800000001"))
    talk.play({"user": "hi"})  # 17:00 in Madrid, 21:30 in India
    assert talk.play({"wait": "31m"})["sent"] == []
    assert len(talk.play({"wait": "10h"})["sent"]) == 1
