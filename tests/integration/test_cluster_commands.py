"""``wabox conversations`` and ``wabox outbox`` of a cluster, from any machine that knows where it is."""

from __future__ import annotations

import asyncio
import json
import logging
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.storage import Handler, arrival, conversation, message, outbound, unit
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry, fold
from wabox.core.conversation import Record

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cli.main import app
from wabox.cluster.making import make
from wabox.cluster.store import ClusterStore


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    """A conversation that said hello, and an answer that has not left."""
    adapter = clustered.ClusterAdapter(tmp_path)
    store = (await adapter.open()).store
    await make(store.database, store.broker, store.place.name, clustered.PARTITIONS)
    said = tomllib.loads((Path(str(clustered.FOLDER)) / "cluster.toml").read_text())["cluster"]
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**said, "name": store.place.name}.items())
    (tmp_path / "wabox.toml").write_text(f"[cluster]\n{lines}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    line = Record(at=NOW, kind="in", ref="m1", body={"type": "text", "text": "hello there"})
    await store.commit(unit("m1", snapshot=None, records=[line], sends=[outbound("m1")]))
    await store.settled()
    yield store
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
    await adapter.aclose()


async def run(*words: str) -> str:
    """What it says; it has an event loop of its own."""
    found = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert found.exit_code == 0, (found.output, found.exception)
    return found.output


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
    """List, show with the ledger, and everything as a folder; what would change them says that it cannot."""
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
    found = await asyncio.to_thread(CliRunner().invoke, app, ["contacts", "forget", "MX.ana", "--yes"])
    assert "wabox contacts forget does not work" in str(found.exception)
