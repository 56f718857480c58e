"""What goes wrong with a machine or an account, one after the other: named at the start, at ``/readyz``, by the doctor and in
the log, with what to do; and survived. (Under load: tests/crash/test_faults.py. Certificates: test_certificate.py.)"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.fakes import FakeMessenger
from tests.integration.test_metrics import FLOW, WHATSAPP
from tests.integration.world import CONVERSATION, World, until
from wabox.app import App, build, wall_clock
from wabox.core.checkup import Level
from wabox.core.ports import SendResult
from wabox.errors import DataFolderBusy, StorageError, Unavailable
from wabox.flowfile.bot import Bot, load_bot
from wabox.services.doctor import machine, records
from wabox.settings import Secret, Settings


class Now:
    """The wall's clock, as the world wants it."""

    @property
    def now(self) -> int:
        return wall_clock()


class House:
    """A bot, its settings, and servers on them."""

    def __init__(self, root: Path) -> None:
        folder = root / "flows" / "bread"
        folder.mkdir(parents=True)
        (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
        self.bot: Bot = load_bot(folder)
        token = replace(WHATSAPP, access_token=Secret("a-long-token"), api_url="https://graph.nowhere.invalid/v26.0")
        self.settings = Settings(root=root, data=root / "data", whatsapp=token)
        self.running: list[App] = []

    async def serve(self, messenger: FakeMessenger | None) -> World:
        app = await build(self.settings, self.bot, messenger=messenger)
        await app.start()
        self.running.append(app)
        return World(app, messenger or FakeMessenger(), Now())  # type: ignore[arg-type]

    def found(self, check: str, app: App | None = None) -> Any:
        """What the doctor says of one thing."""
        data, stopped = self.settings.data, None if app is None else app.stopped
        every = machine.look(data, (), wall_clock())
        every += records.look(data, wall_clock(), "UTC", stopped=stopped, seconds=5)[0]
        return next(one for one in every if one.check == check and one.level is not Level.OK)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    structlog.reset_defaults()
    found = House(tmp_path)
    yield found
    for app in found.running:
        await app.stop()


async def write(world: World, text: str = "hello") -> None:
    element = world.element(**{"from": "5215550002222", "from_user_id": "MX.1", "text": {"body": text}})
    await world.send("messages", messages=[element])


async def many(world: World) -> None:
    for _ in range(200):
        await write(world, "x" * 4000)


async def test_two_servers(house: House) -> None:
    """The second one says which process has the folder, and ends; the first goes on."""
    world = await house.serve(FakeMessenger())
    with pytest.raises(DataFolderBusy, match=rf"process {os.getpid()}.*stop that one first"):
        await house.serve(FakeMessenger())
    assert await world.write("hello") == ["Hello!"]


async def test_downgrade(house: House) -> None:
    """An older wabox does not touch what a newer one wrote."""
    world = await house.serve(FakeMessenger())
    await world.write("hello")
    await house.running.pop().stop()
    with sqlite3.connect(house.settings.data / "wabox.db") as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(StorageError, match="written by a newer wabox.*install that version"):
        await house.serve(FakeMessenger())
    assert "a newer wabox wrote it" in house.found("database").what
    with sqlite3.connect(house.settings.data / "wabox.db") as database:
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    assert await (await house.serve(FakeMessenger())).session(CONVERSATION)


@pytest.mark.parametrize("kind", ["read-only", "another user's"])
async def test_a_folder_that_cannot_be_written(house: House, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The tests may run as root, who may do everything, so the kernel's answer is given in its place."""
    house.settings.data.mkdir(mode=0o700)
    with monkeypatch.context() as patched:
        if kind == "read-only":
            patched.setattr(os, "access", lambda path, mode: False)
            with pytest.raises(StorageError, match="cannot be written by this user: check its owner"):
                await house.serve(FakeMessenger())
            assert "cannot be written by this user" in house.found("data folder").what
        else:
            patched.setattr(os, "getuid", lambda: house.settings.data.stat().st_uid + 1)
            assert "another user's" in house.found("owner").what
            assert "chown" in house.found("owner").todo
    assert await (await house.serve(FakeMessenger())).write("hello") == ["Hello!"]


async def test_a_full_disk(house: House) -> None:
    """Webhooks are refused so that Meta brings them again; it goes on by itself when there is room."""
    world = await house.serve(FakeMessenger())
    writer = world.app.store.writer

    def full(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await writer.submit(full)
    with capture_logs() as lines, pytest.raises(Unavailable, match="disk is full"):
        await many(world)
    assert "full" in (await world.app.probe())["database"]
    assert "store.unavailable" in [line["event"] for line in lines]
    with capture_logs() as lines:
        for _ in range(100):
            try:
                await writer.submit(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
                break
            except Unavailable:
                continue
        await write(world)
        await world.rest()
    assert (await world.app.probe())["database"] is True


async def test_a_token_that_was_revoked(house: House) -> None:
    """Nothing leaves, nothing is lost, and it is said where and why; with a new token it goes on in order."""
    no = SendResult(
        verdict="retry", reason="190: the token was revoked", wait=0.2, code=190, scope="number", alert=True
    )
    messenger = FakeMessenger([no])
    world = await house.serve(messenger)
    with capture_logs() as lines:
        await write(world)
        await until(lambda: bool(world.app.stopped))
    assert (await world.app.probe())["stopped"] == {"200": "190: the token was revoked"}
    assert "190: the token was revoked" in house.found("sending", world.app).what
    assert any("190" in str(line) for line in lines if line["log_level"] in ("warning", "error"))
    await world.rest()
    assert len(messenger.taken) == 1
    assert world.app.stopped == {}


async def test_dns_is_gone(house: House) -> None:
    """The same by the real client: customers' messages are taken, and what the bot says waits."""
    world = await house.serve(None)
    with capture_logs() as lines:
        await write(world)
        await until(lambda: bool(world.app.stopped))
    state = await world.app.probe()
    assert state["database"] is True
    assert "not sent" in state["stopped"]["200"]
    assert "not sent" in house.found("sending", world.app).what
    assert "number.waits" in [line["event"] for line in lines]
    assert state["unsent"] == 1
