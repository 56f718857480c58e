"""The machine is judged by what is there: folder, owner, disk, SQLite, backups."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wabox.core.checkup import Finding, Level
from wabox.services.doctor.machine import ago, look, size
from wabox.sqlite.backupfolder import stamp
from wabox.sqlite.connection import DATABASE
from wabox.sqlite.inspection import fixed

NOW = 1_795_300_000_000
GOOD = (3, 51, 3)


def found(
    data: Path,
    check: str,
    *,
    kind: Callable[[Path], str | None] = lambda folder: "ext4",
    free: Callable[[Path], int] = lambda folder: 10**11,
    sqlite: tuple[int, int, int] = GOOD,
) -> list[Finding]:
    return [one for one in look(data, (), NOW, kind=kind, free=free, sqlite=sqlite) if one.check == check]


def level(data: Path, check: str, **given: Any) -> Level | None:
    return next((one.level for one in found(data, check, **given)), None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def test_a_good_folder(data: Path) -> None:
    """Nothing but ok, and nothing to do."""
    findings = look(data, (), NOW, kind=lambda folder: "ext4", free=lambda folder: 10**11, sqlite=GOOD)
    assert {one.level for one in findings} == {Level.OK}
    assert not any(one.todo for one in findings)


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    """Is fine: the first start makes it."""
    assert level(tmp_path / "data", "data folder") is Level.OK


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system(data: Path, kind: str) -> None:
    """Is refused, by its name."""
    (one,) = found(data, "data folder", kind=lambda folder: kind)
    assert one.level is Level.FAIL
    assert kind in one.what


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    """Is no folder."""
    (tmp_path / "data").write_text("")
    assert level(tmp_path / "data", "data folder") is Level.FAIL


def test_a_read_only_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cannot be used."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root, whom nothing stops, may run this
    assert level(data, "data folder") is Level.FAIL


@pytest.mark.parametrize("name", ["", "token"])
def test_what_others_can_read(data: Path, name: str) -> None:
    """Folder and token are this user's alone, or it is said how to make them so."""
    (data / "token").touch(mode=0o600)
    (data / name).chmod(0o755 if not name else 0o644)
    (one,) = found(data, "permissions")
    assert one.level is Level.WARN
    assert one.todo.startswith("chmod 700" if not name else "chmod 600")


def test_a_secret_that_others_can_read(data: Path, tmp_path: Path) -> None:
    """The files that the settings name count, too."""
    secret = tmp_path / "access-token"
    secret.touch(mode=0o640)
    assert [one.level for one in look(data, (secret,), NOW) if one.check == "permissions"] == [Level.WARN]


@pytest.mark.parametrize(("free", "expected"), [(10**8, Level.FAIL), (5 * 10**8, Level.WARN), (10**10, Level.OK)])
def test_the_disk(data: Path, free: int, expected: Level) -> None:
    """Little room is said before there is none."""
    assert level(data, "disk", free=lambda folder: free) is expected


@pytest.mark.parametrize(
    ("version", "is_fixed"),
    [
        *(((3, 40, 1), False), ((3, 50, 6), False), ((3, 50, 7), True), ((3, 51, 0), False), ((3, 51, 2), False)),
        *(((3, 51, 3), True), ((3, 54, 0), True)),
    ],
)
def test_the_right_sqlite(data: Path, version: tuple[int, int, int], is_fixed: bool) -> None:
    """Up to 3.51.2 the WAL-reset bug is there, but for the backport; one who has it learns what not to do."""
    (one,) = found(data, "SQLite", sqlite=version)
    assert fixed(version) is is_fixed
    assert (one.level, bool(one.todo)) == (Level.OK, not is_fixed)
    assert level(data, "SQLite", sqlite=(3, 36, 0)) is Level.FAIL


def test_backups(data: Path) -> None:
    """None, an old one, a new one; without a database nobody asks."""
    assert level(data, "backups") is None
    (data / DATABASE).touch()
    assert level(data, "backups") is Level.WARN
    (data / "backups").mkdir()
    for days, expected in ((20, Level.WARN), (1, Level.OK)):
        (data / "backups" / f"wabox-{stamp(NOW - days * 86_400_000)}.tar.gz").touch()
        assert level(data, "backups") is expected


@pytest.mark.parametrize(
    ("words", "given", "of"),
    [
        *((size, 999, "999 bytes"), (size, 1200, "1.2 KB"), (size, 79_000_000_000, "79 GB"), (size, 2e12, "2.0 TB")),
        *((ago, 30, "less than a minute"), (ago, 60, "1 minute"), (ago, 7300, "2 hours"), (ago, 90_000, "1 day")),
    ],
)
def test_words(words: Callable[[float], str], given: float, of: str) -> None:
    """Amounts as people say them."""
    assert words(given) == of
