"""The fake Cloud API against a stand-in bot, over real HTTP: it must be as particular, and as stubborn, as Meta's."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import pytest
import uvicorn
from litestar import Litestar

from tests.fakes import NOW, VirtualClock
from wabox.demo.cloud import FakeCloud
from wabox.demo.courier import BACKOFF
from wabox.demo.fault import HANG, UnknownFault
from wabox.demo.graph import graph_app
from wabox.demo.phone import PAGE, STATIC, phone_router

NUMBER = "200000000000002"
SECRET = "app-secret"
TOKEN = "access-token"
SAM = "15550002222"
HOUR = 3_600_000


@dataclass
class StandIn:
    """A bot that only writes down what it is told, and answers as the test wants."""

    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    together: asyncio.Barrier | None = None
    """Answer nobody until so many requests are here at the same time."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET":
            query = dict(httpx.QueryParams(scope["query_string"].decode()))
            status, body = (200, query["hub.challenge"]) if query["hub.verify_token"] == "rosebud" else (403, "")
        else:
            raw, more = b"", True
            while more:
                part = await receive()
                raw, more = raw + part["body"], part.get("more_body", False)
            self.requests.append(({k.decode(): v.decode() for k, v in scope["headers"]}, raw))
            if self.together is not None:
                await self.together.wait()
            status, body = (self.answers.pop(0) if self.answers else 200), ""
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": body.encode()})

    @property
    def values(self) -> list[dict[str, Any]]:
        return [json.loads(raw)["entry"][0]["changes"][0]["value"] for _, raw in self.requests]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values for message in value.get("messages", [])]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [status for value in self.values for status in value.get("statuses", [])]


class Server(uvicorn.Server):
    """A uvicorn server that says when it is up and leaves the signals alone."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(app, ws="none", lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
        )
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The app on a free port."""
    # Named as TCP: asyncio sets TCP_NODELAY only on sockets that say so, and each answer would wait 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    server = Server(app)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    await server.up.wait()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        sock.close()


@dataclass
class World:
    cloud: FakeCloud
    bot: StandIn
    clock: VirtualClock
    graph: httpx.AsyncClient

    def standing(self, customer: str) -> list[tuple[str, str | None]]:
        """Tick and note of each bubble on the phone."""
        return [(bubble.tick, bubble.note) for bubble in self.cloud.threads[customer].bubbles]

    async def post(
        self, body: Any, *, to: str | None = SAM, token: str | None = TOKEN, path: str = ""
    ) -> httpx.Response:
        """What a bot posts; a dict is completed with the envelope."""
        if isinstance(body, dict) and to is not None:
            body = {"messaging_product": "whatsapp", "to": to, **body}
        headers = {"authorization": f"Bearer {token}"} if token else {}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.graph.post(path or f"/v26.0/{NUMBER}/messages", content=content, headers=headers)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    bot, clock = StandIn(), VirtualClock()
    async with served(bot) as url:
        cloud = FakeCloud(
            number_id=NUMBER,
            app_secret=SECRET,
            access_token=TOKEN,
            webhook_url=f"{url}/webhook",
            clock=clock,
            random=Random(7),
            sleep=clock.sleep,
        )
        transport = httpx.ASGITransport(graph_app(cloud))  # type: ignore[arg-type]
        async with cloud, httpx.AsyncClient(transport=transport, base_url="http://graph") as graph:
            yield World(cloud, bot, clock, graph)


def text(body: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": body}}


def buttons(*titles: str, **parts: Any) -> dict[str, Any]:
    options = [{"type": "reply", "reply": {"id": f"go.{title.lower()}", "title": title}} for title in titles]
    interactive = {"type": "button", "body": {"text": "Well?"}, "action": {"buttons": options}, **parts}
    return {"type": "interactive", "interactive": interactive}


def rows(*sections: list[dict[str, Any]], button: str = "Choose") -> dict[str, Any]:
    listed = [{"title": f"Part {n}", "rows": section} for n, section in enumerate(sections)]
    return {
        "type": "interactive",
        "interactive": {"type": "list", "body": {"text": "Well?"}, "action": {"button": button, "sections": listed}},
    }


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_webhook_is_signed_over_the_escaped_bytes(world: World) -> None:
    """Accents, emoji and slashes travel escaped, and the signature is over exactly these bytes."""
    await world.cloud.say("sam", "¿Qué tal? 🙂 1/2")
    headers, raw = world.bot.requests[0]
    assert headers["x-hub-signature-256"] == "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert b"\\u00bfQu\\u00e9 tal? \\ud83d\\ude42 1\\/2" in raw
    assert raw.isascii()
    assert world.bot.messages[0]["text"] == {"body": "¿Qué tal? 🙂 1/2"}


async def test_a_message_carries_both_identities(world: World) -> None:
    """A customer with a phone number is named by number and user id, and the profile name comes along."""
    await world.cloud.say("sam", "Hi")
    value = world.bot.values[0]
    assert value["metadata"] == {"display_phone_number": "15550001111", "phone_number_id": NUMBER}
    assert value["contacts"] == [
        {"profile": {"name": "Sam Carter"}, "wa_id": SAM, "user_id": "US.40000000000000000001"}
    ]
    message = value["messages"][0]
    assert (message["from"], message["from_user_id"]) == (SAM, "US.40000000000000000001")
    assert (message["timestamp"], message["type"]) == (str(NOW // 1000), "text")


async def test_a_customer_without_a_number_is_named_by_user_id_only(world: World) -> None:
    """For a customer who keeps the number private, from, wa_id and recipient_id are missing, not empty."""
    await world.cloud.say("ana", "Hola")
    value = world.bot.values[0]
    assert value["contacts"][0].keys() == {"profile", "user_id"}
    assert "from" not in value["messages"][0]
    answer = await world.post({"recipient": value["messages"][0]["from_user_id"], **text("Hola, Ana")}, to=None)
    assert answer.status_code == 400  # without messaging_product
    answer = await world.post(
        {"messaging_product": "whatsapp", "recipient": "MX.40000000000000000003", **text("Hola, Ana")}, to=None
    )
    assert answer.json()["contacts"] == [{"input": "MX.40000000000000000003", "user_id": "MX.40000000000000000003"}]
    await world.cloud.settle()
    assert [body["text"]["body"] for body in world.cloud.sent("ana")] == ["Hola, Ana"]
    assert all("recipient_id" not in status for status in world.bot.statuses)


async def test_message_ids_never_repeat(world: World) -> None:
    """Every message gets an id of its own, also two runs with the same seed at different times."""
    ids = [await world.cloud.say("sam", "Hi") for _ in range(20)]
    assert len(set(ids)) == 20
    again = FakeCloud(
        number_id=NUMBER, app_secret=SECRET, access_token=TOKEN, webhook_url=world.cloud.webhook_url,
        clock=VirtualClock(NOW + 1), random=Random(7),
    )  # fmt: skip
    async with again:
        assert await again.say("sam", "Hi") not in ids


async def test_a_webhook_comes_again_until_it_is_taken(world: World) -> None:
    """Any answer but 200 brings the same bytes again: at once, then ever more slowly."""
    world.bot.answers = [503, 500, 204, 302]
    await world.cloud.say("sam", "Hi")
    assert world.standing("sam") == [("sent", "503, again at once")]
    await world.cloud.settle()
    assert len({raw for _, raw in world.bot.requests}) == 1
    assert world.clock.slept == list(BACKOFF[:4])
    assert world.standing("sam") == [("delivered", None)]


async def test_a_bot_that_is_away_gets_the_webhook_when_it_is_back(world: World) -> None:
    """A refused connection is a failed attempt like any other."""
    here, world.cloud.webhook_url = world.cloud.webhook_url, "http://127.0.0.1:1/webhook"
    await world.cloud.say("sam", "Hi")
    assert world.cloud.feed.exchanges[-1].answer.startswith("not reachable")
    world.cloud.webhook_url = here
    await world.cloud.settle()
    assert [message["text"]["body"] for message in world.bot.messages] == ["Hi"]


async def test_the_same_webhook_can_be_sent_again(world: World) -> None:
    """'Again' posts the very same bytes: same id, same signature."""
    assert not await world.cloud.again("sam")
    await world.cloud.say("sam", "Hi")
    assert await world.cloud.again("sam")
    first, second = world.bot.requests
    assert first[1] == second[1]
    assert first[0]["x-hub-signature-256"] == second[0]["x-hub-signature-256"]


async def test_copies_arrive_at_the_same_time(world: World) -> None:
    """Three copies are three requests in flight at once, and the fault wears off."""
    world.cloud.faults.arm("copies")
    world.bot.together = asyncio.Barrier(3)
    await world.cloud.say("sam", "Hi")
    assert [exchange.answer for exchange in world.cloud.feed.exchanges] == ["200 · 200 · 200 in 0 ms"]
    world.bot.together = None
    await world.cloud.say("sam", "Hi again")
    assert len(world.bot.requests) == 4


async def test_the_webhook_is_verified_at_the_start(world: World) -> None:
    """The handshake is repeated until the bot returns the challenge, and does not show the verify token."""
    world.cloud.verify_token = "rosebud"
    await world.cloud.start()
    await world.cloud.settle()
    exchange = world.cloud.feed.exchanges[-1]
    assert (exchange.kind, exchange.ok) == ("handshake", True)
    assert "rosebud" not in json.dumps(exchange.body)


# ── what customers do ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_tap_names_the_message_it_answers(world: World) -> None:
    """A tap carries the button's id and title, and the id of the message that offered it."""
    await world.cloud.say("sam", "Hi")
    sent = (await world.post(buttons("Yes", "No"))).json()["messages"][0]["id"]
    await world.cloud.tap("sam", "Yes")
    message = world.bot.messages[-1]
    assert message["context"] == {"from": "15550001111", "id": sent}
    assert message["interactive"] == {"type": "button_reply", "button_reply": {"id": "go.yes", "title": "Yes"}}


async def test_a_row_comes_back_with_its_description(world: World) -> None:
    """A list reply carries id, title and description of the row, found by id as well."""
    await world.cloud.say("sam", "Hi")
    await world.post(rows([{"id": "m", "title": "Size M", "description": "Blue"}, {"id": "l", "title": "Size L"}]))
    await world.cloud.tap("sam", "m")
    reply = {"id": "m", "title": "Size M", "description": "Blue"}
    assert world.bot.messages[-1]["interactive"] == {"type": "list_reply", "list_reply": reply}


async def test_old_buttons_can_be_pressed(world: World) -> None:
    """The newest message with that title counts, unless an older one is named; what nobody offered cannot be tapped."""
    await world.cloud.say("sam", "Hi")
    old = (await world.post(buttons("Yes"))).json()["messages"][0]["id"]
    new = (await world.post(buttons("Yes"))).json()["messages"][0]["id"]
    await world.cloud.tap("sam", "Yes")
    await world.cloud.tap("sam", "Yes", old)
    assert [message["context"]["id"] for message in world.bot.messages[1:]] == [new, old]
    with pytest.raises(LookupError, match="Maybe"):
        await world.cloud.tap("sam", "Maybe")


async def test_a_picture_can_be_fetched_with_the_token(world: World) -> None:
    """A picture arrives as an id with its hash; the bytes are behind two requests, both with the token."""
    data = b"\x89PNG\r\n\x1a\n rest"
    await world.cloud.picture("sam", data, "image/png", "look")
    image = world.bot.messages[0]["image"]
    assert (image["caption"], image["mime_type"]) == ("look", "image/png")
    headers = {"authorization": f"Bearer {TOKEN}"}
    about = (await world.graph.get(f"/v26.0/{image['id']}", headers=headers)).json()
    assert (about["sha256"], about["file_size"]) == (image["sha256"], len(data))
    assert (await world.graph.get(about["url"])).status_code == 401
    assert (await world.graph.get(about["url"], headers=headers)).content == data
    gone = (await world.graph.get("/v26.0/123", headers=headers)).json()["error"]
    assert (gone["code"], gone["error_subcode"]) == (100, 33)


async def test_files_expire(world: World) -> None:
    """The address of a file dies after five minutes, or when the fault says so; another can be had until the id dies."""
    await world.cloud.picture("sam", b"\x89PNG\r\n\x1a\n rest", "image/png")
    headers = {"authorization": f"Bearer {TOKEN}"}
    about = f"/v26.0/{world.bot.messages[0]['image']['id']}"
    first = (await world.graph.get(about, headers=headers)).json()["url"]
    world.cloud.faults.arm("gone")
    codes = [(await world.graph.get(first, headers=headers)).status_code for _ in range(2)]
    world.clock.now += 5 * 60 * 1000
    codes.append((await world.graph.get(first, headers=headers)).status_code)
    second = (await world.graph.get(about, headers=headers)).json()["url"]
    codes.append((await world.graph.get(second, headers=headers)).status_code)
    world.clock.now += 7 * 24 * HOUR
    codes.append((await world.graph.get(about, headers=headers)).status_code)
    assert codes == [404, 200, 404, 200, 400]


# ── what the bot sends ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_send_is_answered_as_meta_answers(world: World) -> None:
    """The answer names the contact and the message; the version in the path may be left out."""
    await world.cloud.say("sam", "Hi")
    answer = await world.post(text("Hello"), to="+1 555 000 2222")
    assert answer.status_code == 200
    assert answer.json()["contacts"] == [{"input": "+1 555 000 2222", "wa_id": SAM}]
    assert answer.json()["messages"][0]["id"].startswith("wamid.")
    assert (await world.post(text("Hello"), path=f"/{NUMBER}/messages")).status_code == 200
    assert [body["text"]["body"] for body in await world.cloud.until("sam", 2)] == ["Hello", "Hello"]


async def test_statuses_follow_in_order_with_the_callback_data(world: World) -> None:
    """sent, delivered and, once the customer has looked, read: each with the id of the outbox."""
    await world.cloud.say("sam", "Hi")
    wamid = (await world.post({**text("Hello"), "biz_opaque_callback_data": "row-7"})).json()["messages"][0]["id"]
    await world.cloud.settle()
    assert [status["status"] for status in world.bot.statuses] == ["sent", "delivered"]
    await world.cloud.read("sam")
    await world.cloud.read("sam")
    await world.cloud.settle()
    assert [status["status"] for status in world.bot.statuses] == ["sent", "delivered", "read"]
    for status in world.bot.statuses:
        assert (status["id"], status["biz_opaque_callback_data"], status["recipient_id"]) == (wamid, "row-7", SAM)
    assert world.bot.statuses[0]["pricing"]["type"] == "free_customer_service"
    assert "pricing" not in world.bot.statuses[2]


async def test_a_customer_who_is_looking_reads_after_delivery(world: World) -> None:
    """read never comes before delivered, however early the customer looked."""
    await world.cloud.say("sam", "Hi")
    await world.post(text("Hello"))
    await world.cloud.read("sam")
    await world.cloud.settle()
    assert [status["status"] for status in world.bot.statuses] == ["sent", "delivered", "read"]


async def test_ticks_follow_the_message(world: World) -> None:
    """One tick, two when the webhook was taken, blue when the bot marks it read or answers."""
    await world.cloud.say("sam", "One")
    await world.cloud.say("sam", "Two")
    await world.cloud.say("sam", "Three")
    one, two, three = world.cloud.threads["sam"].bubbles
    assert [bubble.tick for bubble in (one, two, three)] == ["delivered"] * 3
    seen = {"messaging_product": "whatsapp", "status": "read", "message_id": two.id}
    answer = await world.post({**seen, "typing_indicator": {"type": "text"}}, to=None)
    assert answer.json() == {"success": True}
    assert [bubble.tick for bubble in (one, two, three)] == ["read", "read", "delivered"]
    await world.post(text("Hello"))
    assert three.tick == "read"
    unknown = (await world.post({**seen, "message_id": "wamid.X"}, to=None)).json()["error"]
    assert unknown["code"] == 131009


async def test_what_the_bot_never_took_it_cannot_have_read(world: World) -> None:
    """A message that is still being brought keeps its note while later ones turn blue."""
    await world.cloud.say("sam", "One")
    await world.cloud.say("sam", "Two")
    one, two = world.cloud.threads["sam"].bubbles
    one.tick, one.note = "sent", "503, again in 2 s"
    await world.post(text("Hello"))
    assert (one.tick, one.note, two.tick) == ("sent", "503, again in 2 s", "read")


async def test_free_text_after_24_hours_is_accepted_and_fails(world: World) -> None:
    """Outside the service window the answer is 200 and a failed status with 131047 follows; a template arrives."""
    await world.cloud.say("sam", "Hi")
    world.clock.now += 25 * HOUR
    assert (await world.post(text("Still there?"))).status_code == 200
    template = {"type": "template", "template": {"name": "reminder", "language": {"code": "en"}}}
    assert (await world.post(template)).json()["messages"][0]["message_status"] == "accepted"
    await world.cloud.settle()
    failed = next(status for status in world.bot.statuses if status["status"] == "failed")
    assert failed["errors"][0]["code"] == 131047
    assert "recipient_user_id" not in failed
    assert [body["type"] for body in world.cloud.sent("sam")] == ["template"]


async def test_a_number_that_nobody_has_fails_later(world: World) -> None:
    """To an unknown number the answer is 200 and a failed status with 131026 follows."""
    assert (await world.post(text("Hello"), to="15559990000")).status_code == 200
    await world.cloud.settle()
    assert world.bot.statuses[0]["errors"][0]["code"] == 131026


async def test_a_user_id_in_to_vanishes(world: World) -> None:
    """A user id belongs in recipient; in to it is accepted, and nothing ever happens."""
    await world.cloud.say("ana", "Hola")
    answer = await world.post(text("Hola"), to="MX.40000000000000000003")
    await world.cloud.settle()
    assert answer.status_code == 200
    assert world.bot.statuses == []
    assert world.cloud.sent("ana") == []


REFUSED = {
    "no product": ({"messaging_product": "telegram", **text("x")}, 100, "messaging_product"),
    "no text": ({"type": "text", "text": {}}, 131008, "text['body']"),
    "no part": ({"type": "text"}, 131008, "text"),
    "empty text": (text(""), 100, "at least 1"),
    "long text": (text("x" * 4097), 100, "(#100) Param text['body'] must be at most 4096 characters long."),
    "a text of another type": ({"type": "text", "text": {"body": 7}}, 100, "must be a string"),
    "an unknown type": ({"type": "hologram", "hologram": {}}, 131051, "hologram"),
    "an unknown key": ({**text("x"), "quick_replies": []}, 100, "quick_replies"),
    "long callback data": ({**text("x"), "biz_opaque_callback_data": "x" * 513}, 100, "at most 512"),
    "four buttons": (buttons("A", "B", "C", "D"), 131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed"),
    "no button": (buttons(), 131009, "Invalid buttons count"),
    "a long button": (buttons("x" * 21), 131009, "Button title length invalid. Min length: 1, Max length: 20"),
    "twin buttons": (buttons("Yes", "Yes"), 131009, "Duplicated button id"),
    "a long body": (buttons("A", body={"text": "x" * 1025}), 131009, "Body text length invalid"),
    "a long footer": (buttons("A", footer={"text": "x" * 61}), 131009, "Footer text length invalid"),
    "a long header": (buttons("A", header={"type": "text", "text": "x" * 61}), 131009, "Header text length invalid"),
    "no interactive body": ({"type": "interactive", "interactive": {"type": "button"}}, 131008, "body"),
    "eleven rows": (
        rows([{"id": f"a{n}", "title": "x"} for n in range(6)], [{"id": f"b{n}", "title": "x"} for n in range(5)]),
        131009,
        "Total row count exceed max allowed count: 10",
    ),
    "a long row": (rows([{"id": "a", "title": "x" * 25}]), 131009, "Row title is too long. Max length is 24"),
    "a long description": (rows([{"id": "a", "title": "x", "description": "x" * 73}]), 131009, "Max length is 72"),
    "twin rows": (rows([{"id": "a", "title": "x"}, {"id": "a", "title": "y"}]), 131009, "Duplicated row id"),
    "an empty section": (rows([]), 131008, "has no rows"),
    "a long list button": (rows([{"id": "a", "title": "x"}], button="x" * 21), 131009, "Button label length invalid"),
    "a relative picture": ({"type": "image", "image": {"link": "/mug.png"}}, 100, "image['link'] is not a valid URI."),
    "no picture": ({"type": "image", "image": {"caption": "x"}}, 100, "one of id and link"),
    "a long caption": (
        {"type": "image", "image": {"link": "https://shop.example/mug.png", "caption": "x" * 1025}},
        100,
        "at most 1024",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_meta_would_refuse_is_refused(world: World, case: str) -> None:
    """Every limit is answered with Meta's code in Meta's error JSON, and nothing reaches the phone."""
    body, code, words = REFUSED[case]
    await world.cloud.say("sam", "Hi")
    answer = await world.post(body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (400, code, "OAuthException")
    assert words in error["message"] + error.get("error_data", {}).get("details", "")
    assert error["fbtrace_id"]
    assert world.cloud.sent("sam") == []


@pytest.mark.parametrize("to", [None, "", 15550002222])
async def test_a_send_needs_somebody_to_go_to(world: World, to: Any) -> None:
    """A missing, empty or numeric recipient is error 100."""
    envelope = {"messaging_product": "whatsapp", **text("x")} | ({} if to is None else {"to": to})
    assert (await world.post(envelope, to=None)).json()["error"]["code"] == 100


async def test_at_the_limit_is_allowed(world: World) -> None:
    """Exactly 20, 24, 72 and 4096 characters, three buttons and ten rows are fine; emoji count as one."""
    await world.cloud.say("sam", "Hi")
    ten = [{"id": f"{n}", "title": "🌙" * 24, "description": "x" * 72} for n in range(10)]
    for body in (text("x" * 4096), buttons("A" * 20, "B" * 20, "🌞" * 20), rows(ten[:5], ten[5:], button="x" * 20)):
        assert (await world.post(body)).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'"hi"', b"\xff", b'{"\\ud800": 1}'])
async def test_nonsense_is_error_100(world: World, body: bytes) -> None:
    """A body that is not a JSON object is answered with error 100, not with a crash."""
    answer = await world.post(body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


async def test_a_wrong_token_is_error_190(world: World) -> None:
    """Without the token of this number nothing is sent, and the log of calls does not show any token."""
    wrong = await world.post(text("x"), token="other")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, 190)
    assert (await world.post(text("x"), token=None)).status_code == 401
    assert (await world.post(text("x"))).status_code == 200
    assert TOKEN not in json.dumps(world.cloud.everything())


async def test_a_wrong_number_is_an_unknown_object(world: World) -> None:
    """Another phone number id is error 100 with subcode 33; other paths answer in JSON as well."""
    answer = await world.post(text("x"), path="/v26.0/999/messages")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["error_subcode"]) == (400, 100, 33)
    assert (await world.graph.get("/a/b/c/d")).json()["error"]["code"] == 2500
    mine = await world.graph.get(f"/v26.0/{NUMBER}", headers={"authorization": f"Bearer {TOKEN}"})
    assert mine.json()["verified_name"] == "Wabox Shop"


# ── faults ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_refused_sends_do_not_arrive(world: World) -> None:
    """A 500 and a 429 are answered as often as armed; then it works."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.fail_next(2)
    world.cloud.faults.limit_next()
    answers = [await world.post(text(f"try {n}")) for n in range(4)]
    assert [answer.status_code for answer in answers] == [500, 500, 429, 200]
    assert [answer.json()["error"]["code"] for answer in answers[:3]] == [131000, 131000, 130429]
    assert answers[0].json()["error"]["is_transient"]
    assert [body["text"]["body"] for body in world.cloud.sent("sam")] == ["try 3"]


async def test_a_lost_answer_hides_a_message_that_arrived(world: World) -> None:
    """Answered 500, arrived all the same: the statuses tell the truth."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.fail_next(taken=True)
    assert (await world.post({**text("x"), "biz_opaque_callback_data": "row-1"})).status_code == 500
    await world.cloud.settle()
    assert len(world.cloud.sent("sam")) == 1
    assert {status["biz_opaque_callback_data"] for status in world.bot.statuses} == {"row-1"}


async def test_a_slow_send_is_answered_late(world: World) -> None:
    """The message is there at once, the answer takes its time."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.delay_next(30)
    assert (await world.post(text("x"))).status_code == 200
    assert 30 in world.clock.slept


async def test_a_message_can_fail_after_it_was_accepted(world: World) -> None:
    """A rejected message was answered 200 and gets the failed status that was asked for."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.reject_next(code=131026)
    assert (await world.post(text("x"))).status_code == 200
    await world.cloud.settle()
    assert [status["status"] for status in world.bot.statuses] == ["failed"]
    assert world.cloud.sent("sam") == []


async def test_statuses_can_be_withheld(world: World) -> None:
    """Without statuses the message arrives, and nobody says so."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.arm("missing", "on")
    await world.post(text("x"))
    await world.cloud.settle()
    assert world.bot.statuses == []
    assert len(world.cloud.sent("sam")) == 1


async def test_an_answer_can_fail_to_come(world: World) -> None:
    """Taken and never answered: whoever waits gives up, the message is there, and so are its statuses."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.arm("hang")
    await world.post({**text("x"), "biz_opaque_callback_data": "row-1"})
    assert HANG in world.clock.slept
    await world.cloud.settle()
    assert len(world.cloud.sent("sam")) == 1
    assert [status["biz_opaque_callback_data"] for status in world.bot.statuses] == ["row-1", "row-1"]


async def test_whoever_waits_for_an_answer_is_let_go_at_the_end(world: World) -> None:
    """A server that stops need not wait for an answer that was never to come."""
    await world.cloud.say("sam", "Hi")
    world.cloud._sleep = lambda seconds: asyncio.Event().wait()
    world.cloud.faults.arm("hang")
    waiting = asyncio.create_task(world.post(text("x")))
    await world.cloud.until("sam", 1)
    world.cloud.hang_up()
    assert (await waiting).status_code == 200


async def test_a_status_can_come_before_the_answer(world: World) -> None:
    """`sent` is with the bot before the answer to the send is, and comes once."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.arm("early")
    await world.post(text("x"))
    assert [status["status"] for status in world.bot.statuses] == ["sent"]
    await world.cloud.settle()
    assert [status["status"] for status in world.bot.statuses] == ["sent", "delivered"]


@pytest.mark.parametrize(("code", "status"), [(190, 401), (131048, 400), (131016, 500), (200, 403), (130429, 429)])
async def test_every_code_can_be_refused_with(world: World, code: int, status: int) -> None:
    """Any of Meta's codes is a fault by its number, with the HTTP status that belongs to it."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.arm(str(code))
    answer = await world.post(text("x"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (await world.post(text("x"))).status_code == 200


async def test_every_code_can_come_in_a_status(world: World) -> None:
    """Accepted, and reported as failed with the code that was asked for."""
    await world.cloud.say("sam", "Hi")
    world.cloud.faults.arm("failed:131049")
    assert (await world.post(text("x"))).status_code == 200
    await world.cloud.settle()
    assert [status["errors"][0]["code"] for status in world.bot.statuses] == [131049]


async def test_a_late_webhook_is_overtaken(world: World) -> None:
    """Nobody waits for a webhook that comes late; what was written after it comes first."""
    gate = asyncio.Event()
    world.cloud._courier._sleep = lambda seconds: gate.wait()
    world.cloud.faults.arm("late")
    await world.cloud.say("sam", "first")
    await world.cloud.say("sam", "second")
    gate.set()
    await world.cloud.settle()
    assert [message["text"]["body"] for message in world.bot.messages] == ["second", "first"]


async def test_webhooks_can_come_as_one(world: World) -> None:
    """Those of two seconds stand in one body, each message once, in an order that the seed decides."""
    orders = []
    for seed in range(6):
        world.bot.requests.clear()
        world.cloud.faults.seed(seed)
        world.cloud.faults.arm("batch", "4x")
        for words in ("1", "2", "3"):
            await world.cloud.say("sam", words)
        await world.cloud.say("ana", "hola")
        await world.cloud.settle()
        assert len(world.bot.requests) == 1
        orders.append([message["text"]["body"] for message in world.bot.messages])
        assert sorted(orders[-1]) == ["1", "2", "3", "hola"]
        assert len(world.bot.values[0]["contacts"]) == 2
    assert len({tuple(order) for order in orders}) > 1
    assert world.standing("sam")[-1] == ("delivered", None)


async def test_a_webhook_can_come_again_later(world: World) -> None:
    """The same bytes a second time, after the first was taken."""
    world.cloud.faults.arm("again")
    await world.cloud.say("sam", "Hi")
    await world.cloud.settle()
    assert len(world.bot.requests) == 2
    assert len({raw for _, raw in world.bot.requests}) == 1


async def test_numbers_can_be_kept_private(world: World) -> None:
    """Messages and statuses of a customer who has a number come without it."""
    world.cloud.faults.arm("private", "on")
    await world.cloud.say("sam", "Hi")
    await world.post(text("x"))
    await world.cloud.settle()
    assert world.bot.messages
    assert len(world.bot.statuses) == 2
    assert not any(SAM.encode() in raw for _, raw in world.bot.requests)


async def test_a_token_expires_and_is_replaced(world: World) -> None:
    """190 with the subcode of an expired token, until there is another; the old one is then not known any more."""
    world.cloud.faults.arm("token", "on")
    error = (await world.post(text("x"))).json()["error"]
    assert (error["code"], error["error_subcode"]) == (190, 463)
    world.cloud.renew("another")
    assert (await world.post(text("x"))).status_code == 401
    assert (await world.post(text("x"), token="another")).status_code == 200


async def test_meta_keeps_its_limits(world: World) -> None:
    """45 messages at once to one customer and then one in six seconds; 80 a second from the number."""
    world.cloud.faults.arm("limits", "on")
    statuses = [(await world.post(text("x"))).status_code for _ in range(46)]
    assert statuses == [200] * 45 + [400]
    assert (await world.post(text("x"))).json()["error"]["code"] == 131056
    others = [await world.post(text("x"), to="5215550003333") for _ in range(36)]
    assert [other.status_code for other in others] == [200] * 35 + [429]
    world.clock.now += 6000
    assert [(await world.post(text("x"))).status_code for _ in range(2)] == [200, 400]


async def test_the_same_seed_brings_the_same_faults(world: World) -> None:
    """Whoever comes first: each customer's faults are their own."""

    async def play(customers: tuple[str, ...], seed: int) -> dict[str, list[bool]]:
        world.cloud.faults.seed(seed)
        world.cloud.faults.arm("error", "50%")
        found: dict[str, list[bool]] = {}
        for customer in customers * 12:
            fault = world.cloud.faults.send(customer)
            found.setdefault(customer, []).append(fault is not None)
        return found

    once = await play(("sam", "ana"), 7)
    assert once == await play(("ana", "sam"), 7)
    assert once != await play(("sam", "ana"), 8)
    assert once["sam"] != once["ana"]


@pytest.mark.parametrize("words", ["", "5", "101%", "-1x", "soon", "1 hour", "5%%"])
async def test_an_amount_that_is_none_is_refused_with_a_sentence(world: World, words: str) -> None:
    """The sentence shows what can be written."""
    with pytest.raises(ValueError, match=r"5% \(by lot\), 3x"):
        world.cloud.faults.arm("hang", words)


async def test_what_is_armed_can_be_read_and_wears_off(world: World) -> None:
    """Amounts are shown as they are written; what is used up or over is gone."""
    faults = world.cloud.faults
    for name, words in (("hang", "2.5%"), ("error", "2x"), ("limit", "1h"), ("token", "on"), ("late", "off")):
        faults.arm(name, words)
    assert faults.shown() == {"hang": "2.5%", "error": "2x", "limit": "1h", "token": "on"}
    assert [faults.strikes("error", "sam") for _ in range(3)] == [True, True, False]
    world.clock.now += HOUR
    assert faults.shown() == {"hang": "2.5%", "token": "on"}
    with pytest.raises(UnknownFault, match="there is no fault 'rain'"):
        faults.arm("rain")


# ── the phone's routes ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def phone(world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = Litestar([phone_router(world.cloud)], openapi_config=None, logging_config=None)
    async with served(app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client
        world.cloud.feed.close()


async def test_the_page_asks_nobody_else_for_anything(phone: httpx.AsyncClient) -> None:
    """Page and parts come from here under a policy that forbids everything else, in less than 100 kB together."""
    page = await phone.get("/phone")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    parts = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert parts
    assert not re.search(r"""(?:src|href)=["'](?!/|#)""", page.text)
    for part in parts:
        assert (await phone.get(part)).status_code == 200
    files = [PAGE, *(file for file in STATIC.rglob("*") if file.is_file())]
    assert sum(file.stat().st_size for file in files) < 100_000
    assert not any("innerHTML" in file.read_text() for file in STATIC.glob("*.js"))


async def test_only_the_parts_of_the_page_are_served(phone: httpx.AsyncClient) -> None:
    """A path that leaves the folder is not found."""
    for path in (
        "/phone/static/../phone.py",
        "/phone/static/%2e%2e/phone.py",
        "/phone/static//etc/passwd",
        "/phone/media/1",
    ):
        assert (await phone.get(path)).status_code == 404


async def test_the_page_acts_for_a_customer(world: World, phone: httpx.AsyncClient) -> None:
    """Saying, tapping, sending a picture, sending again: each becomes a webhook; nonsense is refused with a sentence."""
    assert (await phone.post("/phone/api/lucia/say", json={"text": " Hola "})).status_code == 202
    wamid = (await world.post(buttons("Sí"), to="5215550003333")).json()["messages"][0]["id"]
    assert (await phone.post("/phone/api/lucia/tap", json={"option": "go.sí", "message": wamid})).status_code == 202
    assert (await phone.post("/phone/api/lucia/picture", content=b"\xff\xd8\xff\xe0")).status_code == 202
    await world.cloud.settle()
    assert [message["type"] for message in world.bot.messages] == ["text", "interactive", "image"]
    image = world.bot.messages[2]["image"]
    assert (await phone.get(f"/phone/media/{image['id']}")).headers["content-type"] == "image/jpeg"
    assert (await phone.post("/phone/api/lucia/again")).status_code == 202
    assert (await phone.post("/phone/api/faults/copies")).status_code == 202
    assert world.cloud.faults.shown() == {"copies": "1x"}
    for path, body in (
        ("lucia/say", {"text": "  "}),
        ("lucia/say", {"text": "x" * 4097}),
        ("lucia/tap", {"option": "nothing", "message": wamid}),
        ("sam/again", None),
    ):
        answer = await phone.post(f"/phone/api/{path}", json=body)
        assert (answer.status_code, bool(answer.json()["detail"])) == (400, True)
    assert (await phone.post("/phone/api/lucia/picture", content=b"<svg onload=alert(1)>")).status_code == 400
    assert (await phone.post("/phone/api/nobody/say", json={"text": "x"})).status_code == 404
    assert (await phone.post("/phone/api/faults/nothing")).status_code == 404


async def test_other_sites_cannot_press_buttons(phone: httpx.AsyncClient) -> None:
    """A page of another site, open in the same browser, may link to the phone but not act."""
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await phone.post("/phone/api/sam/read", headers=elsewhere)).status_code == 403
    assert (await phone.get("/phone", headers=elsewhere)).status_code == 200


async def test_a_page_gets_everything_and_then_every_change(world: World, phone: httpx.AsyncClient) -> None:
    """The stream begins with what was said before, goes on with changes, and ends when the cloud closes."""
    await world.cloud.say("sam", "before")
    seen: list[tuple[str, Any]] = []
    async with phone.stream("GET", "/phone/events") as stream:
        lines = stream.aiter_lines()
        name = ""
        async for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                seen.append((name, json.loads(line.removeprefix("data: "))))
                if len(seen) == 1:
                    asyncio.get_running_loop().create_task(world.cloud.say("sam", "after"))
                if name == "bubble" and seen[-1][1]["tick"] == "delivered":
                    await world.cloud.aclose()
    assert seen[0][0] == "state"
    assert [bubble["message"]["text"]["body"] for bubble in seen[0][1]["bubbles"]] == ["before"]
    assert "products/mug.png" in seen[0][1]["pictures"]
    assert [data["tick"] for name, data in seen if name == "bubble"] == ["sent", "delivered"]
    assert {name for name, _ in seen} == {"state", "bubble", "exchange"}


async def test_a_page_that_does_not_read_is_hung_up_on(world: World) -> None:
    """A stalled page costs bounded memory: it loses the line and gets everything when it comes back."""
    with world.cloud.feed.watch() as changes:
        for _ in range(2001):
            world.cloud.feed.publish("typing", {})
        while not changes.empty():
            last = changes.get_nowait()
        assert last is None


async def test_a_quick_reply_of_a_template(world: World) -> None:
    """Its tap comes back as a button with the payload that was sent; a place as a location."""
    world.cloud.templates = {
        "reminder": {
            "en": {
                "header": None,
                "body": "Tomorrow!",
                "footer": None,
                "buttons": [{"type": "quick_reply", "title": "I will come", "value": ""}],
            }
        }
    }
    await world.cloud.say("sam", "hi")
    payload = {"type": "payload", "payload": "confirm"}
    button = {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [payload]}
    template = {"name": "reminder", "language": {"code": "en"}, "components": [button]}
    assert (await world.post({"type": "template", "template": template})).status_code == 200
    await world.cloud.tap("sam", "I will come")
    await world.cloud.place("sam", 40.4, -3.7)
    written = [bubble.message for bubble in world.cloud.threads["sam"].theirs()]
    assert written[-2]["button"] == {"payload": "confirm", "text": "I will come"}
    assert written[-1]["location"] == {"latitude": 40.4, "longitude": -3.7}
    wrong = {"name": "reminder", "language": {"code": "es"}}
    assert (await world.post({"type": "template", "template": wrong})).json()["error"]["code"] == 132001
