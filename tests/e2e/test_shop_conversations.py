"""What a newcomer copies must work: the shop's own tests, played by the product's runner."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.flowfile.findings import Finding
from wabox.flowfile.tests import read_tests
from wabox.simulator.report import failure, painter
from wabox.simulator.runner import Runner

FOLDER = Path(__file__).parents[2] / "flows" / "shop"


@pytest.fixture(scope="module")
def shop() -> Bot:
    return load_bot(FOLDER)


def test_flow_is_clean() -> None:
    """The example that people copy has neither errors nor warnings."""
    assert check_bot(FOLDER) == []


def test_conversations_go_as_written_and_visit_every_state(shop: Bot) -> None:
    """Each conversation of the shop goes as it is written down, and no state goes untested."""
    mistakes: list[Finding] = []
    tests = read_tests(shop, mistakes.append)
    assert mistakes == []
    runner = Runner(shop, time.perf_counter)
    failed = [failure(result, painter(False)) for result in runner.run(tests) if not result.passed]
    assert not failed, "\n\n".join(failed)
    assert [one for one in runner.coverage.uncovered() if one.kind == "state"] == []
