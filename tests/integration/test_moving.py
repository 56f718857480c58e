"""A database of one machine moves to a cluster and back: what goes on is the same on both sides, and it may be done again."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.storage import Handler, arrival, attempt, conversation, message, outbound, unit
from wabox.core.alert import Alert, Told
from wabox.core.changed import changed
from wabox.core.consent import Consent, ConsentEntry
from wabox.core.conversation import Archive, Record, Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation
from wabox.core.version import Version
from wabox.errors import StorageError
from wabox.flowfile.published import Shelf
from wabox.services.accounts import Accounts, NewAgent
from wabox.services.passwords import Passwords
from wabox.services.secondfactor import SecondFactor

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.leases import HELD
from wabox.cluster.store import ClusterStore
from wabox.moving import to_cluster, to_sqlite
from wabox.sqlite.store import SqliteStore, open_store

PASSWORD = "four words in a row"
HOME = "198.51.100.1"


CASE = Handoff(id="h1", conversation_id=conversation("c3"), status="waiting", at=NOW, opened_at=NOW, reason="asked")
BEFORE = changed(
    CASE,
    id="h0",
    status="closed",
    claimed_at=NOW,
    agent="marta",
    closed_at=NOW,
    outcome="done",
    rating=4,
    brief="angry",
)
CARD = outbound("card", 0, "c8")
ALERTS = tuple(
    Alert(id=id_, conversation_id=CASE.conversation_id, case=case, to=to, what="opened", created_at=NOW, due_at=NOW)
    for id_, case, to in (
        ("a3", "h0", "console"),
        ("a1", "h1", "mailto:x@example.com"),
        ("a2", "h1", "whatsapp:+34600"),
    )
)


async def same_desk(here: SqliteStore | ClusterStore, there: SqliteStore | ClusterStore) -> None:
    """Cases and their alerts, told or not, and whose card it was: alike on both sides."""
    assert await here.desk.of_conversation(CASE.conversation_id, 9) == [CASE, BEFORE]
    assert await there.desk.of_conversation(CASE.conversation_id, 9) == [CASE, BEFORE]
    for case, count in (("h0", 1), ("h1", 2)):
        alerts = await here.alerts.of_case(case)
        assert await there.alerts.of_case(case) == alerts
        assert len(alerts) == count
    for side in (here, there):
        assert [one.id for one in await side.alerts.by_card("wamid.card")] == ["a2"]
        assert [one.id for one, _ in await side.alerts.due(NOW + 2000, 9, console=True)] == ["a1"]
        assert await side.desk.deliveries([CARD.id]) == {CARD.id: ("sent", None)}


def quietly(done: int, of: int) -> None:
    """Nobody looks."""


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = clustered.ClusterAdapter(tmp_path)
    settled = await adapter.open()
    yield settled.store
    await adapter.aclose()


async def live(folder: Path) -> None:
    """Conversations in every state that there is."""
    clock = VirtualClock()
    store = await open_store(folder, clock)
    for number in range(20):
        name = f"c{number}"
        await store.put(arrival(message(f"m{number}", name, text="hello ñ 😀")))
        line = Record(at=NOW, kind="in", ref=f"m{number}", body={"text": "hello"})
        await store.commit(unit(f"m{number}", name=name, snapshot=b'{"v":%d}' % number, records=[line]))
    timers = [Timer(name="soft", due_at=NOW + 5, armed=2), Timer(name="hard", due_at=NOW + 50, armed=2)]
    sends = [outbound("x1", 0, "c1"), outbound("x1", 1, "c1", otherwise={"type": "template"}, closes_at=NOW + 9)]
    await store.commit(unit(name="c1", expected=1, arm=timers, sends=sends))
    await store.settle([attempt("x1", DeliveryStatus.SENDING), attempt("x1", DeliveryStatus.UNKNOWN, reason="timeout")])
    call = Invocation(
        id="call",
        conversation_id=conversation("c2"),
        chart="shop",
        name="stock",
        armed=2,
        request={"action": "x"},
        timeout=1000,
        retries=1,
        created_at=NOW,
    )
    await store.commit(changed(unit(name="c2", expected=1), invoke=(call,)))
    await store.began("call")
    await store.commit(changed(unit(name="c3", expected=1, handoffs=[BEFORE, CASE], case=CASE), alerts=ALERTS))
    await store.commit(unit(name="c8", expected=1, sends=[CARD]))
    await store.alerts.settle(["a2"], Told(status="sent", ref=CARD.id), NOW + 1, NOW + 3000)
    await store.settle([attempt("card", DeliveryStatus.SENT, wamid="wamid.card", conversation_id=conversation("c8"))])
    await store.alerts.settle(["a1"], Told(status="waiting", reason="451 later"), NOW + 2, NOW + 2000)
    await store.alerts.settle(["a3"], Told(status="accepted"), NOW + 3, NOW + 3)
    over = Archive(at=NOW, reason="done", snapshot=b"{}")
    await store.commit(changed(unit(name="c4", expected=1, snapshot=None), archive=over))
    said = ConsentEntry(at=NOW, what="stop", channel="message", words="STOP")
    holds = Consent(stopped=True, since=NOW, words="STOP", channel="message")
    await store.commit(changed(unit(name="c5", expected=1), consents=(said,), consent=holds))
    await store.put(arrival(message("w1", "c6"), message("w2", "c6")))
    await store.close()


async def test_a_folder_that_cannot_be_brought_is_said_to_be_none(tmp_path: Path, cluster: ClusterStore) -> None:
    """Nothing in it, or what an older wabox left: nothing is made in it, and no cluster is half full."""
    with pytest.raises(StorageError, match="no wabox.db, so there is nothing to bring"):
        await to_cluster(tmp_path / "none", cluster, quietly, models=tmp_path, clock=VirtualClock())
    assert not (tmp_path / "none").exists()
    await (await open_store(tmp_path / "old", VirtualClock())).close()
    with closing(sqlite3.connect(tmp_path / "old" / "wabox.db")) as connection:
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(StorageError, match="has the schema 3, this wabox .*run wabox migrate, without --to, first"):
        await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path, clock=VirtualClock())


async def test_the_command_says_what_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that nobody looks after any more: who is forgotten later is still in it."""
    async with clustered.beside_commands(tmp_path, monkeypatch):
        await live(tmp_path / "data")
        said = await clustered.command("migrate", "--to", "cluster")
        back = await clustered.command("migrate", "--to", "cluster", "--json")
    assert said.startswith("conversations: 20, 20 of them brought over just now.\n")
    assert "\n2 messages that nobody had handled wait in their lanes.\n" in said
    assert said.endswith("once the workers answer:\nwhoever is forgotten from now on is not erased there.\n")
    assert json.loads(back)["equal"]


async def test_nothing_is_brought_back_while_a_worker_runs(tmp_path: Path, cluster: ClusterStore) -> None:
    """It would go on with conversations that have left; one that was killed a moment ago is waited for."""
    keys = {partition: cluster.shards.key(partition, "own") for partition in range(cluster.shards.partitions)}
    await cluster.shards.each({partition: ("SET", key, "anas-4711") for partition, key in keys.items()})
    with pytest.raises(StorageError, match="workers still run \\(anas-4711\\)"):
        await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)
    await cluster.shards.each({partition: ("PEXPIRE", key, HELD - 500) for partition, key in keys.items()})
    assert (await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)).equal


async def test_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """Nothing is lost, nothing is there twice, a redelivery is known, and what waited is handled, in order."""
    await live(tmp_path / "old")
    first = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=VirtualClock())
    assert (first.conversations, first.brought, first.waiting) == (20, 20, 2)
    assert first.equal
    (doubtful, behind) = await cluster.pending(conversation("c1"), 10)
    assert (doubtful.status, behind.status) == (DeliveryStatus.UNKNOWN, DeliveryStatus.QUEUED)
    assert (await cluster.open(conversation("c3"))).case is not None
    assert (await cluster.open(conversation("c5"))).consent.stopped
    assert (await cluster.desk.session(conversation("c5"))).consent.stopped
    store = await open_store(tmp_path / "old", VirtualClock())
    await same_desk(store, cluster)
    await store.close()
    with pytest.raises(StorageError, match="2 messages wait"):
        await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)

    handler = Handler(cluster)  # type: ignore[arg-type]
    cluster.lanes.run(handler)
    await cluster.put(arrival(message("m6", "c6"), message("w3", "c6")))  # the first one is a redelivery
    assert await handler.until(3) == ["w1", "w2", "w3"]
    again = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=VirtualClock())
    assert (again.brought, again.waiting) == (0, 2)  # the two are known there
    assert not again.equal  # it has gone on there
    await cluster.put(arrival(message("w4", "c6")))
    assert await handler.until(4) == ["w1", "w2", "w3", "w4"]
    await cluster.lanes.drain(5)

    back = await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)
    assert (back.conversations, back.brought) == (20, 20)
    assert back.equal
    store = await open_store(tmp_path / "new", VirtualClock())
    assert (await store.open(conversation("c6"))).snapshot == b'{"v":6} w1 w2 w3 w4'
    assert (await store.open(conversation("c5"))).consent.stopped
    assert [line.ref for line in await store.transcript(conversation("c7"))] == ["m7"]
    await same_desk(store, cluster)
    assert await store.began("call") == 2
    await store.put(arrival(message("m7", "c7")))
    assert (await store.stats()).inbox == 0
    assert await store.sweep(NOW + 5, 10) == 1
    await store.close()


async def test_accounts_and_their_log_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """What opened an account opens it on the other side; whoever was closed there stays closed when the old folder is brought
    again, and after the way back; a code that was spent is spent. Nobody is signed in on the other side."""
    clock = VirtualClock()

    def accounts(store: SqliteStore | ClusterStore) -> Accounts:
        drawn = itertools.count(clock.now)

        def draw(length: int) -> str:
            return f"{next(drawn):032}"

        register = store.accounts
        return Accounts(register, clock, draw, SecondFactor(register.second, clock, draw), Passwords(cheap=True))

    old = await open_store(tmp_path / "old", clock)
    people = accounts(old)
    for id_ in ("ana", "ben", "cy"):
        await people.add(NewAgent(id=id_, name=id_.title(), queues=["sales"], skills=["es"], password=PASSWORD))
    await people.add(NewAgent(id="crm", roles=("viewer",), language="es-MX"))
    token = await people.token("crm", "nightly")
    paper = (await people.totp("ana")).recovery
    cookie = await people.sign_in("ana", PASSWORD, HOME, paper[0])
    assert cookie is not None
    for _ in range(2):
        assert await people.sign_in("ana", PASSWORD, HOME, paper[0]) is None  # two lines of the log that are alike
    lines, log = await people.lines(), await people.acts(100)
    await old.close()

    first = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=VirtualClock())
    assert [(part.name, part.count, part.brought) for part in first.parts] == [
        ("accounts", 4, 4),
        ("lines of the audit log", 9, 9),
    ]
    assert first.equal
    there = accounts(cluster)
    assert [line.agent for line in await there.lines()] == [line.agent for line in lines]
    assert (await there.acts(100))[1:] == log
    assert (await there.acts(1))[0].what == "audit log moved"
    assert await there.by_token(token) is not None
    assert await there.by_cookie(cookie) is None
    assert await there.sign_in("ana", PASSWORD, HOME, paper[0]) is None
    assert await there.sign_in("ana", PASSWORD, HOME, paper[1]) is not None
    assert await there.sign_in("ben", PASSWORD, HOME) is not None

    clock.now += 1000
    await there.disable("ben", True)
    await there.revoke("crm", "nightly")
    again = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=VirtualClock())
    assert [part.brought for part in again.parts] == [0, 0]
    assert not again.equal  # what was changed there stays so
    assert await there.sign_in("ben", PASSWORD, HOME) is None
    assert await there.sign_in("ana", PASSWORD, HOME, paper[1]) is None

    back = await to_sqlite(cluster, tmp_path / "old", clock, quietly)
    assert back.equal
    assert (back.parts[0].count, back.parts[0].brought) == (4, 3)
    new = await open_store(tmp_path / "old", clock)
    people = accounts(new)
    assert await people.sign_in("ben", PASSWORD, HOME) is None
    assert await people.by_token(token) is None
    assert await people.sign_in("ana", PASSWORD, HOME, paper[1]) is None
    assert await people.sign_in("ana", PASSWORD, HOME, paper[2]) is not None
    assert await people.sign_in("cy", PASSWORD, HOME) is not None
    assert [act.what for act in await people.acts(100, "shell")].count("agent disable") == 1
    await new.close()


async def test_published_versions_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """Whole, with their models; the live one has what was trained since, and who moves back finds all as it was there."""
    files = {"flow.yaml": b"initial: a\nstates: {a: {ask: Yes?, on: {human: b}}, b: {handoff: true, say: Wait.}}\n"}
    shelf = Shelf(tmp_path / "old", "shop")
    ids = [shelf.keep({**files, "n.txt": bytes([number])}) for number in range(3)]
    kept = shelf.folder / f"{ids[0]}.model"
    kept.mkdir()
    (kept / "card.json").write_bytes(b"{}")
    (kept / "over.json").write_bytes(b"{}")
    store = await open_store(tmp_path / "old", VirtualClock())
    for number, id_ in enumerate(ids):
        row = Version(bot="shop", id=id_, number=0, charts=("shop@0123456789ab",), live_from=NOW + number)
        assert await store.make_live(row, ids[number - 1] if number else None) is not None
    rows = await store.versions("shop")
    await store.close()
    await cluster.database.prepare()
    moved = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=VirtualClock())
    assert [(part.count, part.brought) for part in moved.parts if part.name == "published versions"] == [(3, 3)]
    assert moved.equal
    there = await cluster.versions("shop")
    assert [changed(row, model="") for row in there] == rows
    assert [bool(row.model) for row in there] == [True, False, False]
    await cluster.make_live(changed(there[0], live_from=NOW + 9), ids[2])
    again = await to_cluster(tmp_path / "old", cluster, quietly, models=tmp_path / "models", clock=VirtualClock())
    assert (again.parts[-1].brought, again.equal) == (0, True)

    await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)
    store = await open_store(tmp_path / "new", VirtualClock())
    back = await store.versions("shop")
    await store.close()
    assert back == [changed(row, model="") for row in await cluster.versions("shop")]
    assert [row.live_until for row in back] == [None, NOW + 1 + 1, NOW + 9]
    assert (tmp_path / "new" / "published" / "shop" / f"{ids[0]}.model" / "card.json").read_bytes() == b"{}"
    for id_ in ids:
        Shelf(tmp_path / "new", "shop").check(id_)
