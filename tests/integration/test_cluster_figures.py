"""What happened, and what was not understood, on a cluster: told from any machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.clustered import command as run
from tests.integration.storage import conversation, unit
from tests.integration.test_desk import FLOW
from wabox.core.changed import changed
from wabox.core.conversation import Record
from wabox.core.handoff import Handoff
from wabox.core.learning import NO_MORE
from wabox.core.measures import Measures
from wabox.core.tally import HOUR, Tally
from wabox.errors import Unavailable
from wabox.services.tallies import Tallies

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.records import heard
from wabox.cluster.records.database import Database
from wabox.cluster.records.tallies import PostgresTallies
from wabox.cluster.store import ClusterStore

INBOUND = Tally("messages_total", ("whatsapp", "text"))


def line(text: str, at: int = NOW, **more: object) -> Record:
    understood = ["fallback", None, 0.1, "en"]
    body = {"channel": "whatsapp", "type": "text", "text": text, "understood": understood, "states": ["menu"], **more}
    return Record(at=at, kind="in", ref=f"wamid.{text}", body=body)


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    async with clustered.beside_commands(tmp_path, monkeypatch) as store:
        yield store


async def test_every_line_is_counted_once_by_whoever_brought_it(cluster: ClusterStore) -> None:
    """Two conversations; another process adds what it counted to the same hour; ``wabox stats`` shows the sum."""
    tallies = Tallies(cluster.tallies, Measures(), lambda: NOW)
    await cluster.commit(unit("m1", snapshot=None, records=[line("one"), line("two")]))
    await cluster.commit(unit("m2", name="bob", snapshot=None, records=[line("three", NOW + HOUR)]))
    await cluster.settled()
    for _ in range(2):
        await tallies.fold()
    assert (await cluster.tallies.sum(NOW, NOW + HOUR))[NOW // HOUR][INBOUND] == 2
    assert {sample.name: sample.value for sample in tallies.samples()}["messages_total"] == 3
    other = PostgresTallies(cluster.database)
    other.saw([line("four")])
    counts, upto, more = await other.count()
    other.saw([line("five")])
    await other.add(counts, upto)
    assert (more, (await other.count())[0][NOW // HOUR][INBOUND]) == (False, 1)
    assert (await cluster.tallies.sum(NOW, NOW + 2 * HOUR)) == await other.sum(NOW, NOW + 2 * HOUR)
    found = json.loads(await run("stats", "--since", "9000d", "--json"))
    assert (found["inbound"], found["fallbacks"]) == (4, {"unknown": 4})
    await cluster.tallies.prune(NOW + 401 * 24 * HOUR)
    assert await cluster.tallies.sum(0, NOW + 2 * HOUR) == {}


async def test_what_could_not_be_added_is_added_later(cluster: ClusterStore) -> None:
    away = PostgresTallies(Database("postgresql://wabox@127.0.0.1:1/wabox"))
    away.saw([line("one")])
    tallies = Tallies(away, Measures(), lambda: NOW)
    with pytest.raises(Unavailable):
        await tallies.fold()
    away.saw([line("two")])
    away._database = cluster.database
    await tallies.fold()
    assert (await cluster.tallies.sum(NOW, NOW + HOUR))[NOW // HOUR][INBOUND] == 2


async def test_many_processes_add_to_the_same_hour_at_once(cluster: ClusterStore) -> None:
    """They do not wait for each other in a circle."""
    names = [Tally("intents_total", (f"intent{number}",)) for number in range(40)]

    async def add(turn: int) -> None:
        some = names if turn % 2 else names[::-1]
        await PostgresTallies(cluster.database).add({NOW // HOUR: dict.fromkeys(some, 1.0)})

    await asyncio.gather(*(add(turn) for turn in range(40)))
    assert set((await cluster.tallies.sum(NOW, NOW + HOUR))[NOW // HOUR].values()) == {40.0}


async def test_what_was_not_understood_is_there_to_learn_from(
    cluster: ClusterStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest, in the order of time, with who said it and what became of it; ``wabox learn`` makes groups of it."""
    over = Handoff(
        id="c1", conversation_id=conversation(), status="waiting", opened_at=NOW + 2, at=NOW + 2, reason=NO_MORE
    )
    said = [line("a purple parrot", NOW + 1), line("parrots are purple", NOW + 2)]
    await cluster.commit(changed(unit("m1", snapshot=None, records=said), handoffs=(over,), case=over))
    await cluster.commit(
        unit("m2", name="bob", snapshot=None, records=[line("old", NOW - HOUR), line("a purple parrot", NOW + 3)])
    )
    await cluster.settled()
    monkeypatch.setattr(heard, "PAGE", 2)
    async with cluster.database.transaction() as connection:
        found = await heard.newest(connection, NOW, 10)
        newest = await heard.newest(connection, NOW, 1)
    assert sorted((one.at - NOW, one.text, one.handed_off) for one in found) == [
        (1, "a purple parrot", False),
        (2, "parrots are purple", True),
        (3, "a purple parrot", False),
    ]
    assert len(newest) == 1
    assert {one.contact.name for one in found if one.at == NOW + 1} == {"Ana"}
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW)
    lesson = json.loads(await run("learn", "shop", "--days", "36500", "--json"))
    assert (lesson["messages"], lesson["missed"]) == (4, 4)
    assert sum(group["times"] for group in lesson["groups"]) == 4
