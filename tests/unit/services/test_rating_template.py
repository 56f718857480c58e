"""A queue's ``rating_template`` that cannot ask anything is warned of when the bot is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from wabox.bots import learning_of
from wabox.settings import load

FLOW = """
initial: a
timeouts: {hard: 23h}
on: {human: people}
states:
  a: {ask: {text: Hi, buttons: {affirm: "Yes"}}, on: {affirm: over}}
  people: {handoff: desk, on: {handoff.closed: over}}
  over: {type: final}
"""
TEMPLATE = """
how_was_it: {category: utility, en: {body: How was it?, buttons: {good: Good}}}
bare: {category: utility, en: {body: Well?}}
"""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("how_was_it", None),
        ("how_is_it", "it has bare, how_was_it"),
        ("bare", "no quick reply called good, fair, poor"),
    ],
)
def test_it_is_warned_of(tmp_path: Path, name: str, problem: str | None) -> None:
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW)
    (folder / "templates.yaml").write_text(TEMPLATE)
    (tmp_path / "wabox.toml").write_text(f'[queues.desk]\nrating_template = "{name}"\n')
    structlog.reset_defaults()
    with capture_logs() as logs:
        learning_of(load(tmp_path), folder)._load()
    found = [one["problem"] for one in logs if one["event"] == "settings.rating_template"]
    assert (problem is None and not found) or (problem is not None and problem in found[0])
