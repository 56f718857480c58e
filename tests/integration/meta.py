"""A whole wabox on loopback, and the fake Cloud API that it talks to."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.fakes import NOW
from wabox.app import App, build
from wabox.core.consent import ConsentEntry
from wabox.core.contact import Contact, conversation_id, handle_of
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Clock
from wabox.demo.cloud import FakeCloud
from wabox.demo.customer import ACCOUNT_ID
from wabox.demo.graph import graph_app
from wabox.flowfile.bot import load_bot
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.sqlite import consents
from wabox.web.api import api_router, openapi
from wabox.web.door import Door
from wabox.web.server import Server, asgi_app, listen

NUMBER = "200000000000002"
FLOW = """\
initial: hello
timeouts: {hard: 1d}
on: {human: people}
states:
  hello: {ask: {text: Hello!, buttons: {bye: Bye}}, on: {bye: end}}
  people: {handoff: {}, ask: Wait please., on: {handoff.closed: hello}}
  end: {type: final}
"""
TEMPLATES = """\
visit_reminder:
  category: utility
  en:
    body: "Hello {{1}}, your visit is on {{2}}."
    buttons: {confirm: I will come}
    examples: {1: Ana, 2: Monday}
  es:
    body: "Hola {{1}}, tu visita es el {{2}}."
    buttons: {confirm: Voy}
    examples: {1: Ana, 2: lunes}
spring:
  category: marketing
  en: {body: "Hi {{1}}, spring is here!", examples: {1: Ana}}
"""


@dataclass(frozen=True, slots=True)
class Town:
    app: App
    cloud: FakeCloud
    data: Path
    root: Path
    settings: Settings


def bot_folder(root: Path) -> Path:
    folder = root / "flows" / "bot"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (folder / "templates.yaml").write_text(TEMPLATES, encoding="utf-8")
    return folder


@contextlib.asynccontextmanager
async def town(root: Path, clock: Clock = lambda: NOW, **changes: Any) -> AsyncIterator[Town]:
    """``changes`` are settings."""
    bot = load_bot(bot_folder(root), published=True)
    data = root / "data"
    sock, graph_sock = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    port, graph_port = sock.getsockname()[1], graph_sock.getsockname()[1]
    whatsapp = WhatsAppSettings(
        app_secrets=(Secret("app-secret"),),
        verify_token=Secret("rosebud"),
        access_token=Secret("access-token"),
        api_url=f"http://127.0.0.1:{graph_port}/v26.0",
        account_id=ACCOUNT_ID,
    )
    settings = Settings(
        **{"root": root, "data": data, "whatsapp": whatsapp, "number_id": NUMBER, "rate": 0, "hold": 0, **changes}
    )
    cloud = FakeCloud(
        number_id=NUMBER,
        app_secret="app-secret",
        access_token="access-token",
        webhook_url=f"http://127.0.0.1:{port}/webhook",
        templates=approved(bot.templates),
        clock=clock,
        random=Random(7),
    )
    app = await build(settings, bot, clock=clock)
    await app.start()
    door = Door(data)
    graph = Server(graph_app(cloud), graph_sock)
    server = Server(asgi_app(app, whatsapp, [api_router(app, door.token())], openapi=openapi()), sock)
    async with cloud:
        await graph.begin()
        await server.begin()
        try:
            with door.open("127.0.0.1", server.port):
                yield Town(app, cloud, data, root, settings)
        finally:
            for one in (server, graph):
                one.should_exit = True
                await one.task
            await app.stop()


def approved(templates: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {code: {**text.to_json(), "category": one.category} for code, text in one.languages.items()}
        for name, one in templates.items()
    }


async def hear(app: App, phone: str, text: str, channel: Any = "whatsapp", type_: str = "text") -> str:
    """The customer of this number writes, or calls; the conversation."""
    contact = Contact(wa_id=phone.removeprefix("+"))
    talk = conversation_id(NUMBER, contact)
    message = InboundMessage(
        message_id=f"{phone}-{text}",
        number_id=NUMBER,
        conversation_id=talk,
        timestamp=app.clock(),
        channel=channel,
        type=type_,
        text=text,
        contact=contact,
    )
    await app.store.put(Arrival(messages=(message,)))
    for _ in range(2000):
        if app.store.lanes.backlog == 0:
            break
        await asyncio.sleep(0.001)
    return talk


async def agrees(app: App, phone: str, what: Any) -> None:
    """It is entered that the customer of this number wants marketing, or does not."""
    talk = await hear(app, phone, f"rings {what}", "notice", "call")
    entry = ConsentEntry(at=NOW, what=what, channel="command")

    def write(connection: sqlite3.Connection) -> None:
        contact = consents.find(connection, handle_of(talk))
        assert contact is not None
        consents.write(connection, contact, [entry], NOW)

    await app.store.writer.submit(write)
