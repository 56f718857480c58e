"""What a newcomer copies must work: the example bots' own tests, played by the product's runner."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from wabox.flowfile.bot import check_bot, load_bot
from wabox.flowfile.findings import Finding
from wabox.flowfile.tests import read_tests
from wabox.simulator.report import failure, painter
from wabox.simulator.runner import Runner

FOLDERS = sorted(path.parent for path in (Path(__file__).parents[2] / "flows").glob("*/flow.yaml"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_flow_is_clean(folder: Path) -> None:
    """The examples that people copy have neither errors nor warnings."""
    assert check_bot(folder) == []


def test_conversations_go_as_written_and_visit_every_state(folder: Path) -> None:
    """Each conversation goes as it is written down; no state goes untested, and next to no transition."""
    bot = load_bot(folder)
    mistakes: list[Finding] = []
    tests = read_tests(bot, mistakes.append)
    assert mistakes == []
    runner = Runner(bot, time.perf_counter)
    failed = [failure(result, painter(False)) for result in runner.run(tests) if not result.passed]
    assert not failed, "\n\n".join(failed)
    assert [one for one in runner.coverage.uncovered() if one.kind == "state"] == []
    assert runner.coverage.total().transitions.percent >= 90
    # What customers write there is understood without any language model.
    assert runner.tiers.decided_of_typed >= 0.8
