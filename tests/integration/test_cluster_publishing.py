"""Publishing on a cluster: one process publishes, all of them serve it, and no conversation is lost between two versions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration import clustered
from wabox.app import wall_clock
from wabox.core.contact import Contact
from wabox.core.message import Arrival, InboundMessage
from wabox.core.version import Choice, Forecast
from wabox.engine.snapshot import Snapshot, decode
from wabox.errors import FlowError, Unavailable
from wabox.flowfile.bot import load_bot
from wabox.flowfile.published import Shelf, read_files
from wabox.services import following
from wabox.services.training import train_bot
from wabox.settings import Settings, load

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cli.main import app as command
from wabox.cluster.making import make
from wabox.clusterapp import ClusterApp, Role, build_cluster

HOUR = 3_600_000
FLOW = """
initial: hello
timeouts: {hard: 23h}
on: {human: people}
states:
  hello: {entry: mark, ask: "Welcome of one, {by}.", on: {message.text: confirm}}
  confirm: {entry: mark, ask: "Shall I of one, {by}?", on: {message.text: more}}
  more: {entry: mark, ask: "More of one, {by}?", on: {message.text: confirm}}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: hello}}
context: {by: nobody}
"""
TWO = FLOW.replace("of one", "of two")
REVIEW = FLOW.replace("confirm", "review").replace("of one", "of three")
"""Whoever is in ``confirm`` would be stranded."""
ACTIONS = """
from wabox.actions import action


@action
def mark(given):
    return {"by": "NAME"}
"""


class Machine:
    """One process, its folder and its disk."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.root = world.root / name
        self.folder = self.root / "flows" / "bot"
        self.folder.mkdir(parents=True)
        (self.root / "wabox.toml").write_text(world.toml, encoding="utf-8")
        self.name = name
        self.messenger = FakeMessenger()
        self.said: list[str] = []
        self.app: ClusterApp

    @property
    def settings(self) -> Settings:
        return replace(load(self.root, {}), data=self.root / "data")

    def write(self, flow: str, by: str = "one") -> None:
        (self.folder / "flow.yaml").write_text(flow, encoding="utf-8")
        (self.folder / "actions.py").write_text(ACTIONS.replace("NAME", by), encoding="utf-8")

    async def build(self, role: Role = "worker") -> ClusterApp:
        self.app = await build_cluster(
            self.settings,
            self.folder,
            role,
            clustered.PARTITIONS,
            clock=self.world.clock,
            messenger=self.messenger,
            worker=f"{self.name}{len(self.world.apps)}",
            say=self.said.append,
        )
        self.world.apps.append(self.app)
        return self.app

    async def publish(self, flow: str, by: str, choice: Choice | None = None) -> Forecast:
        """As the command does: nothing of the running processes is asked."""
        self.write(flow, by)
        if self.app.role != "web":
            await self.app.store.settled()
        id_ = self.app.publishing.shelf.keep(read_files(self.folder))
        return await self.app.publishing.publish(id_, choice)

    @property
    def number(self) -> int | None:
        version = self.app.versions.live.version
        return None if version is None else version.number

    async def hear(self, text: str, who: str = "ana") -> str:
        """This process handles a message, as the owner of its lane; what the customer reads."""
        before = len(self.messenger.taken)
        await self.app._messages.handle(self.world.message(text, who))
        async with asyncio.timeout(8):
            while len(self.messenger.taken) == before:  # noqa: ASYNC110 - it takes another connection's time
                await asyncio.sleep(0.002)
        return read(self.messenger.taken[-1].body)

    async def snapshot(self, who: str = "ana") -> Snapshot:
        session = await self.app.store.open(f"200:MX.{who}")
        assert session.snapshot is not None
        return decode(session.snapshot)


def read(body: Any) -> str:
    text: str = body["text"]["body"]
    return text


class World:
    def __init__(self, root: Path, toml: str) -> None:
        self.root, self.toml = root, toml
        self.clock: Any = VirtualClock(NOW)
        self.apps: list[ClusterApp] = []
        self.count = 0

    def message(self, text: str, who: str) -> InboundMessage:
        self.count += 1
        return InboundMessage(
            message_id=f"wamid.{self.count}",
            number_id="200",
            conversation_id=f"200:MX.{who}",
            timestamp=self.clock(),
            type="text",
            text=text,
            contact=Contact(user_id=f"MX.{who}", wa_id="5215550002222"),
        )

    def machine(self, name: str, flow: str = FLOW) -> Machine:
        made = Machine(self, name)
        made.write(flow)
        return made


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    adapter = clustered.ClusterAdapter(tmp_path)
    store = (await adapter.open()).store
    here = store.place
    lines = {"redis": here.redis, "rabbitmq": here.rabbitmq, "postgres": here.postgres, "name": here.name}
    made = World(tmp_path, "[cluster]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items()))
    yield made
    for app in made.apps:
        await app.stop()
    await adapter.aclose()


@pytest.fixture
async def two(world: World) -> tuple[Machine, Machine]:
    """Two workers on version 1; ana is in ``confirm``, by the first of them."""
    one, other = world.machine("one"), world.machine("other")
    await one.build()
    await other.build()
    assert await one.hear("hi") == "Welcome of one, one."
    assert await one.hear("go on") == "Shall I of one, one?"
    return one, other


async def test_of_two_that_start_at_once_one_publishes(world: World) -> None:
    """The other serves what it published, though its own folder is another one."""
    one, other = world.machine("one"), world.machine("other", TWO)
    await asyncio.gather(one.build(), other.build())
    rows = await one.app.store.versions("bot")
    assert [row.number for row in rows] == [1]
    assert {one.app.versions.live.version, other.app.versions.live.version} == set(rows)
    assert sorted("published" in " ".join(machine.said) for machine in (one, other)) == [False, True]
    (loser,) = [machine for machine in (one, other) if "has changed since" in " ".join(machine.said)]
    assert await loser.hear("hi") == await (one if loser is other else other).hear("hi", "bea")


async def test_a_worker_that_is_behind_fetches_the_version_before_the_turn(two: tuple[Machine, Machine]) -> None:
    """A conversation that another worker moved to the new version goes on there, whole, and to no person."""
    one, other = two
    done = await one.publish(TWO, "two")
    assert (done.move, done.stranded, one.number, other.number) == (1, 0, 2, 1)
    assert await one.hear("and now?") == "More of two, two?"
    assert other.number == 1
    assert await other.hear("again?") == "Shall I of two, two?"
    assert other.number == 2
    assert not await other.app.store.handoffs()


async def test_a_conversation_that_changes_hands_under_a_turn_is_fetched_for_too(two: tuple[Machine, Machine]) -> None:
    """What the worker remembers of it is old: it finds out when it commits, and again looks for the version."""
    one, other = two
    assert await other.hear("still there?") == "More of one, one?"
    await one.publish(TWO, "two")
    assert await one.hear("and now?") == "Shall I of two, two?"
    assert await other.hear("again?") == "More of two, two?"


async def test_while_the_version_cannot_be_fetched_the_conversation_waits(
    two: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL is away just then: the lane is told to try again, and nothing has happened to the conversation."""
    one, other = two
    await one.publish(TWO, "two")
    await one.hear("and now?")
    before = await one.snapshot()

    async def away(*_: object) -> bytes:
        raise Unavailable("PostgreSQL does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(other.app.store.bundles, "fetch", away)
        with pytest.raises(Unavailable):
            await other.app._messages.handle(one.world.message("again?", "ana"))
    assert await one.snapshot() == before
    assert not other.messenger.taken
    assert await other.hear("again?") == "Shall I of two, two?"


async def test_an_older_version_comes_when_somebody_on_it_does(two: tuple[Machine, Machine]) -> None:
    """A process that starts loads the live version alone; whoever was kept on an older one goes on there."""
    one, _ = two
    await one.publish(REVIEW, "three", "keep")
    fresh = one.world.machine("fresh")
    await fresh.build()
    assert (fresh.number, fresh.app.versions.older) == (2, ())
    assert await fresh.hear("hello", "bea") == "Welcome of three, three."
    assert await fresh.hear("go on") == "More of one, one?"
    assert [served.version.number for served in fresh.app.versions.older if served.version] == [1]


async def test_what_cannot_be_loaded_here_is_not_taken_and_others_go_on(
    two: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so in /readyz and the metrics; customers of the old version are answered, those of the new one wait."""
    one, other = two
    await one.publish(TWO, "two")
    load_ = other.app.publishing._load

    def broken(*_: object) -> Any:
        raise FlowError("actions.py: there is no module that this machine lacks")

    with monkeypatch.context() as patch:
        patch.setattr(other.app.publishing, "_load", broken)
        assert not await other.app.following.look()
        assert other.number == 1
        assert await other.hear("hi", "bea") == "Welcome of one, one."
        assert "lacks" in (await other.app.probe())["version"]["wrong"]
        assert 1 in [one.value for one in await other.app.figures.samples() if one.name == "cluster_version_missing"]
        await one.hear("and now?")
        with pytest.raises(Unavailable, match="lacks"):
            await other.app._messages.handle(one.world.message("again?", "ana"))
        patch.setattr(other.app.publishing, "_load", load_)
        assert not await other.app.following.look()
        one.world.clock.now += following.AGAIN
    assert await other.app.following.look()
    assert (other.number, other.app.following.wrong) == (2, None)


async def test_a_process_starts_while_postgresql_is_away(two: tuple[Machine, Machine]) -> None:
    """On what its disk has; a web process without any takes webhooks all the same, a worker does not begin."""
    one, other = two
    await one.publish(TWO, "two")
    await other.app.following.look()
    nobody = other.root.joinpath("wabox.toml")
    nobody.write_text(
        "".join(
            'postgres = "postgresql://wabox@127.0.0.1:9/wabox"\n' if line.startswith("postgres") else f"{line}\n"
            for line in one.world.toml.splitlines()
        )
    )
    await other.build()
    assert other.number == 2
    assert await other.hear("hi", "bea") == "Welcome of two, two."
    fresh = one.world.machine("fresh")
    (fresh.root / "wabox.toml").write_text(nobody.read_text())
    with pytest.raises(Unavailable):
        await fresh.build()
    await fresh.build("web")
    assert fresh.number is None


async def test_the_model_is_part_of_the_version(world: World) -> None:
    """It comes from who publishes; what lies on another machine counts nothing. Trained anew it is published anew."""
    one, other = world.machine("one"), world.machine("other")
    flow = FLOW.replace("message.text: confirm", "track: confirm", 1)
    examples = "where is my parcel, track my parcel, did the parcel leave, the parcel is late"
    money = "pay me back, return my money, the money please, give it back"
    one.write(flow)
    intents = f"track: {{en: {{examples: [{examples}]}}}}\nrefund: {{en: {{examples: [{money}]}}}}\n"
    (one.folder / "intents.yaml").write_text(intents)
    train_bot(load_bot(one.folder), one.root / "models" / "bot", trained_at="", force=True)
    elsewhere = other.root / "models" / "bot"
    elsewhere.mkdir(parents=True)
    (elsewhere / "card.json").write_text("of another bot")
    await one.build()
    await other.build()
    live = one.app.versions.live
    assert live.version is not None
    assert live.version.model
    await one.hear("hi")
    await other.hear("hi", "bea")
    assert await one.hear("my parcel is where") == "Shall I of one, one?"
    assert await other.hear("my parcel is where", "bea") == "Shall I of one, one?"
    same = await one.publish(flow, "one")
    assert (same.changed, same.published) == (False, False)
    card = one.root / "models" / "bot" / "card.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "trained_at": "2026-11-24"}))
    again = await one.publish(flow, "one")
    assert (again.retrained, again.published, again.number) == (True, True, 1)
    assert await other.app.following.look()
    assert other.app.versions.live.version == one.app.versions.live.version != live.version
    assert await other.hear("my parcel is where", "eva") == "Shall I of one, one?"


async def test_one_process_lets_conversations_go_and_bundles_go_with_their_versions(
    two: tuple[Machine, Machine],
) -> None:
    """Past ``max_pin`` the leader gives those who stayed an occasion to leave; a version that nobody needs goes everywhere."""
    one, other = two
    await one.publish(REVIEW, "three", "keep")
    await other.app.following.look()
    one.app._leader.leads.set()
    one.world.clock.now += 80 * HOUR
    heard: list[InboundMessage] = []
    for machine in two:
        machine.app.store.put = lambda arrival: _put(heard, arrival)  # type: ignore[method-assign]
    await other.app.following.tend()
    assert heard == []
    await one.app.following.tend()
    # Looked for twice at the same moment; the id is the same, so the lane knows the second.
    assert {message.message_id.partition(":")[0] for message in heard} == {"pin"}
    assert len({message.message_id for message in heard}) == 1
    await one.app._messages.handle(heard[0])
    await one.app.store.settled()
    for number in range(7):
        await one.publish(REVIEW.replace("of three", f"of {number}"), "more", "keep")
    one.world.clock.now += 2 * HOUR
    await one.app.publishing.prune()
    kept = {row.id for row in await one.app.store.versions("bot")}
    assert len(kept) == 6
    async with one.app.store.database.transaction() as connection:
        assert {row["id"] for row in await connection.fetch("SELECT id FROM bundles")} == kept
    await other.app.following.look()
    assert {served.version.id for served in other.app.versions.older if served.version} <= kept


async def _put(heard: list[InboundMessage], arrival: Arrival) -> None:
    heard.extend(arrival.messages)


async def test_publishing_under_traffic(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of 120 messages is answered once, by one whole version; nobody meets an error, and all workers change over."""
    monkeypatch.setattr(following, "LOOK", 3600)  # so it is the note that they hear
    world.clock = wall_clock  # sending is paced, and by a clock that stands it would soon stand, too
    one, other = world.machine("one"), world.machine("other")
    await asyncio.gather(one.build(), other.build())
    for machine in (one, other):
        await machine.app.start()
        await machine.app.store.lanes.ready.wait()
    publisher = world.machine("publisher")
    await publisher.build("web")
    people = [f"c{number}" for number in range(12)]

    async def put(arrival: Arrival) -> None:
        with contextlib.suppress(Unavailable):  # Meta brings it again
            await publisher.app.accept(arrival)
            return
        await put(arrival)

    def replies() -> list[str]:
        return [read(sent.body) for machine in (one, other) for sent in machine.messenger.taken]

    async def until(count: int) -> None:
        async with asyncio.timeout(20):
            while len(replies()) < count:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)

    publishing: asyncio.Task[Forecast] | None = None
    for turn in range(10):
        await put(Arrival(messages=tuple(world.message(f"word {turn}", person) for person in people)))
        if turn == 3:
            publishing = asyncio.create_task(publisher.publish(TWO, "two"))
        await until((turn + 1) * len(people) if turn > 7 else turn * len(people))
    assert publishing is not None
    assert (await publishing).published
    await until(120)
    async with asyncio.timeout(20):
        while (one.number, other.number) != (2, 2):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    before = set(replies())
    for machine in (one, other):
        assert machine.messenger.taken
        machine.messenger.taken.clear()
    await put(Arrival(messages=tuple(world.message("and then?", person) for person in people)))
    await until(12)
    assert len(replies()) == 12
    assert {line.rpartition(" ")[2] for line in replies()} == {"two?"}
    whole = {
        f"{what} of {by}, {by}{sign}"
        for by in ("one", "two")
        for what, sign in (("Welcome", "."), ("Shall I", "?"), ("More", "?"))
    }
    assert before <= whole
    assert {line[-4:-1] for line in before} >= {"one"}
    assert not await one.app.store.handoffs()


KILLED = """
import os, signal, sys
from wabox.cluster.records.queries import PostgresRecords
async def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)
PostgresRecords.make_live = killed
from wabox.cli.main import main
main()
"""


async def test_killed_between_the_bundle_and_the_version_the_old_one_is_live(world: World) -> None:
    """The bundle that nobody names is there, for the next try or to be swept; the command then publishes it."""
    one = world.machine("one")
    await one.build()
    one.write(TWO, "two")
    wanted = Shelf(one.root / "elsewhere", "bot").keep(read_files(one.folder))
    await make(one.app.store.database, one.app.store.broker, one.app.store.place.name, clustered.PARTITIONS)
    dies = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, "publish", "--no-test", cwd=one.root, stdout=subprocess.DEVNULL
    )
    assert await dies.wait() == -signal.SIGKILL
    (live,) = [row for row in await one.app.store.versions("bot") if row.live_until is None]
    assert (live.number, await one.hear("hi")) == (1, "Welcome of one, one.")
    async with one.app.store.database.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM bundles WHERE id = $1", wanted) == 1
    await one.publish(TWO, "two")
    assert await one.hear("go on") == "Shall I of two, two?"


async def test_the_commands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish, versions and diff work from any folder that names the cluster, and the workers hear of it."""
    one = world.machine("one")
    await one.build()
    await one.hear("hi")
    await one.hear("go on")
    await one.app.store.settled()
    await make(one.app.store.database, one.app.store.broker, one.app.store.place.name, clustered.PARTITIONS)
    there = world.machine("laptop", REVIEW)
    monkeypatch.chdir(there.root)

    async def run(*words: str, code: int = 0) -> str:
        found = await asyncio.to_thread(CliRunner().invoke, command, words)
        assert found.exit_code == code, (found.output, found.exception)
        return found.output

    try:
        assert "1 conversation would be stranded" in await run("publish", "--dry-run")
        refused = json.loads(await run("publish", "--json", code=1))
        assert "removed: confirm" in refused["refused"]
        assert "is gone" in await run("flows", "diff") or "confirm" in await run("flows", "diff")
        assert "version 2" in await run("publish", "--keep")
        listed = [json.loads(line) for line in (await run("flows", "versions", "--json")).splitlines()]
        assert [(row["version"]["number"], row["status"], row["conversations"]) for row in listed] == [
            (2, "live", 0),
            (1, "draining", 1),
        ]
        assert await one.app.following.look()
        assert one.number == 2
        assert "version 1" in await run("publish", "--rollback", "1", "--keep")
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()


async def test_a_bundle_is_whole_or_not_there(world: World) -> None:
    """Large ones go in parts; what is damaged is refused with what to do."""
    one = world.machine("one")
    (one.folder / "large.bin").write_bytes(os.urandom(5 << 20))
    await one.build()
    version = one.app.versions.live.version
    assert version is not None
    bundles = one.app.store.bundles
    found = await bundles.fetch("bot", version.id, version.model)
    assert found is not None
    assert len(found) > 5 << 20
    other = world.machine("other")
    await other.build()
    assert (Shelf(other.root / "data", "bot").check(version.id) / "large.bin").stat().st_size == 5 << 20
    async with one.app.store.database.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM bundle_parts") == 2
        await connection.execute("UPDATE bundle_parts SET body = 'x' WHERE part = 1")
    with pytest.raises(Exception, match="damaged in PostgreSQL"):
        await bundles.fetch("bot", version.id, version.model)
    assert await bundles.fetch("bot", version.id, "0123456789ab") is None
