"""Files on a cluster: fetched by one worker, there for every process, gone with who sent them. Real engines, real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import NOW
from tests.integration.clustered import FOLDER, PARTITIONS, ClusterAdapter
from tests.integration.test_alarms import Web, website
from tests.integration.test_cluster_desk import NUMBER, Business, ready, until
from tests.integration.test_voice import VOICE, Speech, said
from tests.loopback import FileServer, served
from wabox.app import wall_clock
from wabox.core.keep import DAY, Keep
from wabox.core.media import InboundMedia, MediaStatus
from wabox.errors import Unavailable
from wabox.files.mediafolder import MediaFolder
from wabox.settings import Secret, SpeechSettings, WhatsAppSettings
from wabox.whatsapp.webhook import parse

if FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.medialibrary import CLAIMED, USED, ClusterMedia
from wabox.cluster.records import media as rows
from wabox.cluster.records.database import Database
from wabox.clusterapp import ClusterApp, Role, build_cluster

PICTURE = b"\xff\xd8\xff\xe0" + os.urandom(rows.PART + 4096)
"""Two parts."""
MENU = b"\x89PNG\r\n\x1a\n" + b"menu" * 500
FLOW = """
initial: menu
timeouts: {soft: 30m, hard: 23h}
on: {human: people}
states:
  menu:
    ask: {image: menu.png, text: "The menu"}
    collect: {slot: photo, type: media, kinds: [image]}
    on: {collected: look, invalid: menu, bread: baked}
  look:
    invoke:
      action: measure
      input: {photo: {from: context.photo}}
      onDone: {target: told, actions: {assign: {size: {from: event.output}}}}
      onError: people
  told: {ask: "It has {size} bytes.", on: {message.text: menu}}
  baked: {ask: "Baked.", on: {message.text: menu}}
  people: {handoff: {queue: default}, say: "A person will answer.", on: {handoff.closed: menu}}
"""
TASK = """
from pathlib import Path
from wabox.actions import task


@task
def measure(given):
    return (Path(given.media) / given.input["photo"]["file"]).stat().st_size
"""
INTENTS = "bread:\n  en: {keywords: [bread]}\n"


class Shop(Business):
    """Customers, and a stand-in for Meta's files."""

    def __init__(self, root: Path, web: Web, meta: FileServer, speech: str) -> None:
        super().__init__(root, web)
        self.meta = meta
        (self.folder / "flow.yaml").write_text(FLOW)
        (self.folder / "intents.yaml").write_text(INTENTS)
        (self.folder / "actions.py").write_text(TASK)
        (self.folder / "menu.png").write_bytes(MENU)
        secret = Secret(meta.token)
        whatsapp = WhatsAppSettings(
            app_secrets=(secret,), verify_token=secret, access_token=secret, api_url=f"{meta.url}/v26.0"
        )
        listens = SpeechSettings(url=f"{speech}/v1", model="whisper", key=secret)
        self.settings = replace(self.settings, whatsapp=whatsapp, speech=listens, rate=0, hold=0)

    async def process(self, role: Role) -> ClusterApp:
        settings = replace(self.settings, data=self.settings.root / f"data{len(self.apps)}")
        app = await build_cluster(settings, self.folder, role, PARTITIONS)
        self.apps.append(app)
        await app.start()
        async with asyncio.timeout(30):
            if role != "web":
                await app.store.lanes.ready.wait()
        return app

    async def send(self, app: ClusterApp, customer: str, kind: str, **media: object) -> str:
        self._count += 1
        id_, at = f"wamid.F{self._count}", str(wall_clock() // 1000)
        message = {"id": id_, "from": customer, "timestamp": at, "type": kind, kind: media}
        value = {"metadata": {"phone_number_id": NUMBER}, "contacts": [{"wa_id": customer}], "messages": [message]}
        body = json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
        await app.accept(parse(body, wall_clock()))
        return id_

    async def said(self, text: str, times: int = 1) -> None:
        async def heard() -> bool:
            texts = [one.get("text", {}).get("body") for one in self.meta.sent]
            return texts.count(text) == times

        await until(heard)


async def stored(app: ClusterApp, message_id: str) -> InboundMedia:
    async def there() -> InboundMedia | None:
        found = await app.files.library.find(message_id)
        return found if found is not None and found.status is MediaStatus.STORED else None

    return await until(there)  # type: ignore[no-any-return]


async def count(app: ClusterApp, table: str) -> int:
    async with app.store.database.transaction() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


def content(path: str) -> bytes | None:
    """Of a file, if it is there."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    await ready()
    meta, speech = FileServer(), Speech(answers=[said("Bread, please.")])
    async with served(meta) as url, served(speech) as ears, website() as web:
        meta.url = url
        made = Shop(tmp_path, web, meta, ears)
        yield made
        await made.stop()


async def test_what_one_worker_fetched_every_process_has(shop: Shop) -> None:
    """A task reads it, the console shows it, a second customer's is not fetched again; it goes with the last who sent it."""
    web, one, two = [await shop.process(role) for role in ("web", "worker", "worker")]
    customers = ("4915100001", "4915100002", "4915100003")
    for customer in customers:
        await shop.send(web, customer, "text", body="hi")
    ids: list[str] = []
    for number, who in enumerate(customers, 1):
        ids.append(await shop.send(web, who, "image", mime_type="image/jpeg", **shop.meta.put("7", PICTURE)))
        await shop.said(f"It has {len(PICTURE)} bytes.", number)
    for app in (web, one, two):
        for id_ in ids:
            found = await stored(app, id_)
            assert (found.size, found.content_type) == (len(PICTURE), "image/jpeg")
            path = app.files.library.path(str(found.sha256))
            assert path.startswith(str(app.files.folder.folder))
            assert content(path) == PICTURE
    assert shop.meta.paths().count("/files/7") == 1
    assert len(shop.meta.uploads) <= 2, "the menu, by each worker"
    assert (await count(web, "files"), await count(web, "file_parts")) == (1, 2)
    (person,) = await one.store.register.find(customers[0])
    certificate = await one.store.register.forget(person)
    assert (certificate.files, certificate.left) == (1, 0)
    assert await web.files.library.find(ids[0]) is None
    assert (await count(web, "media"), await count(web, "files")) == (2, 1)
    for customer in customers[1:]:
        (person,) = await one.store.register.find(customer)
        await one.store.register.forget(person)
    assert [await count(web, table) for table in ("media", "files", "file_parts")] == [0, 0, 0]


async def test_a_voice_message_is_heard_and_a_deleted_one_leaves_nothing(shop: Shop) -> None:
    web, worker = await shop.process("web"), await shop.process("worker")
    await shop.send(web, "4915100001", "text", body="hi")
    voice = shop.meta.put("8", VOICE)
    id_ = await shop.send(web, "4915100001", "audio", voice=True, mime_type="audio/ogg; codecs=opus", **voice)
    await shop.said("Baked.")
    assert (await stored(web, id_)).type == "voice"
    heard = await worker.files.library.heard(id_)
    assert heard is not None
    assert heard.text == "Bread, please."
    await shop.send(web, "4915100001", "revoke", original_message_id=id_)

    async def gone() -> bool:
        return await count(web, "media") == 0

    await until(gone)


async def test_an_agent_answers_with_a_file(shop: Shop) -> None:
    """It came to one process and is sent by another, from a disk of its own."""
    web, worker = await shop.process("web"), await shop.process("worker")
    await shop.send(web, "4915100001", "text", body="hi")
    await shop.send(web, "4915100001", "text", body="a person please")
    await shop.said("A person will answer.")

    async def opened() -> str | None:
        lines = await web.desk.handoffs.lines()
        return next((line.id for line in lines), None)

    case = str(await until(opened))
    await shop.act(web, "claim", case)

    async def pages() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7\n" + b"prices" * 100

    taken = await web.desk.handoffs.attach(case, "f1", "prices.pdf", pages())
    before = len(shop.meta.sent)
    await shop.act(web, "reply", case, text="Here", more=await web.desk.handoffs.file(case, taken.id, "Here"))

    async def left() -> bool:
        return any(one.get("type") == "document" for one in shop.meta.sent[before:])

    await until(left)
    assert shop.meta.uploads[-1]["file"][2].startswith(b"%PDF")
    assert content(worker.files.library.path(str((await stored(web, "upload:f1")).sha256)))


# ---- the library alone -------------------------------------------------------------------------------------------------


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[ClusterAdapter]:
    made = ClusterAdapter(tmp_path)
    yield made
    await made.aclose()


def waiting(number: int, at: int = NOW) -> InboundMedia:
    return InboundMedia(
        message_id=f"m{number}", conversation_id="200:1", number_id="200", media_id="7", type="image", at=at
    )


async def received(library: ClusterMedia, media: InboundMedia, content: bytes = PICTURE) -> InboundMedia | None:
    async with library.receiving() as receiving:
        await receiving.write(content)
        return await receiving.keep(media)


async def test_two_workers_fetch_different_files_and_a_dead_one_s_come_later(
    adapter: ClusterAdapter, tmp_path: Path
) -> None:
    store = (await adapter.open()).store
    one, two = (ClusterMedia(store.database, MediaFolder(tmp_path / name), adapter.clock) for name in "ab")
    for number in range(5):
        await one.enter(waiting(number))
    some, others = await asyncio.gather(one.due(NOW, 3), two.due(NOW, 3))
    assert len({media.message_id for media in (*some, *others)}) == len(some) + len(others) == 5
    assert await one.due(NOW + CLAIMED - 1, 9) == []
    assert len(await two.due(NOW + CLAIMED, 9, without=["m1"])) == 4


async def test_a_file_that_takes_long_stays_its_worker_s(adapter: ClusterAdapter, tmp_path: Path) -> None:
    """100 MB over a slow line. Whoever fetches says so with every look, also with all hands full."""
    store = (await adapter.open()).store
    one, two = (ClusterMedia(store.database, MediaFolder(tmp_path / name), adapter.clock) for name in "ab")
    await one.enter(waiting(1))
    assert len(await one.due(NOW, 1)) == 1
    for later in range(1, 4):
        half = NOW + later * CLAIMED // 2
        assert await one.due(half, 0, without=["m1"]) == []
        assert await two.due(half, 9) == []
    assert len(await two.due(half + CLAIMED, 9)) == 1, "it died"


async def test_a_copy_goes_when_nobody_used_it_and_comes_back(adapter: ClusterAdapter, tmp_path: Path) -> None:
    store = (await adapter.open()).store
    library = ClusterMedia(store.database, MediaFolder(tmp_path), adapter.clock)
    await library.enter(waiting(1))
    found = await received(library, waiting(1))
    assert found is not None
    copy = library.path(str(found.sha256))
    adapter.clock.now += USED
    assert (await library.clear(), content(copy)) == (0, PICTURE)
    adapter.clock.now += USED
    assert (await library.clear(), content(copy)) == (1, None)
    assert await library.find("m1") == found
    assert content(copy) == PICTURE
    async with store.database.transaction() as connection:
        await connection.execute("UPDATE file_parts SET body = 'spoilt' WHERE part = 1")
    adapter.clock.now += 2 * USED
    assert await library.clear() == 1
    with pytest.raises(Unavailable, match="damaged in PostgreSQL"):
        await library.find("m1")
    assert content(copy) is None


async def test_what_was_erased_on_its_way_or_is_past_its_keep_is_not_kept(
    adapter: ClusterAdapter, tmp_path: Path
) -> None:
    store = (await adapter.open()).store
    library = ClusterMedia(store.database, MediaFolder(tmp_path), adapter.clock)
    assert await received(library, waiting(1)) is None, "nobody named it, or somebody erased it"
    assert files(tmp_path) == []
    await library.enter(waiting(2))
    await library.enter(waiting(3, NOW + DAY))
    await received(library, waiting(2))
    assert await library.known(replace(waiting(3, NOW + DAY), sha256=hashlib.sha256(PICTURE).hexdigest()))
    now = NOW + 366 * DAY
    await store.prune(now, Keep(contacts=0))
    assert [media.message_id for media in await library.of_conversation("200:1")] == ["m3"]
    await store.prune(now + DAY, Keep(contacts=0))
    async with store.database.transaction() as connection:
        assert await connection.fetchval("SELECT count(*) FROM file_parts") == 0


async def test_pictures_leave_while_postgresql_is_away(adapter: ClusterAdapter, tmp_path: Path) -> None:
    """Uploaded once more by whoever does not know, and not by whoever does."""
    store = (await adapter.open()).store
    library = ClusterMedia(store.database, MediaFolder(tmp_path), adapter.clock)
    await library.keep_upload("200", "ab", "900")
    other = ClusterMedia(store.database, MediaFolder(tmp_path), adapter.clock)
    assert await other.uploaded("200", "ab") == "900"
    away = ClusterMedia(Database("postgresql://wabox@127.0.0.1:1/wabox"), MediaFolder(tmp_path), adapter.clock)
    assert await away.uploaded("200", "ab") is None
    await away.keep_upload("200", "ab", "901")
    assert await away.uploaded("200", "ab") == "901"
    await away.forget_upload("200", "ab")
    assert await away.uploaded("200", "ab") is None
