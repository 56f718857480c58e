"""What a console reads: one conversation with everything, all of them on a board, pictures and files; and stepping in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.test_desk import Desk, wired
from tests.integration.world import CONVERSATION
from wabox.app import App
from wabox.core.act import Act
from wabox.core.change import Changed
from wabox.services.dossiers import Dossier
from wabox.services.handoffs import NoCase
from wabox.settings import Secret, WhatsAppSettings
from wabox.web.api import api_router
from wabox.web.server import asgi_app

TOKEN = "t" * 43


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock, messenger = VirtualClock(), FakeMessenger()
    app: App = await wired(tmp_path, clock, messenger)
    await app.start()
    yield Desk(app, messenger, clock)
    await app.stop()


def caller(desk: Desk) -> httpx.AsyncClient:
    secret = Secret("x" * 20)
    whatsapp = WhatsAppSettings(app_secrets=(secret,), verify_token=secret, access_token=secret)
    asgi: Any = asgi_app(desk.app, whatsapp, [api_router(desk.app, TOKEN)])
    transport = httpx.ASGITransport(asgi, client=("127.0.0.1", 40_000))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)


async def dossier(desk: Desk, most: int = 100, before: int | None = None) -> Dossier:
    return await desk.app.dossiers.one(CONVERSATION, most, before)


async def test_a_conversation_with_everything(desk: Desk) -> None:
    """Who said what, what the bot made of it, where it stands and how it came there, and who has it."""
    await desk.write("hi")
    await desk.tap("shop")
    await desk.write("a person please")
    waiting = await dossier(desk)
    assert (waiting.holder, waiting.language) == ("queue", "en")
    assert [line.who for line in waiting.lines] == ["customer", "bot"] * 3
    assert waiting.lines[1].options == ["Shop", "Silent"]
    asked = waiting.lines[4].read
    assert asked is not None
    assert (asked.intent, asked.confidence > 0.5) == ("human", True)
    assert [(place.flow, place.states) for place in waiting.places] == [("shop", ["people"])]
    assert [went.states for went in waiting.path] == [["hello"], ["shop"], ["people"]]
    assert waiting.path[1].events == ["shop"]
    await desk.act("claim")
    await desk.act("reply", text="Marta here")
    await desk.act("note", text="VIP")
    claimed = await dossier(desk)
    assert claimed.holder == "agent"
    assert claimed.case is not None
    assert claimed.case.agent_name == "Marta"
    assert [(line.who, line.by, line.text) for line in claimed.lines[-3:]] == [
        ("event", "Marta", ""),
        ("agent", "Marta", "Marta here"),
        ("note", "Marta", "VIP"),
    ]
    await desk.act("close", text="told")
    closed = await dossier(desk)
    assert (closed.holder, closed.case, [one.outcome for one in closed.earlier]) == ("bot", None, ["told"])


async def test_page_by_page(desk: Desk) -> None:
    """The newest lines first; the key of the first asks for those before, without a gap and without one twice."""
    for number in range(6):
        await desk.write(f"words {number}")
    everything = await dossier(desk)
    assert everything.first is None
    keys = [line.key for line in everything.lines]
    newest = await dossier(desk, 5)
    assert newest.first is not None
    found, first = [line.key for line in newest.lines], newest.first
    while first is not None:
        older = await dossier(desk, 5, first)
        found, first = [line.key for line in older.lines] + found, older.first
    assert found == keys == sorted(set(keys))


async def test_what_was_taken_back_is_not_shown(desk: Desk) -> None:
    """A message that the customer deleted says that, and nothing of what it said; an edited one says what it says now."""
    await desk.write("my card is 4111")
    (line,) = [one for one in (await dossier(desk)).lines if one.who == "customer"]
    await desk.hear(type="revoke", revoke={"original_message_id": line.ref})
    taken = [one for one in (await dossier(desk)).lines if one.who == "customer"]
    assert [(one.text, one.deleted_at is not None) for one in taken] == [("", True)]


async def test_the_board(desk: Desk) -> None:
    """Everybody is on it, in their state; who waits for a person says since when."""
    await desk.write("hi")
    (spot,) = await desk.app.dossiers.board(10)
    assert (spot.flow, spot.states, spot.case) == ("shop", ["hello"], None)
    await desk.write("a person please")
    desk.clock.now += 90_000
    (spot,) = await desk.app.dossiers.board(10)
    assert spot.case is not None
    assert spot.case.waiting_ms == 90_000


async def test_stepping_in(desk: Desk) -> None:
    """A conversation that nobody was asked about is taken from the bot, once, and given back."""
    await desk.write("hi")
    act = Act(id="in", kind="claim", case="", agent="marta", by="Marta")
    first, again = await asyncio.gather(
        desk.app.handoffs.take(CONVERSATION, act), desk.app.handoffs.take(CONVERSATION, act)
    )
    assert first.case.id == again.case.id
    assert (first.case.status, first.case.agent, first.case.reason) == ("claimed", "marta", "taken over")
    assert await desk.write("hello?") == []
    await desk.act("close")
    assert (await dossier(desk)).holder == "bot"
    with pytest.raises(NoCase):
        await desk.app.handoffs.take("200:nobody", act)


async def test_over_http(desk: Desk) -> None:
    """The same as JSON; a picture without a style in it; what does not exist is a 404 with a sentence."""
    await desk.write("hi")
    async with caller(desk) as client:
        found = (await client.get(f"/api/v1/conversations/{CONVERSATION}")).json()
        ref = found["places"][0]["chart"]
        picture = await client.get(f"/api/v1/charts/{ref}")
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert "immutable" in picture.headers["cache-control"]
        assert 'data-state="hello"' in picture.text
        assert "<style" not in picture.text
        (board,) = (await client.get("/api/v1/conversations")).json()
        assert board["states"] == ["hello"]
        assert [one["main"] for one in (await client.get("/api/v1/charts")).json() if one["flow"] == "shop"] == [True]
        for path in ("/conversations/200:nobody", "/charts/none@000", "/media?message=none"):
            answer = await client.get(f"/api/v1{path}")
            assert (answer.status_code, "error" in answer.json()) == (404, True)


async def test_deliveries_are_told(desk: Desk) -> None:
    """Whoever listens hears what became of a message, also when it failed on its way."""
    heard: list[Changed] = []

    async def listen() -> None:
        async for change in desk.app.changes.listen():
            heard.append(change)

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0)
    await desk.write("hi")
    ours = (await dossier(desk)).lines[-1].ref
    status = {"id": "wamid.out", "status": "delivered", "timestamp": "1", "recipient_id": "1"}
    await desk.post("messages", statuses=[{**status, "biz_opaque_callback_data": ours}])
    told = [(change.outbound_id, change.status) for change in heard if change.kinds == ("delivery",)]
    assert told == [(ours, "delivered")]
    assert (await dossier(desk)).lines[-1].status == "delivered"
    listening.cancel()
