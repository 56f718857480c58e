"""``wabox flows graph``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app


def run(*arguments: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["flows", "graph", *arguments])
    return ran.exit_code, ran.stdout + str(ran.exception or "")


def test_picture_of_a_bot(tmp_path: Path) -> None:
    """The main chart, or another; into a file or to the terminal."""
    code, said = run("shop", "-o", str(tmp_path / "shop.svg"), "--lit", "cart", "--path", "cart, checkout")
    assert (code, "shop" in said) == (0, True)
    assert (tmp_path / "shop.svg").read_text().startswith("<svg ")
    assert run("shop", "returns", "--format", "mermaid")[1].startswith("stateDiagram-v2")


def test_picture_of_a_file(tmp_path: Path) -> None:
    """One chart by itself, whatever its guards."""
    path = tmp_path / "m.json"
    path.write_text('{"states": {"a": {"on": {"t": {"guard": "may", "target": "b"}}}, "b": {}}}')
    assert "t [may]" in run(str(path))[1]


def test_bot_with_a_mistake_can_be_looked_at(tmp_path: Path) -> None:
    """What can be read is drawn."""
    (tmp_path / "flow.yaml").write_text("states: {a: {on: {t: b, u: nowhere}}, b: {}}")
    assert 'data-state="b"' in run(str(tmp_path))[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shop", "returms"], 'did you mean "returns"'),
        (["shop", "--lit", "crt"], 'did you mean "cart"'),
        (["shop", "--path", "cart,nowhere"], "has no state"),
        (["shop", "-o", "/no/such/place.svg"], "cannot be written"),
        (["nobot"], "there is no bot"),
    ],
)
def test_refused(arguments: list[str], words: str) -> None:
    """With what to do."""
    code, said = run(*arguments)
    assert code == 1
    assert words in said
