"""``/webhook`` as Meta meets it: what is answered when, and that nothing acknowledged is lost (promises P1, P2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import FakeMessenger, VirtualClock
from wabox.app import App, build
from wabox.core.changed import changed
from wabox.errors import Unavailable
from wabox.flowfile.bot import load_bot
from wabox.flowfile.starter import create
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.web.server import asgi_app
from wabox.whatsapp.signature import sign

SECRET, OLD, TOKEN = "app-secret", "the-one-before", "verify-me"
NUMBER = "200000000000002"
META = WhatsAppSettings(
    app_secrets=(Secret(SECRET), Secret(OLD)), verify_token=Secret(TOKEN), access_token=Secret("token")
)


def text(body: str, message_id: str, user: str = "MX.1", **more: Any) -> dict[str, Any]:
    return {
        "from_user_id": user,
        "id": message_id,
        "timestamp": "1795300000",
        "type": "text",
        "text": {"body": body},
        **more,
    }


def envelope(*messages: Any, **value: Any) -> dict[str, Any]:
    content = {"metadata": {"phone_number_id": NUMBER}, "messages": list(messages), **value}
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": content}]}],
    }


class World:
    def __init__(self, app: App, messenger: FakeMessenger, client: httpx.AsyncClient) -> None:
        self.app, self.messenger, self.client = app, messenger, client

    async def post(self, body: Any, *, secret: str = SECRET, headers: dict[str, Any] | None = None) -> int:
        data = body if isinstance(body, bytes) else json.dumps(body).replace("/", "\\/").encode()
        signed = {"X-Hub-Signature-256": sign(data, secret.encode())} if headers is None else headers
        return (await self.client.post("/webhook", content=data, headers=signed)).status_code

    async def settled(self) -> list[dict[str, Any]]:
        """What reached the customers once everything came to rest."""
        for _ in range(2000):
            stats = await self.app.store.stats()
            if not (self.app.store.lanes.backlog or stats.inbox or stats.outbox):
                break
            await asyncio.sleep(0.001)  # the writer is a thread: no virtual clock can turn it
        return [dict(message.body) for message in self.messenger.taken]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    create(tmp_path / "bakery")
    clock, messenger = VirtualClock(), FakeMessenger()
    bot = load_bot(tmp_path / "bakery" / "flows" / "bakery")
    app = await build(Settings(root=tmp_path, data=tmp_path / "data"), bot, clock=clock, messenger=messenger)
    await app.start()
    transport = httpx.ASGITransport(app=asgi_app(app, META))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://wabox") as client:
        yield World(app, messenger, client)
    await app.stop()


async def test_the_handshake_echoes_the_challenge(world: World) -> None:
    """The right verify token is answered with the challenge as plain text; any other with 403."""
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": TOKEN}
    answer = await world.client.get("/webhook", params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "no"}, {"hub.verify_token": "ñ"}, {"hub.mode": "unsubscribe"}):
        assert (await world.client.get("/webhook", params={**query, **wrong})).status_code == 403
    assert (await world.client.get("/webhook")).status_code == 403


async def test_a_signed_message_is_answered(world: World) -> None:
    """A text comes in through the signed webhook; the bot's first question goes out with its buttons."""
    assert await world.post(envelope(text("hello", "wamid.1"))) == 200
    sent = await world.settled()
    assert [body["type"] for body in sent] == ["interactive"]
    assert sent[0]["recipient"] == "MX.1"


async def test_both_secrets_count_while_rotating(world: World) -> None:
    """A webhook signed with the previous app secret is accepted too."""
    assert await world.post(envelope(text("hello", "wamid.1")), secret=OLD) == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        "0" * 64,
        "sha256=" + "zz" * 32,
        "sha256=" + "é" * 64,
        "sha256=" + "0" * 4000,
    ],
)
async def test_a_wrong_signature_is_refused_and_nothing_is_stored(world: World, header: str | None) -> None:
    """Missing, malformed, non-ASCII or simply wrong: 401, and no trace in the store."""
    headers = {} if header is None else {"X-Hub-Signature-256": header.encode("latin-1")}
    assert await world.post(envelope(text("hello", "wamid.1")), headers=headers) == 401
    stats = await world.app.store.stats()
    assert (stats.conversations, stats.inbox, stats.dead_letters) == (0, 0, 0)


async def test_a_signature_of_another_body_is_refused(world: World) -> None:
    """The hash is over the raw bytes: the same JSON written another way does not match."""
    body = envelope(text("a/b", "wamid.1"))
    signature = sign(json.dumps(body).encode(), SECRET.encode())
    assert await world.post(body, headers={"X-Hub-Signature-256": signature}) == 401


async def test_the_same_webhook_three_times_has_one_effect(world: World) -> None:
    """Delivered three times one after the other and three times at once, a message is answered once."""
    for _ in range(3):
        assert await world.post(envelope(text("hello", "wamid.1"))) == 200
    answers = await asyncio.gather(*(world.post(envelope(text("order", "wamid.2"))) for _ in range(3)))
    assert answers == [200, 200, 200]
    assert len(await world.settled()) == 2


async def test_a_batch_mixes_entries_numbers_messages_and_statuses(world: World) -> None:
    """Several entries, business numbers and customers in one POST are each answered from the number they wrote to."""
    one = envelope(text("hello", "wamid.1", user="MX.1"), text("hello", "wamid.2", user="MX.2"))
    two = envelope(text("hello", "wamid.3", user="MX.1"))
    two["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "300"
    status = {"id": "wamid.OUT", "status": "delivered", "timestamp": "1795300003", "recipient_user_id": "MX.1"}
    three = envelope(statuses=[status])
    whole = {**one, "entry": [*one["entry"], *two["entry"], *three["entry"]]}
    assert await world.post(whole) == 200
    await world.settled()
    assert sorted((m.number_id, m.body["recipient"]) for m in world.messenger.taken) == [
        ("200000000000002", "MX.1"),
        ("200000000000002", "MX.2"),
        ("300", "MX.1"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        "not an object",
        {},
        {"id": 7, "type": "text"},
        {"type": "text", "text": {"body": "nobody sent this"}, "id": "wamid.X", "timestamp": "1795300000"},
        {"from_user_id": "MX.9", "id": "wamid.X", "timestamp": "1795300000", "type": "text", "text": "a string"},
        None,
    ],
)
async def test_one_bad_element_does_not_fail_the_batch(world: World, bad: Any) -> None:
    """The element is kept as a dead letter, its neighbours are answered, and Meta gets its 200."""
    assert await world.post(envelope(text("hello", "wamid.1"), bad, text("hello", "wamid.2", user="MX.2"))) == 200
    await world.settled()
    assert {m.body["recipient"] for m in world.messenger.taken} == {"MX.1", "MX.2"}
    assert (await world.app.store.stats()).dead_letters == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"entry": 3}', b"{" * 5000])
async def test_signed_nonsense_is_kept_and_acknowledged(world: World, body: bytes) -> None:
    """What nobody can read would not improve by being delivered for seven days: 200, and one dead letter."""
    assert await world.post(body) == 200
    assert (await world.app.store.stats()).dead_letters == 1


async def test_a_body_over_the_limit_is_refused_unread(world: World) -> None:
    """5 MB is 413, whether or not its length is announced; 3 MB, Meta's largest, is accepted."""

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1_000_000

    assert await world.post(b" " * 5_000_000) == 413
    answer = await world.client.post(
        "/webhook", content=unannounced(), headers={"X-Hub-Signature-256": "sha256=" + "0" * 64}
    )
    assert answer.status_code == 413
    big = envelope(text("hello", "wamid.1"), padding="x" * 3_000_000)
    assert await world.post(big) == 200


async def test_unknown_fields_and_types_are_kept_and_answered_politely(world: World) -> None:
    """A type from the future gets words, an unknown field of the envelope gets a 200."""
    await world.post(envelope(text("hello", "wamid.1")))
    future = {
        "from_user_id": "MX.1",
        "id": "wamid.2",
        "timestamp": "1795300001",
        "type": "hologram",
        "hologram": {"id": "1"},
    }
    assert await world.post(envelope(future, brand_new={"a": 1})) == 200
    other = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "brand_new", "value": {}}]}],
    }
    assert await world.post(other) == 200
    assert len(await world.settled()) == 2


@pytest.mark.parametrize("odd", ["\ud83d half an emoji", "nul \x00 inside", "‮ right to left", "e\u0301 " * 2000])
async def test_odd_text_is_handled_like_any_other(world: World, odd: str) -> None:
    """Lone surrogates, U+0000 and the like neither fail the batch nor lose the message."""
    assert await world.post(envelope(text(odd, "wamid.1"))) == 200
    assert len(await world.settled()) == 1
    assert (await world.app.store.stats()).dead_letters == 0


async def test_a_phone_only_customer_is_answered_by_phone(world: World) -> None:
    """Without a business-scoped id and without ``contacts`` the reply goes to the number the message came from."""
    message = {key: value for key, value in text("hello", "wamid.1").items() if key != "from_user_id"}
    assert await world.post(envelope({**message, "from": "5215550002222"})) == 200
    assert (await world.settled())[0]["to"] == "+5215550002222"


async def test_what_cannot_be_stored_is_not_acknowledged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store refuses, the answer is 503, so that Meta brings the message again; then it is answered once."""

    async def full(_: object) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(world.app.store, "put", full)
        assert await world.post(envelope(text("hello", "wamid.1"))) == 503
    assert await world.post(envelope(text("hello", "wamid.1"))) == 200
    assert len(await world.settled()) == 1


async def test_a_crowd_is_turned_away_at_the_door(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While too much waits, a message is answered 503 and not stored; delivery statuses, which settle doubts, come in."""
    status = {"id": "wamid.OUT", "status": "sent", "timestamp": "1790000000", "recipient_id": "5215550001"}
    sent = json.dumps(envelope(statuses=[status]), separators=(",", ":")).replace('"messages":[],', "").encode()
    with monkeypatch.context() as patch:
        patch.setattr(type(world.app.store), "crowded", property(lambda _: True))
        assert await world.post(envelope(text("hello", "wamid.1"))) == 503
        assert await world.post(sent) == 200
        assert await world.post(envelope(text("hello", "wamid.1"), statuses=[status])) == 503
    assert (await world.app.store.stats()).inbox == 0
    assert await world.post(envelope(text("hello", "wamid.1"))) == 200


async def test_health_and_other_methods(world: World) -> None:
    """``/healthz`` and ``/readyz`` answer; the webhook takes GET and POST only."""
    assert (await world.client.get("/healthz")).status_code == 200
    assert (await world.client.get("/readyz")).json()["ready"] is True
    assert (await world.client.put("/webhook")).status_code == 405
    assert (await world.client.get("/nowhere")).json() == {"error": "Not Found"}


async def test_a_turn_that_fails_ends_with_a_person(world: World) -> None:
    """A snapshot that cannot be read costs the customer an apology and a place in the queue, never silence."""
    await world.post(envelope(text("hello", "wamid.1")))
    await world.settled()
    session = await world.app.store.open(f"{NUMBER}:MX.1")
    damaged = changed(session, snapshot=b'{"v": 99}')

    async def opened(_: str) -> Any:
        return damaged

    real, world.app.store.open = world.app.store.open, opened  # type: ignore[method-assign]
    await world.post(envelope(text("order", "wamid.2")))
    sent = await world.settled()
    world.app.store.open = real  # type: ignore[method-assign]
    assert len(sent) == 2
    assert (await world.app.store.stats()).handoffs_waiting == 1
    await world.post(envelope(text("hello", "wamid.3")))
    assert len(await world.settled()) == 3
