"""Forget means forget (P11): from every table, from the bytes of the files, and from what a backup would bring back."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.world import BSUID, CONVERSATION, NUMBER, PHONE, World
from wabox.app import App, build
from wabox.core.consent import ConsentEntry
from wabox.core.contact import Contact
from wabox.core.message import Arrival, DeadLetter, OtherChange
from wabox.core.person import Person
from wabox.errors import StorageError
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings
from wabox.sqlite import tombstones
from wabox.sqlite.connection import DATABASE
from wabox.whatsapp.webhook import parse

DAY = 86_400_000
FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 20h}
on: {human: people}
states:
  people: {handoff: {queue: desk}, ask: "A person will answer.", on: {handoff.closed: hello}}
  hello:
    ask: "What do you want?"
    on: {message.text: {target: hello, actions: {assign: {wish: {from: event.text}}}}}
"""
SECRET = "my-secret-wish-"
"""What the person says begins with this."""


async def served(root: Path, clock: VirtualClock) -> App:
    folder = root / "flows" / "shop"
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "flow.yaml").write_text(FLOW)
    app = await build(Settings(root=root, data=root / "data"), load_bot(folder), clock=clock, messenger=FakeMessenger())
    await app.start()
    return app


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = VirtualClock()
    app = await served(tmp_path, clock)
    yield World(app, app._messenger, clock)  # type: ignore[arg-type]
    await app.stop()


def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def raw(tmp_path: Path) -> bytes:
    """Everything that lies in the data folder."""
    return b"".join(path.read_bytes() for path in sorted(data(tmp_path).rglob("*")) if path.is_file())


async def the_person(world: World, words: str = PHONE) -> Person:
    [person] = await world.app.store.register.find(words)
    return person


async def a_life(world: World, name: str = "Ana Secreta") -> None:
    """Someone who wrote a lot, to two numbers, was handed over, and stands in things that nobody could read."""
    profile = {"contacts": [{"profile": {"name": name}, "wa_id": PHONE, "user_id": BSUID}]}
    for number in (NUMBER, "201"):
        for turn in range(40):
            said = {"from": PHONE, "from_user_id": BSUID, "text": {"body": f"{SECRET}{turn} " * (1 + turn * 7 % 90)}}
            await world.post("messages", number=number, messages=[world.element(**said)], **profile)
    await world.write("human")
    await world.write("stop")
    await world.app.accept(
        Arrival(
            others=(
                OtherChange(field="history", number_id=NUMBER, raw=f'{{"from":"{PHONE}","t":"{SECRET}"}}'.encode()),
            ),
            dead=(DeadLetter(reason="odd", raw=f'{{"from_user_id": "{BSUID}", "t": "{SECRET}"}}'.encode()),),
        )
    )


async def a_neighbour(world: World, number: int) -> list[str]:
    return await world.write(f"neighbour {number}", **{"from": f"34600{number:06}", "from_user_id": f"{BSUID}{number}"})


def _in_a_broadcast(connection: sqlite3.Connection, values: tuple[int, bytes, bytes]) -> None:
    query = "INSERT INTO recipients (broadcast, line, contact, body, status) VALUES (1, ?, ?, ?, 'sent')"
    connection.execute(query, values)


async def test_nothing_of_a_person_is_left(world: World, tmp_path: Path) -> None:
    """Not a row, and not a byte: neither in the database, nor in its log, nor in any other file."""
    for number in range(30):
        await a_neighbour(world, number)
    await a_life(world)
    for number in range(30, 60):
        await a_neighbour(world, number)
    for line, who in enumerate((BSUID, f"{BSUID}7")):
        values = (line, f'{{"user_id":"{who}"}}'.encode(), SECRET.encode() if who == BSUID else b"{}")
        await world.app.store.writer.submit(partial(_in_a_broadcast, values=values))
    assert SECRET.encode() in raw(tmp_path)
    certificate = await world.app.store.register.forget(await the_person(world))
    left = raw(tmp_path)
    for trace in (SECRET, PHONE, "Ana Secreta", f'"{BSUID}"'):
        assert left.count(trace.encode()) == 0, trace
    assert certificate.left == 0
    assert certificate.rows["transcript"] > 80
    assert certificate.rows["conversations"] == 2
    assert certificate.rows["dead_letters"] == certificate.rows["other_changes"] == certificate.rows["consents"] == 1
    assert certificate.rows["recipients"] == 1
    assert len(certificate.digest) == 64
    assert await world.app.store.register.find(PHONE) == []
    assert await world.app.store.handoffs() == []
    assert len(await world.app.store.conversations()) == 60
    assert b"neighbour 29" in left


async def test_the_forgotten_may_come_back(world: World) -> None:
    """As strangers: the bot greets them, and knows of no wish."""
    await a_life(world)
    await world.app.store.register.forget(await the_person(world))
    assert await world.write("hola") == ["What do you want?"]
    person = await the_person(world)
    assert (person.conversations, person.consent.stopped) == ((CONVERSATION,), False)


async def test_a_message_in_the_queue_is_forgotten_too(world: World) -> None:
    """What waits to be handled is neither handled nor kept, and its place is used again."""
    await world.write("hola")
    await world.app.store.lanes.drain(5.0)
    said = world.element(**{"from": PHONE, "from_user_id": BSUID, "text": {"body": SECRET}})
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": [said]}
    body = json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    await world.app.accept(parse(body, world.clock.now))
    certificate = await world.app.store.register.forget(await the_person(world))
    assert certificate.rows["inbox"] >= 1
    assert (await world.app.store.stats()).inbox == 0


async def test_merged_and_moved_ids_go_too(world: World, tmp_path: Path) -> None:
    """Everything under every name of the person; but a number that is somebody else's now stays theirs."""
    await world.write("hola", from_user_id=None)
    await world.write("hola", **{"from": None})
    await world.write("hola")  # merged
    await world.write("hola", from_user_id="MX.77")  # the phone is in other hands
    person = await the_person(world, BSUID)
    assert len(person.conversations) == 2
    await world.app.store.register.forget(person)
    [other] = await world.app.store.register.find(PHONE)
    assert other.ids == ("MX.77", PHONE)
    assert await world.app.store.register.find(BSUID) == []


async def test_a_restored_backup_does_not_bring_them_back(world: World, tmp_path: Path) -> None:
    """The list of the forgotten is applied to it; who came back later stays."""
    await a_life(world)
    await a_neighbour(world, 1)
    await a_neighbour(world, 2)
    await world.app.stop()
    backup = tmp_path / "backup"
    shutil.copytree(data(tmp_path), backup)
    world.clock.now += DAY
    app = await served(tmp_path, world.clock)
    for words in (PHONE, f"{BSUID}1"):
        [person] = await app.store.register.find(words)
        await app.store.register.forget(person)
    await app.stop()
    listed = (data(tmp_path) / tombstones.FILE).read_text()
    assert PHONE not in listed
    assert BSUID not in listed
    shutil.copy(backup / DATABASE, data(tmp_path) / DATABASE)
    app = await served(tmp_path, world.clock)
    assert await app.store.register.bury() == 2
    assert [one.handle for one in await app.store.register.people()] == [f"{BSUID}2"]
    assert SECRET.encode() not in raw(tmp_path)
    back = World(app, app._messenger, world.clock)  # type: ignore[arg-type]
    world.clock.now += 1000
    await back.write("hola", id="wamid.later")
    assert await app.store.register.bury() == 0
    await app.stop()


def test_lists_of_the_forgotten_unite(tmp_path: Path) -> None:
    """Each folder has a key of its own; a torn line is cut, a spoilt file is refused."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    person = Person(key=1, handle="MX.9", created_at=1)
    for folder in (ours, theirs):
        folder.mkdir()
        tombstones.read(folder)
    stones = tombstones.read(theirs)
    stones.add(stones.hashes(person), 5)
    assert tombstones.read(ours).at("MX.9") is None
    both = tombstones.unite(ours, theirs / tombstones.FILE)
    assert (both.at("MX.9"), both.at("MX.8")) == (5, None)
    before = (ours / tombstones.FILE).read_text()
    tombstones.unite(ours, theirs / tombstones.FILE)
    assert (ours / tombstones.FILE).read_text() == before
    both.add(both.hashes(Person(key=2, handle="MX.8", created_at=1)), 7)
    with (ours / tombstones.FILE).open("a") as file:
        file.write('{"at": 9, "ids": ["a')
    again = tombstones.read(ours)
    assert (again.at("MX.9"), again.at("MX.8")) == (5, 7)
    (ours / tombstones.FILE).write_text("{}\n")
    with pytest.raises(StorageError, match="names who was forgotten"):
        tombstones.read(ours)


async def test_an_import_overrules_nobody(world: World) -> None:
    """Opt-ins from a file count for those who never said anything, once."""
    register = world.app.store.register
    await world.write("hola")
    await world.write("stop")
    await world.write("hola", **{"from": "34600000001", "from_user_id": "ES.1"})
    await register.forget(await the_person(world, "ES.1"))
    entry = ConsentEntry(at=world.clock.now, what="opt_in", channel="import", words="the form in the shop", by="a.csv")
    given = [
        (Contact(wa_id=PHONE), entry),
        (Contact(wa_id="34600000009"), entry),
        (Contact(wa_id="34600000001"), entry),
    ]
    assert await register.bring(given) == ["they asked us to stop", "added", "they asked to be forgotten"]
    assert await register.bring(given[1:2]) == ["known"]
    person = await the_person(world, "+34 600 000 009")
    assert person.consent.advertisable
    await register.enter(person.key, ConsentEntry(at=world.clock.now, what="opt_out", channel="command"))
    assert await register.bring(given[1:2]) == ["they said no to marketing"]


async def test_everything_that_is_kept_can_be_exported(world: World) -> None:
    """All of it as JSON: the ids, the ledger, each conversation with its transcript, its outbox and its cases."""
    await a_life(world)
    found = await world.app.store.register.export((await the_person(world)).key)
    written = json.dumps(found, ensure_ascii=False)
    for trace in (SECRET, PHONE, "Ana Secreta", "What do you want?", "desk"):
        assert trace in written
    assert {one["id"] for one in found["conversations"]} == {f"201:{BSUID}", CONVERSATION}
    assert found["consents"][0]["words"] == "stop"
    assert [len(rows) for rows in found["mentioned"].values()] == [1, 1, 0, 0]


async def test_people_are_found(world: World) -> None:
    """By number in any spelling, user id, conversation or a part of the name; retired ids only if nobody has them now."""
    await a_life(world)
    for words in (PHONE, "+521 555 000 2222", BSUID, CONVERSATION, "secreta", "ana s"):
        assert [one.name for one in await world.app.store.register.find(words)] == ["Ana Secreta"], words
    assert await world.app.store.register.find("nobody") == []
    assert [one.handle for one in await world.app.store.register.people(stopped=True)] == [BSUID]
