"""``wabox test record``: a real conversation, through the real store, becomes a test that passes and names nobody."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.fakes import NOW, FakeMessenger, VirtualClock
from wabox.app import App, build
from wabox.cli.main import app as commands
from wabox.errors import StorageError, WaboxError
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings
from wabox.whatsapp.webhook import parse

SHOP = Path(__file__).parents[2] / "flows" / "shop"
NUMBER = "200000000000002"
MARIA = {"wa_id": "34612345678", "user_id": "ES.30000000000000000001", "profile": {"name": "María Peñalver"}}
SECRETS = ("María", "Peñalver", "Penalver", "612345678", "612 345 678", "ES.3000", "maria@", "Huerto", "4111", "30012")


class World:
    """The server without its doors: webhooks in, time passes."""

    def __init__(self, root: Path, app: App, clock: VirtualClock) -> None:
        self.root, self.app, self.clock = root, app, clock
        self.count = 0

    async def hear(self, message: dict[str, Any], after: int = 5_000, who: dict[str, Any] = MARIA) -> None:
        self.clock.now += after
        self.count += 1
        stamp = {"id": f"wamid.{self.count}", "timestamp": str(self.clock.now // 1000)}
        sender = {"from": who["wa_id"], "from_user_id": who["user_id"]}
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001111", "phone_number_id": NUMBER},
            "contacts": [who],
            "messages": [{**sender, **stamp, **message}],
        }
        change = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [change]}).encode()
        await self.app.accept(parse(body, self.clock.now))
        await self.rest()

    async def say(self, *texts: str, after: int = 5_000, who: dict[str, Any] = MARIA) -> None:
        for text in texts:
            await self.hear({"type": "text", "text": {"body": text}}, after, who)

    async def tap(self, *events: str) -> None:
        for event in events:
            reply = {"type": "button_reply", "button_reply": {"id": event, "title": event}}
            await self.hear({"type": "interactive", "interactive": reply})

    async def wait(self, minutes: int) -> None:
        self.clock.now += minutes * 60_000
        await self.app.fire()
        await self.rest()

    async def rest(self) -> None:
        for _ in range(3000):
            stats = await self.app.store.stats()
            if not (self.app.store.lanes.backlog or stats.inbox or stats.outbox):
                return
            await asyncio.sleep(0.001)  # the writer is a thread: no virtual clock can turn it
        raise AssertionError("it did not come to rest")

    async def record(self, *args: str) -> tuple[str, str]:
        """The command's output and the file, while the server is running."""
        done = await asyncio.to_thread(CliRunner().invoke, commands, ["test", "record", *args])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        written = re.search(r"wrote (\S+):", done.output)
        return done.output, (self.root / written[1]).read_text(encoding="utf-8") if written else ""


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    copytree(SHOP, tmp_path / "flows" / "shop")
    monkeypatch.chdir(tmp_path)
    clock = VirtualClock(NOW)
    bot = load_bot(tmp_path / "flows" / "shop")
    app = await build(Settings(root=tmp_path, data=tmp_path / "data"), bot, clock=clock, messenger=FakeMessenger())
    await app.start()
    yield World(tmp_path, app, clock)
    await app.stop()


async def test_a_sale(world: World) -> None:
    """Words, taps, a pause, a timer, a person: all of it comes back, plays as it went, and names nobody."""
    await world.say("Hola, soy yo")
    await world.say("me llamo María Peñalver, mi correo es maria@example.org")
    await world.say("dos tazas", after=20 * 60_000)
    await world.tap("checkout")
    await world.wait(31)
    await world.say("Calle del Huerto 7, 46001 Valencia")
    await world.tap("affirm", "pay.card")
    await world.say("mi número es +34 612 345 678 y la tarjeta 4111 1111 1111 1111")
    await world.hear(
        {"type": "image", "image": {"id": "30012", "sha256": "x", "mime_type": "image/png", "caption": "para María"}}
    )
    await world.say("una persona por favor")
    output, text = await world.record("34612345678")
    assert "It goes today as it went then" in output, f"{output}\n{text}"
    assert [secret for secret in SECRETS if secret.lower() in text.lower()] == []
    assert "wait: 20m" in text
    assert "wait: 31m" in text
    assert "- user: dos tazas" in text
    assert "- tap: checkout" in text
    assert "state: checkout.payment.paying" in text
    assert "- user: Calle Ejemplo 11, 28000 Muestra" in text
    played = CliRunner().invoke(commands, ["test", "flows/shop", "-k", "recorded_1"])
    assert "1 passed" in played.output


async def test_only_the_last_time(world: World) -> None:
    """A conversation that was over is another one; ``--all`` has it too."""
    await world.say("mugs")
    await world.wait(24 * 60)
    await world.say("hello", "products")
    _, text = await world.record("María")
    assert "mugs" not in text
    assert "- user: products" in text
    output, text = await world.record("María", "--all")
    assert "state: null" in text
    assert "- user: mugs" in text
    assert "goes today as it went then" in output
    assert {path.name for path in (world.root / "flows/shop/tests").glob("recorded*")} == {
        "recorded_1.yaml",
        "recorded_2.yaml",
    }


async def test_a_flow_that_changed(world: World) -> None:
    """What goes differently today is shown."""
    await world.say("hello", "mugs")
    flow = world.root / "flows" / "shop" / "texts.en.yaml"
    flow.write_text(
        flow.read_text().replace("Stoneware, 350 ml, fine", "China, fine").replace("*{products.mug.name}* mug", "A mug")
    )
    output, _ = await world.record("María")
    assert "goes differently today" in output
    assert "expected  *☕ Luna* mug · 12 €" in output


async def test_which_conversation(world: World) -> None:
    """None, several, one: what there is to choose from is listed."""
    with pytest.raises(StorageError, match="nobody has written yet"):
        await world.record("María")
    await world.say("hello")
    await world.say("hi", who={**MARIA, "user_id": "ES.2", "wa_id": "34600000002"})
    with pytest.raises(StorageError, match=r"(?s)may be 2 conversations.*ES\.2"):
        await world.record("María")
    with pytest.raises(StorageError, match="there is no conversation nobody; the newest are"):
        await world.record("nobody")
    assert "wrote" in (await world.record(f"{NUMBER}:ES.2", "--out", "one.yaml"))[0]
    with pytest.raises(WaboxError, match="is there already"):
        await world.record("ES.2", "--out", "one.yaml")


def test_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a database is said, not made."""
    copytree(SHOP, tmp_path / "flows" / "shop")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(commands, ["test", "record", "x"])
    assert isinstance(done.exception, StorageError)
    assert not (tmp_path / "data").exists()
