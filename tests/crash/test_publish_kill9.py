"""``kill -9`` in the middle of publishing, again and again: then the old version is live or the new one, whole, never half.

The command dies that publishes without a server, or the server that is being told: at chosen points, or at a moment drawn by
lot over the time that publishing takes.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
from pathlib import Path

import pytest

from tests.bench.process import Process, wabox_env
from tests.crash.entry import Fate
from tests.crash.nursery import starter
from tests.crash.points import PUBLISHING
from wabox.flowfile.published import Shelf, identity, read_files

OF_THE_SERVER = ("the copy is there, and no version", "a version is in the transaction")
ROUNDS = [
    *((False, point) for point in (*PUBLISHING, None, None)),
    *((True, point) for point in (*OF_THE_SERVER, None, *OF_THE_SERVER, None)),
]
"""Whether the server dies, else the command without one; and where, else at a moment drawn by lot."""
FLOW = """
initial: a
timeouts: {hard: 20h}
on: {human: people}
states:
  a: {ask: "NUMBER", on: {message.text: end}}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: a}}
  end: {type: final, say: "Bye."}
"""
ENV: dict[str, str] = {}


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

    def publish(self, fate: Fate | None = None) -> Process:
        command = ("publish", "--no-test")
        return Process(command, folder=self.root, env=ENV, core=None, start=starter(fate))

    async def live(self) -> str:
        """The id of the live version, as a command says it that opens the data folder."""
        command = ("flows", "versions", "--json")
        with Process(command, folder=self.root, env=ENV, core=None, start=starter()) as listing:
            assert await asyncio.to_thread(listing.wait) == 0, listing.output
            found = [json.loads(line) for line in listing.output.splitlines()]
        (live,) = [one["version"]["id"] for one in found if one["status"] == "live"]
        return str(live)


async def test_kill_9_leaves_the_old_version_or_the_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After each of 12 kills the live version is one of the two, its copy is whole, and a server starts on it."""
    chance = random.Random(20261122)
    owner = Owner(tmp_path)
    before = owner.write(0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await asyncio.to_thread(owner.publish().wait) == 0
    takes = loop.time() - began
    env, serve = wabox_env(owner.data, "http://127.0.0.1:9/v26.0"), ("serve",)
    new = 0
    for number, (of_server, point) in enumerate(ROUNDS, 1):
        wanted = owner.write(number)
        fate = Fate(point=point) if point else None
        # It is faster now than it was the first time.
        moment = 30.0 if point else chance.uniform(0.2, 1.0) * takes
        if of_server:
            with Process(serve, folder=owner.root, env=env, core=None, start=starter(fate)) as server:
                await server.ready()
                with owner.publish() as publishing:
                    ended = await asyncio.to_thread(server.wait, moment)
                    assert not point or ended == -signal.SIGKILL, publishing.output
        else:
            with owner.publish(fate) as publishing:
                ended = await asyncio.to_thread(publishing.wait, moment)
                assert not point or ended == -signal.SIGKILL, publishing.output
        live = await owner.live()
        assert live in (before, wanted)
        Shelf(owner.data, "bot").check(live)
        new += live == wanted
        before = live
    with Process(serve, folder=owner.root, env=env, core=None, start=starter()) as server:
        await server.ready()
        assert server.stop() == 0
    with capsys.disabled():
        print(f"\n{len(ROUNDS)} kills while publishing: the new version was live {new} times, else the old")
