"""Looking into a data folder: with and without a server on it, and without leaving a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration.storage import arrival, conversation, message
from wabox.core.contact import Contact
from wabox.core.conversation import Record, UnitOfWork
from wabox.errors import StorageError
from wabox.sqlite.glance import Glance
from wabox.sqlite.store import SqliteStore, open_store


async def written(folder: Path) -> SqliteStore:
    store = await open_store(folder, VirtualClock(NOW))
    await store.put(arrival(message("m1")))
    unit = UnitOfWork(
        conversation_id=conversation(),
        number_id="200000000000002",
        contact=Contact(user_id="MX.ana", name="Ana"),
        expected=0,
        handled=("m1",),
        snapshot=b"{}",
        at=NOW,
        records=(Record(at=NOW, kind="in", body={"text": "hola"}, ref="m1"),),
    )
    assert await store.commit(unit) == "committed"
    return store


def seen(folder: Path) -> list[str]:
    with Glance(folder) as glance:
        [found] = glance.conversations()
        return [str(record.body["text"]) for record in glance.transcript(found.conversation_id)]


async def test_beside_a_server(tmp_path: Path) -> None:
    """What was committed is seen at once, and the server goes on."""
    store = await written(tmp_path)
    assert seen(tmp_path) == ["hola"]
    await store.append(conversation(), [Record(at=NOW, kind="event", body={"text": "more"})])
    assert seen(tmp_path) == ["hola", "more"]
    await store.close()


async def test_without_a_server(tmp_path: Path) -> None:
    """The file alone is enough, and stays as it is, byte for byte."""
    store = await written(tmp_path)
    await store.close()
    before = (tmp_path / "wabox.db").read_bytes()
    assert seen(tmp_path) == ["hola"]
    assert (tmp_path / "wabox.db").read_bytes() == before
    store = await open_store(tmp_path, VirtualClock(NOW))
    await store.close()


def test_nothing_there(tmp_path: Path) -> None:
    """A folder without a database, and a file that is none, are said."""
    with pytest.raises(StorageError, match="Is it the data folder"):
        Glance(tmp_path)
    (tmp_path / "wabox.db").write_bytes(b"not a database, whatever its name says" * 100)
    with Glance(tmp_path) as glance, pytest.raises(StorageError, match="cannot be read"):
        glance.conversations()
