"""HTTP/1.1 for many small JSON requests to one API: an httpx transport on asyncio's protocols and the llhttp parser.

Why not httpx's own: its pool polls every idle socket whenever a request begins or ends, so a request costs more the more
connections are open. At 50 ms per answer it breaks down between 300 and 400 requests/s on one core and does not recover.
Why not ``httpx-aiohttp``, which does not break down: it costs two to three times the CPU of this module, which the sender
cannot spare (1,200 messages/s, one core, everything else on it too), and it reports a connection that broke *after* the
request as ``ConnectTimeout``, as one that never was. Here the difference decides whether a customer reads a message twice.
``tests/bench/bench_client.py`` prints all of them side by side.

Rules:

* One connection carries one request at a time; the one used last is used next, so that those not needed grow old and close.
* A request is written once. A connection that the other side has closed is noticed before writing (one ``poll`` of this one
  socket); nothing is repeated after writing, because nobody can know whether it was read.
* What an exception says is exact, because the sender decides on it. ``ConnectError``, ``ConnectTimeout``, ``PoolTimeout``,
  ``WriteTimeout``, ``LocalProtocolError``: no server can have the whole request. ``ReadTimeout``, ``ReadError``,
  ``RemoteProtocolError``: one may.
* Answers are read whole, up to ``LARGEST``; redirects, cookies and proxies are not this module's business.
"""

from __future__ import annotations

import asyncio
import select
import ssl
from collections import deque
from collections.abc import Sequence
from socket import SOCK_STREAM
from typing import Final, NamedTuple, cast

import aiohappyeyeballs
import httptools
import httpx
from aiohappyeyeballs import AddrInfoType

LARGEST: Final = 1024 * 1024
"""Bytes of one answer, head and body. The Graph API's answers to a send have a few hundred."""

Origin = tuple[str, str, int]
"""Scheme, host, port."""
Headers = list[tuple[bytes, bytes]]
Answer = tuple[int, Headers, bytes]
"""Status, headers, body."""


class Prepared(NamedTuple):
    """A request that will be sent many times with other contents."""

    origin: Origin
    head: bytes
    """All of it but the length of the content and the content."""


def prepare(request: httpx.Request) -> Prepared:
    """``request`` without its content. Raises what sending it would."""
    head = _written(request, b"").removesuffix(b"\r\n")
    return Prepared(_origin(request.url), head.replace(b"Content-Length: 0\r\n", b"", 1))


class KeepAliveTransport(httpx.AsyncBaseTransport):
    """See the module. Not for uploads, downloads or methods without a body in the answer (HEAD, CONNECT)."""

    def __init__(
        self, *, connections: int = 256, keep_alive: float = 30.0, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """``connections`` at once, for all hosts together; ``keep_alive`` in seconds of doing nothing."""
        self._slots = asyncio.Semaphore(connections)
        self._keep_alive = keep_alive
        self._ssl_context = ssl_context
        self._idle: dict[Origin, deque[_Connection]] = {}
        self._busy: set[_Connection] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        message = _written(request, await request.aread())
        timeout = request.extensions.get("timeout", {})
        status, headers, body = await self._exchange(
            _origin(request.url), message, timeout.get("pool"), timeout.get("connect"), timeout.get("read")
        )
        return httpx.Response(status, headers=headers, content=body, extensions={"http_version": b"HTTP/1.1"})

    async def post(self, prepared: Prepared, content: bytes, *, connect: float, read: float) -> Answer:
        """Send this content; the answer as it came. Raises httpx's errors.

        The same as :meth:`handle_async_request` without httpx's request and response, which cost as much as all the rest.
        """
        message = b"%bContent-Length: %d\r\n\r\n%b" % (prepared.head, len(content), content)
        return await self._exchange(prepared.origin, message, connect, connect, read)

    async def _exchange(
        self, origin: Origin, message: bytes, pool: float | None, connect: float | None, read: float | None
    ) -> Answer:
        if self._slots.locked():
            await self._slot(pool)
        else:
            await self._slots.acquire()
        try:
            connection = self._idle_one(origin) or await self._new(origin, connect)
            self._busy.add(connection)
            try:
                return await connection.exchange(message, read)
            finally:
                self._busy.discard(connection)
                self._release(connection)
        finally:
            self._slots.release()

    async def aclose(self) -> None:
        """Closes every connection; requests under way end with ``ReadError``."""
        self._closed = True
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()
        for connection in tuple(self._busy):
            connection.abort()
        # Let the loop close the sockets: who closes the loop next finds nothing open.
        await asyncio.sleep(0)

    async def _slot(self, timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("all connections are in use") from None

    def _idle_one(self, origin: Origin) -> _Connection | None:
        if self._closed:
            raise httpx.ConnectError("the client is closed")
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.usable(self._keep_alive):
                return connection
            connection.close()
        return None

    async def _new(self, origin: Origin, timeout: float | None) -> _Connection:
        try:
            async with asyncio.timeout(timeout):
                return await self._connect(origin)
        except TimeoutError:
            raise httpx.ConnectTimeout(f"no connection to {origin[1]} within {timeout} s") from None
        except OSError as error:
            raise httpx.ConnectError(f"{type(error).__name__}: {error}") from error

    async def _connect(self, origin: Origin) -> _Connection:
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        # A host with IPv6 addresses on a machine whose IPv6 leads nowhere is common: both kinds are tried, 0.25 s apart.
        sock = await aiohappyeyeballs.start_connection(await _addresses(host, port), happy_eyeballs_delay=0.25)
        try:
            if scheme == "https":
                context, name = self._context(), host
            else:
                context, name = None, None
            _, connection = await loop.create_connection(
                lambda: _Connection(origin), sock=sock, ssl=context, server_hostname=name
            )
        except BaseException:
            sock.close()
            raise
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = httpx.create_ssl_context()
            self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context

    def _release(self, connection: _Connection) -> None:
        if self._closed or not connection.reusable:
            connection.abort()
            return
        connection.rest()
        idle = self._idle.setdefault(connection.origin, deque())
        idle.append(connection)
        while idle and not idle[0].fresh(self._keep_alive):
            idle.popleft().close()


class _Connection(asyncio.Protocol):
    """One socket, and the answer that is being read from it."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.reusable = False
        """The last answer is complete and the other side keeps the connection open."""
        self._loop = asyncio.get_running_loop()
        self._rested_at = 0.0
        self._answer: asyncio.Future[Answer] | None = None
        self._received = 0
        self._headers: Headers = []
        self._body: list[bytes] = []
        self._in_body = False
        self._parser = httptools.HttpResponseParser(self)

    async def exchange(self, message: bytes, timeout: float | None) -> Answer:
        """Write a request and wait for the whole answer."""
        if self._transport.is_closing():
            raise httpx.ConnectError("the connection was closed before the request")
        self.reusable = False
        self._received = 0
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answer = answer
        expiry = None if timeout is None else self._loop.call_later(timeout, self._expire, timeout)
        try:
            self._transport.write(message)
            return await answer
        finally:
            self._answer = None
            if expiry is not None:
                expiry.cancel()

    def rest(self) -> None:
        self._rested_at = self._loop.time()

    def fresh(self, keep_alive: float) -> bool:
        return not self._transport.is_closing() and self._loop.time() - self._rested_at < keep_alive

    def usable(self, keep_alive: float) -> bool:
        # Whatever can be read now is no answer to us: nearly always it is the end of the connection, which the loop has
        # not seen yet.
        return self.fresh(keep_alive) and not self._poll.poll(0)

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def _expire(self, timeout: float) -> None:
        if self._transport.get_write_buffer_size():
            self._fail(httpx.WriteTimeout(f"the request could not be written within {timeout} s"))
        else:
            self._fail(httpx.ReadTimeout(f"no answer within {timeout} s"))

    def _fail(self, error: httpx.TransportError) -> None:
        if self._answer is not None and not self._answer.done():
            self.reusable = False
            self._answer.set_exception(error)
        self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods, not the base class.
        self._transport = cast(asyncio.Transport, transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self._transport.abort()
            return
        self._received += len(data)
        if self._received > LARGEST:
            self._fail(httpx.RemoteProtocolError(f"the answer is over {LARGEST} bytes"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(httpx.RemoteProtocolError(f"the answer is not HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is None or self._answer.done():
            return
        if exc is None and self._in_body and self._unbounded():
            self._finish(reusable=False)
        elif self._received:
            self._fail(httpx.RemoteProtocolError("the answer was cut off"))
        else:
            self._fail(httpx.ReadError(f"the connection was lost before an answer came ({exc or 'closed'})"))

    def _unbounded(self) -> bool:
        """An answer that neither says nor shows where it ends, but by closing."""
        return not any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._headers)

    # What the parser calls.

    def on_message_begin(self) -> None:
        # A second answer to one request: whose is it? The first one stands, the connection goes.
        self.reusable = False
        self._headers, self._body, self._in_body = [], [], False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._in_body = True

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:  # 100 and 103 announce an answer
            self._finish(reusable=self._parser.should_keep_alive())

    def _finish(self, *, reusable: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self.reusable = reusable
            self._answer.set_result((self._parser.get_status_code(), self._headers, b"".join(self._body)))


async def _addresses(host: str, port: int) -> Sequence[AddrInfoType]:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)


def _origin(url: httpx.URL) -> Origin:
    scheme = url.scheme
    if scheme not in ("http", "https"):
        raise httpx.UnsupportedProtocol(f"the address must begin with https://, not {scheme}://")
    return scheme, url.raw_host.decode("ascii"), url.port or (443 if scheme == "https" else 80)


def _written(request: httpx.Request, content: bytes) -> bytes:
    """The request as bytes."""
    headers = request.headers.raw
    lines = [f"{request.method} ".encode("ascii"), request.url.raw_path, b" HTTP/1.1\r\n"]
    for name, value in headers:
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    head = b"".join(lines)
    if head.count(b"\n") != len(headers) + 2 or head.count(b"\r") != len(headers) + 2 or b"\0" in head:
        raise httpx.LocalProtocolError("a header has a line break in it")
    if "transfer-encoding" in request.headers or request.method in ("HEAD", "CONNECT"):
        raise httpx.LocalProtocolError("this transport sends whole bodies and reads them")
    return head + content
