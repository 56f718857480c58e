"""What the README and the manual say is tried: flows are checked and talked to, commands and settings are those that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from tests import reference
from wabox.cli.main import app
from wabox.core.figure import FIGURES
from wabox.flowfile.bot import check_bot, load_bot
from wabox.flowfile.script import EXPECTATIONS, INPUTS
from wabox.flowfile.starter import create
from wabox.flowfile.tests import KEYS, START_KEYS
from wabox.manual import TOPICS, page
from wabox.settings import KNOWN
from wabox.simulator import Simulator

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MANUAL = {topic: str(page(topic)) for topic in TOPICS}


def flow() -> str:
    return re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0]


def commands() -> Iterator[str]:
    """``serve``, ``flows step`` …"""
    for group in (None, *app.registered_groups):
        inside = app if group is None else group.typer_instance
        assert inside is not None
        for command in inside.registered_commands:
            assert command.callback is not None
            yield " ".join(filter(None, (group and str(group.name), command.name or command.callback.__name__)))


def test_the_flow_in_the_readme_works(tmp_path: Path) -> None:
    """It has about twenty lines, no findings, and takes an order by typing."""
    folder = tmp_path / "bakery"
    folder.mkdir()
    (folder / "flow.yaml").write_text(flow(), encoding="utf-8")
    assert check_bot(folder) == []
    assert len(flow().splitlines()) <= 22
    simulator = Simulator(load_bot(folder))
    for words in ("hi", "Order bread", "two rye loaves"):
        answer = simulator.play({"user": words})
    assert answer["sent"][0]["text"]["body"].startswith("Thank you!")
    assert answer["states"] == []


def test_the_conversation_in_the_readme_works(tmp_path: Path) -> None:
    """The test shown there is one, and the flow shown there passes it."""
    tests = tmp_path / "bakery" / "tests"
    tests.mkdir(parents=True)
    (tests.parent / "flow.yaml").write_text(flow(), encoding="utf-8")
    section = MANUAL["testing"]
    (tests / "order.yaml").write_text(re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0], encoding="utf-8")
    played = CliRunner().invoke(app, ["test", str(tests.parent)])
    assert "1 passed" in played.output, played.output
    assert played.exit_code == 0


def test_every_key_of_a_test_is_in_the_manual() -> None:
    """So is what a conversation test may say."""
    section = MANUAL["testing"]
    for key in (*INPUTS, *EXPECTATIONS, *KEYS, *START_KEYS, "name"):
        assert re.search(rf"[`{{ ]{key}[`:,]", section), key


def test_a_new_bot_has_no_findings(tmp_path: Path) -> None:
    """``wabox new`` writes a bot that passes its own check and its own tests, which come to every state."""
    create(tmp_path / "bakery")
    folder = tmp_path / "bakery" / "flows" / "bakery"
    assert check_bot(folder) == []
    played = CliRunner().invoke(app, ["test", str(folder), "--cover-min", "100/60"])
    assert played.exit_code == 0, played.output


def test_every_command_is_in_the_manual() -> None:
    """A command that the manual does not know, or the other way round, fails here."""
    listed = set(re.findall(r"^\| `wabox ([a-z]+(?: [a-z]+)?)", MANUAL["commands"], re.MULTILINE))
    assert listed == set(commands())


def test_every_setting_is_in_the_manual() -> None:
    """So does a setting."""
    for section, names in KNOWN.items():
        for name in names:
            assert re.search(rf"\[{section}\][^|]*`?{name}`?", MANUAL["settings"]), f"[{section}] {name}"


def test_every_figure_is_in_the_manual() -> None:
    """With its kind, its labels and what it says; and none that is gone."""
    rows = re.findall(r"^\| `((?:wabox|process)_[a-z_]+)` .*$", MANUAL["operating"], re.MULTILINE)
    assert rows == [figure.full for figure in FIGURES.values()]
    for figure in FIGURES.values():
        assert (
            f"| `{figure.full}` | {figure.kind} | {', '.join(figure.labels)} | {figure.help} |" in MANUAL["operating"]
        )


def test_every_error_is_in_the_manual() -> None:
    """The page is what the code says; ``python -m tests.reference`` writes it anew."""
    assert MANUAL["errors"] == reference.page()


def test_every_command_has_help_with_an_example() -> None:
    """``--help`` of each fits 80 columns and shows how it is typed."""
    runner = CliRunner()
    for command in commands():
        shown = runner.invoke(app, [*command.split(), "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
        assert shown.exit_code == 0
        assert "Example:" in shown.output
        assert max(map(len, shown.output.splitlines())) <= 80


def test_every_page_is_linked_and_listed() -> None:
    """The README leads to every page; ``wabox help`` lists them, shows them, and knows what it has not got."""
    runner = CliRunner()
    listed = runner.invoke(app, ["help"]).output
    for topic, text in MANUAL.items():
        assert f"(wabox/manual/{topic}.md)" in README
        assert f"  {topic} " in listed
        assert runner.invoke(app, ["help", topic, "--raw"]).output == text
    piped = runner.invoke(app, ["help", "operating"]).output
    assert max(map(len, piped.splitlines())) <= 80
    assert "# Operating" not in piped
    assert "/metrics" in piped
    assert piped.count("…") == MANUAL["operating"].count("…"), "a name in a table was cut"
    wrong = runner.invoke(app, ["help", "flwos"])
    assert wrong.exit_code == 2
    assert "flows" in wrong.output


def test_code_in_the_manual_fits_a_terminal() -> None:
    """Nothing that is typed or copied is broken by the edge of an 80-column window."""
    for topic, text in MANUAL.items():
        for code in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL):
            assert [line for line in code.splitlines() if len(line) > 78] == [], topic
