"""``/webhook``: Meta calls here.

The POST answers 200 only after everything it brought is committed (promise P1), and exactly 200, because Meta takes any
other answer for a failure and brings the whole batch again for up to seven days. What is answered when:

====  =============================================================================================================
200   committed; also for elements that nobody can read: they are kept as dead letters, repeating them would not help
401   the signature is missing or wrong; nothing was stored
413   over 4 MiB (Meta's payloads reach 3 MB); 408 when it does not come
503   overloaded or out of disk: not stored, so Meta must bring it again
====  =============================================================================================================

It stands before the framework's router, as a bare ASGI application (:func:`wabox.web.server.asgi_app`), and plain webhooks come
to :meth:`Webhook.post` without even that (:mod:`wabox.web.express`): most of what a server receives comes here, three delivery
statuses for every message sent, and routing alone would cost a fifth of the work.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast
from urllib.parse import parse_qs

import structlog
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, HTTPScope, Receive, Scope
from litestar.types import Send as ASGISend

from wabox.core.message import Arrival
from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.settings import WhatsAppSettings
from wabox.web.locks import Locks
from wabox.whatsapp.signature import verify
from wabox.whatsapp.webhook import parse

log = structlog.get_logger(__name__)

WEBHOOK = "/webhook"
BODY_LIMIT = 4 * 1024 * 1024
TEXT = [(b"content-type", b"text/plain; charset=utf-8")]


BODY_SECONDS = 10.0
"""Until a body must be whole; Meta gives up after five."""
HELD_LIMIT = 64 * 1024 * 1024
"""Bytes of all unfinished bodies together."""
SIGNATURE_LENGTH = len("sha256=") + 64


class TooLarge(Exception):
    """One body is over the limit."""


class Crowded(Exception):
    """All unfinished bodies together are."""


class Receiver(Protocol):
    """What takes in what Meta sends."""

    @property
    def crowded(self) -> bool: ...

    @property
    def clock(self) -> Clock: ...

    async def accept(self, arrival: Arrival) -> None: ...


class Webhook:
    """The handshake (GET) and the events (POST) of one Meta app: an ASGI application."""

    def __init__(
        self,
        settings: WhatsAppSettings | Locks,
        receiver: Receiver,
        answered: Callable[[int, float], None] = lambda status, seconds: None,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        """``answered`` hears the status and the s of each POST."""
        self._locks = settings if isinstance(settings, Locks) else Locks(settings)
        self._receiver = receiver
        self._answered = answered
        self._monotonic = monotonic
        self._reader = _Reader()
        self._told = 0

    async def __call__(self, scope: Scope, receive: Receive, send: ASGISend) -> None:
        scope = cast("HTTPScope", scope)
        if scope["method"] == "POST":
            status, body = await self.post(scope["headers"], receive)
        elif scope["method"] == "GET":
            status, body = _handshake(scope["query_string"], self._locks.token)
        else:
            status, body = 405, b"this address takes GET and POST"
        await _answer(send, status, body)

    async def post(self, headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> tuple[int, bytes]:
        """Take in what Meta sends; how to answer. ``headers``: their names in lower case."""
        began = self._monotonic()
        try:
            status, body = await self._events(headers, receive)
        except Exception as error:
            log.error("web.bug", path=WEBHOOK, exc_info=error)
            status, body = 500, b"wabox failed here; its log says why"
        self._answered(status, self._monotonic() - began)
        return status, body

    async def _events(self, headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> tuple[int, bytes]:
        signature: bytes | None = None
        for name, value in headers:
            if name == b"x-hub-signature-256":
                signature = value
            elif name == b"content-length" and value.isdigit() and int(value) > BODY_LIMIT:
                return 413, b"the body is over 4 MiB"
        if signature is None:
            log.warning("webhook.unsigned")
            return 401, b"X-Hub-Signature-256 is missing"
        crowded = self._receiver.crowded
        if len(signature) != SIGNATURE_LENGTH:
            log.warning("webhook.bad_signature")
            return 401, b"X-Hub-Signature-256 is not what Meta sends: sha256= and 64 hexadecimal digits"
        try:
            body = await self._reader.read(receive)
        except TooLarge:
            return 413, b"the body is over 4 MiB"
        except TimeoutError:
            return 408, b"the body did not come"
        except Crowded:
            return 503, b"too many bodies are being read, bring it again"
        if crowded and not _only_statuses(body):
            # Before verifying and parsing: under a flood, refusing must cost less than accepting, or only refusals are left.
            # Delivery statuses need no turn, and what a crash left in doubt is sent twice when they do not come in time.
            self._refused("overloaded")
            return 503, b"not stored, bring it again"
        if not verify(body, signature, self._locks.secrets):
            log.warning("webhook.bad_signature", bytes=len(body))
            return 401, b"X-Hub-Signature-256 does not match: is this the app secret of this app?"
        try:
            await self._receiver.accept(parse(body, self._receiver.clock()))
        except StorageError as error:
            self._refused(str(error))
            return 503, b"not stored, bring it again"
        return 200, b""

    def _refused(self, reason: str) -> None:
        """Say so, once a second: thousands of lines would take the time that is lacking."""
        if (now := self._receiver.clock()) - self._told >= 1000:
            self._told = now
            log.warning("webhook.not_stored", error=reason)


def _handshake(query: bytes, token: bytes) -> tuple[int, bytes]:
    """Meta's check that this address is ours: echo the challenge if the verify token is right."""
    # latin-1 keeps every byte: the comparison below must not raise on what is not UTF-8.
    fields = parse_qs(query.decode("latin-1"), encoding="latin-1")
    mode, given, challenge = (fields.get(f"hub.{name}", [""])[0] for name in ("mode", "verify_token", "challenge"))
    if mode == "subscribe" and challenge and hmac.compare_digest(given.encode("latin-1"), token):
        return 200, challenge.encode("latin-1")
    log.warning("webhook.handshake_refused", mode=mode[:32])
    return 403, b"the verify token is not the one this server was started with"


def _only_statuses(body: bytes) -> bool:
    """Whether it looks so: what was written otherwise than Meta writes is refused with the rest, and comes again."""
    return b'"statuses":[' in body and b'"messages":[' not in body


class _Reader:
    """Reads bodies, of which strangers may send any number: they are not signed until they are whole."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, receive: Receive) -> bytes:
        """The body. Raises TooLarge, Crowded or TimeoutError."""
        message: Any = await receive()
        body: bytes = message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise TooLarge
        if not message.get("more_body"):
            return body
        chunks = [body]
        size = len(body)
        self._held += size
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while message.get("more_body"):
                    message = await receive()
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    self._held += len(chunk)
                    if size > BODY_LIMIT:
                        raise TooLarge
                    if self._held > HELD_LIMIT:
                        raise Crowded
                    chunks.append(chunk)
        finally:
            self._held -= size
        return b"".join(chunks)


async def _answer(send: ASGISend, status: int, body: bytes) -> None:
    if not body:
        await send(_EMPTY)
        await send(_END)
        return
    headers = [*TEXT, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


_EMPTY: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": [*TEXT, (b"content-length", b"0")],
}
_END: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}
"""The answer to every acknowledged webhook."""
