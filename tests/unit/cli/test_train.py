"""``wabox train`` and ``wabox classify``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app
from wabox.errors import ModelError

LINES = """\
i want my money back\trefund
refund please\trefund
give me a refund\trefund
where is my parcel\ttrack
track my order\ttrack
has my parcel left yet\ttrack
when are you open\thours
opening hours\thours
what time do you close\thours
"""


def test_plain_data(tmp_path: Path) -> None:
    """Trained on a file, asked line by line: as many answers as lines, the best candidate first."""
    (tmp_path / "data.tsv").write_text(LINES)
    runner = CliRunner()
    done = runner.invoke(app, ["train", "--tsv", str(tmp_path / "data.tsv"), "--out", str(tmp_path / "model")])
    assert done.exit_code == 0, done.output
    assert "9 examples of 3 intents" in done.output
    asked = runner.invoke(app, ["classify", "--model", str(tmp_path / "model")], input="where is the parcel\n\nrefund")
    answers = [json.loads(line) for line in asked.output.splitlines()]
    assert [answer["text"] for answer in answers] == ["where is the parcel", "", "refund"]
    assert [answer["intent"] for answer in answers] == ["track", None, "refund"]
    assert answers[0].keys() == {"text", "intent", "confidence", "tier", "language", "candidates"}
    assert answers[0]["candidates"][0] == {"intent": "track", "confidence": answers[0]["confidence"]}
    assert answers[1] | {"candidates": []} == answers[1]
    assert answers[1]["tier"] == "fallback"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("refund\n", "data.tsv:1: a line is a text, a tab and an intent"),
        ("refund\t\n", "data.tsv:1: the text has no intent"),
        ("text\tlabel\nrefund\trefund\n", "only 'refund' has examples"),
        ("\n", "there are no examples"),
        ("good day\toos\n", "there are no examples"),
    ],
)
def test_data_that_cannot_be_used(tmp_path: Path, lines: str, sentence: str) -> None:
    """It is said where and why."""
    (tmp_path / "data.tsv").write_text(lines)
    done = CliRunner().invoke(app, ["train", "--tsv", str(tmp_path / "data.tsv"), "--out", str(tmp_path / "model")])
    assert isinstance(done.exception, ModelError)
    assert sentence in str(done.exception)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("arguments", [["--tsv", "x"], ["shop", "--tsv", "x", "--out", "y"]])
def test_wrong_usage(arguments: list[str]) -> None:
    """Plain data needs a place for the model, and no bot."""
    assert CliRunner().invoke(app, ["train", *arguments]).exit_code == 2
