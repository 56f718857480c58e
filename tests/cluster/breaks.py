"""What breaks: each is a function that runs beside the producer. Seeded: the same victims at the same times."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.judged import Break, Field, now
from tests.cluster.network import INSIDE, cut, heal, namespace
from wabox.cluster.partition import slot_of
from wabox.errors import Unavailable

FILLER = 30 * 1024 * 1024
"""Bytes that fill the kernel's buffers between a primary and its frozen replica: without them the replica reads the missing
second out of its own socket, and nothing is ever lost."""


async def nothing(there: Field, dice: random.Random) -> None:
    """What the others are compared with."""


def workers(times: int, pause: float) -> Break:
    """kill -9 of a worker, and a new one."""

    async def broken(there: Field, dice: random.Random) -> None:
        for _ in range(times):
            await asyncio.sleep(pause)
            await there.kill(dice.choice(sorted(there.workers)))
            await there.spawn()

    return broken


def zombie(seconds: float) -> Break:
    """A worker that stands still, loses its lanes or not, and goes on where it was."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(1.0)
        name = dice.choice(sorted(there.workers))
        there.freeze(name)
        await asyncio.sleep(seconds)
        there.thaw(name)

    return broken


def broker(folder: Path, restart: list[str], down: float) -> Break:
    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(3.0)
        pid = int((folder / "rabbit/var/lib/rabbitmq/mnesia/wabox@localhost.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(down)
        await _up(restart)

    return broken


def node(folder: Path, restart: list[str], down: float) -> Break:
    """kill -9 of one node of RabbitMQ out of three: the first, with which every process speaks."""

    async def broken(there: Field, dice: random.Random) -> None:
        assert len(there.place.rabbitmq) == 3, "start three: WABOX_TEST_BROKERS=3 packaging/cluster/up"
        await broker(folder, restart, down)(there, dice)

    return broken


def mute(folder: Path, seconds: float) -> Break:
    """The first node of RabbitMQ stands still and keeps its connections: only heartbeats tell."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(3.0)
        pid = int((folder / "rabbit/var/lib/rabbitmq/mnesia/wabox@localhost.pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    return broken


def network(seconds: float) -> Break:
    """A worker is cut off from all engines, and comes back to them: another has its lanes meanwhile."""

    async def broken(there: Field, dice: random.Random) -> None:
        async with namespace(there.place):
            name = await there.spawn(INSIDE)
            await asyncio.sleep(6.0)  # it has its share
            there.fallen.add(name)
            cut()
            await asyncio.sleep(seconds)
            heal()
            await asyncio.sleep(12.0)  # it may do what it was about to
            await there.kill(name)

    return broken


def postgres(folder: Path, restart: list[str], down: float) -> Break:
    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(3.0)
        os.kill(int((folder / "postgres/postmaster.pid").read_text().splitlines()[0]), signal.SIGINT)
        await asyncio.sleep(down)
        await _up(restart)

    return broken


def primary(folder: Path, restart: list[str], *, lag: bool) -> Break:
    """kill -9 of a primary; ``lag``: its replica stood still for the last second."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(4.0)
        node, replica = await _shard(there, dice)
        if lag:
            os.kill(_pid(folder, replica), signal.SIGSTOP)
            shards = there.store.shards
            partition = next(p for p in range(shards.partitions) if _owner(there, p) == node)
            await shards.run(partition, ("SET", shards.key(partition, "filler"), b"x" * FILLER, "PX", 60_000))
            await asyncio.sleep(1.0)
        os.kill(_pid(folder, node[1]), signal.SIGKILL)
        if lag:
            os.kill(_pid(folder, replica), signal.SIGCONT)
        await asyncio.sleep(8.0)
        await _up(restart)

    return broken


def shard(folder: Path, restart: list[str], down: float) -> Break:
    """A primary and its replica are gone: their partitions wait, and nobody else."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(4.0)
        node, replica = await _shard(there, dice)
        ids = [there.message(c, 0).conversation_id for c in range(10_000)]
        there.dead = {id_ for id_ in ids if _owner(there, there.store.shards.partition(id_)) == node}
        for port in (replica, node[1]):
            os.kill(_pid(folder, port), signal.SIGKILL)
        await asyncio.sleep(down)
        await _up(restart)

    return broken


def replica(folder: Path, restart: list[str], down: float) -> Break:
    """A replica is gone: its primary goes on alone, after an alarm."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(4.0)
        _, port = await _shard(there, dice)
        os.kill(_pid(folder, port), signal.SIGKILL)
        await asyncio.sleep(down)
        await _up(restart)

    return broken


def lagging(folder: Path, seconds: float) -> Break:
    """A replica stands still and keeps its connection: its primary cannot know, and whoever waits for it waits in vain."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(4.0)
        node, port = await _shard(there, dice)
        ids = [there.message(c, 0).conversation_id for c in range(10_000)]
        there.dead = {id_ for id_ in ids if _owner(there, there.store.shards.partition(id_)) == node}
        os.kill(_pid(folder, port), signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(_pid(folder, port), signal.SIGCONT)

    return broken


def frozen(folder: Path, seconds: float) -> Break:
    """A primary that says nothing for longer than the others wait for it, and then speaks again as if it still were one: what a
    network that is cut and healed looks like to everybody else."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(4.0)
        node, _ = await _shard(there, dice)
        os.kill(_pid(folder, node[1]), signal.SIGSTOP)
        await asyncio.sleep(seconds)
        os.kill(_pid(folder, node[1]), signal.SIGCONT)

    return broken


def everything(folder: Path, restart: list[str]) -> Break:
    """One after the other, each when the one before is over: four minutes."""
    many = (
        workers(5, 2.0),
        zombie(14.0),
        node(folder, restart, 15.0),
        primary(folder, restart, lag=True),
        frozen(folder, 10.0),
        shard(folder, restart, 6.0),
        replica(folder, restart, 8.0),
        postgres(folder, restart, 60.0),
        network(20.0),
        mute(folder, 20.0),
        workers(5, 2.0),
    )

    async def broken(there: Field, dice: random.Random) -> None:
        for one in many:
            await one(there, dice)
            await asyncio.sleep(3.0)

    return broken


def join(after: float, within: float) -> Break:
    """Another worker comes; its share is looked at ``within`` seconds later."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(after)
        await there.spawn()
        there.joined = now() + round(within * 1000)

    return broken


async def _shard(there: Field, dice: random.Random) -> tuple[tuple[str, int], int]:
    """A primary, and the port of its replica."""
    router = there.store.shards.router
    lot = dice.random()
    while True:
        with contextlib.suppress(Unavailable):  # a connection to what was restarted says so once
            await router.refresh()
            nodes = sorted(router.nodes)
            node = nodes[int(lot * len(nodes))]
            (role,) = await router.ask(node, ("ROLE",))
            if role[0] == b"master" and role[2]:
                return node, int(role[2][0][1])
        await asyncio.sleep(0.2)  # it was restarted a moment ago, and is not in step yet


def _owner(there: Field, partition: int) -> tuple[str, int] | None:
    return there.store.shards.router._owners[slot_of(partition, there.place.partitions)]


def _pid(folder: Path, port: int) -> int:
    """``up`` numbers the servers of Redis by their ports."""
    first = urlsplit(tomllib.loads((folder / "cluster.toml").read_text())["cluster"]["redis"][0]).port
    assert first is not None
    return int((folder / f"redis-{port - first}" / "pid").read_text())


async def _up(command: list[str]) -> None:
    await asyncio.to_thread(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
