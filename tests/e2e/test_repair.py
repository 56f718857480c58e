"""What a customer may say in the middle of anything, and how an owner does it differently."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.e2e.test_forms import FAQ, FLOW, INTENTS, Talk
from wabox.cli.main import app
from wabox.flowfile import repairs
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.settings import Manners

BOOKED = ("hi", "a table for two tomorrow at 8, my name is Ana")
TEXTS = "hello: x\n"


def bot(tmp_path: Path, **more: str) -> Bot:
    folder = tmp_path / "table"
    folder.mkdir()
    files = {
        "flow": FLOW,
        "intents": INTENTS,
        "faq": FAQ,
        **{name.replace("__", "."): text for name, text in more.items()},
    }
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    assert check_bot(folder) == []
    return load_bot(folder, manners=Manners(timezone="Europe/London"))


def test_back_and_back_again(tmp_path: Path) -> None:
    """Each leads to the question before, whose answer is forgotten."""
    talk = Talk(bot(tmp_path)).say("hi", "book", "2", "tomorrow at 8 pm", "Ana")
    assert talk.say("go back").said == ["Your name?"]
    assert "name" not in talk.context
    assert talk.say("Back, please!").said == ["When, for 2?"]
    assert talk.say("vuelve atrás").said == ["For how many?"]
    assert talk.say("go back").state == "hello" or talk.said[0].startswith("There is no question before")


def test_repeat_and_skip(tmp_path: Path) -> None:
    """The question alone; and past it, where that is allowed."""
    talk = Talk(bot(tmp_path)).say(*BOOKED)
    assert talk.say("what was the question?").said == ["Where would you like to sit?"]
    assert talk.say("skip").said[0].startswith("I cannot go on without this one.")
    assert talk.say("bar", "skip").state == "booking.confirm"


def test_start_over_asks_first_if_something_would_be_lost(tmp_path: Path) -> None:
    """No goes on at the very same spot, yes begins again with nothing filled; with nothing filled nothing is asked."""
    talk = Talk(bot(tmp_path)).say("hi", "book").say("start over")
    assert talk.said[0] == "All right, from the beginning."
    talk = Talk(bot_ := load_bot(tmp_path / "table")).say(*BOOKED, "start over")
    assert talk.said == ["Shall we start again? I would forget what you told me."]
    talk.say("no")
    assert talk.said == ["Let's go on where we were.\n\nWhere would you like to sit?"]
    talk.say("start over", "yes")
    assert (talk.state, talk.context) == ("hello", {})
    assert talk.said == ["All right, from the beginning.", "I can book a table."]
    assert bot_.borrowed == {f"repair.{name}" for name in repairs.built_in() if name != "cannot_handle"}


def test_cancel(tmp_path: Path) -> None:
    """The same for cancel; the words of a button win over it."""
    talk = Talk(bot(tmp_path)).say(*BOOKED, "cancel")
    assert talk.said == ["Shall I stop, and forget what you told me?"]
    assert talk.say("yes").said[0] == "All right, I have stopped that."


def test_yes_and_no_after_a_detour(tmp_path: Path) -> None:
    """ "Let's go on" – "yes" repeats the question and is no mistake; "no" offers to stop."""
    talk = Talk(bot(tmp_path)).say(*BOOKED, "is there parking?")
    assert talk.said[1] == "Let's go on where we were.\n\nWhere would you like to sit?"
    assert talk.say("yes").said == ["Where would you like to sit?"]
    assert talk.say("is there parking?").say("no").said == ["Shall I stop, and forget what you told me?"]


def test_an_owner_handles_the_intent(tmp_path: Path) -> None:
    """A flow that names it decides; one that names it without a target switches it off."""
    text = FLOW.replace("on: {human: people}", "on: {human: people, cancel: done, skip: }")
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "flow.yaml").write_text(text, encoding="utf-8")
    (folder / "intents.yaml").write_text(INTENTS, encoding="utf-8")
    talk = Talk(load_bot(folder)).say(*BOOKED)
    assert talk.say("skip").state == "booking.place"
    assert talk.said == []
    assert talk.say("cancel").said == ["Thank you!"]


def test_an_owner_replaces_the_chart(tmp_path: Path) -> None:
    """A chart of that name in the folder takes the place of wabox's."""
    own = "states: {told: {type: final, say: Ours., entry: {repair: restart}}}\n"
    talk = Talk(bot(tmp_path, repair__cancel=own)).say(*BOOKED, "cancel")
    assert talk.said == ["Ours.", "All right, from the beginning.", "I can book a table."]


def test_cannot_handle_as_a_chart_does_what_wabox_does(tmp_path: Path) -> None:
    """The copy of that chart, unchanged, answers three misunderstandings as wabox does without it."""
    said = []
    for number, more in enumerate(
        ({}, {"repair__cannot_handle": (repairs.FOLDER / "repair.cannot_handle.yaml").read_text()})
    ):
        (tmp_path / str(number)).mkdir()
        talk = Talk(bot(tmp_path / str(number), **more)).say("hi")
        said.append([(talk.say("blub").said, talk.state) for _ in range(3)])
    assert said[0] == said[1]
    assert said[0][2][1] == "people"


def test_copies_to_edit(tmp_path: Path) -> None:
    """``wabox new --repair`` writes them beside the bot's own charts, once, and the bot behaves as before."""
    made = bot(tmp_path)
    run = CliRunner().invoke(app, ["new", "--repair", str(made.folder)])
    assert run.exit_code == 0
    assert len(run.output.split("Wrote ")) == 10
    assert "has all of them" in CliRunner().invoke(app, ["new", "--repair", str(made.folder)]).output
    assert [one for one in check_bot(made.folder) if one.severity == "error"] == []
    again = load_bot(made.folder, manners=Manners(timezone="Europe/London"))
    assert "repair.cannot_handle" in again.charts.live
    assert Talk(again).say("hi", "book", "2").say("go back").said == ["For how many?"]


def test_not_while_people_have_it(tmp_path: Path) -> None:
    """Whoever waits for a person is not answered by the bot."""
    talk = Talk(bot(tmp_path)).say("hi", "a person please", "cancel")
    assert talk.said == []
    assert talk.state == "people"


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_words_in_every_language_that_wabox_has(language: str) -> None:
    """Each intent is said in at least six ways."""
    from wabox.flowfile.intents import LENT, built_in

    for name in LENT:
        assert len(built_in()[name][language].lent) >= 6
