"""``wabox learn``: what customers wrote and nobody understood, through the real store, becomes examples, a test and a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from tests.fakes import NOW, FakeMessenger, VirtualClock
from wabox.app import App, build
from wabox.cli.main import app as commands
from wabox.core.learning import Decision
from wabox.errors import FlowError
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.web.api import api_router
from wabox.web.server import asgi_app
from wabox.whatsapp.webhook import parse

NUMBER = "200000000000002"
FLOW = """
initial: talk
timeouts: {hard: 24h}
on: {human: people}
states:
  talk:
    initial: hello
    on: {track: .track, refund: .refund, hours: .hours, enough: end}
    states:
      hello: {ask: How can I help?}
      track: {ask: "It is on its way. What else?"}
      refund: {ask: "We pay it back. What else?"}
      hours: {ask: "From nine to five. What else?"}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: end}}
  end: {type: final, say: "Bye."}
"""
INTENTS = """# What customers say.

track:   # where things are
  en: {keywords: [parcel], examples: ["Where is my order?", "track it"]}   # more later

refund:
  en:
    examples:
      - I want my money back   # often
      - give me a refund

hours: {en: {examples: [when are you open, opening hours]}}
enough: {en: {keywords: [bye]}}
"""
LOST = (
    *("did my things leave the warehouse yet", "have my things left the warehouse"),
    *("when will my things leave the warehouse", "are my things still in the warehouse, I am Maria Hanke"),
)
ODD = ("recommend a good film for tonight", "which film is good tonight")


class World:
    def __init__(self, root: Path, app: App, clock: VirtualClock) -> None:
        self.root, self.app, self.clock, self.count = root, app, clock, 0

    async def say(self, text: str, who: str) -> None:
        self.clock.now += 5_000
        self.count += 1
        message = {
            "from": who,
            "id": f"wamid.{self.count}",
            "timestamp": str(self.clock.now // 1000),
            "type": "text",
            "text": {"body": text},
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001111", "phone_number_id": NUMBER},
            "contacts": [{"wa_id": who, "profile": {"name": "Maria Hanke"}}],
            "messages": [message],
        }
        change = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        await self.app.accept(
            parse(json.dumps({"object": "whatsapp_business_account", "entry": [change]}).encode(), self.clock.now)
        )
        for _ in range(3000):
            if not (self.app.store.lanes.backlog or (await self.app.store.stats()).inbox):
                return
            await asyncio.sleep(0.001)  # the writer is a thread: no virtual clock can turn it
        raise AssertionError("it did not come to rest")

    async def lines(self) -> Any:
        return await self.app.store.register.heard(0, 1_000)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A bot whose customers wrote what it does not know."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "flows" / "shop"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "intents.yaml").write_text(INTENTS, encoding="utf-8")
    clock = VirtualClock(NOW)
    settings = Settings(root=tmp_path, data=tmp_path / "data")
    app = await build(settings, load_bot(folder), clock=clock, messenger=FakeMessenger())
    await app.start()
    world = World(tmp_path, app, clock)
    for number, text in enumerate((*LOST, *ODD, "Where is my order?")):
        who = f"1555000{number:04}"
        await world.say("hi", who)
        await world.say(text, who)
        if number < 2:
            await world.say(text, who)
    yield world
    await app.stop()


def learn(*words: str) -> Any:
    """The command; without a terminal it asks nothing."""
    done = CliRunner().invoke(commands, ["learn", "shop", "--days", "36500", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output) if "--json" in words else done.output


def group_of(lesson: Any, words: str) -> Any:
    return next(one for one in lesson["groups"] if any(words in saying["text"] for saying in one["sayings"]))


async def test_groups(world: World) -> None:
    """What is alike stands together, the most frequent first, with where and how; names are replaced; the rest is not there."""
    lesson = await asyncio.to_thread(learn, "--json")
    first = lesson["groups"][0]
    assert (first["times"], first["customers"]) == (6, 4)
    assert [saying["times"] for saying in first["sayings"]] == [2, 2, 1, 1]
    assert first["languages"] == {"en": 6}
    assert first["states"] == {"talk.hello": 6}
    assert first["reasons"] == {"unknown": 6}
    assert "Hanke" not in json.dumps(lesson)
    assert "Where is my order?" not in json.dumps(lesson)
    assert len(lesson["groups"]) == 2
    shown = await asyncio.to_thread(learn)
    assert f"[{first['id']}] 1 of 2: 6 times, 4 customers" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert first["id"] == (await asyncio.to_thread(learn, "--json"))["groups"][0]["id"]


async def test_mapped(world: World) -> None:
    """Examples, a test, a model; the owner's lines stay; what was decided does not come again; what is read anew is shown."""
    lesson = await asyncio.to_thread(learn, "--json")
    group, odd = group_of(lesson, "warehouse"), group_of(lesson, "film")
    done = await asyncio.to_thread(learn, "--map", f"{group['id']}=track", "--map", f"{odd['id']}=oos", "--json")
    folder = world.root / "flows" / "shop"
    text = (folder / "intents.yaml").read_text(encoding="utf-8")
    for line in INTENTS.splitlines():
        assert line.split("]}")[0] in text
    assert "did my things leave the warehouse yet" in text
    assert "Hanke" not in text
    assert done["trained"]
    assert {one["text"]: one["after"] for one in done["reread"]}[LOST[0]] == "track"
    assert (world.root / "models" / "shop" / "card.json").is_file()
    tests = sorted((folder / "tests").iterdir())
    assert [path.name for path in tests] == [f"learned_oos_{odd['id']}.yaml", f"learned_track_{group['id']}.yaml"]
    played = CliRunner().invoke(commands, ["test", "shop"])
    assert played.exit_code == 0, played.output
    after = await asyncio.to_thread(learn, "--json")
    assert after["groups"] == []
    assert after["decided"] == 8


async def test_a_new_question(world: World) -> None:
    """faq:KEY with an answer is a new entry; without one it is refused, and nothing is written."""
    lesson = await asyncio.to_thread(learn, "--json")
    odd = group_of(lesson, "film")
    with pytest.raises(FlowError, match="needs an answer in en"):
        await asyncio.to_thread(learn, "--map", f"{odd['id']}=faq:films")
    assert not (world.root / "flows" / "shop" / "faq.yaml").exists()
    mapped = ("--map", f"{odd['id']}=faq:films", "--answer", "films=Any with a dog: they never fail.")
    await asyncio.to_thread(learn, *mapped)
    bot = load_bot(world.root / "flows" / "shop")
    assert bot.text("faq.films", "en") == "Any with a dog: they never fail."


@pytest.mark.parametrize(("to", "wanted"), [("trak", "track"), ("message.text", "no intent")])
async def test_refused(world: World, to: str, wanted: str) -> None:
    """An intent that the bot has not, or that nobody may teach: a sentence, and no file is touched."""
    learning, lines = world.app.learning, await world.lines()
    group = learning.lesson(lines).groups[0]
    with pytest.raises(FlowError, match=wanted):
        learning.decide(lines, [Decision(group=group.id, to=to)])
    with pytest.raises(FlowError, match="no group"):
        learning.decide(lines, [Decision(group="zzzzz", to="track")])
    assert (world.root / "flows" / "shop" / "intents.yaml").read_text(encoding="utf-8") == INTENTS


async def test_ignored(world: World) -> None:
    """Nothing is written, and it is not asked again."""
    learning, lines = world.app.learning, await world.lines()
    group = learning.lesson(lines).groups[0]
    learnt = learning.decide(lines, [Decision(group=group.id, to="ignore")])
    assert learnt.files == ()
    assert not learnt.trained
    assert [one.times for one in learning.lesson(lines).groups] == [2]
    [kept] = (world.root / "data" / "learned").iterdir()
    assert "warehouse" not in kept.read_text(encoding="utf-8")


async def test_over_http(world: World) -> None:
    """The same for the console and for programs."""
    secret = Secret("x" * 20)
    whatsapp = WhatsAppSettings(app_secrets=(secret,), verify_token=secret, access_token=secret)
    asgi = asgi_app(world.app, whatsapp, [api_router(world.app, "token")])
    headers = {"Authorization": "Bearer token"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(asgi), base_url="http://wabox.test", headers=headers
    ) as client:
        lesson = (await client.get("/api/v1/learn")).json()
        group = group_of(lesson, "warehouse")
        assert lesson["intents"][0] == "track"
        done = await client.post("/api/v1/learn", json={"map": [{"group": group["id"], "to": "track"}]})
        assert done.json()["added"]["track"][0] in LOST
        again = (await client.get("/api/v1/learn")).json()
        assert [one["times"] for one in again["groups"]] == [2]
        refused = await client.post("/api/v1/learn", json={"map": [{"group": "zzzzz", "to": "track"}]})
        assert refused.status_code == 400
        assert "no group" in refused.json()["error"]
