"""The transport against a server that says exactly what a test tells it to, on both event loops; TLS has a file of its own."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.unit.whatsapp.scripted_server import OK, Line, Talk, answering, hang_up, politely, post, serving
from wabox.whatsapp.transport import LARGEST, KeepAliveTransport


@pytest.fixture
async def transport() -> AsyncIterator[KeepAliveTransport]:
    opened = KeepAliveTransport(connections=4)
    yield opened
    await opened.aclose()


async def test_a_request_and_its_answer(transport: KeepAliveTransport) -> None:
    """What is written is HTTP, what comes back is httpx's response."""

    async def talk(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 201 Created\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nhel", b"lo")

    async with serving(talk) as server:
        answer = await transport.handle_async_request(
            post(server.url(), b"hola", headers={"Authorization": "Bearer x"})
        )
    assert (answer.status_code, answer.content) == (201, b"hello")
    assert answer.headers.get_list("x-a") == ["1", "2"]
    head, _, content = server.heard.get_nowait().partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v26.0/2/messages HTTP/1.1"
    assert sorted(lines[1:]) == sorted(
        [f"Host: 127.0.0.1:{server.port}".encode(), b"Content-Length: 4", b"Authorization: Bearer x"]
    )
    assert content == b"hola"


async def test_through_httpx_s_client() -> None:
    """It is an httpx transport like any other."""
    async with serving(politely) as server, httpx.AsyncClient(transport=KeepAliveTransport()) as client:
        answer = await client.post(server.url(), json={"a": 1})
        assert (answer.status_code, answer.json()) == (200, {})


async def test_a_connection_is_used_again(transport: KeepAliveTransport) -> None:
    """Requests that follow each other share one connection; several at once have one each, and those stay."""
    async with serving(politely) as server:
        for _ in range(5):
            await transport.handle_async_request(post(server.url()))
        assert len(server.lines) == 1
        for _ in range(2):
            await asyncio.gather(*(transport.handle_async_request(post(server.url())) for _ in range(3)))
        assert len(server.lines) == 3


async def test_the_one_used_last_is_used_next(transport: KeepAliveTransport) -> None:
    """So those that a burst needed grow old."""
    answered: list[Line] = []

    async def talk(line: Line) -> None:
        while await line.request():
            answered.append(line)
            await line.say(OK)

    async with serving(talk) as server:
        await asyncio.gather(*(transport.handle_async_request(post(server.url())) for _ in range(3)))
        for _ in range(4):
            await transport.handle_async_request(post(server.url()))
        assert len(set(answered[-4:])) == 1


async def test_an_old_connection_is_not_used() -> None:
    """After ``keep_alive`` seconds of doing nothing the other side may close it any moment."""
    transport = KeepAliveTransport(keep_alive=0.0)
    async with serving(politely) as server:
        for _ in range(3):
            await transport.handle_async_request(post(server.url()))
        assert len(server.lines) == 3
    await transport.aclose()


@pytest.mark.parametrize("reset", [False, True])
async def test_a_connection_that_was_closed_is_not_used(transport: KeepAliveTransport, reset: bool) -> None:
    """The other side closed it while it was idle: the next request goes out on a new one, and nobody notices."""

    async def talk(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await line.request() if not reset else None
        line.reset() if reset else line.writer.close()

    async with serving(talk) as server:
        for number in range(1, 4):
            answer = await transport.handle_async_request(post(server.url()))
            assert answer.status_code == 200
            assert len(server.lines) == number
            if not reset:
                server.lines[-1].writer.close()
            await asyncio.sleep(0.01)  # a real socket: its end has to arrive


async def test_an_end_that_the_loop_has_not_seen_yet_is_seen(transport: KeepAliveTransport) -> None:
    """Between the end of a connection and the loop's reading it, a request would be lost: one look at the socket tells."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"

    async def answer_once() -> socket.socket:
        peer, _ = await loop.sock_accept(listener)
        await loop.sock_recv(peer, 65536)
        await loop.sock_sendall(peer, OK)
        return peer

    served = asyncio.create_task(answer_once())
    await transport.handle_async_request(post(url))
    peer = await served
    peer.close()  # closed, and not one turn of the loop in between
    served = asyncio.create_task(answer_once())
    answer = await transport.handle_async_request(post(url))
    assert answer.status_code == 200
    (await served).close()
    listener.close()


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    ],
)
@pytest.mark.parametrize("torn", [False, True])
async def test_forms_of_an_answer(transport: KeepAliveTransport, raw: bytes, body: bytes, torn: bool) -> None:
    """Chunked, empty, announced beforehand; in one piece or byte by byte. The connection can be used again."""
    parts = [raw[i : i + 1] for i in range(len(raw))] if torn else [raw]
    async with serving(answering(*parts)) as server:
        for _ in range(2):
            answer = await transport.handle_async_request(post(server.url()))
            assert answer.content == body
            assert "link" not in answer.headers
        assert len(server.lines) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_an_answer_that_ends_the_connection(transport: KeepAliveTransport, raw: bytes) -> None:
    """The answer counts, the connection is not used again."""
    async with serving(answering(raw, close=True)) as server:
        for number in (1, 2):
            answer = await transport.handle_async_request(post(server.url()))
            assert answer.content == b"{}"
            assert len(server.lines) == number


async def test_two_answers_to_one_request(transport: KeepAliveTransport) -> None:
    """The first one is ours; whose the second is nobody knows, so the connection goes before it meets another request."""
    other = OK.replace(b"{}", b"[]")
    async with serving(answering(OK + other)) as server:
        for number in (1, 2):
            answer = await transport.handle_async_request(post(server.url()))
            assert answer.content == b"{}"
            assert len(server.lines) == number


async def test_a_word_between_requests(transport: KeepAliveTransport) -> None:
    """What comes on an idle connection answers nothing: it goes."""
    async with serving(politely) as server:
        await transport.handle_async_request(post(server.url()))
        await server.lines[0].say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(0.01)  # a real socket
        assert (await transport.handle_async_request(post(server.url()))).status_code == 200
        assert len(server.lines) == 2


async def reset(line: Line) -> None:
    await line.request()
    line.reset()


@pytest.mark.parametrize(
    ("talk", "error"),
    [
        (hang_up, httpx.ReadError),
        (reset, httpx.ReadError),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", close=True), httpx.RemoteProtocolError),
        (
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", close=True),
            httpx.RemoteProtocolError,
        ),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), httpx.RemoteProtocolError),
        (answering(b"SSH-2.0-OpenSSH\r\n"), httpx.RemoteProtocolError),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), httpx.RemoteProtocolError),
        (
            answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
            httpx.RemoteProtocolError,
        ),
        (
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", *[b"x" * 65536] * 17),
            httpx.RemoteProtocolError,
        ),
        (answering(b"HTTP/1.1 200 OK\r\n" + b"X-Y: " + b"z" * LARGEST), httpx.RemoteProtocolError),
    ],
)
async def test_no_usable_answer(transport: KeepAliveTransport, talk: Talk, error: type[httpx.TransportError]) -> None:
    """The request was written: the error says that it may have been read. The next request has a connection of its own."""
    async with serving(talk) as server:
        with pytest.raises(error):
            await transport.handle_async_request(post(server.url()))
        server.talk = politely
        assert (await transport.handle_async_request(post(server.url()))).status_code == 200
        assert len(server.lines) == 2


async def test_nothing_is_written_twice(transport: KeepAliveTransport) -> None:
    """A connection that breaks under a request costs that request; it is not repeated behind the caller's back."""

    async def once(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await line.request()

    async with serving(once) as server:
        await transport.handle_async_request(post(server.url()))
        with pytest.raises(httpx.ReadError):
            await transport.handle_async_request(post(server.url()))
        assert server.heard.qsize() == 2
        assert len(server.lines) == 1


async def silent(line: Line) -> None:
    await line.request()
    await line.reader.read()


async def test_no_answer_in_time(transport: KeepAliveTransport) -> None:
    """The time counts from writing the request to the whole answer; the connection is given up."""
    async with serving(silent) as server:
        with pytest.raises(httpx.ReadTimeout):
            await transport.handle_async_request(post(server.url(), read=0.02))
        server.talk = politely
        await transport.handle_async_request(post(server.url()))
        assert len(server.lines) == 2


async def test_half_an_answer_in_time_is_none(transport: KeepAliveTransport) -> None:
    """A body that trickles does not put the limit off."""

    async def talk(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
        while not line.reader.at_eof():
            await line.say(b"x")
            await asyncio.sleep(0.005)

    async with serving(talk) as server:
        with pytest.raises(httpx.ReadTimeout):
            await transport.handle_async_request(post(server.url(), read=0.05))


async def test_a_request_that_cannot_be_written(transport: KeepAliveTransport) -> None:
    """The other side does not read: not all of the request has left, so nobody can act on it."""
    over = asyncio.Event()

    async def deaf(line: Line) -> None:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await over.wait()

    async with serving(deaf) as server:
        with pytest.raises(httpx.WriteTimeout):
            await transport.handle_async_request(post(server.url(), b"x" * 30_000_000, read=0.1))
        over.set()


async def test_nobody_listens(transport: KeepAliveTransport) -> None:
    """Connection refused: nothing left."""
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with pytest.raises(httpx.ConnectError, match="ConnectionRefused|Connect call failed"):
        await transport.handle_async_request(post(f"http://127.0.0.1:{port}/"))


async def test_no_such_name(transport: KeepAliveTransport) -> None:
    """The name cannot be resolved: nothing left."""
    with pytest.raises(httpx.ConnectError):
        await transport.handle_async_request(post("http://no-such-name.invalid/"))


async def test_connecting_takes_too_long(transport: KeepAliveTransport) -> None:
    """A server that takes the connection and never shakes hands: nothing left."""
    context = ssl.create_default_context()
    transport = KeepAliveTransport(ssl_context=context)
    async with serving(silent) as server:
        url = server.url().replace("http://", "https://")
        with pytest.raises(httpx.ConnectTimeout):
            await transport.handle_async_request(post(url, connect=0.05))
    await transport.aclose()


async def test_no_more_connections_than_allowed() -> None:
    """Who finds none free waits; who waits too long is told that nothing left; nobody's place is lost on the way."""
    transport = KeepAliveTransport(connections=2)
    release = asyncio.Event()

    async def talk(line: Line) -> None:
        while await line.request():
            await release.wait()
            await line.say(OK)

    async with serving(talk) as server:
        first = [asyncio.create_task(transport.handle_async_request(post(server.url()))) for _ in range(2)]
        for _ in first:
            await server.heard.get()
        with pytest.raises(httpx.PoolTimeout):
            await transport.handle_async_request(post(server.url(), pool=0.01))
        patient = [asyncio.create_task(transport.handle_async_request(post(server.url()))) for _ in range(4)]
        await asyncio.sleep(0)
        release.set()
        answers = await asyncio.gather(*first, *patient)
        assert [answer.status_code for answer in answers] == [200] * 6
        assert len(server.lines) == 2
    await transport.aclose()


async def test_a_cancelled_request_gives_its_place_back(transport: KeepAliveTransport) -> None:
    """Its connection is closed, because its answer is still to come; its place is free."""
    async with serving(silent) as server:
        for _ in range(9):
            task = asyncio.create_task(transport.handle_async_request(post(server.url())))
            await server.heard.get()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_closing(transport: KeepAliveTransport) -> None:
    """Idle connections end, requests under way fail as unknown, later ones as not sent."""
    async with serving(silent) as server:
        pending = asyncio.create_task(transport.handle_async_request(post(server.url())))
        await server.heard.get()
        await transport.aclose()
        with pytest.raises(httpx.ReadError):
            await pending
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(post(server.url()))
        await transport.aclose()


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("POST", "http://127.0.0.1/", headers={"X-A": "1\r\nX-B: 2"}, content=b""),
        httpx.Request("POST", "http://127.0.0.1/", headers={"X-A": "1\nX-B: 2"}, content=b""),
        httpx.Request("POST", "http://127.0.0.1/", headers={"X-A": "\0"}, content=b""),
        httpx.Request("HEAD", "http://127.0.0.1/"),
        httpx.Request("POST", "http://127.0.0.1/", headers={"Transfer-Encoding": "chunked"}, content=b""),
    ],
)
async def test_what_is_not_sent_at_all(transport: KeepAliveTransport, request_: httpx.Request) -> None:
    """A line break in a header would be a header of its own; the rest this transport does not speak."""
    with pytest.raises(httpx.LocalProtocolError):
        await transport.handle_async_request(request_)


async def test_only_http(transport: KeepAliveTransport) -> None:
    """Any other scheme is a mistake in the settings."""
    with pytest.raises(httpx.UnsupportedProtocol):
        await transport.handle_async_request(post("ftp://127.0.0.1/"))


async def test_an_address_that_leads_nowhere_does_not_stop_the_other(
    transport: KeepAliveTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host has several addresses and the first one refuses: the second is tried."""
    free = socket.create_server(("127.0.0.1", 0))
    dead = free.getsockname()
    free.close()

    async with serving(politely) as server:

        async def addresses(host: str, port: int) -> Any:
            assert (host, port) == ("graph.example", 80)
            family = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*family, dead), (*family, ("127.0.0.1", server.port))]

        monkeypatch.setattr("wabox.whatsapp.transport._addresses", addresses)
        assert (await transport.handle_async_request(post("http://graph.example/"))).status_code == 200
