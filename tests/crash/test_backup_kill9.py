"""``kill -9`` while a backup is made and while a database is upgraded: at chosen points, and before writes drawn by lot.

Whatever has the name of a backup is one, whole; and the database has the old schema or the new, with every row.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.bench.process import Process
from tests.crash import powercut
from tests.crash.entry import Fate
from tests.crash.nursery import starter
from tests.crash.points import BACKING_UP, UPGRADING
from wabox.services.backups import restoring
from wabox.sqlite import backupfolder
from wabox.sqlite.connection import DATABASE, open_writer
from wabox.sqlite.migrate import migrate, migrations

NOW = 1_795_000_000_000
OLD = 7
"""The schema that is upgraded."""
NEWEST = migrations()[-1][0]
BY_LOT = 8
CUSTOMERS = 300


def lived(data: Path, schema: int) -> None:
    """A data folder as a wabox of that schema left it, after some messages; with two customers' files."""
    data.mkdir()
    with closing(open_writer(data / DATABASE)) as connection:
        migrate(connection, DATABASE, up_to=schema)
        snapshot = b'{"v":1,"chart":"c@1","leaves":["a"]}'
        for number in range(CUSTOMERS):
            contact = b'{"user_id":"MX.%d"}' % number
            connection.execute(
                "INSERT INTO conversations (key, id, number_id, contact, sequence, snapshot, updated_at, active_at)"
                " VALUES (?, ?, '200', ?, 1, ?, ?, ?)",
                (number + 1, f"200:MX.{number}", contact, snapshot, NOW, NOW),
            )
            connection.execute(
                "INSERT INTO transcript (conversation, at, kind, body) VALUES (?, ?, 'in', ?)",
                (number + 1, NOW, b'{"text":"hello"}'),
            )
    for content in (b"a photo", b"another"):
        sha256 = hashlib.sha256(content).hexdigest()
        path = backupfolder.beside(data, sha256)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)


def state(data: Path) -> tuple[int, str, int, int]:
    """Its schema, the same in full, and how much is in it; the file has no fault."""
    with closing(sqlite3.connect(data / DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        said = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("conversations", "transcript")
        ]
        return version, repr(said), counts[0], counts[1]


async def command(folder: Path, *words: str, fate: Fate | None = None) -> tuple[int | None, str]:
    """Its exit code, -9 when it was killed, and what it said."""
    with Process(words, folder=folder, env={}, core=None, start=starter(fate)) as process:
        return await asyncio.to_thread(process.wait), process.output


def verified(folder: Path) -> int:
    """How many backups there are; each can be restored."""
    kept = backupfolder.listed(folder)
    for one in kept:
        restoring.verify(folder / one.name)
    return len(kept)


async def writes(folder: Path, *words: str) -> Counter[str]:
    """How often the command writes to which file of SQLite."""
    journal = folder / "journal"
    code, said = await command(folder, *words, fate=Fate(journal=str(journal)))
    assert code == 0, said
    return Counter(
        f"{name}.{'write' if what == b'W' else 'sync'}"
        for what, name, _, _ in powercut.records(journal.read_bytes())
        if what in b"WS"
    )


def drawn(counted: Counter[str], chance: random.Random) -> list[Fate]:
    """Before which writes and syncs to die."""
    kinds = chance.choices(sorted(counted), k=BY_LOT)
    return [Fate(point=kind, number=chance.randint(1, counted[kind])) for kind in kinds]


async def test_kill_9_in_a_backup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What has the name of a backup can be restored, the next backup clears what was left, and the database is as it was."""
    data, backups = tmp_path / "data", tmp_path / "data" / "backups"
    lived(data, NEWEST)
    before = state(data)
    fates = drawn(await writes(tmp_path, "backup"), random.Random(20261122))
    made = named = 1
    for fate in [Fate(point=point) for point in BACKING_UP] + fates:
        code, said = await command(tmp_path, "backup", fate=fate)
        assert code == -signal.SIGKILL, f"{fate}: {said}"
        made += 1
        named += fate.point == "named"
        assert await asyncio.to_thread(verified, backups) == named, fate
        assert state(data) == before
    assert list(backups.glob(f"{backupfolder.WORKING}*")), "nothing was left half made"
    code, said = await command(tmp_path, "backup")
    assert code == 0, said
    assert await asyncio.to_thread(verified, backups) == named + 1
    assert not list(backups.glob(f"{backupfolder.WORKING}*"))
    with capsys.disabled():
        print(f"\n{made - 1} kills in a backup: {named + 1} backups, all whole")


async def test_kill_9_in_an_upgrade(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The old schema or the new, whole, with every row; each copy that was made before is whole; the next try ends it."""
    data, kept = tmp_path / "data", tmp_path / "kept"
    lived(kept, OLD)
    shutil.copytree(kept, data)
    whole = {}
    for schema in (OLD, NEWEST):
        with closing(open_writer(tmp_path / f"{schema}.db")) as connection:
            migrate(connection, DATABASE, up_to=schema)
        with closing(sqlite3.connect(tmp_path / f"{schema}.db")) as connection:
            said = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()
            whole[schema] = repr(said)
    fates = drawn(await writes(tmp_path, "migrate"), random.Random(20261122))
    found: Counter[int] = Counter()
    for fate in [Fate(point=point) for point in UPGRADING] + fates:
        shutil.rmtree(data)
        shutil.copytree(kept, data)
        code, said = await command(tmp_path, "migrate", fate=fate)
        assert code == -signal.SIGKILL, f"{fate}: {said}"
        schema, tables, *counts = state(data)
        assert tables == whole.get(schema), f"{fate}: half of an upgrade"
        assert counts == [CUSTOMERS, CUSTOMERS]
        copies = await asyncio.to_thread(verified, data / "backups")
        assert copies or schema == OLD, f"{fate}: upgraded without a copy"
        found[schema] += 1
        code, said = await command(tmp_path, "migrate")
        assert code == 0, said
        assert state(data) == (NEWEST, whole[NEWEST], CUSTOMERS, CUSTOMERS)
    with capsys.disabled():
        print(f"\n{found.total()} kills in an upgrade; the schemas found afterwards: {dict(found)}")
