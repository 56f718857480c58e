"""``kill -9`` in the middle of publishing, again and again: then the old version is live or the new one, whole, never half.

Odd rounds kill the command that publishes without a server, even rounds the server that is being told. The moment is drawn by
lot over the whole time that publishing takes.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.process import ROOT, WABOX, Process, wabox_env
from wabox.flowfile.published import Shelf, identity, read_files

ROUNDS = 16
FLOW = """
initial: a
timeouts: {hard: 20h}
on: {human: people}
states:
  a: {ask: "NUMBER", on: {message.text: end}}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: a}}
  end: {type: final, say: "Bye."}
"""
ENV = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


class Owner:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "flows" / "bot"
        self.folder.mkdir(parents=True)
        self.data = root / "data"

    def write(self, number: int) -> str:
        (self.folder / "flow.yaml").write_text(FLOW.replace("NUMBER", f"Version {number}?"), encoding="utf-8")
        # Files enough that copying them takes a while.
        for name in range(40):
            (self.folder / f"list{name}.txt").write_text(f"{number} " * 1000, encoding="utf-8")
        return identity(read_files(self.folder))

    def publish(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "wabox", "publish", "--no-test"],
            cwd=self.root,
            env=ENV,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    async def live(self) -> str:
        """The id of the live version, as a command says it that opens the data folder."""
        listed = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "wabox", "flows", "versions", "--json"],
            cwd=self.root,
            env=ENV,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        found = [json.loads(line) for line in listed.stdout.splitlines()]
        (live,) = [one["version"]["id"] for one in found if one["status"] == "live"]
        return str(live)


async def test_kill_9_leaves_the_old_version_or_the_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After each of 16 kills the live version is one of the two, its copy is whole, and a server starts on it."""
    chance = random.Random(20261122)
    owner = Owner(tmp_path)
    before = owner.write(0)
    began = asyncio.get_running_loop().time()
    assert await asyncio.to_thread(owner.publish().wait) == 0
    takes = asyncio.get_running_loop().time() - began
    env = wabox_env(owner.data, "http://127.0.0.1:9/v26.0")
    new = 0
    for number in range(1, ROUNDS + 1):
        wanted = owner.write(number)
        # Most of the time goes into starting Python; the publishing itself is the rest.
        moment = chance.uniform(0.5, 1.2) * takes
        if number % 2:
            publishing = owner.publish()
            await asyncio.sleep(moment)
            if publishing.poll() is None:
                os.killpg(publishing.pid, signal.SIGKILL)
            await asyncio.to_thread(publishing.wait)
        else:
            with Process((*WABOX, "serve"), folder=owner.root, env=env, core=None) as server:
                await server.ready()
                publishing = owner.publish()
                await asyncio.sleep(moment)
                server.kill()
                if publishing.poll() is None:
                    os.killpg(publishing.pid, signal.SIGKILL)
                await asyncio.to_thread(publishing.wait)
        live = await owner.live()
        assert live in (before, wanted)
        Shelf(owner.data, "bot").check(live)
        new += live == wanted
        before = live
    with Process((*WABOX, "serve"), folder=owner.root, env=env, core=None) as server:
        await server.ready()
        assert server.stop() == 0
    with capsys.disabled():
        print(f"\n{ROUNDS} kills while publishing: {new} times the new version was live, {ROUNDS - new} times the old")
