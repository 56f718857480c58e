"""``wabox publish`` without a server: what is looked at before anything is live."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app
from wabox.cli.publish import told
from wabox.core.version import Forecast, Standing
from wabox.errors import FlowError

FLOW = """
initial: hello
timeouts: {hard: 1h}
on: {human: people}
states:
  hello: {entry: look, ask: "A {fruit}?", on: {message.text: end}}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: hello}}
  end: {type: final, say: "Bye."}
context: {fruit: ""}
"""
ACTIONS = """
from pathlib import Path

from wabox.actions import action


@action
def look(given):
    file = Path(__file__).with_name(FILE)
    return {"fruit": file.read_text() if file.exists() else "nothing"}
"""


@pytest.mark.parametrize(("file", "published"), [("fruit.txt", True), (".fruit.txt", False)])
def test_the_tests_are_played_on_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, published: bool
) -> None:
    """A file that the copy has not is not there for the tests either, though the folder has it."""
    folder = tmp_path / "flows" / "shop"
    (folder / "tests").mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "actions.py").write_text(ACTIONS.replace("FILE", repr(file)), encoding="utf-8")
    (folder / file).write_text("pear", encoding="utf-8")
    (folder / "tests" / "one.yaml").write_text('- user: hi\n  bot: "A pear?"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["publish", "shop"])
    if published:
        assert done.exit_code == 0, done.exception
        assert "is live" in done.output
    else:
        assert isinstance(done.exception, FlowError)
        assert "1 of 1 tests fail" in str(done.exception)


def test_a_forecast_is_read_on_80_columns() -> None:
    """Where conversations stand may have a long name, and why they cannot go on takes a sentence."""
    frames = (("shop@5aea8eba1f74", "checkout.select_address.saved"),)
    gone = "state checkout.select_address.saved gone from shop"
    standing = Standing(version=1, frames=frames, conversations=12, outcome="stranded", reason=gone)
    shown = told(Forecast(bot="shop", id="23d87e486ebc", live=None, number=2, standings=(standing,), stranded=12))
    assert max(map(len, shown.splitlines())) <= 80
    assert "12 on version 1, in shop@5aea8eba1f74" in shown
