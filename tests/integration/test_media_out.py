"""Files of the bot's folder reach the customer: uploaded once, checked before, named by what Meta calls them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.loopback import FileServer, error, served
from wabox.app import App, build
from wabox.core.contact import Contact
from wabox.core.delivery import DeliveryStatus, OutboundMessage, StatusUpdate, outbound_id
from wabox.core.media import UPLOADED
from wabox.core.message import Arrival, InboundMessage
from wabox.demo.cloud import FakeCloud
from wabox.demo.graph import graph_app
from wabox.flowfile.bot import load_bot
from wabox.services.uploads import Uploads
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.web.server import asgi_app
from wabox.whatsapp.media import CloudMedia

PNG = b"\x89PNG\r\n\x1a\n" + b"menu" * 500
PDF = b"%PDF-1.7\n" + b"prices" * 100
FLOW = """
initial: menu
timeouts: {soft: 30m, hard: 24h}
on: {human: people}
states:
  people: {type: final, say: "A person will write.", handoff: {reason: asked}}
  menu:
    ask: {image: pictures/menu.png, text: "The menu"}
    on: {message.text: prices}
  prices:
    ask: {document: prices.pdf, text: "All prices", buttons: {back: Back, bye: Bye}}
    on: {back: menu, bye: over}
  over: {type: final, say: "Bye."}
"""


@dataclass
class World:
    app: App
    meta: FileServer
    clock: VirtualClock
    folder: Path
    heard: int = 0

    async def hear(self, text: str, conversation: str = "1") -> list[dict[str, Any]]:
        """Everything sent after this customer said so."""
        before = len(self.meta.sent)
        self.heard += 1
        contact = Contact(wa_id=f"1555000{conversation}")
        message = InboundMessage(
            message_id=f"wamid.IN{self.heard}",
            number_id="200",
            conversation_id=f"200:1555000{conversation}",
            timestamp=self.clock(),
            type="text",
            text=text,
            contact=contact,
        )
        await self.app.accept(Arrival(messages=(message,)))
        await self.rest()
        return self.meta.sent[before:]

    async def rest(self) -> None:
        for _ in range(3000):
            stats = await self.app.store.stats()
            if not (self.app.store.lanes.backlog or stats.inbox or stats.outbox):
                return
            await asyncio.sleep(0.001)  # threads and sockets: no virtual clock can turn them
        raise AssertionError("it did not come to rest")


def settings_of(tmp_path: Path, url: str, token: str) -> Settings:
    secret = Secret(token)
    whatsapp = WhatsAppSettings(app_secrets=(secret,), verify_token=secret, access_token=secret, api_url=f"{url}/v26.0")
    return Settings(root=tmp_path, data=tmp_path / "data", whatsapp=whatsapp, rate=0, hold=0)


def write(tmp_path: Path) -> Path:
    folder = tmp_path / "flows" / "bot"
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "pictures" / "menu.png").write_bytes(PNG)
    (folder / "prices.pdf").write_bytes(PDF)
    return folder


@contextlib.asynccontextmanager
async def running(tmp_path: Path, meta: FileServer, clock: VirtualClock) -> AsyncIterator[World]:
    folder = write(tmp_path)
    app = await build(settings_of(tmp_path, meta.url, meta.token), load_bot(folder), clock=clock)
    await app.start()
    try:
        yield World(app, meta, clock, folder)
    finally:
        await app.stop()


@pytest.fixture
async def meta() -> AsyncIterator[FileServer]:
    server = FileServer()
    async with served(server) as url:
        server.url = url
        yield server


@pytest.fixture
async def world(tmp_path: Path, meta: FileServer) -> AsyncIterator[World]:
    async with running(tmp_path, meta, VirtualClock(NOW)) as found:
        yield found


async def test_a_picture_is_uploaded_once(world: World) -> None:
    """With its type and its bytes; the messages name what Meta called it, for every customer."""
    (first,) = await world.hear("hi")
    assert first["image"] == {"id": "901", "caption": "The menu"}
    assert world.meta.uploads == [
        {"messaging_product": "whatsapp", "type": "image/png", "file": ("menu.png", "image/png", PNG)}
    ]
    (second,) = await world.hear("hi", "2")
    assert second["image"]["id"] == "901"
    assert len(world.meta.uploads) == 1


async def test_a_document_heads_buttons_and_keeps_its_name(world: World) -> None:
    """Also inside of an interactive message the file is found."""
    await world.hear("hi")
    (sent,) = await world.hear("prices")
    assert sent["interactive"]["header"] == {"type": "document", "document": {"id": "902", "filename": "prices.pdf"}}


async def test_an_upload_is_remembered_by_the_database(tmp_path: Path, meta: FileServer) -> None:
    """A restart does not upload again; 25 days later it does, before Meta forgets the file."""
    clock = VirtualClock(NOW)
    async with running(tmp_path, meta, clock) as world:
        await world.hear("hi")
    async with running(tmp_path, meta, clock) as world:
        world.heard = 10
        assert (await world.hear("hi", "2"))[0]["image"]["id"] == "901"
        clock.now += UPLOADED
        assert (await world.hear("hi", "3"))[0]["image"]["id"] == "902"


async def test_a_file_that_meta_lost_is_uploaded_again(world: World) -> None:
    """The message was refused, so it is sent again with the new id, and the customer gets it once."""
    await world.hear("hi")
    world.meta.answers["messages"] = [error(100)]
    (sent,) = await world.hear("hi", "2")
    assert sent["image"]["id"] == "902"
    assert (await world.hear("hi", "3"))[0]["image"]["id"] == "902"


async def test_a_file_that_meta_lost_later_is_uploaded_again(world: World) -> None:
    """Taken, then reported as failed with 131053: another try has another upload."""
    await world.hear("hi")
    status = StatusUpdate(
        wamid="wamid.OUT1",
        number_id="200",
        status=DeliveryStatus.FAILED,
        timestamp=world.clock(),
        outbound_id=outbound_id("wamid.IN1", 0),
        code=131053,
        reason="131053: the media could not be sent",
        again=5.0,
        tries=2,
    )
    await world.app.accept(Arrival(statuses=(status,)))
    world.clock.now += 6000
    await world.app.fire()
    await world.rest()
    assert [sent["image"]["id"] for sent in world.meta.sent] == ["901", "902"]


async def test_an_upload_that_fails_for_a_moment_delays_the_message(world: World) -> None:
    """What may pass is tried again by the outbox, at Meta's pace; a fault of the number stops the number."""
    messenger = FakeMessenger()
    source = CloudMedia(f"{world.meta.url}/v26.0", world.meta.token)
    uploads = Uploads(messenger, source, world.app.store.media, world.app.versions.file)
    file = world.app.bot.files["pictures/menu.png"]
    message = OutboundMessage(
        id="1-0",
        conversation_id="200:1",
        number_id="200",
        body={"type": "image", "image": {"id": file.id}},
        created_at=NOW,
    )
    world.meta.answers["media"] = [error(131016, 503), error(190, 401), (502, {}, b"<html>")]
    for scope in ("message", "number", "message"):
        result = await uploads.send(message)
        assert (result.verdict, result.scope, result.alert) == ("retry", scope, scope == "number")
        assert result.wait is not None
        assert world.meta.token not in str(result.reason)
    assert messenger.tried == []
    assert (await uploads.send(message)).verdict == "sent"
    assert messenger.taken[0].body["image"] == {"id": "901"}
    await source.aclose()


async def test_a_picture_for_many_is_uploaded_once_also_at_the_same_time(world: World) -> None:
    """A broadcast starts with all of its customers together."""
    for customer in range(2, 8):
        asyncio.get_running_loop().create_task(world.hear("hi", str(customer)))
    await world.hear("hi")
    assert len(world.meta.uploads) == 1


async def test_an_upload_that_is_refused_fails_the_message(world: World) -> None:
    """With Meta's reason, and without anything like a token."""
    world.meta.answers["media"] = [error(100, message="EAAG" + "y" * 30)]
    assert await world.hear("hi") == []
    (failed,) = await world.app.store.deliveries(failed=True)
    assert "pictures/menu.png could not be uploaded" in str(failed.reason)
    assert "EAAG" not in str(failed.reason)


async def test_a_file_that_is_gone_fails_the_message(tmp_path: Path, meta: FileServer) -> None:
    """Somebody took it out of the folder while the bot ran."""
    async with running(tmp_path, meta, VirtualClock(NOW)) as world:
        (world.folder / "pictures" / "menu.png").unlink()
        assert await world.hear("hi") == []
        (failed,) = await world.app.store.deliveries(failed=True)
    assert "cannot be read" in str(failed.reason)


async def test_the_fake_cloud_takes_uploads_as_meta_does(tmp_path: Path) -> None:
    """The demo's Meta gets the file, shows it, and refuses the id when the file has gone: it is uploaded again."""
    clock = VirtualClock(NOW)
    cloud = FakeCloud(
        number_id="200",
        app_secret="token",
        access_token="token",
        webhook_url="http://127.0.0.1:1/webhook",
        clock=clock,
        random=Random(7),
    )
    async with served(graph_app(cloud)) as url:
        settings = settings_of(tmp_path, url, "token")
        app = await build(settings, load_bot(write(tmp_path)), clock=clock)
        assert settings.whatsapp is not None
        async with served(asgi_app(app, settings.whatsapp)) as bot, cloud:
            cloud.webhook_url = f"{bot}/webhook"
            await app.start()
            await cloud.say("sam", "hi")
            (shown,) = await cloud.until("sam", 1)
            assert cloud.media[shown["image"]["id"]].data == PNG
            cloud.media.clear()
            await cloud.picture("sam", b"\xff\xd8\xff\xe0 mine")
            await cloud.say("sam", "prices")
            shown = (await cloud.until("sam", 3))[-1]
            assert cloud.media[shown["interactive"]["header"]["document"]["id"]].data == PDF
            await cloud.settle()
            await app.stop()
