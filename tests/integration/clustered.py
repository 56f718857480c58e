"""The cluster as an adapter of the storage contract, on real servers (``packaging/cluster/up``).

The contract is written for one process that sees what it wrote. Here records and statuses arrive a moment later: what reads
them waits until they have.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import secrets
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from tests.fakes import VirtualClock
from wabox.cli.main import app
from wabox.cluster.making import make
from wabox.cluster.router import Unreachable
from wabox.cluster.store import ClusterStore, Place, open_cluster
from wabox.core.message import Arrival

FOLDER = os.environ.get("WABOX_TEST_CLUSTER")
"""Where ``packaging/cluster/up`` keeps its servers; not set: there are none."""
PARTITIONS = 4
NAME = f"test{secrets.token_hex(4)}"
"""Of this process: several may share the servers."""
PREPARED: list[bool] = []


def place(name: str, partitions: int = PARTITIONS, **more: Any) -> Place:
    """A part of the test servers that nobody else uses."""
    assert FOLDER is not None
    said = tomllib.loads((Path(FOLDER) / "cluster.toml").read_text())["cluster"]
    return Place(
        redis=tuple(said["redis"]),
        rabbitmq=tuple(said["rabbitmq"]),
        postgres=said["postgres"],
        name=name,
        partitions=partitions,
        deadline=10.0,  # a machine that runs three tests at once is slow
        **more,
    )


async def prepare(store: ClusterStore) -> None:
    channel = await store.broker.channel()
    await store.topology.declare(channel)
    await channel.close()
    await store.database.prepare()


async def clear(store: ClusterStore) -> None:
    """Leave nothing of a test but the queues and the tables: making those takes a second."""
    channel = await store.broker.channel()
    lanes = [store.topology.lane(partition) for partition in range(store.topology.partitions)]
    for queue in (*lanes, store.topology.status, store.topology.dead):
        await channel.queue_purge(queue)
    await channel.close()
    async with store.database.transaction() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", store.place.name)
        await connection.execute(f"TRUNCATE {', '.join(table['tablename'] for table in tables)}")
    for node in store.shards.router.nodes:
        (keys,) = await store.shards.router.ask(node, ("KEYS", f"{store.place.name}:*"))
        if keys:
            await store.shards.router.ask(node, *(("DEL", key) for key in keys))


@asynccontextmanager
async def beside_commands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    """A cluster that the command line finds in ``folder``, which becomes the working folder."""
    adapter = ClusterAdapter(folder)
    store = (await adapter.open()).store
    await make(store.database, store.broker, store.place.name, PARTITIONS)
    said = tomllib.loads((Path(str(FOLDER)) / "cluster.toml").read_text())["cluster"]
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**said, "name": store.place.name}.items())
    (folder / "wabox.toml").write_text(f"[cluster]\n{lines}", encoding="utf-8")
    monkeypatch.chdir(folder)
    try:
        yield store
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
        await adapter.aclose()


async def command(*words: str) -> str:
    """What it says; it has an event loop of its own."""
    found = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert found.exit_code == 0, (found.output, found.exception)
    return found.output


READS = frozenset(
    {"pending", "transcript", "stats", "deliveries", "handoffs", "conversations", "unsent", "due", "tell"}
)
READS_TOO = frozenset({"drop", "send_again", "scan", "settle"})


class Settled:
    """A store of which everything can be read at once."""

    def __init__(self, store: ClusterStore) -> None:
        self.store = store
        self._events = 0

    async def put(self, arrival: Arrival) -> None:
        if arrival.statuses:
            await self._quiet()
        await self.store.put(arrival)
        self._events += bool(arrival.statuses or arrival.others or arrival.dead)

    async def _quiet(self) -> None:
        await self.store.settled()
        while self.store.events.taken < self._events:  # noqa: ASYNC110 - it is another connection's
            await asyncio.sleep(0.002)
        await self.store.settled()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if name not in READS | READS_TOO:
            return found

        async def read(*arguments: Any, **more: Any) -> Any:
            if not self.store._closed:
                await self._quiet()
            return await found(*arguments, **more)

        return read


class ClusterAdapter:
    accepts_alone = True

    def __init__(self, folder: Path) -> None:
        self._name = NAME
        self._workers = itertools.count(1)
        self._opened: list[ClusterStore] = []
        self.clock = VirtualClock()

    async def open(self, *, backlog: int = 2000) -> Settled:
        store = await open_cluster(place(self._name), self.clock, f"w{next(self._workers)}", sleep=self.clock.sleep)
        if not PREPARED:
            await prepare(store)
            PREPARED.append(True)
        await store.begin()
        self._opened.append(store)
        return Settled(store)

    async def crash(self) -> Settled:
        await self._opened[-1].close()
        return await self.open()

    async def fail(self) -> None:
        # What this store meets when its shards are gone; that shards really go is tested in tests/cluster.
        async def refused(*_: Any, **__: Any) -> Any:
            raise Unreachable("the shard is gone")

        self._opened[-1].shards.router.run = refused  # type: ignore[method-assign]

    async def mend(self) -> None:
        del self._opened[-1].shards.router.run
        for partition in range(PARTITIONS):
            await self._opened[-1].shards.gates.wait(partition)

    async def aclose(self) -> None:
        for store in self._opened:
            await store.close()
        last = await open_cluster(place(self._name), self.clock, "last")
        await clear(last)
        await last.close()
