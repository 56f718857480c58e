"""Backups are proven before they have a name, and what comes back from one is right (P12)."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration.storage import arrival, message, outbound, unit
from tests.integration.world import World, until
from wabox.app import App, build_published
from wabox.cli.main import app as command
from wabox.core.backup import FORMAT, Manifest, Rule
from wabox.core.delivery import DeliveryStatus
from wabox.core.ports import SendResult
from wabox.engine.snapshot import decode
from wabox.errors import DataFolderBusy, StorageError
from wabox.services.backups import making, restoring
from wabox.services.backups.making import Made
from wabox.settings import Settings
from wabox.sqlite import backupfile, databasecopy
from wabox.sqlite.backupfolder import listed
from wabox.sqlite.connection import DATABASE
from wabox.sqlite.store import open_store

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
PICTURE = b"\xff\xd8 a picture of a customer"


async def served(root: Path, clock: VirtualClock, messenger: FakeMessenger | None = None) -> App:
    folder = root / "flows" / "shop"
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    settings = Settings(root=root, data=root / "data")
    app = await build_published(settings, folder, clock=clock, messenger=messenger or FakeMessenger())
    await app.start()
    return app


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = VirtualClock()
    app = await served(tmp_path, clock)
    yield World(app, app._messenger, clock)  # type: ignore[arg-type]
    await app.stop()


def picture(data: Path, content: bytes = PICTURE) -> Path:
    """A customer's file, as it lies in a data folder."""
    import hashlib

    sha256 = hashlib.sha256(content).hexdigest()
    path = data / "media" / sha256[:2] / sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


async def made(tmp_path: Path, now: int = NOW, **changes: object) -> Made:
    data = tmp_path / "data"
    return await asyncio.to_thread(partial(making.make, data, data / "backups", now, **changes))  # type: ignore[arg-type]


async def back(file: Path, target: Path, **changes: object) -> restoring.Restored:
    return await asyncio.to_thread(partial(restoring.restore, file, target, VirtualClock(), **changes))  # type: ignore[arg-type]


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / DATABASE)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_what_was_said_comes_back(world: World, tmp_path: Path) -> None:
    """With the server running; conversations go on where they stood, and files of customers, versions and models are there."""
    await world.write("tea")
    await world.write("green tea")
    kept = picture(tmp_path / "data")
    (tmp_path / "models" / "shop").mkdir(parents=True)
    (tmp_path / "models" / "shop" / "card.json").write_text("{}")
    done = await made(tmp_path, models=tmp_path / "models")
    assert done.path.name == "wabox-2026-11-21T100000Z.tar.gz"
    assert (done.proof.conversations, done.proof.replayed, done.proof.warnings) == (1, 1, ())
    await world.write("after the backup")
    restored = await back(done.path, tmp_path / "other")
    assert restored.aside is None
    other = tmp_path / "other"
    store = await open_store(other, VirtualClock())
    session = await store.open("200:MX.1")
    await store.close()
    assert session.snapshot is not None
    assert decode(session.snapshot).context["wish"] == "green tea"
    assert (other / kept.relative_to(tmp_path / "data")).read_bytes() == PICTURE
    assert (other / "models" / "shop" / "card.json").is_file()
    assert list((other / "published" / "shop").iterdir())
    assert not {"token", "server.json"} & {path.name for path in other.iterdir()}


async def test_the_token_is_in_no_backup(world: World, tmp_path: Path) -> None:
    """Neither is the address of the server: whoever has a copy cannot speak to the original."""
    (tmp_path / "data" / "token").write_text("secret-of-the-door")
    (tmp_path / "data" / "server.json").write_text("{}")
    done = await made(tmp_path, file=tmp_path / "one.tar.gz")
    names = [one.name for one in done.manifest.members]
    assert not [name for name in names if "token" in name or "server" in name or "lock" in name]
    assert b"secret-of-the-door" not in gzip.decompress(done.path.read_bytes())


async def test_files_of_customers_are_there_once_for_all_backups(world: World, tmp_path: Path) -> None:
    """The second backup adds only what is new; a file of one's own has them inside."""
    first = picture(tmp_path / "data")
    assert (await made(tmp_path)).added == 1
    picture(tmp_path / "data", b"another")
    second = await made(tmp_path, NOW + 1000)
    assert (second.added, len(second.manifest.beside)) == (1, 2)
    shared = tmp_path / "data" / "backups" / first.relative_to(tmp_path / "data")
    assert shared.stat().st_ino == first.stat().st_ino
    alone = await made(tmp_path, file=tmp_path / "alone.tar.gz")
    moved = shutil.move(alone.path, tmp_path / "moved.tar.gz")
    await back(Path(moved), tmp_path / "other")
    assert (tmp_path / "other" / first.relative_to(tmp_path / "data")).read_bytes() == PICTURE


async def test_a_missing_file_of_a_customer_is_named(world: World, tmp_path: Path) -> None:
    """Verify refuses; a restore brings everything else and says so."""
    picture(tmp_path / "data")
    done = await made(tmp_path)
    beside = next((tmp_path / "data" / "backups" / "media").glob("*/*"))
    beside.unlink()
    beside.write_bytes(b"?" * len(PICTURE))
    with pytest.raises(StorageError, match="1 of 1 files of customers"):
        await asyncio.to_thread(restoring.verify, done.path)
    restored = await back(done.path, tmp_path / "other")
    assert "missing or damaged: 1" in restored.proof.warnings[0]


async def test_a_store_under_load_is_copied_as_of_one_moment(tmp_path: Path) -> None:
    """Another process writes as fast as it can; everything that it had acknowledged before is in the copy, which is whole."""
    data = tmp_path / "data"
    data.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.sqlite_load", str(data), "1"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    acknowledged: set[str] = set()

    async def read(least: int) -> None:
        assert process.stdout
        while len(acknowledged) < least:
            word, _, id_ = (await process.stdout.readline()).decode().strip().partition(" ")
            if word == "done":
                acknowledged.add(id_)

    try:
        await read(300)
        before = set(acknowledged)
        backup = asyncio.create_task(made(tmp_path))
        while not backup.done():
            await read(len(acknowledged) + 20)
        done = await backup
        await read(len(acknowledged) + 20)  # it goes on
    finally:
        process.kill()
        await process.communicate()
    inside = tmp_path / "inside"
    inside.mkdir()
    backupfile.unpack(done.path, inside)
    lists = [bytes(row[0]).decode().split() for row in rows(inside, "SELECT snapshot FROM conversations")]  # type: ignore[arg-type]
    assert before <= {id_ for one in lists for id_ in one}
    assert [one for one in lists if one != sorted(one)] == []
    assert rows(data, "PRAGMA integrity_check") == [("ok",)]


def signed_in(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO sessions (agent, hash, address, created_at, seen_at) VALUES (1, x'00', '', 1, 1)")


async def test_what_waited_is_held(tmp_path: Path) -> None:
    """It may have left since: it fails with a reason that people see, is not told to the flow, and can be sent by hand."""
    clock = VirtualClock()
    store = await open_store(tmp_path / "data", clock)
    await store.put(arrival(message("1"), message("2")))
    await store.commit(unit("1", sends=[outbound("1"), outbound("1", 1)]))
    await store.writer.submit(signed_in)
    done = await made(tmp_path)
    await store.close()
    restored = await back(done.path, tmp_path / "other")
    assert (restored.held.outbox, restored.held.inbox) == (2, 1)
    assert rows(tmp_path / "other", "SELECT ended_at FROM sessions") == [(NOW,)]
    store = await open_store(tmp_path / "other", clock)
    assert await store.unsent() == []
    assert await store.tell(10) == 0
    failed = await store.deliveries(failed=True)
    assert [one.status for one in failed] == [DeliveryStatus.FAILED] * 2
    assert "backup of 2026-11-21T100000Z" in (failed[0].reason or "")
    again = await store.send_again(failed[0].id)
    assert again is not None
    assert again.status is DeliveryStatus.QUEUED
    assert (await store.stats()).dead_letters == 1
    assert (await store.stats()).inbox == 0
    await store.close()


async def test_a_move_goes_on_where_it_stood(tmp_path: Path) -> None:
    """With --resume nothing is held: the server stood still."""
    store = await open_store(tmp_path / "data", VirtualClock())
    await store.put(arrival(message("1"), message("2")))
    await store.commit(unit("1", sends=[outbound("1")]))
    done = await made(tmp_path)
    await store.close()
    restored = await back(done.path, tmp_path / "other", resume=True)
    assert (restored.held.outbox, restored.held.inbox) == (0, 0)
    store = await open_store(tmp_path / "other", VirtualClock())
    assert len(await store.unsent()) == 1
    assert (await store.stats()).inbox == 1
    await store.close()


async def test_nothing_leaves_twice_after_a_restore(tmp_path: Path) -> None:
    """A message that waited for Meta when the backup was made, and left after it, does not leave again."""
    clock, messenger = VirtualClock(), FakeMessenger([SendResult(verdict="sent", wamid="w1")])
    messenger.gate.clear()
    app = await served(tmp_path, clock, messenger)
    world = World(app, messenger, clock)
    element = world.element(**{"from": "5215550002222", "from_user_id": "MX.1"})
    await world.send("messages", messages=[element])
    await until(lambda: bool(messenger.tried))
    done = await made(tmp_path)
    messenger.gate.set()
    await world.rest()
    await app.stop()
    await back(done.path, tmp_path / "data", force=True)
    again = FakeMessenger()
    app = await served(tmp_path, clock, again)
    await World(app, again, clock).rest()
    await app.stop()
    assert again.tried == []


async def test_whoever_was_forgotten_stays_forgotten(world: World, tmp_path: Path) -> None:
    """A backup from before brings back everybody but them, though the list in it does not know."""
    await world.write("my-secret-wish")
    done = await made(tmp_path)
    [person] = await world.app.store.register.find("MX.1")
    await world.app.store.register.forget(person)
    await world.app.stop()
    restored = await back(done.path, tmp_path / "data", force=True)
    assert restored.forgotten == 1
    assert b"my-secret-wish" not in (tmp_path / "data" / DATABASE).read_bytes()
    assert restored.aside is not None
    assert (tmp_path / "data" / "backups" / done.path.name).is_file()


async def test_a_running_server_is_not_replaced(world: World, tmp_path: Path) -> None:
    """Not even with --force; and without it no database is."""
    done = await made(tmp_path)
    with pytest.raises(DataFolderBusy, match="in use"):
        await back(done.path, tmp_path / "data", force=True)
    await world.app.stop()
    with pytest.raises(StorageError, match="--force moves the folder aside"):
        await back(done.path, tmp_path / "data")
    assert rows(tmp_path / "data", "SELECT 1") == [(1,)]


def found(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def spoil_page(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :]


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (lambda data: data[: len(data) // 2], "damaged or cut off"),
        (spoil_page, "damaged"),
        (lambda data: b"not an archive", "no backup of wabox"),
        (lambda data: b"", "no backup of wabox"),
    ],
    ids=["cut", "spoilt", "other", "empty"],
)
async def test_a_damaged_archive_is_refused(world: World, tmp_path: Path, spoilt: object, sentence: str) -> None:
    """With a sentence, and the data folder stays as it is."""
    await world.write("tea")
    done = await made(tmp_path)
    await world.app.stop()
    done.path.write_bytes(spoilt(done.path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(StorageError, match=sentence):
        await back(done.path, tmp_path / "data", force=True)
    assert rows(tmp_path / "data", "SELECT count(*) FROM transcript WHERE kind = 'in'") == [(1,)]
    assert sorted(path.name for path in found(tmp_path)) == ["data", "flows"]


def rewritten(path: Path, change: object) -> None:
    """The archive with another manifest or other members, well packed."""
    with tarfile.open(path) as archive:
        members = [(one.name, archive.extractfile(one).read()) for one in archive.getmembers()]  # type: ignore[union-attr]
    with tarfile.open(path, "w:gz") as archive:
        for name, data in change(members):  # type: ignore[operator]
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))


def newer(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    said = json.loads(members[0][1]) | {"format": FORMAT + 1, "wabox": "9.9"}
    return [(members[0][0], json.dumps(said).encode()), *members[1:]]


def newer_schema(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    said = json.loads(members[0][1]) | {"schema": 9999}
    return [(members[0][0], json.dumps(said).encode()), *members[1:]]


def climbing(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    said = msgspec.json.decode(members[0][1], type=Manifest)
    import hashlib

    evil = making.Member("../evil", 4, hashlib.sha256(b"evil").hexdigest())
    said = msgspec.structs.replace(said, members=(*said.members, evil))
    return [(members[0][0], msgspec.json.encode(said)), *members[1:], ("../evil", b"evil")]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (newer, "newer wabox"),
        (newer_schema, "newer wabox"),
        (climbing, "outside the folder"),
        (lambda found: [*found, ("more", b"x")], "was changed"),
        (lambda found: found[:-1], "is missing"),
        (lambda found: found[1:], "does not begin with manifest.json"),
        (lambda found: [*found[:-1], (found[-1][0], b"?" * len(found[-1][1]))], "not what it was"),
    ],
    ids=["newer", "schema", "climbing", "more", "less", "bare", "other"],
)
async def test_an_archive_that_was_changed_is_refused(
    world: World, tmp_path: Path, change: object, sentence: str
) -> None:
    """Whatever it says, nothing is written outside the temporary place."""
    done = await made(tmp_path)
    rewritten(done.path, change)
    with pytest.raises(StorageError, match=sentence):
        await back(done.path, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    assert "evil" not in {path.name for path in [*found(tmp_path), *found(tmp_path.parent)]}


async def test_a_copy_that_is_not_whole_gets_no_name(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof finds what went wrong on the way, whatever it was: a page, or rows that are not there."""
    await world.write("tea")
    copied = databasecopy.copy

    def copy(source: Path, target: Path, progress: databasecopy.Progress = databasecopy.quiet) -> None:
        copied(source, target, progress)
        data = bytearray(target.read_bytes())
        at = data.find(b"What do you want?")
        page = at // 2048 * 2048
        data[page : page + 32] = b"\xff" * 32
        target.write_bytes(data)

    monkeypatch.setattr(databasecopy, "copy", copy)
    with pytest.raises(StorageError, match="damaged"):
        await made(tmp_path)
    assert [path.name for path in (tmp_path / "data" / "backups").iterdir() if not path.name.startswith(".")] == []
    monkeypatch.undo()
    assert (await made(tmp_path)).path.is_file()


async def test_a_conversation_that_cannot_be_read_is_told_and_the_rest_is_kept(world: World, tmp_path: Path) -> None:
    """One spoilt conversation must not end all backups."""
    await world.write("tea")
    await world.app.stop()
    connection = sqlite3.connect(tmp_path / "data" / DATABASE)
    connection.execute("UPDATE conversations SET snapshot = CAST('{' AS BLOB)")
    connection.commit()
    connection.close()
    done = await made(tmp_path)
    assert done.proof.warnings == ("conversations that cannot be read, here and in the original: 1",)


async def test_only_one_backup_is_made_at_a_time(world: World, tmp_path: Path) -> None:
    """The second is told, and takes nothing of the first away."""
    from wabox.sqlite import backupfolder

    with (
        backupfolder.working(tmp_path / "data" / "backups"),
        pytest.raises(StorageError, match="another backup is being made"),
    ):
        await made(tmp_path)


async def test_the_operator_alone_can_read_an_encrypted_backup(world: World, tmp_path: Path) -> None:
    """The server has the public key only; it proves the file all the same. Another key does not open it."""
    import pyrage

    await world.write("my-secret-wish")
    owner, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    done = await made(tmp_path, recipients=[str(owner.to_public())])
    assert done.path.name.endswith(".tar.gz.age")
    assert done.path.read_bytes().startswith(b"age-encryption.org")
    for name, identity in (("key", owner), ("wrong", other)):
        (tmp_path / name).write_text(f"# made by age-keygen\n{identity}\n")
    with pytest.raises(StorageError, match="is encrypted: name the file"):
        await back(done.path, tmp_path / "other")
    with pytest.raises(StorageError, match="cannot be decrypted with"):
        await back(done.path, tmp_path / "other", identity=tmp_path / "wrong")
    restored = await back(done.path, tmp_path / "other", identity=tmp_path / "key")
    assert restored.proof.conversations == 1


def test_nothing_to_back_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and no folder is made for it."""
    monkeypatch.chdir(tmp_path)
    assert "is not there" in str(CliRunner().invoke(command, ["backup"]).exception)
    assert "there is none" in CliRunner().invoke(command, ["backup", "list"]).stdout
    assert list(tmp_path.iterdir()) == []


async def test_the_commands(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """backup, list, verify and restore, as a script uses them."""
    await world.write("tea")
    monkeypatch.chdir(tmp_path)
    run = partial(asyncio.to_thread, CliRunner().invoke, command)
    told = json.loads((await run(["backup", "--json"])).stdout)
    assert (told["conversations"], told["replayed"], told["encrypted"]) == (1, 1, False)
    assert told["file"] in (await run(["backup", "list"])).stdout
    assert "is whole" in (await run(["backup", "verify", told["file"]])).stdout
    assert (await run(["backup", "verify", "nothing.tar.gz"])).exit_code == 1
    again = await run(["restore", told["file"], "--to", "other", "--json"])
    assert again.exit_code == 0, again.exception
    assert json.loads(again.stdout)["conversations"] == 1


async def test_old_ones_go_and_so_do_files_that_nobody_needs(world: World, tmp_path: Path) -> None:
    """By the rule; a file of a customer goes with the last backup that needs it."""
    first = picture(tmp_path / "data")
    await made(tmp_path, NOW)
    first.unlink()
    second = picture(tmp_path / "data", b"another")
    day = 86_400_000
    done = await made(tmp_path, NOW + day, rule=Rule(daily=2, weekly=0, monthly=0))
    assert done.pruned == []
    done = await made(tmp_path, NOW + 2 * day, rule=Rule(daily=2, weekly=0, monthly=0))
    assert done.pruned == ["wabox-2026-11-21T100000Z.tar.gz"]
    left = {path.name for path in (tmp_path / "data" / "backups" / "media").glob("*/*")}
    assert left == {second.name}


async def test_an_encrypted_backup_leaves_nothing_readable_beside_it(world: World, tmp_path: Path) -> None:
    """Customers' files are inside, and come back."""
    import pyrage

    kept = picture(tmp_path / "data")
    owner = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{owner}\n")
    done = await made(tmp_path, recipients=[str(owner.to_public())])
    assert not (tmp_path / "data" / "backups" / "media").exists()
    await back(done.path, tmp_path / "other", identity=tmp_path / "key")
    assert (tmp_path / "other" / kept.relative_to(tmp_path / "data")).read_bytes() == PICTURE


KILLED = """
import os, signal, sys
from pathlib import Path
from wabox.services.backups import making
from wabox.sqlite import backupfolder
data, at = Path(sys.argv[1]), sys.argv[2]

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if at == "name":
    backupfolder.place = kill
making.make(data, data / "backups", 1, progress=lambda what, share: kill() if what == at else None)
"""


async def test_a_kill_leaves_nothing_that_looks_like_a_backup(tmp_path: Path) -> None:
    """At any step of it, also when all is done but the name; the next one clears what is left."""
    data = tmp_path / "data"
    store = await open_store(data, VirtualClock())
    await store.put(arrival(*(message(f"m{number}", f"c{number}") for number in range(40))))
    await store.close()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for step in ("copying the database", "packing", "unpacking", "checking the database", "name"):
        arguments = (sys.executable, "-c", KILLED, str(data), step)
        process = await asyncio.create_subprocess_exec(*arguments, env=environment)
        assert await process.wait() == -9, step
        left = found(data / "backups")
        assert [path for path in left if path.name.startswith(".wabox-making")], step
        assert listed(data / "backups") == [], step
    done = await made(tmp_path)
    assert {path.name for path in found(data / "backups")} == {done.path.name, ".wabox-backups.lock"}
