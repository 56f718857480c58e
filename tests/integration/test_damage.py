"""A damaged database: noticed at the start or on use, said with what to do, and nothing goes on as if it were whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration.storage import arrival, message, unit
from wabox.errors import StorageError, Unavailable
from wabox.sqlite import damage
from wabox.sqlite.connection import PAGE_SIZE
from wabox.sqlite.store import open_store


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


async def filled(folder: Path, clock: VirtualClock) -> Path:
    """A database with some conversations in it, closed."""
    store = await open_store(folder, clock)
    for number in range(60):
        await store.put(arrival(message(f"m{number}", f"c{number}")))
        await store.commit(unit(f"m{number}", name=f"c{number}", snapshot=b'{"x": "' + b"y" * 900 + b'"}'))
    await store.close()
    return folder / "wabox.db"


def spoil(database: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    connection = sqlite3.connect(database)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    connection.close()
    with database.open("r+b") as file:
        file.seek((root - 1) * PAGE_SIZE)
        file.write(b"\xde\xad" * (PAGE_SIZE // 2))


async def test_noticed_at_the_start(tmp_path: Path, clock: VirtualClock) -> None:
    """It does not start, and says what, where and what to do."""
    spoil(await filled(tmp_path, clock), "conversations")
    with pytest.raises(StorageError, match=r"wabox\.db is damaged .* restore the last backup \(wabox restore\)"):
        await open_store(tmp_path, clock)
    with pytest.raises(StorageError):  # the lock was let go of: it is the damage again
        await open_store(tmp_path, clock)


async def test_a_file_that_is_no_database(tmp_path: Path, clock: VirtualClock) -> None:
    """Its first page is gone."""
    database = await filled(tmp_path, clock)
    with database.open("r+b") as file:
        file.write(b"\0" * PAGE_SIZE)
    with pytest.raises(StorageError, match="wabox restore"):
        await open_store(tmp_path, clock)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every database is too large to be looked through at the start."""
    monkeypatch.setattr(damage, "AT_ONCE", 0)


@pytest.mark.usefixtures("large")
async def test_a_large_one_is_looked_through_while_it_serves(tmp_path: Path, clock: VirtualClock) -> None:
    """From then on nothing is taken, and the health check says why."""
    spoil(await filled(tmp_path, clock), "transcript")
    store = await open_store(tmp_path, clock)
    await store.put(arrival(message("before")))
    await store.large.look_through()
    with pytest.raises(Unavailable, match="damaged"):
        await store.put(arrival(message("after")))
    assert "wabox restore" in (store.writer.trouble or "")
    await store.close()


@pytest.mark.usefixtures("large")
async def test_noticed_on_use(tmp_path: Path, clock: VirtualClock) -> None:
    """Whoever reads a spoilt page ends it for all: what is half there must not be built upon."""
    spoil(await filled(tmp_path, clock), "conversations")
    store = await open_store(tmp_path, clock)
    with pytest.raises(Unavailable):
        await store.conversations(100)
    with pytest.raises(Unavailable, match="damaged"):
        await store.put(arrival(message("after")))
    await store.close()
