"""A version is published with its model, and comes back with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from wabox.app import App, build_published
from wabox.core.contact import Contact
from wabox.core.message import Arrival, InboundMessage
from wabox.flowfile.bot import load_bot
from wabox.flowfile.published import read_files
from wabox.services.training import train_bot
from wabox.settings import Settings

FLOW = """
initial: talk
timeouts: {hard: 23h}
on: {human: people}
states:
  talk:
    initial: hello
    on: {track: .track, refund: .refund, enough: end}
    states:
      hello: {ask: Hello.}
      track: {ask: On its way.}
      refund: {ask: Paid back.}
  people: {handoff: true, say: "Wait.", on: {handoff.closed: end}}
  end: {type: final, say: "Bye."}
"""
WHERE = ["where is my parcel", "has my parcel left", "track my parcel", "did the parcel leave", "the parcel is late"]
MONEY = ["pay me back", "give me the money", "my money please", "the money is missing", "return my money"]
ASKED = "where did the parcel go"


class World:
    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "flows" / "bot"
        self.model = root / "models" / "bot"
        self.folder.mkdir(parents=True)
        (self.folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
        self.count = 0

    def teach(self, track: list[str], refund: list[str], *, train: bool = True) -> None:
        """New examples; a model of them."""
        lines = [
            f"{name}: {{en: {{examples: [{', '.join(texts)}]}}}}"
            for name, texts in (("track", track), ("refund", refund))
        ]
        (self.folder / "intents.yaml").write_text(
            "\n".join((*lines, "enough: {en: {keywords: [bye]}}")), encoding="utf-8"
        )
        if train:
            train_bot(load_bot(self.folder), self.model, trained_at="", force=True)

    async def serve(self) -> App:
        """As a process begins: nothing is in memory."""
        settings = Settings(root=self.root, data=self.root / "data")
        app = await build_published(settings, self.folder, clock=VirtualClock(NOW), messenger=FakeMessenger())
        await app.start()
        return app

    async def publish(self) -> str:
        """The folder as it is; the version's id."""
        app = await self.serve()
        assert app.publishing is not None
        id_ = app.publishing.shelf.keep(read_files(self.folder))
        await app.publishing.publish(id_, "keep")
        await app.stop()
        return id_

    async def understood(self) -> str | None:
        """What the server makes of :data:`ASKED`."""
        app = await self.serve()
        self.count += 1
        key = f"200:MX.{self.count}"
        message = InboundMessage(
            message_id=f"wamid.{self.count}",
            number_id="200",
            conversation_id=key,
            timestamp=NOW,
            type="text",
            text=ASKED,
            contact=Contact(user_id=f"MX.{self.count}"),
        )
        await app.accept(Arrival(messages=(message,)))
        for _ in range(3000):
            lines = await app.store.transcript(key)
            if lines:
                break
            await asyncio.sleep(0.001)  # the writer is a thread: no virtual clock can turn it
        await app.stop()
        intent: str | None = lines[0].body["understood"][1]
        return intent


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_rollback_brings_the_model_back(world: World) -> None:
    """The intents have the same names and mean the opposite: with the wrong model every answer would be wrong."""
    world.teach(WHERE, MONEY)
    first = await world.publish()
    assert await world.understood() == "track"
    world.teach(MONEY, WHERE)
    await world.publish()
    assert await world.understood() == "refund"
    app = await world.serve()
    assert app.publishing is not None
    await app.publishing.publish(first, "keep")
    await app.stop()
    assert await world.understood() == "track"


async def test_what_is_trained_later_is_taken_up(world: World) -> None:
    """A model of new examples, before they are published, serves the version whose intents it has."""
    world.teach(WHERE, MONEY)
    await world.publish()
    world.teach(MONEY, WHERE)
    assert await world.understood() == "refund"


async def test_a_model_for_the_next_version_takes_nothing_from_this_one(world: World) -> None:
    """Not even from one that was started anew: it has its own."""
    world.teach(WHERE, MONEY)
    await world.publish()
    world.teach([*WHERE], [*MONEY], train=False)
    with (world.folder / "intents.yaml").open("a", encoding="utf-8") as file:
        file.write("\nhours: {en: {examples: [when are you open, opening hours, are you open today]}}\n")
    train_bot(load_bot(world.folder), world.model, trained_at="", force=True)
    assert await world.understood() == "track"


async def test_without_the_folder_of_models(world: World) -> None:
    """A restored data folder is enough: the model is in it."""
    world.teach(WHERE, MONEY)
    await world.publish()
    for path in world.model.iterdir():
        path.unlink()
    assert await world.understood() == "track"


async def test_a_spoilt_copy_of_a_model(world: World) -> None:
    """It is left alone; the trained one is there."""
    world.teach(WHERE, MONEY)
    id_ = await world.publish()
    for path in (world.root / "data" / "published" / "bot" / f"{id_}.model").glob("*.npz"):
        path.write_bytes(b"spoilt")
    assert await world.understood() == "track"
