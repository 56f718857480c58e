"""``wabox outbox``: what people see of the outbox and do to it, with a server and without one."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.integration.storage import NUMBER, arrival, conversation, message, outbound, unit
from wabox.app import App, build
from wabox.cli import running
from wabox.cli.main import app as commands
from wabox.core.delivery import Attempt, DeliveryStatus
from wabox.core.ports import SendResult
from wabox.errors import DataFolderBusy
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.sqlite.store import open_store
from wabox.web.api import api_router
from wabox.web.door import ADDRESS, Door, proof
from wabox.web.server import Server, asgi_app, listen

FLOW = "initial: hello\nstates: {hello: {ask: Hello!, timeouts: {hard: 1d}}}\n"
FAILED, WAITS, LEFT = (outbound("m1", index).id for index in range(3))
LATER = NOW + 3_600_000


async def filled(folder: Path) -> None:
    """A data folder with a message that failed, one that waits for an hour, and one that was sent."""
    store = await open_store(folder, VirtualClock())
    await store.put(arrival(message("m1")))
    sends = [
        outbound("m1", 0, status=DeliveryStatus.FAILED, reason="131026: not there", code=131026, tells=False),
        outbound("m1", 1, due_at=LATER, reason="132015: paused"),
        outbound("m1", 2),
    ]
    assert await store.commit(unit("m1", sends=sends)) == "committed"
    await store.settle([Attempt(outbound_id=LEFT, status=DeliveryStatus.SENT, at=NOW, wamid="w")])
    await store.close()


def wabox(folder: Path, *args: str) -> Result:
    return CliRunner().invoke(commands, ["outbox", *args, "--data", str(folder)])


async def run(folder: Path, *args: str) -> Result:
    """The command, from a thread: it has a loop of its own."""
    return await asyncio.to_thread(wabox, folder, *args)


async def test_what_waits_and_what_failed(tmp_path: Path) -> None:
    """Each with its reason; what was sent is in neither list."""
    await filled(tmp_path)
    waiting = await run(tmp_path, "list", "--json")
    assert [(line["id"], line["reason"], line["due_at"]) for line in map(json.loads, waiting.stdout.splitlines())] == [
        (WAITS, "132015: paused", LATER)
    ]
    failed = await run(tmp_path, "list", "--failed")
    assert FAILED in failed.stdout
    assert "131026: not there" in failed.stdout
    assert LEFT not in waiting.stdout + failed.stdout


async def test_everything_about_one(tmp_path: Path) -> None:
    """Its words too; an unknown one is refused with a sentence."""
    await filled(tmp_path)
    shown = await run(tmp_path, "show", FAILED)
    assert conversation() in shown.stdout
    assert "m1 0" in shown.stdout
    unknown = await run(tmp_path, "show", "nobody")
    assert unknown.exit_code == 1
    assert "no message 'nobody'" in str(unknown.exception)


async def test_without_a_server(tmp_path: Path) -> None:
    """The folder itself is changed; what has left stays as it is."""
    await filled(tmp_path)
    assert (await run(tmp_path, "drop", WAITS)).exit_code == 0
    assert (await run(tmp_path, "retry", FAILED)).exit_code == 0
    assert (await run(tmp_path, "drop", LEFT)).exit_code == 1
    waiting = await run(tmp_path, "list", "--json")
    assert [json.loads(line)["id"] for line in waiting.stdout.splitlines()] == [FAILED]


async def test_no_data_folder(tmp_path: Path) -> None:
    """Nothing is made where nothing is."""
    for words in (["list"], ["retry", "x"]):
        refused = await run(tmp_path / "nowhere", *words)
        assert refused.exit_code == 1
        assert "data folder" in str(refused.exception)
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[App, FakeMessenger, Path]]:
    folder = tmp_path / "flows" / "bot"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    data = tmp_path / "data"
    await filled(data)
    messenger = FakeMessenger()
    secret = Secret("x" * 20)
    whatsapp = WhatsAppSettings(app_secrets=(secret,), verify_token=secret, access_token=secret)
    settings = Settings(root=tmp_path, data=data, whatsapp=whatsapp)
    app = await build(settings, load_bot(folder, published=True), clock=VirtualClock(), messenger=messenger)
    await app.start()
    door = Door(data)
    server = Server(asgi_app(app, whatsapp, [api_router(app, door.token())]), listen("127.0.0.1", 0))
    await server.begin()
    with door.open("127.0.0.1", server.port):
        yield app, messenger, data
    server.should_exit = True
    await server.task
    await app.stop()


async def test_with_a_server(served: tuple[App, FakeMessenger, Path]) -> None:
    """It does what is asked, at once: the failed one and the one that waited leave, in their order."""
    _, messenger, data = served
    listed = await run(data, "list", "--json")
    assert [json.loads(line)["id"] for line in listed.stdout.splitlines()] == [WAITS]
    done = await run(data, "retry", FAILED, WAITS, "--json")
    assert done.exit_code == 0, done.output
    for _ in range(1000):
        if len(messenger.taken) == 2:
            break
        await asyncio.sleep(0.001)
    assert [sent.id for sent in messenger.taken] == [FAILED, WAITS]
    unknown = await run(data, "drop", "nobody")
    assert unknown.exit_code == 1
    assert "no message 'nobody'" in unknown.output


async def test_a_number_that_is_stopped_is_named(served: tuple[App, FakeMessenger, Path]) -> None:
    """With the reason, in the list and for whoever watches the server; the list of messages stays one of messages."""
    app, messenger, data = served
    assert "nothing leaves" not in (await run(data, "list")).output
    messenger.results = [SendResult(verdict="retry", reason="190: expired", wait=3600.0, scope="number", alert=True)]
    await app.send_again(FAILED)
    for _ in range(1000):
        if app.stopped:
            break
        await asyncio.sleep(0.001)
    listed = await run(data, "list")
    assert f"number {NUMBER}: nothing leaves. 190: expired" in listed.stdout
    assert all(json.loads(line) for line in (await run(data, "list", "--json")).stdout.splitlines())
    assert (await app.probe())["stopped"] == {NUMBER: "190: expired"}


async def test_what_is_taken_out_does_not_leave(served: tuple[App, FakeMessenger, Path]) -> None:
    """Also when its time comes; that it was taken out by hand is on record."""
    app, messenger, data = served
    assert (await run(data, "drop", WAITS)).exit_code == 0
    clock = app.clock
    assert isinstance(clock, VirtualClock)
    clock.now = LATER + 1
    await app.fire()
    assert messenger.taken == []
    lines = await app.store.transcript(conversation())
    assert [line.body["reason"] for line in lines if line.kind == "status"] == ["taken out by hand"]


class Listener:
    """Somebody else's server, at the address that a killed one left."""

    def __init__(self, answer: bytes = b"x") -> None:
        self.heard = b""
        self.answer = answer

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(self.answer), self.answer))
        writer.close()


@pytest.mark.parametrize("ours", [True, False])
async def test_a_stranger_is_not_told_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: bool) -> None:
    """Who listens where a killed server did does not hear the token; if the address is another process's, it hears nothing."""
    monkeypatch.setattr(running, "PATIENCE", 0.0)
    store = await open_store(tmp_path, VirtualClock())
    stranger = Listener()
    server = await asyncio.start_server(stranger.hear, "127.0.0.1", 0)
    door = Door(tmp_path)
    token = door.token()
    pid = os.getpid() if ours else 1
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    (tmp_path / ADDRESS).write_text(json.dumps({"url": url, "pid": pid}), encoding="utf-8")
    done = await run(tmp_path, "retry", "x")
    assert isinstance(done.exception, DataFolderBusy)
    assert bool(stranger.heard) == ours
    assert token.encode() not in stranger.heard
    assert b"uthorization" not in stranger.heard
    server.close()
    await store.close()


async def test_a_servers_proof(served: tuple[App, FakeMessenger, Path]) -> None:
    """It is for this question and this port: nobody can use it again, or elsewhere. The rest of the API needs the token."""
    door = Door(served[2])
    address = door.address()
    assert address is not None
    port = int(address.url.rpartition(":")[2])
    nonce = "0" * 32
    async with httpx.AsyncClient(base_url=address.url) as client:
        answer = await client.get("/api/v1/proof", params={"nonce": nonce})
        assert answer.text == proof(door.token(), nonce, port)
        assert answer.text not in {proof(door.token(), "1" * 32, port), proof(door.token(), nonce, port + 1)}
        assert (await client.get("/api/v1/proof", params={"nonce": "short"})).status_code == 400
        assert (await client.get("/api/v1/outbox")).status_code == 401
