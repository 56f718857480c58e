"""``wabox fake``: what it says before it serves."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from wabox.cli.main import app


def test_the_list_of_what_can_go_wrong() -> None:
    """Every fault with what it does, one a line."""
    listed = CliRunner().invoke(app, ["fake", "--faults"])
    assert listed.exit_code == 0
    assert "  hang         taken, and never answered\n" in listed.output
    assert "  CODE " in listed.output


@pytest.mark.parametrize(
    ("fault", "sentence"), [("rain=3%", "no fault 'rain'"), ("hang=often", "'often' is no amount")]
)
def test_a_fault_that_is_none(fault: str, sentence: str) -> None:
    """Wrong usage, with the sentence, before anything is served."""
    refused = CliRunner().invoke(app, ["fake", "--port", "0", "--fault", fault], env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert sentence in refused.output
