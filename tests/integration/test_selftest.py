"""``wabox selftest``: the real commands in processes of their own, and what it says when they fail."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path
from random import Random

from wabox.cli.selftest import rehearsed
from wabox.demo.cloud import FakeCloud
from wabox.demo.rehearsal import Rehearsal


async def test_this_wabox_trains_serves_converses_and_stops(tmp_path: Path) -> None:
    """Nothing is faked but Meta; settings of this machine do not reach it."""
    os.environ["WABOX_PORT"] = "no port"
    try:
        found = [one async for one in rehearsed(tmp_path)]
    finally:
        del os.environ["WABOX_PORT"]
    assert [(one.what, one.fault) for one in found] == [
        (what, None) for what in ("starts", "checks a bot", "trains", "serves", "converses", "stops", "keeps")
    ]
    assert "4 messages answered" in found[4].said
    assert "one conversation, in a whole database" in found[6].said


async def test_the_first_check_that_fails_is_the_last_and_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "wabox"
    broken.write_text(
        f"#!{sys.executable}\nimport sys\nprint('libpython is missing', file=sys.stderr)\nsys.exit(127)\n"
    )
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    cloud = FakeCloud(
        number_id="1", app_secret="s", access_token="t", webhook_url="http://x", clock=lambda: 0, random=Random(1)
    )
    rehearsal = Rehearsal(tmp_path, cloud, "http://127.0.0.1:9/v26.0", time.perf_counter, [str(broken)])
    (only,) = [one async for one in rehearsal.run()]
    assert only.what == "starts"
    assert only.fault == "wabox --version: libpython is missing"
