"""How a failure is told: as a conversation, on 80 columns, with the place and the difference."""

from __future__ import annotations

import re

import pytest

from tests.unit.simulator.bots import load, play
from wabox.flowfile.bot import Bot
from wabox.flowfile.findings import columns
from wabox.simulator.report import coverage, failure, painter, verdict

PLAIN = painter(False)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return load(tmp_path_factory.mktemp("bot"))


@pytest.fixture(autouse=True)
def _here(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bot.folder)


def told(bot: Bot, text: str, *, whole: bool = False, colour: bool = False) -> str:
    [result], _ = play(bot, text)
    return failure(result, painter(colour), whole=whole)


def test_a_failure(bot: Bot) -> None:
    """The conversation so far, the step that went wrong marked, and each difference at its line."""
    assert (
        told(bot, "- user: hi\n- user: human\n  bot: [Two moments.]\n  state: menu\n")
        == """\
✗ test1

  customer  hi
       bot  What, 0 times?
            [Order] [Leave]
> customer  human
            (understood as human (rules: a keyword of human, en))
       bot  One moment.

  tests/test1.yaml:3:8: the bot says something else
    expected  Two moments.
         got  One moment.
              ^^^      ^

  tests/test1.yaml:4:10: state is not as expected
    expected  menu
         got  people"""
    )


def test_why(bot: Bot) -> None:
    """What the step was taken for, and what nobody handles; a tap on a button that was never there."""
    assert "(not understood: nobody knows it; nobody handles fallback)" in " ".join(
        told(bot, "- user: hi\n- user: xyzzy\n  state: many\n").split()
    ).replace("fallback, message.text", "fallback")
    shown = told(bot, "- user: hi\n- tap: oder\n  state: many\n")
    assert "(nobody handles oder)" in shown
    assert 'no button so far is "oder"; did you mean "order"?' in " ".join(shown.split())
    assert "no button" not in told(bot, "- user: hi\n- tap: order\n  state: many\n")
    assert "no button" not in told(bot, "start: menu\nsteps: [{tap: order, state: many}]\n")


def test_only_the_end_of_a_long_conversation(bot: Bot) -> None:
    """Unless all of it is asked for."""
    text = "- user: hi\n" * 8 + "- user: hi\n  state: many\n"
    assert "… 4 steps before; -v shows all of it" in told(bot, text)
    assert told(bot, text, whole=True).count("customer") == 9


def test_the_title_of_a_test(bot: Bot) -> None:
    """A name that the test gives itself is told with it."""
    assert told(bot, "name: Somebody says hello\nsteps: [{user: hi, state: many}]\n").startswith(
        "✗ test1\n  Somebody says hello\n"
    )


def test_eighty_columns(bot: Bot) -> None:
    """Long words, long texts and wide signs are broken."""
    text = f"- user: {'long ' * 40}{'x' * 200}\n- user: {'漢字' * 60}\n  bot: {'much ' * 40}\n"
    assert max(columns(line) for line in told(bot, text).splitlines()) <= 80


def test_colour_only_on_request(bot: Bot) -> None:
    """The text is the same with and without."""
    text = "- user: hi\n  state: many\n"
    assert "\x1b" not in told(bot, text)
    coloured = told(bot, text, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == told(bot, text)


def test_coverage(bot: Bot) -> None:
    """A row for each chart and what is missing, a dozen of it unless all is asked for."""
    _, runner = play(bot, "- user: human\n")
    shown = coverage(runner.coverage, PLAIN)
    assert re.search(r"^tiny +2 of 13 +15 %", shown, re.MULTILINE), shown
    assert "0 of the 1 answers of faq.yaml were given" in shown
    assert "state many" in shown
    assert "more: --cover names them all" in shown
    everything = coverage(runner.coverage, PLAIN, everything=True)
    assert "names them all" not in everything
    assert len(everything) > len(shown)
    assert max(map(columns, everything.splitlines())) <= 80


def test_verdict() -> None:
    """One line, with what went wrong if anything did."""
    assert verdict("shop", 3, 0, 0, 0.25, PLAIN) == "shop: 3 passed in 0.2 s"
    assert verdict("shop", 3, 1, 2, 1.0, PLAIN) == "shop: 3 passed, 1 failed, 2 mistakes in test files in 1.0 s"
