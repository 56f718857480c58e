"""What breaks: each is a function that runs beside the producer. Seeded: the same victims at the same times."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
from pathlib import Path

from tests.cluster.judged import Break, Field

FILLER = 30 * 1024 * 1024
"""Bytes that fill the kernel's buffers between a primary and its frozen replica: without them the replica reads the missing
second out of its own socket, and nothing is ever lost."""


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
        router = there.store.shards.router
        node = dice.choice(sorted(router.nodes))
        (role,) = await router.ask(node, ("ROLE",))
        replica = (folder, int(role[2][0][1]))
        pid, other = _pid(folder, node[1]), _pid(*replica)
        if lag:
            os.kill(other, signal.SIGSTOP)
            slot = next(slot for slot, owner in enumerate(router._owners) if owner == node)
            (tag,) = [
                tag for p, tag in enumerate(there.store.shards._tags) if p == slot * there.place.partitions // 16384
            ]
            await router.ask(node, ("SET", f"{there.place.name}:{{{tag}}}filler", b"x" * FILLER))
            await asyncio.sleep(1.0)
        os.kill(pid, signal.SIGKILL)
        if lag:
            os.kill(other, signal.SIGCONT)
        await asyncio.sleep(8.0)
        await _up(restart)

    return broken


def shard(folder: Path, restart: list[str], down: float) -> Break:
    """A primary and its replica are gone: their partitions wait, and nobody else."""

    async def broken(there: Field, dice: random.Random) -> None:
        await asyncio.sleep(4.0)
        router = there.store.shards.router
        node = dice.choice(sorted(router.nodes))
        (role,) = await router.ask(node, ("ROLE",))
        shards = there.store.shards
        there.kept["dead"] = [
            c
            for c in map(str, range(10_000))
            if router._owners[shards.partition(there.message(int(c), 0).conversation_id) * 16384 // shards.partitions]
            == node
        ]
        for port in (int(role[2][0][1]), node[1]):
            os.kill(_pid(folder, port), signal.SIGKILL)
        await asyncio.sleep(down)
        await _up(restart)

    return broken


def _pid(folder: Path, port: int) -> int:
    for home in folder.glob("redis-*"):
        if f":{port}" in (home / "log").read_text() or f"port={port}" in (home / "log").read_text():
            return int((home / "pid").read_text())
    raise FileNotFoundError(f"no server of {folder} listens on {port}")


async def _up(command: list[str]) -> None:
    await asyncio.to_thread(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
