"""``wabox conversations`` and ``wabox outbox`` of a cluster, from any machine that knows where it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.clustered import command as run
from tests.integration.storage import Handler, arrival, conversation, message, outbound, unit
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry, fold
from wabox.core.conversation import Record

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.store import ClusterStore


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    """A conversation that said hello, and an answer that has not left."""
    async with clustered.beside_commands(tmp_path, monkeypatch) as store:
        line = Record(at=NOW, kind="in", ref="m1", body={"type": "text", "text": "hello there"})
        await store.commit(unit("m1", snapshot=None, records=[line], sends=[outbound("m1")]))
        await store.settled()
        yield store


async def test_where_conversations_stand(cluster: ClusterStore) -> None:
    """List, show by telephone number, export with the transcript."""
    listed = [json.loads(line) for line in (await run("conversations", "list", "--over", "--json")).splitlines()]
    assert [one["id"] for one in listed] == [conversation()]
    exported = json.loads(await run("conversations", "export", "5215550002222"))
    assert [line["body"]["text"] for line in exported["transcript"]] == ["hello there"]


async def test_what_is_done_by_hand_goes_through_the_lane(cluster: ClusterStore) -> None:
    """As on one machine: nobody edits a row."""
    assert "will be ended" in await run("conversations", "reset", "Ana")
    handler = Handler(cluster)  # type: ignore[arg-type]
    cluster.lanes.run(handler)
    await cluster.put(arrival(message("m2")))
    assert [id_.partition(":")[0] for id_ in await handler.until(2)] == ["api", "m2"]


async def test_the_outbox_of_a_cluster(cluster: ClusterStore) -> None:
    """What waits is listed and shown, and can be taken out."""
    (waits,) = [json.loads(line) for line in (await run("outbox", "list", "--json")).splitlines()]
    assert "m1 0" in await run("outbox", "show", waits["id"])
    await run("outbox", "retry", waits["id"])
    await run("outbox", "drop", waits["id"])
    assert "nothing waits" in await run("outbox", "list")


async def test_customers_are_looked_at(cluster: ClusterStore, tmp_path: Path) -> None:
    """List, show with the ledger, and everything as a folder."""
    stop = ConsentEntry(at=NOW, what="stop", channel="message", words="STOP", ref="m2")
    said = changed(unit("m2", expected=1), consents=(stop,), consent=fold([stop]))
    assert await cluster.commit(said) == "committed"
    await cluster.settled()
    assert "STOPPED" in await run("contacts", "list", "--stopped")
    shown = json.loads(await run("contacts", "show", "+52 1 555 000 2222", "--json"))
    assert (shown["handle"], [line["words"] for line in shown["ledger"]]) == ("MX.ana", ["STOP"])
    await run("contacts", "export", "MX.ana", "--out", str(tmp_path / "ana"))
    page = (tmp_path / "ana" / "index.html").read_text(encoding="utf-8")
    assert "hello there" in page
    assert "STOP" in page
