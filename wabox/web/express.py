"""The connections on which webhooks come: plain ones are read and answered here, everything else by uvicorn.

Most of what a server receives are webhooks, and they look alike: one POST on a connection that is kept open, its whole head in
one piece, one Content-Length. For those uvicorn's request cycle (scope, task, events, checks of every header of our own answer)
is spared: a tenth of the CPU of a webhook that is stored. So a connection begins here, and what is not exactly of that shape
(another path, chunks, ``Expect``, ``Connection``, a broken header …) goes to uvicorn's own protocol with every byte, and the
connection stays there. Nothing is understood here that uvicorn would understand otherwise.

One request at a time: what comes before the answer waits, and nothing more is read from that connection meanwhile, nor
while its answers are not read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from litestar.types import HTTPRequestEvent, Receive
from uvicorn.config import Config
from uvicorn.server import ServerState

from wabox.web.patience import PATIENCE, Patient

log = structlog.get_logger(__name__)

Headers = list[tuple[bytes, bytes]]
Post = Callable[[Headers, Receive], Awaitable[tuple[int, bytes]]]
"""Headers, their names in lower case, and what gives the body; the status and the text of the answer."""

LARGEST: Final = 64 * 1024
"""Bytes of a request that is kept here until it is whole: with uvicorn's limit of connections as much as its own bodies."""

_HEAD: Final = re.compile(rb"POST /webhook HTTP/1\.1\r\n((?:[A-Za-z0-9-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+)\r\n")
_LINE: Final = re.compile(rb"([A-Za-z0-9-]+):([^\r]*)\r\n")
_OTHERS: Final = frozenset({b"transfer-encoding", b"connection", b"expect", b"upgrade"})
"""Headers that say how to read what follows, or what to do with the connection."""


class Express(asyncio.Protocol):
    """uvicorn makes one for each connection; see the module."""

    def __init__(
        self, post: Post, *, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        self._post = post
        self._config = config
        self._state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_running_loop()
        self._received = b""
        """Of the next request."""
        self._wanted: tuple[Headers, int, int] | None = None
        """Its headers, and where its body begins and ends: a head is read once, however small the pieces of the body are."""
        self._answering = False
        self._unread = False
        """Our answers pile up: the other side does not take them."""
        self._leaving = False
        """The server stops: no request after this one."""
        self._rested = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        self._state.connections.add(self)  # type: ignore[arg-type]  # uvicorn asks for `shutdown` only
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if not self._received:
            self._rest()  # its patience begins with the request
        self._received += data
        if self._answering:
            self._transport.pause_reading()
        else:
            self._next()

    def pause_writing(self) -> None:
        """Who does not read our answers need not be read either, nor answered."""
        self._unread = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._unread = False
        self._transport.resume_reading()
        if self._received and not self._answering and not self._transport.is_closing():
            self._next()

    def shutdown(self) -> None:
        """The server stops."""
        self._leaving = True
        if not self._answering:
            self._transport.close()

    def _next(self) -> None:
        """Begin with the request that came, if it is whole."""
        wanted = self._wanted or self._read()
        if wanted is None:
            self._hand_over()
            return
        headers, begin, end = self._wanted = wanted
        if len(self._received) < end:
            return
        body, self._received, self._wanted = self._received[begin:end], self._received[end:], None
        self._answering = True
        task = self._loop.create_task(self._answer(headers, body))
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    def _read(self) -> tuple[Headers, int, int] | None:
        """The head; None: not of our shape."""
        head = _HEAD.match(self._received)
        if head is None:
            return None
        headers = [(name.lower(), value.strip(b"\t ")) for name, value in _LINE.findall(head[1])]
        length, limit = _length(headers), self._config.limit_concurrency
        if length is None or head.end() + length > LARGEST or (limit and len(self._state.connections) >= limit):
            return None
        return headers, head.end(), head.end() + length

    async def _answer(self, headers: Headers, body: bytes) -> None:
        event: HTTPRequestEvent = {"type": "http.request", "body": body, "more_body": False}

        async def receive() -> HTTPRequestEvent:
            return event

        status, text = await self._post(headers, receive)
        self._answering = False
        self._state.total_requests += 1
        if self._transport.is_closing():
            return
        self._transport.write(_written(status, text, self._state.default_headers, close=self._leaving))
        if self._leaving:
            self._transport.close()
            return
        self._rest()
        if self._received and not self._unread:
            self._transport.resume_reading()
            self._next()

    def _rest(self) -> None:
        """One timer for many requests: it looks when the last one was, and goes on."""
        self._rested = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        left = self._rested + PATIENCE - self._loop.time()
        if left <= 0 and not self._answering:
            # What is not taken by now never will be: it is not waited for.
            self._transport.abort() if self._unread else self._transport.close()
            return
        self._timer = self._loop.call_later(max(left, 0.1), self._look)

    def _hand_over(self) -> None:
        self.connection_lost(None)
        other = Patient(self._config, self._state, self._app_state, self._loop)
        self._transport.set_protocol(other)
        other.connection_made(self._transport)
        other.data_received(self._received)


def _length(headers: Headers) -> int | None:
    """Bytes of the body; None where more than a length decides how to read it."""
    found = None
    for name, value in headers:
        if name in _OTHERS:
            return None
        if name == b"content-length":
            if found is not None or not value.isdigit() or len(value) > 9:
                return None
            found = int(value)
    return found


def _written(status: int, text: bytes, besides: Headers, *, close: bool) -> bytes:
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, b""))]
    lines += [b"%b: %b\r\n" % header for header in besides]
    if close:
        lines.append(b"connection: close\r\n")
    lines.append(b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n" % len(text))
    lines.append(text)
    return b"".join(lines)


_PHRASES: Final = {one.value: one.phrase.encode() for one in HTTPStatus}
