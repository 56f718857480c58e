"""Yes, no and "wait" in whole conversations: what the state says decides what they lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_forms import Talk
from wabox.flowfile.bot import Bot, check_bot, load_bot

FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  hello:
    ask: {text: Hello, buttons: {pay: Pay, more: More, form: Form}}
    on: {pay: pay, more: more, form: form}
  pay:
    expect: [affirm, deny]
    ask: "Pay 50 € now?"
    on: {affirm: paid, deny: hello}
  more:
    ask: {text: Anything else?, buttons: {hello: "Yes, show me", bye: "No, that's all"}}
    on: {hello: hello, bye: bye}
  form:
    ask: Are you over 18?
    collect: {slot: adult, type: yes_no}
    on: {collected: hello}
  paid: {type: final, say: Paid.}
  bye: {type: final, say: Bye.}
  people:
    handoff: {reason: asked}
    ask: {text: One moment., buttons: {hello: Back}}
    on: {hello: hello, handoff.closed: hello}
"""


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    assert [one for one in check_bot(tmp_path) if one.severity == "error"] == []
    return load_bot(tmp_path)


@pytest.mark.parametrize(
    ("at", "text", "said"),
    [
        *(("pay", "haan ji kar do", "Paid."), ("pay", "sim, pode confirmar", "Paid."), ("pay", "👍", "Paid.")),
        *(("pay", "actually no", "Hello"), ("pay", "yes... actually no", "Hello"), ("pay", "hapana asante", "Hello")),
        *(("pay", "wait", "No hurry. Answer when you are ready."), ("pay", "yes no", "No hurry.")),
        *(("more", "no gracias", "Bye."), ("more", "that's all", "Bye."), ("more", "evet", "Hello")),
        *(("form", "let me think", "No hurry."), ("form", "ji nahi", "Hello")),
    ],
)
def test_an_answer(bot: Bot, at: str, text: str, said: str) -> None:
    """The same "no" leaves a payment, and ends what has nothing more; who waits is not pressed."""
    talk = Talk(bot).say("hi", at, text)
    assert talk.said[0].startswith(said)


@pytest.mark.parametrize("text", ["yes but change the address", "ok, and a mug", "sí pero mañana", "ok?"])
def test_more_than_yes(bot: Bot, text: str) -> None:
    """Nobody pays with a yes that says something else too."""
    assert Talk(bot).say("hi", "pay", text).state == "pay"


def test_waiting_is_no_misunderstanding(bot: Bot) -> None:
    """However often somebody says "wait", no person is called."""
    talk = Talk(bot).say("hi", "pay", "wait", "hmm", "not sure", "one moment please")
    assert talk.state == "pay"
    assert talk.said[0].startswith("No hurry.")


def test_waiting_in_a_form_fills_nothing(bot: Bot) -> None:
    """ "Maybe" is neither true nor false."""
    talk = Talk(bot).say("hi", "form", "maybe")
    assert "adult" not in talk.context
    assert talk.say("yes").context["adult"] is True
