"""``wabox new``: five answers make a bot that runs, in every language that is offered."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from wabox.cli import new as command
from wabox.cli.main import app
from wabox.errors import FlowError
from wabox.flowfile import firstbot
from wabox.flowfile.bot import check_bot
from wabox.flowfile.firstbot import Wishes, make, spoken, told, week
from wabox.settings import load


def test_it_passes_its_own_tests_in_every_language(tmp_path: Path) -> None:
    """All at once; a business may be called what it likes."""
    wishes = Wishes(business="Pan & Sol 'x': #1", languages=spoken(), week=week("mon-sat 7-18"))
    folder = tmp_path / "bot" / "flows" / make(tmp_path / "bot", wishes)
    assert check_bot(folder) == []
    played = CliRunner().invoke(app, ["test", str(folder), "--cover-min", "100/50"])
    assert played.exit_code == 0, played.output
    assert f"{len(spoken())} passed" in played.output


def test_one_language_is_enough(tmp_path: Path) -> None:
    """And it need not be English."""
    folder = tmp_path / "bot" / "flows" / make(tmp_path / "bot", Wishes(business="Duka", languages=("sw",)))
    assert check_bot(folder) == []
    assert CliRunner().invoke(app, ["test", str(folder)]).exit_code == 0


def test_the_settings_are_read(tmp_path: Path) -> None:
    """Hours, clock and queue are what was answered."""
    make(
        tmp_path / "bot",
        Wishes(business="B", week=week("mon-fri 9-14, 16:30-19; sat 10:00-13:00"), timezone="Europe/Madrid"),
    )
    manners = load(tmp_path / "bot", {}).manners
    assert manners.timezone == "Europe/Madrid"
    hours = manners.queues["people"].hours
    assert hours is not None
    assert hours[0] == ((540, 840), (990, 1140))
    assert hours[5] == ((600, 780),)
    assert hours[6] == ()


@pytest.mark.parametrize("starter", ["shop", "clinic"])
def test_an_example_is_copied_whole(tmp_path: Path, starter: str) -> None:
    """It has no findings under its new name."""
    name = make(tmp_path / "mine", Wishes(business="B", starter=starter))
    assert [one for one in check_bot(tmp_path / "mine" / "flows" / name) if one.severity == "error"] == []
    assert list((tmp_path / "mine" / "flows" / name / "tests").iterdir())


def test_questions_at_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong answer is told why and asked for again; the folder is called like the business."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "at_terminal", lambda: True)
    answers = [
        "Ana's Bakery",
        "xx",
        "es en",
        "answers",
        "mon-sat 25-3",
        "mon-sat 7-18",
        "Nowhere",
        "Europe/Madrid",
        "ana",
    ]
    ran = CliRunner().invoke(app, ["new"], input="\n".join(answers) + "\n")
    assert ran.exit_code == 0, ran.output
    for question in "12345":
        assert f"{question}. " in ran.output
    assert "languages are" in ran.output
    assert "no hours" in ran.output
    assert "no time zone" in ran.output
    assert "wabox agents add ana" in ran.output
    flow = tmp_path / "ana-s-bakery" / "flows" / "ana_s_bakery"
    assert "lunes–sábado 07:00–18:00" in (flow / "texts.es.yaml").read_text(encoding="utf-8")


def test_ctrl_c_at_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends like Ctrl-C anywhere, and nothing was made; input that ends is no Ctrl-C."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "at_terminal", lambda: True)
    assert CliRunner().invoke(app, ["new"], input="Ana\n").exit_code == 1

    def interrupted(_: object) -> Wishes:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise typer.Abort from None  # as a prompt does

    monkeypatch.setattr(command, "_asked", interrupted)
    ran = CliRunner().invoke(app, ["new"])
    assert (ran.exit_code, "Aborted" in ran.output) == (130, False)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_asked_with_yes_options_or_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts never hang."""
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(app, ["new", "one"]).exit_code == 0
    monkeypatch.setattr(command, "at_terminal", lambda: True)
    assert runner.invoke(app, ["new", "two", "--yes"]).exit_code == 0
    ran = runner.invoke(app, ["new", "--name", "Three Oaks", "--language", "de"])
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "three-oaks" / "flows" / "three_oaks" / "texts.de.yaml").is_file()
    assert runner.invoke(app, ["new", "--yes"]).exit_code == 2


@pytest.mark.parametrize("given", ["monday 9-18", "mon-fri", "9-8", "mon 9-25"])
def test_hours_that_are_none(given: str) -> None:
    """What cannot be read is said, with an example."""
    with pytest.raises(FlowError, match="as in|before midnight"):
        week(given)


def test_hours_in_words() -> None:
    """As customers read them."""
    assert told(week("9-18"), "en") == "Monday–Sunday 09:00–18:00"
    assert told(week("always"), "en") == "24/7"
    assert firstbot.business("  A   b ") == "A b"
