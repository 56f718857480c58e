"""What customers send is kept: through the real app, a real database and real HTTP to a stand-in of Meta's."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from tests.loopback import FileServer, error, served
from wabox.app import App, build
from wabox.core.media import LIFE, InboundMedia, MediaStatus
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.sqlite import media as rows
from wabox.whatsapp.webhook import parse

PICTURE = b"\xff\xd8\xff\xe0" + b"picture" * 1000
SHA = hashlib.sha256(PICTURE).hexdigest()
FLOW = """
initial: photo
timeouts: {soft: 30m, hard: 1h}
on: {human: people}
states:
  people: {type: final, say: "A person will write.", handoff: {reason: asked}}
  photo:
    ask: Send a photo.
    on: {message.image: thanks}
  thanks: {type: final, say: "Thanks!"}
"""
TASK_FLOW = """
initial: photo
timeouts: {soft: 30m, hard: 1h}
on: {human: people}
states:
  people: {type: final, say: "A person will write.", handoff: {reason: asked}}
  photo:
    ask: Send a photo.
    collect: {slot: photo, type: media, kinds: [image]}
    on: {collected: look, invalid: people}
  look:
    invoke:
      action: measure
      input: {photo: {from: context.photo}}
      onDone: {target: told, actions: {assign: {size: {from: event.output}}}}
      onError: people
  told: {type: final, say: "It has {size} bytes."}
"""
TASK = """
from pathlib import Path
from wabox.actions import task


@task
def measure(given):
    return (Path(given.media) / given.input["photo"]["file"]).stat().st_size
"""


@dataclass
class World:
    app: App
    meta: FileServer
    clock: VirtualClock
    data: Path
    settings: Settings

    async def hear(self, message_id: str, kind: str = "image", customer: str = "1", **media: Any) -> None:
        """A webhook with one message."""
        message = {
            "from": f"1555000{customer}",
            "id": message_id,
            "timestamp": str(self.clock() // 1000),
            "type": kind,
            kind: {"mime_type": "image/jpeg", **media},
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001111", "phone_number_id": "200"},
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": f"1555000{customer}"}],
            "messages": [message],
        }
        body = {
            "object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
        }
        await self.app.accept(parse(json.dumps(body).encode(), self.clock()))

    async def media(self, message_id: str, status: MediaStatus = MediaStatus.STORED) -> InboundMedia:
        """The file of a message, once it is so far."""
        return await self.until(message_id, lambda media: media.status is status)

    async def until(self, message_id: str, good: Callable[[InboundMedia], bool]) -> InboundMedia:
        found = None
        for look in range(6000):
            found = await self.app.store.media.find(message_id)
            if found is not None and good(found):
                return found
            if look % 100 == 99:
                # As the server does each second: a look that came before the last try had ended found nothing due.
                await self.app.fire()
            await asyncio.sleep(0.001)  # threads and sockets: no virtual clock can turn them
        raise AssertionError(f"it stays {found}")

    async def later(self, seconds: float) -> None:
        self.clock.now += round(seconds * 1000)
        await self.app.fire()

    def on_disk(self) -> list[str]:
        folder = self.data / "media"
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@contextlib.asynccontextmanager
async def running(
    tmp_path: Path, meta: FileServer, clock: VirtualClock, flow: str = FLOW, actions: str = ""
) -> AsyncIterator[World]:
    folder = tmp_path / "flows" / "bot"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(flow, encoding="utf-8")
    if actions:
        (folder / "actions.py").write_text(actions, encoding="utf-8")
    secret = Secret(meta.token)
    whatsapp = WhatsAppSettings(
        app_secrets=(secret,), verify_token=secret, access_token=secret, api_url=f"{meta.url}/v26.0"
    )
    settings = Settings(root=tmp_path, data=tmp_path / "data", whatsapp=whatsapp)
    app = await build(settings, load_bot(folder), clock=clock, messenger=FakeMessenger())
    await app.start()
    try:
        yield World(app, meta, clock, tmp_path / "data", settings)
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


async def test_a_picture_is_kept(world: World) -> None:
    """It lies under its hash, for this user's eyes only; Meta was asked with the token, and nothing of its name is used."""
    await world.hear("wamid.1", filename="../../etc/passwd", **world.meta.put("300001", PICTURE))
    found = await world.media("wamid.1")
    assert (found.sha256, found.size, found.content_type) == (SHA, len(PICTURE), "image/jpeg")
    path = world.data / "media" / SHA[:2] / SHA
    assert path.read_bytes() == PICTURE
    assert world.on_disk() == [f"{SHA[:2]}/{SHA}"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)} == {0o700}
    bearer = f"Bearer {world.meta.token}"
    assert world.meta.asked == [("GET", "/v26.0/300001", bearer), ("GET", "/files/300001", bearer)]


async def test_the_conversation_does_not_wait_for_the_file(world: World) -> None:
    """The flow goes on at once, and knows where the file will be."""
    world.meta.gate.clear()
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    conversation = "200:1555000" + "1"
    for _ in range(3000):
        lines = await world.app.store.transcript(conversation)
        if any(line.kind == "out" for line in lines):
            break
        await asyncio.sleep(0.001)
    received = next(line for line in lines if line.kind == "in")
    assert received.body["payload"]["file"] == f"{SHA[:2]}/{SHA}"
    assert world.on_disk() == [] or all(name.startswith(".parts") for name in world.on_disk())
    world.meta.gate.set()
    await world.media("wamid.1")


async def test_the_same_file_is_kept_once_and_goes_with_the_last_who_sent_it(world: World) -> None:
    """Two customers forward one picture: one download, one file; it is there until both are forgotten."""
    for number, customer in enumerate("12"):
        await world.hear(f"wamid.{number}", customer=customer, **world.meta.put("300001", PICTURE))
        await world.media(f"wamid.{number}")
    assert world.meta.paths() == ["/v26.0/300001", "/files/300001"]
    library = world.app.store.media
    assert await library.erase(["200:15550001"]) == 1
    assert world.on_disk() == [f"{SHA[:2]}/{SHA}"]
    assert await library.of_conversation("200:15550001") == []
    assert await library.erase(["200:15550002"]) == 1
    assert world.on_disk() == []


async def test_an_erasure_that_was_interrupted_is_finished(world: World) -> None:
    """What a transaction forgot goes at the next look, whatever happened in between."""
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    await world.media("wamid.1")
    await world.app.store.writer.submit(lambda connection: rows.erase(connection, ["200:15550001"]))
    assert world.on_disk() != []
    assert await world.app.store.media.find("wamid.1") is None
    await world.later(1)
    assert world.on_disk() == []


async def test_what_is_erased_on_its_way_is_not_kept(world: World) -> None:
    """A file that arrives after its customer was forgotten is dropped."""
    world.meta.gate.clear()
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    for _ in range(3000):
        if "/files/300001" in world.meta.paths():
            break
        await asyncio.sleep(0.001)
    assert await world.app.store.media.erase(["200:15550001"]) == 1
    world.meta.gate.set()
    await world.app.stop()
    assert world.on_disk() == []


async def test_old_files_go(world: World) -> None:
    """Retention: by when the customer sent it."""
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    await world.media("wamid.1")
    assert await world.app.store.media.erase_before(NOW) == 0
    assert await world.app.store.media.erase_before(NOW + 1) == 1
    assert world.on_disk() == []


async def test_a_deleted_message_loses_its_file(world: World) -> None:
    """The customer takes the picture back."""
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    await world.media("wamid.1")
    await world.hear("wamid.2", kind="revoke", original_message_id="wamid.1")
    for _ in range(3000):
        await world.later(0)
        if not world.on_disk():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the file is still there")


async def test_a_restart_goes_on(tmp_path: Path, meta: FileServer) -> None:
    """Stopped in the middle of a download, it begins anew, and nothing half-written stays."""
    clock = VirtualClock(NOW)
    async with running(tmp_path, meta, clock) as world:
        meta.gate.clear()
        await world.hear("wamid.1", **meta.put("300001", PICTURE))
    (world.data / "media" / ".parts" / "tmp123").write_bytes(b"half")
    meta.gate.set()
    async with running(tmp_path, meta, clock) as world:
        await world.media("wamid.1")
        assert world.on_disk() == [f"{SHA[:2]}/{SHA}"]


async def test_only_a_few_at_once(world: World) -> None:
    """Twenty pictures arrive together: four are on their way at any time, and all arrive."""
    world.meta.gate.clear()
    for number in range(20):
        await world.hear(f"wamid.{number}", **world.meta.put(f"3{number}", PICTURE + str(number).encode()))
    for _ in range(3000):
        if world.meta.at_once == 4:
            break
        await asyncio.sleep(0.001)
    world.meta.gate.set()
    for number in range(20):
        await world.media(f"wamid.{number}")
    assert world.meta.most == 4


async def test_a_passing_fault_is_tried_again_later(world: World) -> None:
    """Meta is down for a moment: a pause, then the file."""
    world.meta.answers["300001"] = [error(131016, 503)]
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    waiting = await world.until("wamid.1", lambda media: media.attempts == 1)
    assert "131016" in str(waiting.reason)
    await world.later(1)
    assert len(world.meta.asked) == 1, "too early"
    await world.later(60)
    await world.media("wamid.1")


async def test_a_link_that_is_too_old_is_asked_for_anew(world: World) -> None:
    """The link lives five minutes: the next one is used at once."""
    world.meta.answers["/files/300001"] = [(404, {}, b"")]
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    await world.media("wamid.1")
    assert world.meta.paths() == ["/v26.0/300001", "/files/300001"] * 2


async def test_what_meta_does_not_have_is_lost_at_once(world: World) -> None:
    """Code 100 with subcode 33: nobody will ever get it."""
    await world.hear("wamid.1", id="300404", sha256=SHA)
    lost = await world.media("wamid.1", MediaStatus.LOST)
    assert lost.attempts == 1
    assert str(lost.reason).startswith("100:")
    await world.later(3600)
    assert len(world.meta.asked) == 1


async def test_what_is_not_what_was_announced_is_lost_after_three_tries(world: World) -> None:
    """Another hash than the webhook said; nothing of it stays."""
    await world.hear("wamid.1", id="300001", sha256="0" * 64)
    world.meta.files["300001"] = PICTURE
    for attempt in (1, 2):
        await world.until("wamid.1", lambda media, attempt=attempt: media.attempts == attempt)
        await world.later(3600)
    lost = await world.media("wamid.1", MediaStatus.LOST)
    assert "hash" in str(lost.reason)
    assert world.on_disk() == []


@pytest.mark.parametrize(
    ("announced", "words"),
    [
        ({"file_size": 200 * 1024 * 1024}, "200 MiB"),
        ({"file_size": 5}, "bytes came of 5"),
        ({"sha256": "1" * 64}, "hash"),
    ],
)
async def test_wrong_sizes_and_hashes_are_refused(world: World, announced: dict[str, Any], words: str) -> None:
    """What Meta's answer says counts as well."""
    world.meta.announced = announced
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    found = await world.until("wamid.1", lambda media: media.reason is not None)
    assert words in str(found.reason)
    assert world.on_disk() == []


async def test_an_expired_token_is_waited_for(world: World) -> None:
    """Code 190 is no fault of the file: it waits, minutes apart, and comes when the token is good again."""
    good, world.meta.token = world.meta.token, "another"
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    for attempt in range(1, 6):
        await world.until("wamid.1", lambda media, attempt=attempt: media.attempts == attempt)
        await world.later(3600)
    world.meta.token = good
    await world.later(3600)
    found = await world.media("wamid.1")
    assert found.reason is None


async def test_what_is_older_than_meta_keeps_it_is_lost_without_asking(world: World) -> None:
    """A server that was away for eight days does not ask for what is gone."""
    world.meta.answers["300001"] = [error(131016, 503)]
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    await world.until("wamid.1", lambda media: media.attempts == 1)
    await world.later(LIFE / 1000 + 1)
    await world.media("wamid.1", MediaStatus.LOST)
    assert len(world.meta.asked) == 1


@pytest.mark.parametrize("redirected", [False, True])
async def test_the_token_goes_to_no_other_host(world: World, redirected: bool) -> None:
    """Neither where Meta's answer leads nor where a redirect does: nobody else is asked at all."""
    elsewhere = FileServer()
    async with served(elsewhere) as url:
        if redirected:
            world.meta.answers["/files/300001"] = [(302, {"location": f"{url}/files/300001"}, b"")] * 9
        else:
            world.meta.announced = {"url": f"{url}/files/300001"}
        await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
        await world.until("wamid.1", lambda media: media.attempts == 1)
        await world.later(3600)
        lost = await world.media("wamid.1", MediaStatus.LOST)
    assert "not Meta's" in str(lost.reason)
    assert elsewhere.asked == []


async def test_a_redirect_within_the_server_is_followed(world: World) -> None:
    """With the token: it is the same server."""
    world.meta.answers["/files/300001"] = [(302, {"location": "/files/300001"}, b"")]
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    await world.media("wamid.1")


async def test_a_dead_line_and_nonsense_are_tried_again(world: World) -> None:
    """Answers that are no JSON, or a proxy's page, are no reason to give up, nor is the token in any reason."""
    world.meta.answers["300001"] = [
        (200, {}, b"<html>"),
        (502, {}, b"Bad gateway"),
        error(190, 401, message="EAAG" + "x" * 40),
    ]
    await world.hear("wamid.1", **world.meta.put("300001", PICTURE))
    for attempt in (1, 2, 3):
        found = await world.until("wamid.1", lambda media, attempt=attempt: media.attempts == attempt)
        assert world.meta.token not in str(found.reason)
        assert "EAAG" not in str(found.reason)
        await world.later(3600)
    await world.media("wamid.1")


async def test_media_that_meta_could_not_get_is_not_asked_for(world: World) -> None:
    """Over 100 MB: the webhook has no id (131052), and the message is handled all the same."""
    await world.hear("wamid.1")
    await asyncio.sleep(0)
    assert await world.app.store.media.find("wamid.1") is None


async def test_a_type_that_is_not_what_it_says(world: World) -> None:
    """By its content it is a program: kept as evidence, but whoever shows it is told."""
    await world.hear("wamid.1", kind="document", **world.meta.put("300001", b"MZ" + PICTURE))
    assert (await world.media("wamid.1")).content_type == "application/x-executable"


async def test_a_task_finds_the_file_in_its_place(tmp_path: Path, meta: FileServer) -> None:
    """It is begun when the file is there, and opens it by the reference that the flow collected."""
    clock = VirtualClock(NOW)
    async with running(tmp_path, meta, clock, flow=TASK_FLOW, actions=TASK) as world:
        await world.hear("wamid.0", kind="text", body="hi")
        meta.gate.clear()
        await world.hear("wamid.1", **meta.put("300001", PICTURE))
        for _ in range(3000):
            if "/files/300001" in meta.paths() and await world.app.store.calls():
                break
            await asyncio.sleep(0.001)
        meta.gate.set()
        for _ in range(3000):
            lines = await world.app.store.transcript("200:15550001")
            said = [line.body["text"]["body"] for line in lines if line.kind == "out" and "text" in line.body]
            if said[-1:] == [f"It has {len(PICTURE)} bytes."]:
                return
            await asyncio.sleep(0.001)
    raise AssertionError(said)
