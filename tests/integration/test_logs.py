"""A log says what happens to whom, and never what was said: it is copied, shipped and shown around."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
import structlog.testing

from tests.day import TOKENS, crowd, day
from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.test_metrics import FLOW, WHATSAPP
from tests.integration.world import PHONE, World
from wabox.app import build
from wabox.cli import logs
from wabox.errors import StorageError
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings, load

ROOT = Path(__file__).parents[2]
PLANTED = "m4111111111111111"
"""What everybody writes begins with: a card number, and the diary listens to m and digits."""


def drive(folder: str, form: str) -> None:
    """A day of traffic, with the log on standard error."""
    logs.configure(terminal=form == "text")
    day(Path(folder), 3, customers=12, messages=5, words=PLANTED)
    # Everybody of that day has a business-scoped id; whoever has none is named by the number.
    structlog.get_logger().info("turn", conversation="200:15550000001", message="wamid.15550000001")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_day_of_traffic_leaves_nothing_private_in_the_log(tmp_path: Path, form: str) -> None:
    """Duplicates, refusals, an expired token, a restart: no words, names, numbers, tokens; and every line is one event."""
    program = f"from tests.integration.test_logs import drive; drive({str(tmp_path)!r}, {form!r})"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    log = run.stderr
    assert len(log.splitlines()) > 100
    for planted in ("4111111111111111", *TOKENS):
        assert planted not in log
    for customer in crowd(12):
        assert customer.wa_id is None or customer.wa_id not in log
        assert customer.name + "'" not in log
        assert customer.name + '"' not in log
    if form == "json":
        events = [json.loads(line) for line in log.splitlines()]
        turns = [event for event in events if event["event"] == "turn"]
        assert len(turns) >= 60
        assert all(event["conversation"] for event in turns)


async def test_a_slow_turn_is_told_with_what_it_did(tmp_path: Path) -> None:
    """The time of its parts, and the trace of the step; no words."""
    folder = tmp_path / "flows" / "bread"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    settings = Settings(root=tmp_path, data=tmp_path / "data", whatsapp=WHATSAPP, slow=1e-9)
    clock = VirtualClock()
    app = await build(settings, load_bot(folder), clock=clock, messenger=FakeMessenger())
    await app.start()
    world = World(app, FakeMessenger(), clock)
    await world.write("hi")
    with structlog.testing.capture_logs() as log:
        await world.write("two loaves of rye")
    await app.stop()
    [slow] = [line for line in log if line["event"] == "turn.slow"]
    assert slow["transitions"] == ["bread:hello message.text → item"]
    assert slow["log_level"] == "warning"
    assert {"ms", "thinking", "storing", "tier"} <= slow.keys()
    assert "rye" not in json.dumps(log, default=str)
    assert app.measures.slow == 2


def test_an_exception_does_not_quote_a_customer() -> None:
    """Where and what it is; our own sentences are said."""
    try:
        try:
            raise StorageError("the disk is full")
        except StorageError as error:
            raise ValueError(f"cannot read {PLANTED}") from error
    except ValueError as error:
        told = logs.unquoted(None, "error", {"event": "turn.failed", "exc_info": error})
    assert PLANTED not in told["exception"].replace("{PLANTED}", "")
    assert "ValueError" in told["exception"]
    assert "StorageError: the disk is full" in told["exception"]
    assert "test_logs.py" in told["exception"]


def test_a_number_alone_is_masked() -> None:
    event = logs.mask(None, "info", {"conversation": f"200:{PHONE}", "message": f"wamid.{PHONE}"})
    assert PHONE not in str(event)


def test_the_format_of_the_log_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "wabox.toml").write_text('[log]\nformat = "json"\nslow = 2.5\n', encoding="utf-8")
    found = load(tmp_path, {})
    assert (found.log_format, found.slow) == ("json", 2.5)


def test_an_engine_that_is_away_is_in_the_log_once_a_minute() -> None:
    """Each reason by itself; what else happens meanwhile is always told."""
    clock = [100.0]
    seldom = logs.Seldom(lambda: clock[0])

    def told(event: str, reason: str) -> bool:
        try:
            return bool(seldom(None, "", {"event": event, "reason": reason}))
        except structlog.DropEvent:
            return False

    assert [told("cluster.records_wait", "nobody listens") for _ in range(3)] == [True, False, False]
    assert told("cluster.records_wait", "the disk is full")
    assert told("version.unseen", "nobody listens")
    assert all(told("webhook.not_stored", "nobody listens") for _ in range(3))
    clock[0] += 60.0
    assert [told("cluster.records_wait", "nobody listens") for _ in range(2)] == [True, False]
