"""The server's own backup: when, and in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, VirtualClock
from wabox.core.backup import Rule, rule, surplus
from wabox.errors import StorageError
from wabox.services.backups import nightly
from wabox.services.backups.making import week
from wabox.services.backups.nightly import AGAIN, SETTLE, Nightly
from wabox.settings import Settings
from wabox.settings.backup import BackupSettings
from wabox.sqlite.backupfolder import free_name, listed
from wabox.sqlite.store import open_store

HOUR = 3_600_000


class Made:
    """Stands for the command: each call leaves a backup of that moment, or fails."""

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self.folder, self.clock, self.count, self.fails = folder, clock, 0, False

    async def __call__(self) -> dict[str, Any]:
        self.count += 1
        if self.fails:
            raise StorageError("the disk is full")
        free_name(self.folder, self.clock()).touch()
        return {}


@pytest.fixture
def made(tmp_path: Path) -> Made:
    (tmp_path / "data" / "backups").mkdir(parents=True)
    return Made(tmp_path / "data" / "backups", VirtualClock())


async def test_one_process_of_a_cluster(tmp_path: Path, made: Made) -> None:
    """The one that leads, from when on it does."""
    leads = False
    settings = Settings(root=tmp_path, data=tmp_path / "data", backup=BackupSettings())
    running = Nightly(settings, made.clock, made, leads=lambda: leads)
    made.clock.now += 24 * HOUR
    await running.look()
    assert made.count == 0
    leads = True
    await running.look()
    assert made.count == 1


def server(tmp_path: Path, made: Made, **changes: Any) -> Nightly:
    settings = Settings(root=tmp_path, data=tmp_path / "data", backup=BackupSettings(**changes))
    return Nightly(settings, made.clock, made)


async def test_one_a_night(tmp_path: Path, made: Made) -> None:
    """At three, once; not at the start of a new server, which has not missed any."""
    running = server(tmp_path, made)
    counts = []
    for _ in range(48):
        await running.look()
        counts.append(made.count)
        made.clock.now += HOUR
    # It is 10:00 when it starts; the 17th hour after that is 3:00.
    assert (counts[16], counts[17], counts[40], counts[41]) == (0, 1, 1, 2)


async def test_a_missed_night_is_made_up_for(tmp_path: Path, made: Made) -> None:
    """When the server has run for a while."""
    await made()
    made.clock.now += 3 * 24 * HOUR
    running = server(tmp_path, made)
    await running.look()
    assert made.count == 1
    made.clock.now += SETTLE
    await running.look()
    await running.look()
    assert made.count == 2


async def test_one_that_failed_is_tried_again_later(tmp_path: Path, made: Made) -> None:
    """After an hour, not every minute."""
    running = server(tmp_path, made)
    made.fails = True
    made.clock.now += 18 * HOUR
    await running.look()
    await running.look()
    assert made.count == 1
    made.clock.now += AGAIN
    made.fails = False
    await running.look()
    await running.look()
    assert made.count == 2


async def test_it_can_be_switched_off(tmp_path: Path, made: Made) -> None:
    """``at = "off"``."""
    running = server(tmp_path, made, at=None)
    made.clock.now += 48 * HOUR
    await running.look()
    assert made.count == 0


def test_three_is_the_bots_three() -> None:
    """By its zone, also on the days when the clocks change."""
    assert nightly.last(NOW, 180, "UTC") == NOW - 7 * HOUR
    assert nightly.last(NOW, 180, "Europe/Madrid") == NOW - 8 * HOUR
    october = 1_792_886_400_000  # 25 October 2026, 00:00 UTC: clocks go back at 01:00
    assert nightly.last(october + 12 * HOUR, 180, "Europe/Madrid") == october + 2 * HOUR


async def test_the_command_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own, while the store is open; what it says when it cannot is the error."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    settings = Settings(root=tmp_path, data=tmp_path / "data")
    with pytest.raises(StorageError, match=r"wabox\.db is not there"):
        await nightly.command(settings)
    store = await open_store(settings.data, VirtualClock())
    told = await nightly.command(settings)
    await store.close()
    assert [one.name for one in listed(settings.data / "backups")] == [Path(told["file"]).name]


def test_rules() -> None:
    """What is written is what is kept; what is no rule is refused."""
    assert rule("7 daily 4 weekly 6 monthly") == Rule()
    assert rule("2 weekly") == Rule(daily=0, weekly=2, monthly=0)
    for wrong in ("", "seven daily", "7 days", "7 daily 3 daily", "0 daily", "7 daily of it"):
        with pytest.raises(ValueError, match="write"):
            rule(wrong)


def name(day: str, hour: int = 3) -> str:
    return f"wabox-{day}T{hour:02}0000Z.tar.gz"


def test_what_the_rule_keeps() -> None:
    """Of a day, a week and a month the newest; copies from before upgrades and other people's files are their own matter."""
    days = [f"2026-{month:02}-{day:02}" for month in (9, 10, 11) for day in range(1, 31)]
    names = [*(name(day) for day in days), name("2026-11-30", 1), "notes.txt", "wabox-copy.tar.gz"]
    upgrades = [f"wabox-2020-01-0{day}T000000Z-before-schema-1{day}.tar.gz" for day in range(1, 5)]
    gone = set(surplus([*names, *upgrades], Rule(daily=2, weekly=2, monthly=2), week))
    kept = {one for one in names if one not in gone}
    assert kept == {
        *(name("2026-11-30"), name("2026-11-29"), name("2026-10-30")),
        *("notes.txt", "wabox-copy.tar.gz"),
    }
    assert [one for one in upgrades if one in gone] == upgrades[:1]
