"""A server that says exactly what a test tells it to, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

Talk = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: asyncio.Queue[bytes]) -> None:
        self.reader, self.writer, self.heard = reader, writer, heard

    async def request(self) -> bytes:
        """The next whole request; empty when the client has closed."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        request = head + await self.reader.readexactly(size)
        self.heard.put_nowait(request)
        return request

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    def reset(self) -> None:
        """Close so that the other side gets an error, not an end."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.transport.abort()


class Server:
    """Talks the same with every connection and counts them."""

    def __init__(self, talk: Talk, context: ssl.SSLContext | None = None) -> None:
        self.talk, self.context = talk, context
        self.lines: list[Line] = []
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        """Whole requests, as they come."""

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.context)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer, self.heard)
        self.lines.append(line)
        try:
            await self.talk(line)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{'https' if self.context else 'http'}://{host}:{self.port}/v26.0/2/messages"


@asynccontextmanager
async def serving(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(talk, context)
    await server.start()
    try:
        yield server
    finally:
        server.server.close()
        for line in server.lines:
            line.writer.close()
        await server.server.wait_closed()


def post(url: str, content: bytes = b"{}", *, headers: Any = None, **timeouts: float | None) -> httpx.Request:
    limits = {"connect": 5.0, "read": 5.0, "pool": 5.0, **timeouts}
    return httpx.Request("POST", url, content=content, headers=headers, extensions={"timeout": limits})


async def politely(line: Line) -> None:
    while await line.request():
        await line.say(OK)


def answering(*parts: bytes, close: bool = False) -> Talk:
    async def talk(line: Line) -> None:
        while await line.request():
            await line.say(*parts)
            if close:
                return

    return talk


async def hang_up(line: Line) -> None:
    await line.request()
