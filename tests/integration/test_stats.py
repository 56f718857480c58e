"""``wabox stats`` says what happened, with the server running and without."""

from __future__ import annotations

import json
import re
from pathlib import Path

from typer.testing import CliRunner

from tests.integration.test_metrics import world  # noqa: F401 - the fixture
from tests.integration.world import World
from wabox.cli.main import app
from wabox.cli.stats import spark
from wabox.core.histogram import Histogram
from wabox.core.tally import HOUR, Tally
from wabox.services.stats import stats
from wabox.sqlite.store import open_store


def shown(folder: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["stats", "--data", str(folder / "data"), "--since", "9000d", *options])
    assert result.exit_code == 0, result.output
    return result.output


async def test_a_glance_counts_what_nobody_has_counted_yet(tmp_path: Path, world: World) -> None:  # noqa: F811
    """The server has the folder and has counted nothing; afterwards it says the same."""
    for words in ("hi", "a word", "purple", "a human please"):
        await world.write(words)
    before = json.loads(shown(tmp_path, "--json"))
    await world.app.tallies.fold()
    after = json.loads(shown(tmp_path, "--json"))
    for key in ("inbound", "outbound", "tiers", "fallbacks", "handoffs", "flows", "states"):
        assert before[key] == after[key]
    assert (before["inbound"], before["handoffs"], before["fallbacks"]) == (4, {"human": 1}, {"unknown": 1})
    assert before["flows"] == [{"flow": "bread", "started": 1, "done": 0, "expired": 0, "reset": 0}]
    assert {row["what"] for row in after["times"]} >= {"queue wait", "turn rules", "send sent"}


async def test_the_tables_fit_a_terminal(tmp_path: Path, world: World) -> None:  # noqa: F811
    await world.write("hi")
    await world.write("a word")
    world.clock.now += 21 * HOUR
    await world.app.fire()
    await world.rest()
    await world.app.stop()
    text = shown(tmp_path)
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"bread › item +1 +1 +100%", text)
    assert "expired" in text


async def test_an_empty_folder_has_nothing_to_tell(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "data", lambda: 0)
    await store.close()
    assert "messages in         0" in shown(tmp_path)


def test_drop_off_is_told_by_state() -> None:
    """Those who came, those who gave up; and the course of it, oldest first."""
    counts = {
        5: {Tally("state_entries_total", ("f", "s")): 4.0, Tally("messages_total", ("whatsapp", "text")): 8.0},
        6: {
            Tally("conversations_ended_total", ("f", "s", "expired")): 1.0,
            Tally("conversations_ended_total", ("f", "end", "done")): 3.0,
            Tally("messages_total", ("timer", "timer")): 9.0,
        },
    }
    found = stats(counts, 5 * HOUR, 7 * HOUR)
    assert [(row.state, row.drop_off) for row in found.states] == [("s", 0.25), ("end", None)]
    assert [(row.flow, row.done, row.expired) for row in found.flows] == [("f", 3, 1)]
    assert (found.inbound, found.course) == (8, [8, 0])
    assert spark(found.course) == "█·"


def test_quantiles_are_read_from_buckets() -> None:
    """Evenly spread within one; beyond the last nobody knows more than its bound."""
    times = Histogram((1.0, 2.0, 4.0))
    assert times.quantile(0.5) is None
    for value in (0.5, 1.5, 1.5, 3.0):
        times.observe(value)
    assert (times.quantile(0.5), times.quantile(1.0), times.count, times.sum) == (1.5, 4.0, 4, 6.5)
    times.observe(99)
    assert times.quantile(1.0) == 4.0
