"""The connections on which webhooks come, over real sockets: what is plain is answered here, everything else by uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.bench.webhooks import SECRET, message_body, request, signature
from wabox.core.message import Arrival
from wabox.errors import Unavailable
from wabox.settings import Secret, WhatsAppSettings
from wabox.web import express
from wabox.web.server import Routes, Server, listen
from wabox.web.webhook import Webhook

META = WhatsAppSettings(app_secrets=(Secret(SECRET),), verify_token=Secret("verify-me"), access_token=Secret("token"))
NOW = 1_795_300_005


class Store:
    """Takes everything in, when it may."""

    crowded = False

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.came = asyncio.Event()
        self.stored = asyncio.Event()
        self.full = False

    def clock(self) -> int:
        return NOW * 1000

    async def accept(self, arrival: Arrival) -> None:
        self.came.set()
        await self.open.wait()
        if self.full:
            raise Unavailable("the disk is full")
        self.heard += [message.message_id for message in arrival.messages]
        self.stored.set()


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """All other routes."""
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"where"})


class World:
    def __init__(self, server: Server, store: Store) -> None:
        self.server = server
        self.store = store
        self.express = 0
        """Requests that were answered without uvicorn's help."""


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    store = Store()
    webhook = Webhook(META, store)
    server = Server(Routes(webhook, elsewhere), listen("127.0.0.1", 0))
    it = World(server, store)
    written = express._written

    def counted(*args: Any, **named: Any) -> bytes:
        it.express += 1
        return written(*args, **named)

    monkeypatch.setattr(express, "_written", counted)
    await server.begin()
    yield it
    store.open.set()
    server.should_exit = True
    await server.task


def post(message_id: str, *, head: str = "", size: int = 1024) -> bytes:
    whole = request(message_body(message_id, 1, "hello", NOW, size=size))
    return whole.replace(b"\r\nAccept:", f"\r\n{head}\r\nAccept:".encode(), 1) if head else whole


async def answers(world: World, *pieces: bytes, expected: int = 1) -> list[tuple[int, bytes]]:
    """What comes back, status and body, for these pieces on one connection, each sent when the loop has seen the one before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        for _ in range(5):
            await asyncio.sleep(0)
    found = []
    for _ in range(expected):
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        found.append((int(head.split()[1]), await reader.readexactly(int(length[1]))))
    writer.close()
    return found


async def test_plain_webhooks_on_one_connection(world: World) -> None:
    """One after the other: committed, answered, and the connection stays open."""
    assert await answers(world, post("m1"), post("m2"), post("m3"), expected=3) == [(200, b"")] * 3
    assert (world.store.heard, world.express) == (["m1", "m2", "m3"], 3)


async def test_two_in_one_piece_are_answered_in_order(world: World) -> None:
    """Whoever does not wait for the answer gets both, in order."""
    wrong = post("m2").replace(b"sha256=", b"sha256=0", 1)
    assert await answers(world, post("m1") + wrong + post("m3"), expected=3) == [
        (200, b""),
        (401, b"X-Hub-Signature-256 is not what Meta sends: sha256= and 64 hexadecimal digits"),
        (200, b""),
    ]
    assert world.store.heard == ["m1", "m3"]


async def test_what_comes_before_the_answer_waits(world: World) -> None:
    """The second one is not begun before the first is committed."""
    world.store.open.clear()
    both = asyncio.create_task(answers(world, post("m1"), post("m2"), expected=2))
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.store.heard == []
    world.store.open.set()
    assert await both == [(200, b"")] * 2
    assert world.store.heard == ["m1", "m2"]


async def test_a_body_in_pieces(world: World) -> None:
    """It is kept until it is whole."""
    whole = post("m1")
    cut = whole.index(b"\r\n\r\n") + 4
    assert await answers(world, whole[:cut], whole[cut : cut + 300], whole[cut + 300 :]) == [(200, b"")]
    assert (world.store.heard, world.express) == (["m1"], 1)


@pytest.mark.parametrize(
    "head", ["Expect: 100-continue", "Connection: keep-alive", "X Y: z", "X-Folded: a\r\n b", "Content-Length: 3"]
)
async def test_what_is_not_plain_is_uvicorns(world: World, head: str) -> None:
    """Whatever says how to read a request, or is no header at all."""
    [(status, _)] = await answers(world, post("m1", head=head))
    assert status in (200, 400)
    assert (world.store.heard == ["m1"]) == (status == 200)
    assert world.express == 0


async def test_a_chunked_body_is_uvicorns(world: World) -> None:
    """Some proxies send bodies in chunks."""
    body = message_body("m1", 1, "hello", NOW)
    head = f"POST /webhook HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-Hub-Signature-256: {signature(body)}\r\n\r\n"
    assert await answers(world, head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)) == [(200, b"")]
    assert (world.store.heard, world.express) == (["m1"], 0)


async def test_a_large_body_is_uvicorns(world: World) -> None:
    """A batch of a thousand messages."""
    assert await answers(world, post("m1", size=express.LARGEST + 1)) == [(200, b"")]
    assert (world.store.heard, world.express) == (["m1"], 0)


async def test_another_request_on_the_same_connection(world: World) -> None:
    """Behind a proxy everything may come on one connection; after the first other request it stays with uvicorn."""
    other = b"GET /elsewhere HTTP/1.1\r\nHost: a\r\n\r\n"
    handshake = (
        b"GET /webhook?hub.mode=subscribe&hub.challenge=7&hub.verify_token=verify-me HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    found = await answers(world, post("m1"), other, post("m2"), handshake, expected=4)
    assert found == [(200, b""), (404, b"where"), (200, b""), (200, b"7")]
    assert (world.store.heard, world.express) == (["m1", "m2"], 1)


async def test_what_cannot_be_stored_is_refused(world: World) -> None:
    """Meta brings it again."""
    world.store.full = True
    assert await answers(world, post("m1")) == [(503, b"not stored, bring it again")]


async def test_the_server_stops_after_the_answer(world: World) -> None:
    """What is being stored is answered; then the connection closes."""
    world.store.open.clear()
    answer = asyncio.create_task(answers(world, post("m1")))
    await world.store.came.wait()
    world.server.should_exit = True
    for connection in list(world.server.server_state.connections):
        connection.shutdown()
    world.store.open.set()
    assert await answer == [(200, b"")]
    await world.server.task
    assert not world.server.server_state.connections


async def test_a_client_that_leaves_early(world: World) -> None:
    """What it sent is stored all the same."""
    world.store.open.clear()
    _, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(post("m1"))
    await world.store.came.wait()
    writer.transport.abort()
    world.store.open.set()
    await world.store.stored.wait()
    assert world.store.heard == ["m1"]


async def test_a_head_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the pieces of the body are."""
    times = 0
    length = express._length

    def counted(headers: express.Headers) -> int | None:
        nonlocal times
        times += 1
        return length(headers)

    monkeypatch.setattr(express, "_length", counted)
    whole = post("m1")
    cut = whole.index(b"\r\n\r\n") + 4
    assert await answers(world, whole[:cut], *(whole[at : at + 8] for at in range(cut, len(whole), 8))) == [(200, b"")]
    assert times == 1


class Line(asyncio.Transport):
    """What a connection writes to, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.reads = True
        self.written = b""

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    def write(self, data: Any) -> None:
        self.written += data


class Clockwork:
    """A loop's clock, turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Any]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, wait: float, call: Any) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        handle = asyncio.TimerHandle(self.now + wait, call, (), loop)
        self.timers.append((self.now + wait, handle))
        return handle

    def create_task(self, work: Any, **_: Any) -> asyncio.Future[None]:
        """An application that never answers."""
        work.close()
        return asyncio.get_running_loop().create_future()

    def to(self, now: float) -> None:
        while due := sorted((at, place) for place, (at, _) in enumerate(self.timers) if at <= now):
            self.now, place = due[0]
            _, handle = self.timers.pop(place)
            if not handle.cancelled():
                handle._run()
        self.now = now


def connected(world: World, line: Line, loop: Any = None) -> express.Express:
    server = world.server
    post = server.config.app.webhook.post  # type: ignore[union-attr]
    made = express.Express(post, config=server.config, server_state=server.server_state, app_state={}, _loop=loop)
    made.connection_made(line)
    return made


async def test_answers_that_nobody_reads_do_not_pile_up(world: World) -> None:
    """Requests in one long row, and no answer read: they are neither answered nor taken in before it is."""
    line = Line()
    connection = connected(world, line)
    connection.data_received(b"POST /webhook HTTP/1.1\r\nContent-Length: 0\r\n\r\n" * 20)
    connection.pause_writing()
    for _ in range(100):
        await asyncio.sleep(0)
    assert line.written.count(b"HTTP/1.1 401") == 1, "the one that had begun"
    assert not line.reads
    connection.resume_writing()
    for _ in range(100):
        await asyncio.sleep(0)
    assert line.written.count(b"HTTP/1.1 401") == 20
    assert line.reads
    connection.connection_lost(None)


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHos", b"POST /webhook HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"]
)
async def test_what_never_becomes_whole_is_given_up(world: World, sent: bytes) -> None:
    """A connection that says nothing, half a head, half a body: each would hold one of the places for ever."""
    clock = Clockwork()
    line = Line()
    connection = connected(world, line, clock)
    line.set_protocol = lambda protocol: None  # type: ignore[method-assign]
    clock.to(4.0)
    if sent:
        connection.data_received(sent)
        clock.to(8.0)
        assert not line.closed, "its five seconds begin with it"
    clock.to(9.2)
    assert line.closed
    for one in list(world.server.server_state.connections):
        one.connection_lost(None)


WAYS = ["", " ", "\t", "\r\n ", "\x00", "\n", "\r", "_", ",", ": "]


def odd(chance: random.Random) -> bytes:
    """A webhook with something in its head that readers of HTTP disagree about, and another one hidden in its body."""
    hidden = post("hidden")
    length = len(hidden)

    def pick(usual: str, *others: str) -> str:
        return usual if chance.random() < 0.8 else chance.choice(others)

    lines = [f"Host: a{pick('', *WAYS)}"]
    for _ in range(1 if chance.random() < 0.8 else 2):
        name = pick("Content-Length", "Content-Length ", " Content-Length", "Content_Length", "X-Other")
        wrong = ("0", f"+{length}", f"{length}, {length}", f"{length};", hex(length), "-1", "", "9" * 30)
        lines.append(f"{name}:{pick(' ', *WAYS)}{pick(f'{length}', f'0{length}', *wrong)}{pick('', *WAYS)}")
    if chance.random() < 0.3:
        name = chance.choice(["Transfer-Encoding", "Transfer-Encoding ", "Transfer_Encoding", "TE", "Expect"])
        lines.append(f"{name}: {chance.choice(['chunked', 'identity', 'xchunked', 'chunked, gzip', '100-continue'])}")
    chance.shuffle(lines)
    path = pick("/webhook", "/webhook?", "//webhook", "/webhook#")
    first = f"{pick('POST', 'post', 'POST ')} {path} {pick('HTTP/1.1', 'HTTP/1.0')}"
    end = "\r\n" if chance.random() < 0.9 else "\n"
    return (first + end + end.join(lines) + end * 2).encode("latin-1") + hidden + post("last")


async def outcome(
    world: World, sent: bytes, *, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[bytes], list[str]]:
    """The statuses that come back and what was stored; ``plain``: by uvicorn alone."""
    world.store.heard.clear()
    with monkeypatch.context() as only:
        if plain:
            only.setattr(express, "_HEAD", re.compile(rb"(?!)"))
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
        writer.write(sent + b"GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        # What uvicorn waits for, it waits for alike in both: then nothing more comes, and we go.
        came = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while piece := await reader.read(65536):
                    came += piece
        writer.transport.abort()
    return re.findall(rb"^HTTP/1\.1 (\d+)", came, re.MULTILINE), list(world.store.heard)


async def test_nothing_is_read_otherwise_than_by_uvicorn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that hide another one (smuggling): the same answers, and the same messages stored, as by uvicorn alone."""
    chance = random.Random(7)
    for _ in range(int(os.environ.get("WABOX_FUZZ", "60"))):
        sent = odd(chance)
        ours = await outcome(world, sent, plain=False, monkeypatch=monkeypatch)
        theirs = await outcome(world, sent, plain=True, monkeypatch=monkeypatch)
        assert ours == theirs, sent
    assert world.express > 5, "some were plain"


async def test_a_body_that_trickles_is_given_up(world: World) -> None:
    """Of any route: the rest of a small one, or 64 KiB of a large one, comes within fifteen seconds."""
    clock, line = Clockwork(), Line()
    taken: list[Any] = []
    line.set_protocol = taken.append  # type: ignore[method-assign]
    connected(world, line, clock).data_received(
        b"POST /elsewhere HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n"
    )
    (other,) = taken
    closed = []
    other.data_received(b"x" * 65_536)
    clock.to(29.0)
    closed.append(line.closed)  # not yet: a slow line, and a large file
    other.data_received(b"x" * 60_000)
    clock.to(44.0)
    closed.append(line.closed)  # it is we who do not read
    other.cycle.body = b""
    other.flow.resume_reading()
    clock.to(46.0)
    closed.append(line.closed)
    assert closed == [False, False, True]
    other.connection_lost(None)
