"""``wabox contacts``: the same with a server and without one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.storage import arrival, conversation, message, unit
from wabox.app import build
from wabox.cli.main import app as commands
from wabox.cli.portrait import page
from wabox.core.conversation import Record
from wabox.files.mediafolder import MediaFolder
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.sqlite.store import open_store
from wabox.web.api import api_router
from wabox.web.door import Door
from wabox.web.server import Server, asgi_app, listen

ANA, PHONE = "MX.ana", "+521 555 000 2222"
PICTURE = b"\xff\xd8\xff\xe0 a picture"
EVIL = "<script>alert('ana')</script>"


async def filled(folder: Path) -> None:
    """A data folder with a customer who wrote something odd, and sent a picture."""
    store = await open_store(folder, VirtualClock())
    await store.put(arrival(message("m1", text=EVIL)))
    told = [Record(at=1, kind="in", ref="m1", body={"text": EVIL}), Record(at=2, kind="out", body={"type": "text"})]
    assert await store.commit(unit("m1", records=told)) == "committed"
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    path = MediaFolder(folder).path(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PICTURE)
    values = ("m1", conversation(), sha256)
    await store.writer.submit(
        lambda connection: connection.execute(
            "INSERT INTO media (message_id, conversation_id, number_id, media_id, type, sha256, at, status, attempts,"
            " due_at, content_type) VALUES (?, ?, 'n', 'm', 'image', ?, 1, 'stored', 1, 0, 'image/jpeg')",
            values,
        )
    )
    await store.close()


@contextlib.asynccontextmanager
async def server(root: Path) -> AsyncIterator[None]:
    folder = root / "flows" / "bot"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text("initial: hello\nstates: {hello: {ask: Hello!, timeouts: {hard: 1d}}}\n")
    secret = Secret("x" * 20)
    whatsapp = WhatsAppSettings(app_secrets=(secret,), verify_token=secret, access_token=secret)
    settings = Settings(root=root, data=root / "data", whatsapp=whatsapp)
    app = await build(settings, load_bot(folder, published=True), clock=VirtualClock(), messenger=FakeMessenger())
    await app.start()
    door = Door(root / "data")
    running = Server(asgi_app(app, whatsapp, [api_router(app, door.token())]), listen("127.0.0.1", 0))
    await running.begin()
    with door.open("127.0.0.1", running.port):
        yield
    running.should_exit = True
    await running.task
    await app.stop()


@pytest.fixture(params=["with a server", "without one"])
async def data(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Path]:
    await filled(tmp_path / "data")
    async with server(tmp_path) if request.param == "with a server" else contextlib.nullcontext():
        yield tmp_path / "data"


async def run(data: Path, *args: str, says: str | None = None) -> Result:
    """The command, from a thread: it has a loop of its own."""
    words = ["contacts", *args, "--data", str(data)]
    return await asyncio.to_thread(CliRunner().invoke, commands, words, input=says)


async def test_a_wish_that_was_said_elsewhere(data: Path) -> None:
    """It is in the ledger with its words and who entered it; an opt-in undoes what the business entered."""
    done = await run(data, "optout", PHONE, "--words", "called us", "--by", "eva")
    assert done.exit_code == 0, done.output
    assert "STOPPED" in done.output
    assert "STOPPED" in (await run(data, "list", "--stopped")).output
    refused = await run(data, "optin", "Ana")
    assert refused.exit_code == 1
    assert "--words" in refused.output + str(refused.exception)
    shown = json.loads((await run(data, "optin", "Ana", "--words", "the form", "--json")).output)
    assert (shown["consent"]["marketing"], shown["consent"]["stopped"]) == (True, False)
    told = (await run(data, "show", ANA)).output
    for words in ("stop, command by eva  'called us'", "opt-in, command", "'the form'", f"talks in {conversation()}"):
        assert words in told
    done = await run(data, "optout", ANA, "--marketing")
    assert "no marketing" in done.output


async def test_nobody_or_several(data: Path) -> None:
    """A sentence says so."""
    refused = await run(data, "show", "nobody")
    assert refused.exit_code == 1
    assert "nobody is known as 'nobody'" in str(refused.exception)


async def test_an_import(data: Path, tmp_path: Path) -> None:
    """Each line that is left out is named with its reason; the second time nothing is new."""
    file = tmp_path / "form.csv"
    file.write_text(
        "Phone;When;Words\n+34 600 111 222;2026-11-01;ticked the box\n+52 555 000 2222;;told Eva\n600;;x\n34600111333;;\n"
    )
    done = await run(data, "import", str(file))
    assert done.exit_code == 1
    assert "2 added, 0 known before, 2 left out" in done.output
    assert "form.csv:4: 600: no phone number" in done.output
    assert "form.csv:5: 34600111333: it does not say what" in done.output
    assert "wants marketing since" in (await run(data, "show", ANA)).output  # 52 and 521 are one number
    again = await run(data, "import", str(file), "--words", "the form", "--json")
    assert [json.loads(line)["result"] for line in again.stdout.splitlines()] == [
        *("known", "known"),
        *("no phone number with its country code, and no user id", "added"),
    ]
    file.write_text("a,b\n1,2\n")
    assert "must name the columns" in str((await run(data, "import", str(file))).exception)


async def test_a_copy_to_hand_over(data: Path, tmp_path: Path) -> None:
    """A page that shows what they wrote as words, the JSON, and the picture."""
    out = tmp_path / "ana"
    done = await run(data, "export", ANA, "-o", str(out))
    assert done.exit_code == 0, done.exception
    written = (out / "index.html").read_text()
    assert "&lt;script&gt;" in written
    assert "<script" not in written
    [picture] = (out / "files").iterdir()
    assert picture.read_bytes() == PICTURE
    assert picture.name in written
    found = json.loads((out / "person.json").read_text())
    assert found["conversations"][0]["transcript"][0]["body"]["text"] == EVIL
    assert page(found, {})
    assert (await run(data, "export", ANA, "-o", str(out))).exit_code == 1
    assert json.loads((await run(data, "export", ANA, "--json")).output) == found


async def test_forgetting(data: Path, tmp_path: Path) -> None:
    """Asked for, done, and certified; the file they sent is gone as well."""
    assert (await run(data, "forget", ANA, says="n\n")).exit_code == 1
    certificate = tmp_path / "certificate.json"
    done = await run(data, "forget", "ana", "--yes", "-o", str(certificate))
    assert done.exit_code == 0, done.output
    assert "Certificate of erasure" in done.output
    assert "No id of theirs is left" in done.output
    found = json.loads(certificate.read_text())
    assert (found["files"], found["left"], found["rows"]["transcript"]) == (1, 0, 2)
    assert ANA not in certificate.read_text()
    assert not [path for path in (data / "media").rglob("*") if path.is_file()]
    assert "nobody has written yet" in (await run(data, "list")).output
    connection = sqlite3.connect(f"{(data / 'wabox.db').as_uri()}?mode=ro", uri=True)
    assert connection.execute("SELECT count(*) FROM identities").fetchone() == (0,)
    connection.close()
