"""``wabox backup`` and ``wabox restore`` of a cluster: copied while it goes on, proven, and brought into an empty one."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.storage import arrival, conversation, message, outbound, unit
from wabox.core.conversation import Record, Timer
from wabox.engine.snapshot import Snapshot, encode
from wabox.errors import StorageError

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cli.main import app
from wabox.cluster.making import make
from wabox.cluster.store import ClusterStore, open_cluster
from wabox.moving import copy
from wabox.sqlite.store import open_store

PEOPLE = 12


def said(number: int, turn: int) -> Record:
    return Record(at=NOW + turn, kind="in", ref=f"m{number}-{turn}", body={"type": "text", "text": f"turn {turn}"})


async def turn(store: ClusterStore, number: int, count: int, **more: Any) -> None:
    """A conversation of whose state one can see how far it is."""
    snapshot = encode(Snapshot(v=1, chart="shop@1", leaves=("ask",), context={"turns": count}, seq=count))
    name = f"c{number}"
    done = unit(
        f"m{number}-{count}", name=name, expected=count - 1, snapshot=snapshot, records=[said(number, count)], **more
    )
    assert await store.commit(done) == "committed"


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    async with clustered.beside_commands(tmp_path, monkeypatch) as store:
        for number in range(PEOPLE):
            await turn(store, number, 1)
        yield store


async def run(*words: str, code: int = 0) -> str:
    """What it says; it has an event loop of its own."""
    found = await asyncio.to_thread(CliRunner().invoke, app, words)
    if code == 0:
        assert found.exit_code == 0, (found.output, found.exception)
        return found.output
    assert isinstance(found.exception, StorageError)
    return str(found.exception)


async def test_each_conversation_is_of_one_moment(
    cluster: ClusterStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Customers write while it is copied: where they stand and what they said belong together. One who never stops is in it
    all the same. What waits in the lanes is neither lost nor copied."""
    await cluster.put(arrival(message("late", "c3")))
    settle, far = cluster.settle_records, {5: 1, 7: 1}

    async def while_it_copies(partition: int) -> None:
        for number in far:
            if (
                far[number] < (3, 1000)[number == 7]
                and cluster.shards.partition(conversation(f"c{number}")) == partition
            ):
                far[number] += 1
                await turn(cluster, number, far[number])
        await settle(partition)

    monkeypatch.setattr(cluster, "settle_records", while_it_copies)
    assert await copy(cluster, tmp_path / "copy", VirtualClock(), lambda done, of: None) == PEOPLE
    there = await open_store(tmp_path / "copy", VirtualClock())
    calm = await there.open(conversation("c5"))
    lines = await there.transcript(conversation("c5"))
    assert (calm.sequence, len(lines)) == (3, 3)
    restless = await there.open(conversation("c7"))
    assert restless.sequence == far[7] - 1
    assert len(await there.transcript(conversation("c7"))) >= restless.sequence
    assert (await there.stats()).inbox == 0
    await there.close()
    assert await cluster.waiting() == 1
    assert (await cluster.open(conversation("c5"))).sequence == 3


async def test_backup_and_restore(cluster: ClusterStore, tmp_path: Path) -> None:
    """The archive is one as of one machine. It is never restored over conversations; into an empty cluster all of it comes,
    but what waited to leave: that may have left since."""
    await turn(cluster, 2, 2, sends=[outbound("x", 0, "c2")], arm=[Timer(name="soft", due_at=NOW + 50, armed=2)])
    made = json.loads(await run("backup", "--json"))
    assert (made["conversations"], made["warnings"]) == (PEOPLE, [])
    assert made["counts"]["transcript"] == PEOPLE + 1
    (listed,) = [json.loads(line) for line in (await run("backup", "list", "--json")).splitlines()]
    assert listed["file"] == made["file"]
    assert "is whole" in await run("backup", "verify", made["file"])
    assert not list((tmp_path / "data" / ".copy-of-cluster").glob(".wabox-making-*"))
    assert "has conversations" in await run("restore", made["file"], code=1)

    await clustered.clear(cluster)
    await make(cluster.database, cluster.broker, cluster.place.name, clustered.PARTITIONS)
    told = json.loads(await run("restore", made["file"], "--json"))
    assert (told["conversations"], told["under_way"], told["equal"]) == (PEOPLE, PEOPLE, True)
    assert told["held"] == {"outbox": 1, "inbox": 0, "broadcasts": 0}
    after = await open_cluster(cluster.place, VirtualClock(), "after")  # the other one remembers
    assert (await after.open(conversation("c2"))).sequence == 2
    assert [line.ref for line in await after.transcript(conversation("c2"))][:2] == ["m2-1", "m2-2"]
    assert await after.pending(conversation("c2"), 10) == []
    await after.close()
    ana = await run("restore", made["file"], "--to", str(tmp_path / "look"))
    assert str(tmp_path / "look") in ana


async def test_replay(cluster: ClusterStore, tmp_path: Path) -> None:
    """What customers wrote to the cluster is played to two folders."""
    flow = (
        "initial: a\ntimeouts: {soft: 30m, hard: 23h}\non: {human: people}\nstates:\n  a: {ask: What?, on: {message.text: b}}\n"
        "  b: {ask: And?, on: {message.text: a}}\n  people: {handoff: true, on: {handoff.closed: a}}\n"
    )
    for name, text in (("shop", flow), ("new", flow.replace("And?", "Then?"))):
        bot = (tmp_path / "flows" if name == "shop" else tmp_path) / name
        bot.mkdir(parents=True)
        (bot / "flow.yaml").write_text(text, encoding="utf-8")
    await turn(cluster, 4, 2)
    asked = ["replay", "shop", "--flows", "new", "--since", "3000d", "--allow", "100%", "--json"]
    found = json.loads(await run(*asked))
    assert found["conversations"] + found["left_out"] >= PEOPLE


async def test_doctor(cluster: ClusterStore, tmp_path: Path) -> None:
    """Looks at the engines and what waits in them, not at a database that nobody has; a lane without a worker is said."""
    bot = tmp_path / "flows" / "shop"
    bot.mkdir(parents=True)
    (bot / "flow.yaml").write_text(
        "initial: a\ntimeouts: {soft: 30m, hard: 23h}\nstates:\n  a: {ask: What?, on: {message.text: b}}\n"
        "  b: {type: final}\n",
        encoding="utf-8",
    )
    await cluster.put(arrival(message("w", "c3")))
    await cluster.settled()
    found = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--offline", "--json"])
    assert found.exit_code == 1  # no account is set
    findings = json.loads(found.output)["findings"]
    said = {one["check"]: one for one in findings}
    assert {"PostgreSQL", "RabbitMQ", "Redis", "workers", "lanes", "outbox", "published", "flows"} <= said.keys()
    assert not {"database", "SQLite", "data folder", "free quota"} & said.keys()
    assert said["PostgreSQL"]["level"] == "ok"
    assert said["conversations"]["what"] == str(PEOPLE)
    assert (said["workers"]["level"], said["lanes"]["what"]) == ("warn", "1 messages wait to be handled")
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--offline"])
    assert "The cluster" in shown.output


async def test_doctor_without_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with them is a finding, in words."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wabox.toml").write_text(
        '[cluster]\nredis = ["redis://127.0.0.1:1"]\nrabbitmq = ["amqp://127.0.0.1:1/"]\n'
        'postgres = "postgresql://127.0.0.1:1/x"\n'
    )
    found = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--offline", "--json"])
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()
    levels = {one["check"]: one["level"] for one in json.loads(found.output)["findings"]}
    assert [levels[one] for one in ("PostgreSQL", "RabbitMQ", "Redis", "messages")] == ["fail"] * 4
    assert "Errno" not in found.output
