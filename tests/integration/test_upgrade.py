"""From any earlier release to this one in one step, with a copy to go back to (P12)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.fakes import NOW, VirtualClock
from wabox.cli.main import app as command
from wabox.errors import StorageError
from wabox.services.backups import restoring
from wabox.sqlite import backupfolder, databasecopy, upgrade
from wabox.sqlite.connection import DATABASE, open_writer
from wabox.sqlite.migrate import migrate, migrations, version
from wabox.sqlite.store import open_store

NEWEST = migrations()[-1][0]


def older(folder: Path, schema: int) -> None:
    """A data folder as a wabox of that schema left it: somebody had written."""
    folder.mkdir(exist_ok=True)
    connection = open_writer(folder / DATABASE)
    migrate(connection, "wabox.db", up_to=schema)
    connection.execute(
        "INSERT INTO conversations (key, id, number_id, contact, sequence, snapshot, updated_at, active_at) VALUES"
        """ (7, '200:MX.1', '200', CAST('{"user_id":"MX.1"}' AS BLOB), 3, CAST('{"v":1,"chart":"c@1","leaves":["a"]}'"""
        f" AS BLOB), {NOW}, {NOW})"
    )
    connection.execute(
        f"INSERT INTO transcript (conversation, at, kind, body) VALUES (7, {NOW}, 'in', CAST('{{}}' AS BLOB))"
    )
    connection.close()


def read(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("schema", range(1, NEWEST))
async def test_every_earlier_schema_is_brought_up_to_date(tmp_path: Path, schema: int) -> None:
    """In one start; the conversation is still there, and so is a proven copy of the database as it was."""
    data = tmp_path / "data"
    older(data, schema)
    store = await open_store(data, VirtualClock())
    session = await store.open("200:MX.1")
    assert session.snapshot is not None
    assert len(await store.transcript("200:MX.1")) == 1
    await store.close()
    assert read(data / DATABASE, "PRAGMA user_version") == [(NEWEST,)]
    [kept] = backupfolder.listed(data / "backups")
    assert kept.name == f"wabox-2026-11-21T100000Z-before-schema-{NEWEST}.tar.gz"
    assert kept.upgrade
    found = await asyncio.to_thread(restoring.verify, data / "backups" / kept.name)
    assert (found.manifest.schema, found.manifest.whole) == (schema, False)


async def test_the_copy_brings_the_database_back(tmp_path: Path) -> None:
    """With everything that an upgrade does not touch; alone it is no data folder."""
    data = tmp_path / "data"
    older(data, NEWEST - 1)
    (data / "published" / "shop").mkdir(parents=True)
    (data / "published" / "shop" / "kept").write_text("a version")
    store = await open_store(data, VirtualClock())
    await store.writer.submit(lambda connection: connection.execute("DELETE FROM transcript"))
    await store.close()
    [kept] = backupfolder.listed(data / "backups")
    back = partial(restoring.restore, data / "backups" / kept.name, data, VirtualClock(), force=True)
    restored = await asyncio.to_thread(back)
    assert restored.held.upgraded_from == NEWEST - 1
    assert read(data / DATABASE, "SELECT count(*) FROM transcript") == [(1,)]
    assert (data / "published" / "shop" / "kept").read_text() == "a version"
    with pytest.raises(StorageError, match="restore it over the data folder"):
        await asyncio.to_thread(
            partial(restoring.restore, data / "backups" / kept.name, tmp_path / "other", VirtualClock())
        )


async def test_without_a_copy_there_is_no_upgrade(tmp_path: Path) -> None:
    """No room, no right to write: the database stays as it was, and the sentence says where it failed."""
    data = tmp_path / "data"
    older(data, NEWEST - 1)
    (data / "backups").write_text("in the way")
    with pytest.raises(StorageError, match="backups cannot be written"):
        await open_store(data, VirtualClock())
    assert read(data / DATABASE, "PRAGMA user_version") == [(NEWEST - 1,)]


async def test_three_copies_stay(tmp_path: Path) -> None:
    """Those of the newest upgrades."""
    for number in range(5):
        data = tmp_path / "data"
        (data / DATABASE).unlink(missing_ok=True)
        older(data, NEWEST - 1)
        await (await open_store(data, VirtualClock(NOW + number * 1000))).close()
    stamps = [one.stamp for one in backupfolder.listed(tmp_path / "data" / "backups")]
    assert stamps == ["2026-11-21T100002Z", "2026-11-21T100003Z", "2026-11-21T100004Z"]


def test_a_new_folder_needs_no_copy(tmp_path: Path) -> None:
    """Nor does one that is up to date."""
    connection = open_writer(tmp_path / DATABASE)
    assert upgrade.secure(tmp_path, version(connection), NOW) is None
    migrate(connection, "wabox.db")
    assert upgrade.secure(tmp_path, version(connection), NOW) is None
    connection.close()


def test_check_tries_it_on_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what would be applied and changes nothing; then it is done, then there is nothing to do."""
    data = tmp_path / "data"
    older(data, NEWEST - 2)
    monkeypatch.chdir(tmp_path)
    before = (data / DATABASE).read_bytes()
    told = CliRunner().invoke(command, ["migrate", "--check", "--json"])
    assert told.exit_code == 0, told.exception
    found = json.loads(told.stdout)
    assert (found["schema"], found["to"], len(found["steps"]), found["done"]) == (NEWEST - 2, NEWEST, 2, False)
    assert (data / DATABASE).read_bytes() == before
    assert not list(data.glob(".wabox-trial*"))
    done = CliRunner().invoke(command, ["migrate"])
    assert "As it was before:" in done.stdout
    assert "is up to date" in CliRunner().invoke(command, ["migrate", "--check"]).stdout


def test_check_says_that_it_would_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that an upgrade cannot take, or that a newer wabox wrote, is exit code 1 with a sentence."""
    older(tmp_path / "data", NEWEST - 1)
    monkeypatch.chdir(tmp_path)
    newer = open_writer(tmp_path / "data" / DATABASE)
    newer.execute("PRAGMA user_version = 3").fetchall()  # what comes next is there already
    newer.close()
    failed = CliRunner().invoke(command, ["migrate", "--check"])
    assert failed.exit_code == 1
    assert "could not be upgraded to schema 4" in str(failed.exception)
    with sqlite3.connect(tmp_path / "data" / DATABASE) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "newer wabox" in str(CliRunner().invoke(command, ["migrate", "--check"]).exception)
    assert databasecopy.newest() == NEWEST
