"""A bot behind the real webhook parser and the real store, and what its customer and its owner do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tests.fakes import FakeMessenger, VirtualClock
from wabox.app import App
from wabox.core.conversation import Session
from wabox.core.delivery import words
from wabox.whatsapp.webhook import parse

NUMBER, PHONE, BSUID = "200", "5215550002222", "MX.1"
CONVERSATION = f"{NUMBER}:{BSUID}"


class World:
    def __init__(self, app: App, messenger: FakeMessenger, clock: VirtualClock) -> None:
        self.app, self.messenger, self.clock = app, messenger, clock
        self._count = 0

    async def post(self, field: str, *, number: str = NUMBER, **value: Any) -> list[str]:
        """What the bot says to it: the types of the bubbles."""
        before = len(self.messenger.taken)
        await self.send(field, number=number, **value)
        await self.rest()
        return [str(sent.body["type"]) for sent in self.messenger.taken[before:]]

    async def send(self, field: str, *, number: str = NUMBER, **value: Any) -> None:
        value = {"metadata": {"phone_number_id": number}, **value}
        body = json.dumps({"entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}).encode()
        arrived = parse(body, self.clock.now)
        assert not arrived.dead, arrived.dead
        await self.app.accept(arrived)

    async def rest(self) -> None:
        for _ in range(4000):
            stats = await self.app.store.stats()
            if not (self.app.store.lanes.backlog or stats.inbox or stats.outbox):
                return
            await asyncio.sleep(0.001)
        raise AssertionError("it never came to rest")

    def element(self, **content: Any) -> dict[str, Any]:
        self._count += 1
        at = str(self.clock.now // 1000)
        return {"id": f"wamid.{self._count}", "timestamp": at, "type": "text", "text": {"body": "hola"}, **content}

    async def hear(self, **content: Any) -> list[str]:
        return await self.post("messages", messages=[self.element(**{"from": PHONE, "from_user_id": BSUID, **content})])

    async def write(self, text: str, *, number: str = NUMBER, **who: Any) -> list[str]:
        """What the bot says to these words, word for word."""
        before = len(self.messenger.taken)
        element = self.element(**{"from": PHONE, "from_user_id": BSUID, "text": {"body": text}, **who})
        await self.post("messages", number=number, messages=[element])
        return [words(sent.body) for sent in self.messenger.taken[before:]]

    async def tap(self, id_: str) -> list[str]:
        reply = {"type": "button_reply", "button_reply": {"id": id_, "title": id_}}
        return await self.hear(type="interactive", interactive=reply)

    async def echo(self, **content: Any) -> list[str]:
        sent = self.element(**{"from": "1555", "to": PHONE, "to_user_id": BSUID, **content})
        return await self.post("smb_message_echoes", message_echoes=[sent])

    async def session(self, conversation: str = CONVERSATION) -> Session:
        return await self.app.store.open(conversation)

    async def said(self) -> list[Any]:
        lines = await self.app.store.transcript(CONVERSATION)
        return [line.body.get("text") for line in lines if line.kind == "in"]


async def until(true: Callable[[], bool]) -> None:
    for _ in range(4000):
        if true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never happened")
