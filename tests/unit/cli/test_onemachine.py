"""Commands that work on a data folder say so where the bot runs on a cluster; a worker says what it will not do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app
from wabox.cli.onemachine import INSTEAD
from wabox.errors import WaboxError
from wabox.flowfile.bot import load_bot
from wabox.services.lacking import lacking
from wabox.settings import load

ENGINES = '[cluster]\nredis = ["redis://a:1"]\nrabbitmq = ["amqp://b:2/"]\npostgres = "postgresql://c/d"\n'


@pytest.mark.parametrize("command", INSTEAD)
def test_it_refuses_and_says_what_to_do(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it looks at a folder that nobody writes to."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wabox.toml").write_text(ENGINES)
    found = CliRunner().invoke(app, command.split())
    assert isinstance(found.exception, WaboxError)
    assert f"wabox {command} does not work: {INSTEAD[command]}" in str(found.exception)
    assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0


def test_whoever_names_a_folder_means_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As does whoever has no cluster."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wabox.toml").write_text(ENGINES)
    for options in (["--data", "old"], ["--data=old"]):
        assert "There are no conversations" in str(CliRunner().invoke(app, ["stats", *options]).exception)
        assert "There are no conversations" in str(
            CliRunner().invoke(app, ["conversations", "list", *options]).exception
        )
    (tmp_path / "wabox.toml").write_text("")
    assert "There are no conversations" in str(CliRunner().invoke(app, ["stats"]).exception)


def test_what_will_not_be_done_is_said(tmp_path: Path) -> None:
    """By setting and by flow; of settings nothing, for who set nothing."""
    bot = tmp_path / "flows" / "shop"
    bot.mkdir(parents=True)
    (bot / "flow.yaml").write_text(
        "initial: a\ntimeouts: {soft: 30m, hard: 23h}\non: {human: people}\n"
        "states: {a: {ask: What?, on: {message.text: b}}, b: {type: final},"
        " people: {handoff: true, on: {handoff.closed: a}}}\n"
    )
    (tmp_path / "wabox.toml").write_text(ENGINES)
    assert not list(lacking(load(tmp_path, {}), load_bot(bot)))
    more = '[server]\ndomain = "bot.example.org"\n[speech]\nurl = "http://a"\n'
    (tmp_path / "wabox.toml").write_text(ENGINES + more)
    told = " ".join(lacking(load(tmp_path, {}), load_bot(bot)))
    assert "bot.example.org" in told
    assert "voice" not in told
    flow = (bot / "flow.yaml").read_text()
    (bot / "flow.yaml").write_text(flow.replace("hard: 23h", "hard: 23h, remember: 30d"))
    assert "seven days" in " ".join(lacking(load(tmp_path, {}), load_bot(bot)))


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("redis", "aiormq", "asyncpg"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from wabox.cli.main import main
main()
"""


@pytest.mark.parametrize("command", ["backup", "top --once"])
def test_a_cluster_without_its_extra_is_no_traceback(command: str, tmp_path: Path) -> None:
    """Wherever the part that is missing is met first."""
    (tmp_path / "wabox.toml").write_text(ENGINES)
    words = [sys.executable, "-c", WITHOUT, *command.split()]
    found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stderr.startswith("wabox: a cluster needs ")
    assert found.stderr.endswith("pip install 'wabox[cluster]'\n")
