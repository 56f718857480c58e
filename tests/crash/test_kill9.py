"""``kill -9`` under load, again and again, on one data folder: promises P1, P2, P3, P5, P7 and P9 on the real thing.

The long run: ``python -m tests.crash --kills 200 --cuts 50``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.crash import rounds

KILLS = 20


async def test_kill_9_loses_doubles_and_reorders_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After 20 kills of two servers, half of them at chosen points, the whole history is right."""
    # Two servers at once, each with its own customers: one is up while the other starts.
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    halves = [rounds.killed(folder, 20261122 + number, KILLS // 2) for number, folder in enumerate(folders)]
    seen = sum(await asyncio.gather(*halves), Counter[str]())
    with capsys.disabled():
        print(f"\n{KILLS} kills: {dict(seen)}")
    assert seen["messages"] > 20 * KILLS, "there was hardly any load"
    assert seen["kinds of points"] >= 3, "hardly any chosen point was reached"
