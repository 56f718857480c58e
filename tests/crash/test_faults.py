"""Slow and full disks, a locked database, a clock that is set, SIGTERM, all under load: nothing is lost, all of it is said."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bench.loadgen import Pool
from tests.bench.process import ROOT, Process, wabox_env
from tests.crash.entry import Fate
from tests.crash.history import check
from tests.crash.world import BOT, World

HOURS = 7_200_000


async def readiness(server: Process) -> tuple[int, Any]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        answer = await client.get("/readyz", timeout=10)
    return answer.status_code, answer.json()


async def until_ready(server: Process) -> None:
    while (await readiness(server))[0] != 200:  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.1)


async def full_disk(world: World, server: Process, pool: Pool, control: Path) -> None:
    """Webhooks get 503, the health check says why, and it goes on by itself."""
    await asyncio.to_thread(control.write_text, "full")
    before = world.refused
    await world.crowd(server, pool, 0.5, rush=0)
    assert world.refused > before
    status, said = await readiness(server)
    assert status == 503
    assert "full" in said["database"]
    await asyncio.to_thread(control.unlink)
    while not await world.say(pool, 0) or world.unanswered[0] is not None:
        pass
    await until_ready(server)


async def locked(world: World, server: Process, pool: Pool, data: Path) -> None:
    """Somebody's transaction in another program: webhooks wait for it or get 503."""
    with contextlib.closing(sqlite3.connect(data / "wabox.db", isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        await world.crowd(server, pool, 0.5, rush=0)
        other.execute("ROLLBACK")


async def second(folder: Path, world: World) -> str:
    """What another server on the same folder says before it ends."""
    env = wabox_env(folder / "data", world.graph.url)
    own = folder / "second"  # its words would be lost among those of the first
    own.mkdir()
    with (
        Process((sys.executable, "-m", "wabox", "serve", "--bot", str(BOT)), folder=own, env=env, core=None) as other,
        pytest.raises(RuntimeError) as said,
    ):
        await other.ready()
    return " ".join(str(said.value).split())


async def test_faults_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One after the other on one server; then it is told to end while everybody writes, and the history is right."""
    world = World(20261122, customers=30)
    control, clock = tmp_path / "control", tmp_path / "clock"
    await world.graph.start()
    try:
        async with world.serving(tmp_path, Fate(control=str(control), clock=str(clock))) as (server, pool):
            await asyncio.to_thread(control.write_text, "slow 0.05")
            await world.crowd(server, pool, 1.0, rush=0)
            await full_disk(world, server, pool, control)
            await locked(world, server, pool, tmp_path / "data")
            for off in (HOURS, -HOURS, 0):
                await asyncio.to_thread(clock.write_text, str(off))
                await world.crowd(server, pool, 1.5, rush=0)
            assert "is in use by another wabox" in await second(tmp_path, world)
            load = asyncio.create_task(world.crowd(server, pool, 30.0, rush=0))
            await asyncio.sleep(0.5)
            began = asyncio.get_running_loop().time()
            assert await asyncio.to_thread(server.stop) == 0
            took = asyncio.get_running_loop().time() - began
            await load
            assert "clock.set" in server.output
            assert "store.unavailable" in server.output
            assert "store.recovered" in server.output
        await world.finish(tmp_path)
    finally:
        world.graph.stop()
    seen = check(world, tmp_path / "data")
    with capsys.disabled():
        print(f"\nfaults: {dict(seen)}; SIGTERM under load took {took:.1f} s")


OPEN = """
import asyncio, os, sys
from pathlib import Path
from wabox.sqlite.store import open_store
if os.geteuid() == 0:
    os.setuid(65534)
asyncio.run(open_store(Path(sys.argv[1]), lambda: 0))
"""


@pytest.mark.parametrize("mode", [0o500, 0o000], ids=["read-only", "another's"])
def test_a_folder_that_cannot_be_written(mode: int) -> None:
    """It says what, where and what to do, and does not start."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        data = Path(place) / "data"
        data.mkdir()
        data.chmod(mode)
        found = subprocess.run(
            [sys.executable, "-c", OPEN, data],
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        data.chmod(0o700)
    assert found.returncode == 1
    assert f"{data} cannot be written by this user: check its owner and permissions" in found.stderr
