"""``invoke`` from flow to world and back: with stubs in the simulator; through the real database and a real server."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from wabox.app import App, build
from wabox.calls.address import Allowed
from wabox.calls.http import HttpCalls
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.conversation import Session
from wabox.core.invocation import Invocation, Outcome
from wabox.core.message import Arrival, InboundMessage
from wabox.flowfile.bot import Bot, check_bot, load_bot
from wabox.services.conversations import apologise
from wabox.settings import Secret, Settings
from wabox.simulator import Simulator

ANA = Contact(user_id="MX.1", wa_id="5215550002222")
CONVERSATION = "200:MX.1"
FLOW = """
initial: hello
timeouts: {soft: 30m, hard: 1h}
on: {human: people}
states:
  hello:
    ask: {text: "Hello!", buttons: {check: Check, order: Order, slow: Slow}}
    on: {check: checking, order: ordering, slow: waiting}
  checking:
    invoke:
      action: check_stock
      input: {item: mug, said: {from: event.text}, note: "for {name}"}
      retries: 1
      onDone: {target: told, actions: {assign: {free: {from: event.output.free}}}}
      onError: {target: failed, actions: {assign: {why: {from: event.error}}}}
  ordering:
    invoke:
      id: order
      http:
        method: POST
        url: "URL/orders/{name}"
        headers: {Authorization: "Bearer {secret.token}"}
        json: {item: mug, words: {from: event.text}, say: "Hi {name}"}
      onDone: {target: told, actions: {assign: {free: {from: event.output.number}}}}
      onError: {target: failed, actions: {assign: {why: {from: event.error}}}}
  waiting:
    invoke: {id: never, action: check_stock, onDone: told}
  told: {ask: {text: "Free: {free}", buttons: {check: Check}}, on: {check: checking}}
  failed: {ask: {text: "Failed: {why}", buttons: {check: Again}}, on: {check: checking}}
  people:
    handoff: true
    ask: {text: "A person will answer.", buttons: {back: Back}}
    on: {back: hello, handoff.closed: hello}
context: {name: "{secret.token}/Ana", free: null, why: ""}
"""
TASKS = """
from wabox.actions import TaskInput, task


@task
async def check_stock(given: TaskInput):
    if given.input is None:
        raise RuntimeError("no input")
    return {"free": 3, "given": given.input, "key": given.key}
"""


def make_bot(folder: Path, url: str = "https://example.com") -> Bot:
    bot = folder / "flows" / "bot"
    bot.mkdir(parents=True)
    (bot / "flow.yaml").write_text(FLOW.replace("URL", url))
    (bot / "actions.py").write_text(TASKS)
    return load_bot(bot)


def test_the_example_has_no_mistakes(tmp_path: Path) -> None:
    assert [finding.sentence for finding in check_bot(make_bot(tmp_path).folder) if finding.severity == "error"] == []


def test_a_task_that_does_not_exist_is_found(tmp_path: Path) -> None:
    folder = make_bot(tmp_path).folder
    (folder / "actions.py").write_text(TASKS.replace("def check_stock", "def check_stok"))
    found = [finding for finding in check_bot(folder) if finding.code == "unknown-task"]
    assert (found[0].line, found[0].fix) == (11, 'did you mean "check_stok"?')


# -- the simulator ---------------------------------------------------------------------------------------------------------


def said(out: dict[str, Any]) -> list[str]:
    return [body.get("interactive", {}).get("body", {}).get("text") or body["text"]["body"] for body in out["sent"]]


def test_stubs_stand_in_for_calls(tmp_path: Path) -> None:
    """By id or by action's name; a list is used up one by one; `error` makes it fail."""
    simulator = Simulator(
        make_bot(tmp_path), stubs={"check_stock": [{"free": 2}, {"error": "closed"}], "order": {"number": 7}}
    )
    simulator.play({"user": "hi"})
    assert said(simulator.play({"tap": "check"})) == ["Free: 2"]
    out = simulator.play({"tap": "check"})
    assert said(out) == ["Failed: closed"]
    assert out["states"] == ["failed"]
    simulator.play({"stub": {"check_stock": {"free": 9}}})
    assert said(simulator.play({"tap": "check"})) == ["Free: 9"]


def test_a_call_without_a_stub_fails_and_says_so(tmp_path: Path) -> None:
    simulator = Simulator(make_bot(tmp_path))
    simulator.play({"user": "hi"})
    assert "no stub for 'checking'" in said(simulator.play({"tap": "check"}))[0]


def test_an_error_that_the_flow_does_not_handle_goes_to_people(tmp_path: Path) -> None:
    simulator = Simulator(make_bot(tmp_path), stubs={"never": {"error": "gone"}})
    simulator.play({"user": "hi"})
    out = simulator.play({"tap": "slow"})
    assert "something went wrong" in said(out)[0]
    assert out["handoffs"][0]["reason"] == "the call never failed: gone"


# -- the real thing --------------------------------------------------------------------------------------------------------


class World:
    def __init__(self, app: App, messenger: FakeMessenger) -> None:
        self.app, self.messenger = app, messenger
        self.count = 0

    async def hear(self, text: str | None = None, **more: Any) -> None:
        self.count += 1
        message = InboundMessage(
            message_id=f"wamid.{self.count}",
            number_id="200",
            conversation_id=CONVERSATION,
            timestamp=NOW,
            contact=ANA,
            text=text,
            **{"type": "text", **more},
        )
        await self.app.accept(Arrival(messages=(message,)))

    async def tap(self, event: str) -> None:
        await self.hear(event, type="button_reply", payload={"id": event})

    def texts(self) -> list[str]:
        return [
            sent.body.get("interactive", {}).get("body", {}).get("text") or sent.body["text"]["body"]
            for sent in self.messenger.taken
        ]

    async def until(self, words: str) -> None:
        """Until a bubble with these words was sent."""
        async with asyncio.timeout(10):
            while not any(words in text for text in self.texts()):
                await self.messenger.sent.wait()


Make = Callable[..., Any]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    apps: list[App] = []
    bots: dict[str, Bot] = {}

    async def made(url: str = "https://example.com", **more: Any) -> World:
        if "bot" not in bots:
            bots["bot"] = make_bot(tmp_path, url)
        settings = Settings(
            root=tmp_path,
            data=tmp_path / "data",
            allow=("127.0.0.1",),
            secrets={"token": Secret("hush")},
        )
        messenger = FakeMessenger()
        app = await build(settings, bots["bot"], clock=VirtualClock(), messenger=messenger, **more)
        await app.start()
        apps.append(app)
        return World(app, messenger)

    yield made
    for app in apps:
        await app.stop()


async def test_a_task_runs_after_the_commit_and_its_result_goes_on(make: Make) -> None:
    world = await make()
    await world.hear("hi")
    await world.tap("check")
    await world.until("Free: 3")
    assert await world.app.store.calls() == []


class Scripted:
    """A world that answers from a list; the last one repeats."""

    def __init__(self, *outcomes: Outcome | None) -> None:
        self.outcomes = list(outcomes)
        self.calls: list[Invocation] = []
        self.called = asyncio.Event()

    async def call(self, invocation: Invocation) -> Outcome:
        self.calls.append(invocation)
        self.called.set()
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is None:
            await asyncio.Event().wait()
        assert outcome is not None
        return outcome

    async def aclose(self) -> None:
        pass


async def test_a_call_that_a_restart_interrupted_is_repeated_with_the_same_key(make: Make) -> None:
    first = Scripted(None)
    world = await make(caller=first)
    await world.hear("hi")
    await world.tap("check")
    await first.called.wait()
    await world.app.stop()
    second = Scripted(Outcome(output={"free": 5}))
    again = await make(caller=second)
    await again.until("Free: 5")
    assert [call.id for call in second.calls] == [first.calls[0].id]


async def test_a_call_is_not_begun_when_its_state_was_left(make: Make) -> None:
    """The customer asks for a person while the result is on its way: the late result changes nothing."""
    slow = Scripted(None)
    world = await make(caller=slow)
    await world.hear("hi")
    await world.tap("check")
    await slow.called.wait()
    await world.hear("human")
    await world.until("A person will answer.")
    assert await world.app.store.calls() == []
    await world.app.store.answer(slow.calls[0], Outcome(output={"free": 1}))
    await world.tap("back")
    await world.until("Hello!")
    assert not any("Free" in text for text in world.texts())


async def test_a_customer_who_asks_meanwhile_is_answered(make: Make) -> None:
    slow = Scripted(None)
    world = await make(caller=slow)
    await world.hear("hi")
    await world.tap("check")
    await slow.called.wait()
    await world.hear("hello???")
    await world.until("One moment")


# -- HTTP ------------------------------------------------------------------------------------------------------------------


class Server:
    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.ports: list[int] = []
        """The other end of each request's connection."""
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # it would keep the connection

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                owner.ports.append(self.client_address[1])
                owner.requests.append((self.command, self.path, dict(self.headers), json.loads(body)))
                status, headers, content = owner.answers.pop(0)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()


INVOCATION = Invocation(
    id="key",
    conversation_id=CONVERSATION,
    chart="bot",
    name="order",
    armed=1,
    request={},
    timeout=5000,
    retries=0,
    created_at=NOW,
)
JSON = {"content-type": "application/json"}


async def test_a_request_is_made_as_written(make: Make, server: Server, tmp_path: Path) -> None:
    """Secrets go out and are nowhere on disk; what a customer wrote cannot ask for them."""
    server.answers = [(200, JSON, b'{"number": 41}')]
    world = await make(server.url)
    await world.hear("hi")
    await world.hear("{secret.token}", type="button_reply", payload={"id": "order"})
    await world.until("Free: 41")
    ((_, path, headers, body),) = server.requests
    assert path == "/orders/%7Bsecret%2Etoken%7D%2FAna"
    assert headers["Authorization"] == "Bearer hush"
    assert body == {"item": "mug", "words": "{secret.token}", "say": "Hi {secret.token}/Ana"}
    assert len(headers["Idempotency-Key"]) == 32
    await world.app.stop()
    assert all(b"hush" not in path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())


@pytest.mark.parametrize(
    ("headers", "body", "output"),
    [
        (JSON, b'"half an emoji: \\ud83d"', "half an emoji: \ufffd"),
        ({"content-type": "text/plain; charset=hex"}, b"plain", "plain"),
        ({"content-type": "text/plain; charset=latin-1"}, b"\xe9", "é"),
        (JSON, b"", None),
    ],
)
async def test_strange_answers_are_answers(
    server: Server, headers: dict[str, str], body: bytes, output: object
) -> None:
    """What comes out can be stored."""
    server.answers = [(200, headers, body)]
    http = {
        "method": "POST",
        "url": server.url,
        "headers": {"X-Who": "محمد\r\nX-Evil: 1"},
        "json": {},
        "idempotency": True,
    }
    calls = HttpCalls(Allowed(["127.0.0.1"]))
    outcome = await calls.call(INVOCATION, http)
    await calls.aclose()
    assert (outcome.error, outcome.output) == (None, output)
    assert server.requests[0][2]["X-Who"].encode("latin-1").decode() == "محمدX-Evil: 1"


async def test_no_connection_serves_two_calls(server: Server) -> None:
    """It was opened under one host's name and certificate; another name at the same address must show its own."""
    server.answers = [(200, JSON, b"1"), (200, JSON, b"2")]
    http = {"method": "POST", "url": server.url, "headers": {}, "json": {}, "idempotency": True}
    calls = HttpCalls(Allowed(["127.0.0.1"]))
    assert [(await calls.call(INVOCATION, http)).output for _ in range(2)] == [1, 2]
    await calls.aclose()
    assert len(set(server.ports)) == 2


async def test_a_url_without_its_value_is_not_called(server: Server) -> None:
    """`/orders/{number}` without a number would be another address."""
    http = {"method": "GET", "url": server.url, "headers": {}, "json": None, "idempotency": True, "empty": ["number"]}
    calls = HttpCalls(Allowed(["127.0.0.1"]))
    assert "the url needs number" in str((await calls.call(INVOCATION, http)).error)
    assert server.requests == []


async def test_an_inner_address_is_not_called(server: Server) -> None:
    """Unless the operator allows it."""
    http = {"method": "POST", "url": server.url, "headers": {}, "json": None, "idempotency": True}
    calls = HttpCalls(Allowed())
    outcome = await calls.call(INVOCATION, http)
    await calls.aclose()
    assert "127.0.0.1, an address inside a network" in str(outcome.error)
    assert not outcome.again
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, {}, b"no such thing"), "answered 404: no such thing"),
        ((302, {"location": "http://169.254.169.254/"}, b""), "sends us to http://169.254.169.254/"),
        ((200, JSON, b"{nope"), "says that it is JSON and is not"),
        ((200, JSON, b'"' + b"x" * 300_000 + b'"'), "larger than 256 KiB"),
        ((200, {}, b"\x01" * 100_000), "larger than 256 KiB"),
        ((200, JSON, b"[" * 50_000 + b"]" * 50_000), "holds what cannot be stored"),
        ((200, {**JSON, "content-encoding": "gzip"}, gzip.compress(b"1" * 1_000_000)), "or packed"),
        ((302, {"location": "https://api.example.com/v1?key=hush"}, b""), "sends us to https://api.example.com/v1;"),
        ((400, {}, b"no such key: hush"), "answered 400: no such key: …"),
    ],
)
async def test_what_a_server_does_wrong_is_said(
    make: Make, server: Server, answer: tuple[int, dict[str, str], bytes], why: str
) -> None:
    server.answers = [answer]
    world = await make(server.url)
    await world.hear("hi")
    await world.tap("order")
    await world.until(why)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("channel", "says"), [("action", 1), ("timer", 0)])
def test_a_turn_that_fails_without_a_customer_is_not_silence(tmp_path: Path, channel: Any, says: int) -> None:
    """Nothing brings the result, or the timer, a second time: people take it up."""
    message = InboundMessage(
        message_id="call:1",
        number_id="200",
        conversation_id=CONVERSATION,
        timestamp=NOW,
        channel=channel,
        type="done.invoke.order",
        contact=ANA,
    )
    bot, session = make_bot(tmp_path), Session(conversation_id=CONVERSATION)
    turn = apologise(bot, session, message, NOW, ValueError("too large"))
    assert len(turn.said) == says
    silent = changed(session, quiet_until=NOW + 1)  # a person answers from the phone: nobody talks over them
    assert apologise(bot, silent, message, NOW, ValueError("too large")).said == ()
    assert [case.reason for case in turn.unit.handoffs] == ["the bot failed: ValueError"]
