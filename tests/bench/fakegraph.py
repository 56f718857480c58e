"""A fake of Meta's Graph API: answers ``POST /<version>/<number id>/messages`` after a delay and remembers what came.

It is a bare asyncio protocol, so that it costs the core it shares with the load generator next to nothing. What it answers
is what Meta answers; what it does not check, the demo's fake does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from typing import cast

import httptools
import msgspec


class _Text(msgspec.Struct):
    body: str = ""


class _Send(msgspec.Struct):
    to: str = ""
    recipient: str = ""
    biz_opaque_callback_data: str = ""
    text: _Text | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One message that arrived."""

    at: float
    """``perf_counter`` when its last byte had come."""
    outbound_id: str
    """``biz_opaque_callback_data``"""
    to: str
    text: str
    wamid: str


class FakeGraph:
    """Listens on 127.0.0.1. ``sent`` is called with each message when its answer is written."""

    def __init__(self, delay: float = 0.05, sent: Callable[[Received], None] | None = None) -> None:
        self.delay = delay
        self.received: list[Received] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._sent = sent
        self._ids = count(1)
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v26.0"

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def hear(self, sent: Callable[[Received], None]) -> None:
        """From now on ``sent`` is called."""
        self._sent = sent

    async def drained(self, expected: int, *, quiet: float = 5.0, patience: float = 90.0) -> None:
        """Wait until ``expected`` messages have come, or nothing came for ``quiet`` s, or ``patience`` s are over."""
        seen, since = len(self.received), perf_counter()
        end = since + patience
        while seen < expected and perf_counter() < min(end, since + quiet):
            await asyncio.sleep(0.02)
            if len(self.received) != seen:
                seen, since = len(self.received), perf_counter()

    def take(self, body: bytes) -> Received:
        send = msgspec.json.decode(body, type=_Send)
        received = Received(
            at=perf_counter(),
            outbound_id=send.biz_opaque_callback_data,
            to=send.to or send.recipient,
            text=send.text.body if send.text else "",
            wamid=f"wamid.FAKE{next(self._ids):010d}",
        )
        self.received.append(received)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return received

    def answered(self, received: Received) -> None:
        self.in_flight -= 1
        if self._sent is not None:
            self._sent(received)


class _Connection(asyncio.Protocol):
    def __init__(self, graph: FakeGraph) -> None:
        self._graph = graph
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""
        self._transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's are no subclass of it

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        if not body and self._transport is not None:
            self._transport.close()  # a question, not a message
            return
        received = self._graph.take(body)
        self._loop.call_later(self._graph.delay, self._answer, received)

    def _answer(self, received: Received) -> None:
        self._graph.answered(received)
        if self._transport is None or self._transport.is_closing():
            return
        contact = {"input": received.to, "wa_id": received.to}
        answer = {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": received.wamid}]}
        body = msgspec.json.encode(answer)
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )
