"""Files of customers and counters move to a cluster and back, and are in its backups."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.clustered import command as run
from tests.integration.storage import NUMBER, arrival, conversation, message, unit
from tests.integration.test_cluster_figures import INBOUND, line
from tests.integration.test_cluster_media import PICTURE, content
from wabox.core.broadcast import Broadcast
from wabox.core.measures import Measures
from wabox.core.media import InboundMedia, MediaStatus, Transcript
from wabox.core.meter import SLOT
from wabox.core.portable import Part
from wabox.core.tally import HOUR
from wabox.core.template import StoredTemplate
from wabox.services.tallies import Tallies

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.medialibrary import ClusterMedia
from wabox.cluster.records import meter
from wabox.cluster.store import ClusterStore
from wabox.files.mediafolder import MediaFolder
from wabox.moving import Moved, to_cluster, to_sqlite
from wabox.sqlite import meter as meter_here
from wabox.sqlite.store import SqliteStore, open_store


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    async with clustered.beside_commands(tmp_path, monkeypatch) as store:
        yield store


SPRING = Broadcast(
    name="spring",
    number_id=NUMBER,
    template="spring",
    purpose="marketing",
    category="marketing",
    rate=60.0,
    max_failures=10.0,
    created_at=NOW,
)


def quietly(done: int, of: int) -> None:
    """Nobody looks."""


def media(number: int, **more: object) -> InboundMedia:
    plain = InboundMedia(
        message_id=f"m{number}",
        conversation_id=conversation(f"c{number}"),
        number_id=NUMBER,
        media_id="7",
        type="image",
        mime_type="image/jpeg",
        at=NOW + number,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


async def lived(store: SqliteStore | ClusterStore, library: ClusterMedia | SqliteStore) -> None:
    """One file for two messages, one that waits, one that is lost; and something that was counted."""
    shelf = library.media if isinstance(library, SqliteStore) else library
    for number in range(4):
        if isinstance(store, SqliteStore):
            await store.put(arrival(message(f"m{number}", f"c{number}")))
        said = [line(f"{number}", NOW)]
        await store.commit(unit(f"m{number}", name=f"c{number}", snapshot=None, records=said))
        await shelf.enter(media(number))
    for number in (0, 1):
        async with shelf.receiving() as receiving:
            await receiving.write(PICTURE)
            assert await receiving.keep(media(number)) is not None
    await shelf.hear("m0", Transcript(text="hello", confidence=0.5))
    await shelf.settle(media(2), NOW + 60_000)
    await shelf.settle(media(3, status=MediaStatus.LOST, reason="gone"))


def parts(moved: Moved) -> dict[str, Part]:
    assert moved.equal
    return {part.name: part for part in moved.parts}


async def test_files_and_counters_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """Bytes, what was heard in them, and when the next try is; each once, however often it moves."""
    clock = VirtualClock()
    store = await open_store(tmp_path / "old", clock)
    await lived(store, store)
    await store.close()
    for brought in (4, 0):
        moved = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=clock)
        assert (parts(moved)["files of messages"].count, parts(moved)["files of messages"].brought) == (4, brought)
    library = ClusterMedia(cluster.database, MediaFolder(tmp_path / "copies"), clock)
    found = [await library.find(f"m{number}") for number in range(4)]
    assert [one.status.value for one in found if one is not None] == ["stored", "stored", "waiting", "lost"]
    assert content(library.path(str(found[0].sha256 if found[0] else ""))) == PICTURE
    assert await library.heard("m0") == Transcript(text="hello", confidence=0.5)
    assert await library.due(NOW + 59_999, 9) == []
    assert (await cluster.tallies.sum(NOW, NOW + HOUR))[NOW // HOUR][INBOUND] == 4
    for brought in (4, 0):
        back = await to_sqlite(cluster, tmp_path / "new", clock, quietly)
        assert (parts(back)["files of messages"].count, parts(back)["files of messages"].brought) == (4, brought)
    store = await open_store(tmp_path / "new", clock)
    assert content(store.media.path(str(found[0].sha256 if found[0] else ""))) == PICTURE
    assert [media.message_id for media in await store.media.due(NOW + 60_000, 9)] == ["m2"]
    assert await store.media.heard("m0") == Transcript(text="hello", confidence=0.5)
    await Tallies(store.tallies, Measures(), clock).fold()
    assert (await store.tallies.sum(NOW, NOW + HOUR))[NOW // HOUR][INBOUND] == 4, "no line is counted twice"
    await store.close()


async def test_the_meter_and_templates_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """The larger count of the two is right, and what one side knows of a template stays."""
    clock = VirtualClock()
    store = await open_store(tmp_path / "old", clock)
    spring = StoredTemplate(name="spring", language="en", category="marketing", status="APPROVED", asked_at=NOW)
    await store.outgoing.replace_templates([spring])
    kind = (NOW // SLOT, NUMBER, "service", "regular", "shop", "")
    await store.writer.submit(partial(meter_here.raise_to, came={kind: 3}))
    await store.close()
    for brought in (1, 0):
        moved = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=clock)
        assert parts(moved)["rows of the meter"].brought == brought
    async with cluster.database.transaction() as connection:
        await meter.add(connection, NOW, NUMBER, {"category": "service", "type": "regular"}, "shop", "")
    assert [one.delivered for one in await cluster.outgoing.metered(NOW - SLOT, NOW + SLOT)] == [4]
    assert list(await cluster.outgoing.templates()) == [spring]
    for folder in ("old", "new"):
        assert parts(await to_sqlite(cluster, tmp_path / folder, clock, quietly))["rows of the meter"].brought == 1
        store = await open_store(tmp_path / folder, clock)
        assert [one.delivered for one in await store.outgoing.metered(NOW - SLOT, NOW + SLOT)] == [4]
        assert list(await store.outgoing.templates()) == [spring]
        await store.close()


async def test_a_file_that_is_not_there_any_more_is_lost(tmp_path: Path, cluster: ClusterStore) -> None:
    clock = VirtualClock()
    store = await open_store(tmp_path / "old", clock)
    await lived(store, store)
    path = store.media.path(str((await store.media.of_conversation(conversation("c0")))[0].sha256))
    await store.close()
    os.unlink(path)  # noqa: PTH108 - one file
    moved = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=clock)
    assert parts(moved)["files of messages"].brought == 4
    library = ClusterMedia(cluster.database, MediaFolder(tmp_path / "copies"), clock)
    found = await library.find("m1")
    assert found is not None
    assert (found.status, found.reason) == (MediaStatus.LOST, "its file was not in the data folder when that moved")


async def test_files_are_in_a_backup(tmp_path: Path, cluster: ClusterStore) -> None:
    library = ClusterMedia(cluster.database, MediaFolder(tmp_path / "copies"), lambda: NOW)
    await lived(cluster, library)
    await cluster.settled()
    made = json.loads(await run("backup", "--json"))
    await run("restore", made["file"], "--to", str(tmp_path / "restored"))
    store = await open_store(tmp_path / "restored", VirtualClock())
    found = await store.media.find("m1")
    assert found is not None
    assert content(store.media.path(str(found.sha256))) == PICTURE
    await store.close()
