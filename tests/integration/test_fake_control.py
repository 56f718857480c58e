"""``/fake``: the fake Cloud API in the hands of a test that is written in anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import pytest

from tests.fakes import VirtualClock
from wabox.demo.cloud import FakeCloud
from wabox.demo.control import control_router
from wabox.demo.fault import KINDS
from wabox.demo.graph import graph_app
from wabox.demo.happening import NAMES
from wabox.demo.phone import phone_router
from wabox.manual import page
from wabox.whatsapp.webhook import parse

NUMBER, TOKEN = "200000000000002", "access-token"

NOW = 1_795_300_005_000
HAPPENED = {
    "voice": ("whatsapp", "voice"),
    "document": ("whatsapp", "document"),
    "sticker": ("whatsapp", "sticker"),
    "video": ("whatsapp", "video"),
    "card": ("whatsapp", "contacts"),
    "order": ("whatsapp", "order"),
    "poll": ("whatsapp", "unsupported"),
    "forwarded": ("whatsapp", "text"),
    "ad": ("whatsapp", "text"),
    "reaction": ("whatsapp", "reaction"),
    "edit": ("whatsapp", "edited"),
    "delete": ("whatsapp", "deleted"),
    "number": ("whatsapp", "system"),
    "call": ("notice", "call"),
    "stop": ("notice", "preference"),
    "resume": ("notice", "preference"),
    "echo": ("echo", "text"),
    "standby": ("standby", "text"),
}


class Answers(httpx.AsyncBaseTransport):
    """A server that takes every webhook."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(await request.aread()))
        return httpx.Response(200)


@pytest.fixture
async def fake() -> AsyncIterator[tuple[httpx.AsyncClient, Answers]]:
    clock, bot = VirtualClock(), Answers()
    cloud = FakeCloud(
        number_id=NUMBER, app_secret="s", access_token=TOKEN, webhook_url="http://bot/webhook",
        clock=clock, random=Random(7), sleep=clock.sleep, transport=bot,
    )  # fmt: skip
    transport = httpx.ASGITransport(graph_app(cloud, [phone_router(cloud), control_router(cloud)]))  # type: ignore[arg-type]
    async with cloud, httpx.AsyncClient(transport=transport, base_url="http://fake") as client:
        yield client, bot


async def send(client: httpx.AsyncClient, words: str, token: str = TOKEN) -> httpx.Response:
    body = {"messaging_product": "whatsapp", "to": "15550002222", "type": "text", "text": {"body": words}}
    return await client.post(f"/v26.0/{NUMBER}/messages", json=body, headers={"authorization": f"Bearer {token}"})


async def test_a_conversation_over_http(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """A customer writes, the bot answers, the test reads the answer and how far it came."""
    client, bot = fake
    assert (await client.post("/fake/sam/say", json={"text": "Hi"})).status_code == 202
    assert bot.bodies[0]["entry"][0]["changes"][0]["value"]["messages"][0]["text"] == {"body": "Hi"}
    await send(client, "Hello")
    assert (await client.post("/fake/settle")).status_code == 204
    (message,) = (await client.get("/fake/sam/messages")).json()
    assert (message["tick"], message["message"]["text"]["body"]) == ("delivered", "Hello")
    assert len((await client.get("/fake")).json()["bubbles"]) == 2


@pytest.mark.parametrize("name", NAMES)
async def test_what_else_happens_is_understood(fake: tuple[httpx.AsyncClient, Answers], name: str) -> None:
    """Each is a webhook that wabox reads whole, as what it is, on the customer's own conversation."""
    client, bot = fake
    await client.post("/fake/sam/say", json={"text": "Hi"})
    await send(client, "Hello")
    await client.post("/fake/settle")
    assert (await client.post(f"/fake/sam/do/{name}")).status_code == 202
    arrived = parse(json.dumps(bot.bodies[-1]).encode(), NOW)
    assert (len(arrived.messages), arrived.others, arrived.dead) == (1, (), ())
    (found,) = arrived.messages
    assert (found.channel, found.type) == HAPPENED[name]
    assert found.conversation_id == f"{NUMBER}:US.40000000000000000001"


async def test_another_number_is_another_address(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """Who changed the number writes from the new one, with the new id, and is answered there."""
    client, bot = fake
    await client.post("/fake/sam/do/number")
    await client.post("/fake/sam/say", json={"text": "Hi"})
    value = bot.bodies[-1]["entry"][0]["changes"][0]["value"]
    assert value["contacts"][0]["wa_id"] == value["messages"][0]["from"] == "15550003333"
    assert value["messages"][0]["from_user_id"] == "US.400000000000000000019"


async def test_any_message_and_any_change(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """What nobody thought of is posted as it is given, with who, when and an id."""
    client, bot = fake
    said = {"type": "hologram", "hologram": {"deep": True}, "context": {"forwarded": True}}
    assert (await client.post("/fake/sam/message", json=said)).status_code == 202
    message = bot.bodies[-1]["entry"][0]["changes"][0]["value"]["messages"][0]
    assert said.items() <= message.items()
    assert message.keys() - said.keys() == {"from", "from_user_id", "id", "timestamp"}
    told = {"field": "account_update", "value": {"event": "ACCOUNT_VIOLATION"}}
    assert (await client.post("/fake/change", json=told)).status_code == 202
    (entry,) = bot.bodies[-1]["entry"]
    assert (entry["changes"], entry["time"] > 0) == ([told], True)


async def test_what_cannot_happen_says_why(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """Nothing to react to, nothing to delete, a name that there is not, a message without a type."""
    client, bot = fake
    for what, status, words in (
        ("do/reaction", 400, "nothing of the business"),
        ("do/delete", 400, "has not written yet"),
        ("do/dance", 404, "there are voice"),
        ("message", 400, "a message has a type"),
    ):
        answer = await client.post(f"/fake/sam/{what}", json={"text": {"body": "Hi"}} if what == "message" else None)
        assert (answer.status_code, words in answer.json()["detail"]) == (status, True)
    assert not bot.bodies


async def test_what_the_account_is_told_is_no_part_of_a_batch(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """Messages are gathered; a call comes by itself."""
    client, bot = fake
    await client.put("/fake/faults", json={"batch": "on"})
    await client.post("/fake/sam/do/call")
    assert [entry["changes"][0]["field"] for entry in bot.bodies[-1]["entry"]] == ["calls"]


async def test_faults_are_set_as_a_whole(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """What is put is armed and nothing else; a mistake in it changes nothing and is explained."""
    client, _ = fake
    await client.put("/fake/faults", json={"hang": "3%", "131048": "2x"}, params={"seed": 9})
    told = (await client.get("/fake/faults")).json()
    assert (told["armed"], told["seed"], told["kinds"]) == ({"hang": "3%", "131048": "2x"}, 9, dict(KINDS))
    for wrong in ({"rain": "on"}, {"late": "often"}):
        answer = await client.put("/fake/faults", json={"again": "5%", **wrong})
        assert answer.status_code == 400
        assert "there is no fault" in answer.json()["detail"] or "is no amount" in answer.json()["detail"]
    assert (await client.get("/fake/faults")).json()["armed"] == {"hang": "3%", "131048": "2x"}
    assert (await client.put("/fake/faults", json={})).json()["armed"] == {}


async def test_the_token_can_be_replaced(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """Whoever sends with the old one is refused from then on."""
    client, _ = fake
    await client.put("/fake/token", json={"token": "another"})
    assert (await send(client, "x")).status_code == 401
    assert (await send(client, "x", "another")).status_code == 200


async def test_mistakes_are_explained_in_plain_words(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """Not in the form of Meta's errors, which are for the bot."""
    client, _ = fake
    assert "nobody" in (await client.post("/fake/nobody/say", json={"text": "x"})).json()["detail"]
    assert (await client.get("/fake/nobody/messages")).status_code == 404
    assert (await client.post("/fake/sam/tap", json={"option": "Yes"})).status_code == 400
    assert (await client.put("/fake/faults", json={}, headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await client.get("/phone")).status_code == 200
    assert (await client.get("/v26.0/1")).json()["error"]["code"] == 104


def test_everything_that_happens_is_in_the_manual() -> None:
    """Whoever reads it finds each by its name."""
    told = page("fake") or ""
    assert [name for name in NAMES if f"`{name}`" not in told] == []


def test_every_fault_is_in_the_manual() -> None:
    """And nothing else is called one."""
    section = str(page("fake")).partition("## What can go wrong")[2].partition("\n## ")[0]
    for name in KINDS:
        assert f"`{name}`" in section, name


async def test_everybody_may_watch_at_once(fake: tuple[httpx.AsyncClient, Answers]) -> None:
    """Ten customers' worth of requests at the same time end as ten conversations."""
    client, bot = fake
    await asyncio.gather(*(client.post("/fake/ana/say", json={"text": str(n)}) for n in range(10)))
    await client.post("/fake/settle")
    assert len(bot.bodies) == 10
