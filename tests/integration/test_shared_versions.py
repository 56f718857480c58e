"""Two processes that share versions, without the engines of a cluster: what each keeps, fetches, and lets go."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from wabox.bots import following_of
from wabox.core.invocation import Invocation, Outcome
from wabox.core.version import Version
from wabox.errors import StorageError, Unavailable
from wabox.flowfile.published import read_files
from wabox.services import following
from wabox.services.draining import REST
from wabox.services.following import ASIDE, Acquainted, Following
from wabox.settings import Settings
from wabox.sqlite.store import SqliteStore, open_store

FLOW = """
initial: a
timeouts: {hard: 20h}
on: {human: people}
states:
  a: {ask: "NUMBER?", on: {message.text: end}}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: a}}
  end: {type: final, say: "Bye."}
"""


class Shelves:
    """The port Bundles, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], bytes] = {}
        self.fetched = 0
        self.away = False

    async def keep(self, bot: str, id_: str, model: str, bundle: bytes, at: int) -> None:
        self.kept[bot, id_, model] = bundle

    async def fetch(self, bot: str, id_: str, model: str) -> bytes | None:
        if self.away:
            raise Unavailable("PostgreSQL does not answer")
        self.fetched += 1
        return self.kept.get((bot, id_, model))

    async def tidy(self, bot: str, before: int) -> int:
        return 0


class World:
    def __init__(self, root: Path, store: SqliteStore, clock: VirtualClock) -> None:
        self.root, self.store, self.clock = root, store, clock
        self.bundles = Shelves()
        self.folder = root / "flows" / "bot"
        self.folder.mkdir(parents=True)
        self.leads = False

    def write(self, number: int) -> None:
        (self.folder / "flow.yaml").write_text(FLOW.replace("NUMBER", str(number)), encoding="utf-8")

    async def process(self, name: str) -> Following:
        settings = Settings(root=self.root, data=self.root / name)
        made = following_of(
            settings,
            "bot",
            self.store,
            self.bundles,
            self.clock,
            warm=lambda bot, now: None,
            leads=lambda: self.leads,
        )
        await made.begin(self.folder, lambda line: None)
        return made

    async def publish(self, by: Following, number: int) -> Version:
        self.write(number)
        await by.publishing.publish(by.publishing.shelf.keep(read_files(self.folder)), "keep")
        version = by.versions.live.version
        assert version is not None
        return version


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = VirtualClock(NOW)
    store = await open_store(tmp_path / "store", clock)
    made = World(tmp_path, store, clock)
    made.write(1)
    yield made
    await store.close()


async def test_a_copy_that_was_changed_by_hand_is_fetched_again(world: World) -> None:
    """Its name says what it has to be; so it is when it is gone."""
    one = await world.process("one")
    version = one.versions.live.version
    assert version is not None
    world.write(9)  # what the machine has itself is another one
    await world.process("other")
    copy = world.root / "other" / "published" / "bot" / version.id
    (copy / "flow.yaml").chmod(0o644)
    (copy / "flow.yaml").write_text("initial: nowhere")
    again = await world.process("other")
    assert again.versions.live.version == version
    assert read_files(copy) == read_files(one.publishing.shelf.check(version.id))
    shutil.rmtree(copy)
    await world.process("other")
    assert world.bundles.fetched == 3


async def test_something_else_under_its_name_is_refused(world: World) -> None:
    """The bundle of another version does not become this one; the process does not start on it."""
    one = await world.process("one")
    (first,) = world.bundles.kept
    await world.publish(one, 2)
    (second,) = set(world.bundles.kept) - {first}
    world.bundles.kept[second] = world.bundles.kept[first]
    world.write(9)
    with pytest.raises(StorageError, match="is something else"):
        await world.process("other")


async def test_a_call_waits_for_the_version_that_asked(world: World) -> None:
    """Its tasks are those of that version; while it cannot be fetched nothing is called. A chart that nobody has is no wait."""
    one, other = await world.process("one"), await world.process("other")
    version = await world.publish(one, 2)
    called: list[bool] = []
    slept: list[float] = []

    class Outside:
        async def call(self, invocation: Invocation) -> Outcome:
            called.append(other.versions.knows((str(invocation.request["chart"]),)))
            return Outcome()

        async def aclose(self) -> None: ...

    async def sleep(seconds: float) -> None:
        assert called == []
        slept.append(seconds)
        world.bundles.away = False

    caller = Acquainted(Outside(), other.versions, sleep=sleep)
    world.bundles.away = True
    asked = Invocation(
        id="i",
        conversation_id="c",
        chart="bot",
        name="task",
        armed=1,
        request={"action": "task", "input": None, "chart": version.charts[0]},
        timeout=1000,
        retries=0,
        created_at=NOW,
    )
    await caller.call(asked)
    assert (called, len(slept)) == ([True], 1)
    await caller.call(replace(asked, request={**asked.request, "chart": "bot@000000000000"}))
    assert (called, len(slept)) == ([True, False], 1)


async def test_what_nobody_came_with_is_let_go_and_comes_back(world: World) -> None:
    """A follower keeps an older version in memory for as long as it is used, and its copy for as long as there is a row."""
    one, other = await world.process("one"), await world.process("other")
    first = one.versions.live.version
    assert first is not None
    await world.publish(one, 2)
    await other.look()
    assert [served.version.id for served in other.versions.older if served.version] == [first.id]
    world.clock.now += REST + ASIDE
    other.versions.used.add(first.id)
    await other.tend()
    assert len(other.versions.older) == 1
    world.clock.now += ASIDE
    await other.tend()
    assert other.versions.older == ()
    await other.meet(first.charts)
    assert other.versions.knows(first.charts)
    assert (world.root / "other" / "published" / "bot" / first.id).is_dir()


async def test_a_process_that_is_behind_does_not_judge_what_is_needed(world: World) -> None:
    """The leader does not serve the live version yet: it forgets nothing."""
    one, other = await world.process("one"), await world.process("other")
    world.leads = True
    for number in range(2, 9):
        await world.publish(one, number)
    world.clock.now += REST + ASIDE
    await other.tend()
    assert len(await world.store.versions("bot")) == 8
    await other.look()
    world.clock.now += ASIDE
    await other.tend()
    assert len(await world.store.versions("bot")) == 6


async def test_a_process_looks_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody told it; what was wrong with one look is not wrong with the next."""
    monkeypatch.setattr(following, "LOOK", 0.005)
    one, other = await world.process("one"), await world.process("other")
    version = await world.publish(one, 2)
    world.bundles.away = True
    other.run()
    while other.wanted is None or other.wanted.id != version.id:  # noqa: ASYNC110 - it looks, and nobody is told
        await asyncio.sleep(0.001)
    world.bundles.away = False
    async with asyncio.timeout(20):
        while other.versions.live.version != version:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
    await other.stop()
    assert other.wrong is None
