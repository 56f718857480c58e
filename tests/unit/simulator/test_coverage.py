"""Coverage: what a set of conversations has been through, and what not."""

from __future__ import annotations

import pytest

from tests.unit.simulator.bots import FLOW, load, play
from wabox.flowfile.bot import Bot
from wabox.simulator.coverage import Count, Coverage


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Bot:
    return load(tmp_path_factory.mktemp("bot"))


def covered(bot: Bot, *texts: str) -> Coverage:
    results, runner = play(bot, *texts)
    assert all(result.passed for result in results)
    return runner.coverage


def missing(coverage: Coverage, kind: str) -> list[str]:
    return [one.what for one in coverage.uncovered() if one.kind == kind]


def test_nothing_yet(bot: Bot) -> None:
    """Everything that can be covered is named, with its place, chart by chart; the main chart first."""
    coverage = Coverage(bot)
    assert [(one.chart, one.states.covered, one.transitions.covered) for one in coverage.charts()] == [
        ("tiny", 0, 0),
        ("helping", 0, 0),
    ]
    assert missing(coverage, "state") == [
        *("menu", "passing", "both", "both.left", "both.left.l1", "both.left.l2", "both.right", "both.right.r1"),
        *("both.right.r2", "many", "checking", "people", "done", "helping", "out"),
    ]
    assert missing(coverage, "timeout") == [
        "root: soft timeout",
        "root: hard timeout",
        "many: soft timeout",
        "root: hard timeout",
    ]
    assert missing(coverage, "detour") == ["root: detour help → helping"]
    lines = FLOW.splitlines()
    for one in coverage.uncovered():
        if one.chart == "tiny" and one.kind == "state":
            assert one.what.rpartition(".")[2] + ":" in lines[one.place.line - 1][one.place.column - 1 :]


def test_states_passed_through(bot: Bot) -> None:
    """A state that is left at once counts, so do regions and what is around."""
    coverage = covered(bot, "- user: order\n- user: next\n")
    assert missing(coverage, "state") == ["many", "checking", "people", "done", "helping", "out"]


def test_guarded_transitions_count_each(bot: Bot) -> None:
    """Two that differ in their guards alone are two."""
    label = "menu --order [{}]→ many"
    coverage = covered(bot, "start: {state: menu, context: {n: 2}}\nsteps: [{tap: order}]\n")
    assert label.format("n gt 1") not in missing(coverage, "transition")
    assert label.format("n lt 0") in missing(coverage, "transition")


def test_every_kind_of_transition(bot: Bot) -> None:
    """Events, always, after, the end of a state, the end of a call, those without a target."""
    coverage = covered(
        bot,
        "- user: order\n- wait: 10m\n- user: next\n",
        "- user: hi\n- user: broken\n  events: error.execution\n",
        "start: many\nsteps: [{stub: {stock: 3}}, {user: order}, {user: order}, {stub: {stock: {error: x}}}, {user: order}]\n",
    )
    assert missing(coverage, "transition") == [
        "root --human→ people",
        "menu --order [n lt 0]→ many",
        "menu --leave→ done",
        "both.left.l1 --next→ both.left.l2",
        "both.right.r1 --other→ both.right.r2",
        "people --handoff.closed→ menu",
        "helping --leave→ out",
    ]


def test_timeouts(bot: Bot) -> None:
    """A silence counts where it was set: for the innermost state that says how long, or the frame below a detour."""
    coverage = covered(bot, "start: many\nsteps: [{wait: 6m}]\n")
    assert "many: soft timeout" not in missing(coverage, "timeout")
    assert "root: soft timeout" in missing(coverage, "timeout")
    coverage = covered(bot, "- user: hi\n- user: help\n- wait: 31m\n  bot: Helped\n- wait: 23h\n  state: null\n")
    assert missing(coverage, "timeout") == ["root: hard timeout", "many: soft timeout"]
    assert [one.chart for one in coverage.uncovered() if one.kind == "timeout"] == ["tiny", "tiny"]


def test_detours_and_answers(bot: Bot) -> None:
    """A detour counts where it is written; the answers of faq.yaml are counted by themselves."""
    coverage = covered(bot, "- user: hi\n- user: help\n- user: when?\n")
    assert missing(coverage, "detour") == []
    assert missing(covered(bot, "- user: help\n  state: helping\n"), "detour") == []
    assert coverage.answers() == Count(1, 1)
    assert Coverage(bot).answers() == Count(0, 1)


def test_where_a_test_begins_counts(bot: Bot) -> None:
    """A state that a test begins in was in use."""
    assert "checking" not in missing(covered(bot, "start: checking\nsteps: [{stub: {stock: 1}}]\n"), "state")


def test_steps_that_went_wrong_count_too(bot: Bot) -> None:
    """Coverage says what was played, not what went well."""
    [result], runner = play(bot, "- user: human\n  state: menu\n")
    assert not result.passed
    assert "people" not in missing(runner.coverage, "state")


def test_totals(bot: Bot) -> None:
    """Covered and not covered make up all; a percentage of nothing is all of it."""
    coverage = covered(bot, "- user: order\n", "- user: human\n")
    total = coverage.total()
    uncovered = coverage.uncovered()
    assert total.states.total - total.states.covered == sum(one.kind == "state" for one in uncovered)
    assert total.transitions.total - total.transitions.covered == sum(one.kind != "state" for one in uncovered)
    assert Count(0, 0).percent == 100.0
    assert Count(1, 3).percent == pytest.approx(33.3, abs=0.1)


def test_as_json(bot: Bot) -> None:
    """For scripts: counts by chart, and every place."""
    found = covered(bot, "- user: human\n").to_json()
    assert set(found["charts"]) == {"tiny", "helping"}
    assert found["answers"] == [0, 1]
    assert found["uncovered"][0].keys() == {"chart", "kind", "what", "file", "line", "column"}
