"""The Messenger that really sends: ``POST {api_url}/{number id}/messages``.

Sending is not idempotent at Meta, and there is no key to make it so. Everything here serves one question: **can the message
have left?** The verdict says so (:class:`~wabox.core.ports.SendResult`):

===========  =================================================================================================
``sent``     2xx with a message id
``retry``    no server had the whole request (not connected, not written), or one refused it for now (429, classes
             R, D, N of :mod:`wabox.whatsapp.errors`). ``wait`` is the least that makes sense; growing and jitter are the
             caller's. For class N it is minutes: everything else from that number would be refused too.
``unknown``  the request was written and no usable answer came (timeout, lost connection, 5xx, class A, 2xx without id)
``failed``   refused for good: this message (P), this customer (C), or the 24 hours are over (W)
===========  =================================================================================================

The HTTP status decides only where Meta's code does not: proxies and firewalls answer too, in HTML.

httpx's requests, responses, errors and transports are used, its ``AsyncClient`` is not: cookies, redirects (that would carry
the token elsewhere) and environment proxies are all to be kept away, and it costs as much CPU as the rest of a send. A message
that Meta takes through our own transport needs no request and no response object: they were half of what was left.
"""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

from wabox.core.delivery import OutboundMessage
from wabox.core.ports import SendResult
from wabox.whatsapp import errors
from wabox.whatsapp.errors import GraphError, Kind
from wabox.whatsapp.payload import read
from wabox.whatsapp.token import NOT_ACCEPTED, Token
from wabox.whatsapp.transport import Answer, Headers, KeepAliveTransport, Prepared, prepare

CONNECT: Final = 5.0
"""Seconds until a connection stands, TLS and all."""
READ: Final = 20.0
"""Seconds from the request to the whole answer."""
LONGEST_WAIT: Final = 3600.0
"""What an answer may ask us to wait, at most; anything longer is a mistake of somebody's."""
MUCH: Final = 80.0
"""Per cent of a quota from which on it is worth knowing."""
DELAYS: Final = 4
"""Tries of a message that Meta puts off for a long time."""

_TIMEOUTS: Final = {"timeout": {"connect": CONNECT, "read": READ, "write": READ, "pool": CONNECT}}
_NOT_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.WriteError,
    httpx.WriteTimeout,
)
_MISCONFIGURED: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_ENCODING: Final = b"content-encoding"


class _Id(msgspec.Struct):
    id: str


class _Accepted(msgspec.Struct):
    messages: list[_Id]


_ACCEPTED: Final = msgspec.json.Decoder(_Accepted)
_ENCODER: Final = msgspec.json.Encoder()


class CloudMessenger:
    """Sends through the Cloud API. One for all numbers of one token; safe to use from many tasks."""

    def __init__(
        self,
        api_url: str,
        token: str | Token,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: str | None = None,
    ) -> None:
        """``api_url`` with its version. A ``proxy`` is served by httpx's own transport, good for some 200 messages/s.

        Raises SettingsError for what cannot be a token; the token itself is in no error, log or ``repr``.
        """
        if transport is None:
            transport = KeepAliveTransport() if proxy is None else httpx.AsyncHTTPTransport(proxy=proxy)
        self._api_url = api_url.rstrip("/")
        self._token = Token(token) if isinstance(token, str) else token
        self._transport = transport
        self._used = self._token.value
        self._headers = self._with_token()
        self._prepared: dict[str, tuple[httpx.URL, Prepared]] = {}
        """By number: where to, and the request without its content."""

    def __repr__(self) -> str:
        return f"CloudMessenger({self._api_url!r})"

    async def send(self, message: OutboundMessage) -> SendResult:
        """POST one message. What happens on the way is in the result; only a cancelled task raises."""
        content = _ENCODER.encode({**message.body, "biz_opaque_callback_data": message.id})
        used = self._token.value
        answer = await self._post(message.number_id, content)
        if isinstance(answer, SendResult):
            return answer
        if answer[0] in (400, 401, 403) and _code(answer) in NOT_ACCEPTED and self._token.renewed(used):
            answer = await self._post(message.number_id, content)
            if isinstance(answer, SendResult):
                return answer
        status, headers, body = answer
        if 200 <= status < 300:
            try:
                accepted = _ACCEPTED.decode(body).messages
            except (msgspec.DecodeError, UnicodeDecodeError):
                accepted = []
            if accepted and accepted[0].id:
                return SendResult(verdict="sent", wamid=accepted[0].id, usage=_usage(headers))
        return self._refused(httpx.Response(status, headers=headers, content=body), message.number_id)

    async def seen(self, number_id: str, message_id: str, *, typing: bool = False) -> bool:
        """Mark a customer's message as read, and show that an answer is coming. Whether Meta took it; nothing hangs on it."""
        answer = await self._post(number_id, _ENCODER.encode(read(message_id, typing=typing)))
        return not isinstance(answer, SendResult) and 200 <= answer[0] < 300

    async def aclose(self) -> None:
        """Close the connections. Messages under way end as ``unknown``, later ones as ``retry``."""
        await self._transport.aclose()

    def _with_token(self) -> httpx.Headers:
        self._used = self._token.value
        return httpx.Headers(
            {
                "Host": httpx.URL(self._api_url).netloc.decode("ascii"),
                "Authorization": f"Bearer {self._used}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "wabox",
            }
        )

    async def _post(self, number_id: str, content: bytes) -> Answer | SendResult:
        try:
            url, prepared = self._request(number_id)
            if isinstance(self._transport, KeepAliveTransport):
                answer = await self._transport.post(prepared, content, connect=CONNECT, read=READ)
                return answer if all(name.lower() != _ENCODING for name, _ in answer[1]) else _decoded(answer)
            request = httpx.Request("POST", url, headers=self._headers, content=content, extensions=_TIMEOUTS)
            # The transport's own limits come first; this one is for a proxy's answer that trickles for ever.
            async with asyncio.timeout(CONNECT + CONNECT + READ + 5):
                response = await self._transport.handle_async_request(request)
                try:
                    await response.aread()
                finally:
                    await response.aclose()
            return _read(response)
        except _NOT_LEFT as error:
            reason = f"not sent: {_say(error)}"
            return SendResult(verdict="retry", reason=self._clean(reason), wait=1.0, scope="number")
        except (*_MISCONFIGURED, httpx.InvalidURL) as error:
            reason = f"not sent: {_say(error)}. Check the Graph URL and the access token"
            return SendResult(verdict="retry", reason=self._clean(reason), wait=300.0, scope="number", alert=True)
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:  # TimeoutError is an OSError
            return SendResult(verdict="unknown", reason=self._clean(f"no answer from Meta: {_say(error)}"))

    def _request(self, number_id: str) -> tuple[httpx.URL, Prepared]:
        if self._used != self._token.value:
            self._headers = self._with_token()
            self._prepared.clear()
        made = self._prepared.get(number_id)
        if made is None:
            url = httpx.URL(f"{self._api_url}/{quote(number_id, safe='')}/messages")
            made = url, prepare(httpx.Request("POST", url, headers=self._headers))
            if len(self._prepared) < 1024:
                self._prepared[number_id] = made
        return made

    def _refused(self, answer: httpx.Response, number_id: str) -> SendResult:
        error = _error(answer)
        if error is None:
            return self._refused_by_whom(answer)
        meaning = errors.classify(error, answer.status_code, number_id)
        reason = self._clean(errors.explain(error, meaning))
        match meaning.kind:
            case Kind.AMBIGUOUS:
                return SendResult(verdict="unknown", reason=reason, wait=meaning.wait, code=error.code)
            case Kind.RETRY | Kind.NUMBER:
                alert = meaning.kind is Kind.NUMBER
                return SendResult(
                    verdict="retry",
                    reason=reason,
                    wait=max(meaning.wait or 1.0, _asked_to_wait(answer)),
                    code=error.code,
                    scope="number" if alert else meaning.scope,
                    alert=alert,
                )
            case Kind.DELAY:
                wait = max(meaning.wait or 1.0, _asked_to_wait(answer))
                return SendResult(verdict="retry", reason=reason, wait=wait, code=error.code, later=True, tries=DELAYS)
            case Kind.PERMANENT if meaning.tries is not None:
                return SendResult(
                    verdict="retry", reason=reason, wait=errors.PAUSE, code=error.code, tries=meaning.tries
                )
            case Kind.WINDOW | Kind.CONTACT | Kind.PERMANENT:
                closed = meaning.kind is Kind.WINDOW
                return SendResult(verdict="failed", reason=reason, code=error.code, closed=closed)

    def _refused_by_whom(self, answer: httpx.Response) -> SendResult:
        """An answer without Meta's error in it: from a proxy or firewall on the way, or from another server altogether."""
        status = answer.status_code
        said = f"HTTP {status} without Meta's error: {_quoted(answer)}"
        if answer.is_success:
            return SendResult(
                verdict="unknown", reason=self._clean(f"accepted without a message id: {_quoted(answer)}")
            )
        if status == 429:
            wait = max(1.0, _asked_to_wait(answer))
            return SendResult(verdict="retry", reason=self._clean(said), wait=wait, scope="number")
        if status >= 500:
            return SendResult(verdict="unknown", reason=self._clean(said))
        if status < 400 or status in (401, 403, 404, 407, 408, 421, 425):
            # It is not this message that they mind, so it is kept.
            reason = f"{said}. Is {self._api_url} Meta's address, and nothing in between?"
            wait = max(60.0, _asked_to_wait(answer))
            return SendResult(verdict="retry", reason=self._clean(reason), wait=wait, scope="number", alert=True)
        return SendResult(verdict="failed", reason=self._clean(said))

    def _clean(self, text: str) -> str:
        """Without the access token, which Meta quotes when it cannot read it."""
        return self._token.clean(text)


def _decoded(answer: Answer) -> Answer:
    """An answer that somebody compressed, though nobody asked for that. Raises httpx.DecodingError."""
    status, headers, body = answer
    return _read(httpx.Response(status, headers=headers, content=body))


def _read(response: httpx.Response) -> Answer:
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != _ENCODING]
    return response.status_code, headers, response.content


def _code(answer: Answer) -> int | None:
    error = _error(httpx.Response(answer[0], headers=answer[1], content=answer[2]))
    return None if error is None else error.code


def _error(answer: httpx.Response) -> GraphError | None:
    try:
        decoded = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return errors.read(decoded.get("error")) if isinstance(decoded, dict) else None


def _asked_to_wait(answer: httpx.Response) -> float:
    """Seconds, from ``Retry-After`` or Meta's usage header; 0 when neither says anything."""
    return min(max(_retry_after(answer), _regain_access(answer)), LONGEST_WAIT)


def _usage(headers: Headers) -> float | None:
    """Per cent of the app's or account's quota that is used, if it is much. ``X-App-Usage`` is one object of percentages,
    ``X-Business-Use-Case-Usage`` has a list of them per account."""
    used = 0.0
    for name, value in headers:
        # Nearly every answer has none: this is all that it costs.
        if len(name) < 11 or name[-6:].lower() != b"-usage":
            continue
        try:
            found: Any = msgspec.json.decode(value)
            several = [use for uses in found.values() for use in uses] if name[:3].lower() == b"x-b" else [found]
            used = max(
                used,
                *(float(use.get(key, 0)) for use in several for key in ("call_count", "total_time", "total_cputime")),
            )
        except (msgspec.DecodeError, AttributeError, TypeError, ValueError, RecursionError):
            continue
    return used if used > MUCH else None


def _retry_after(answer: httpx.Response) -> float:
    asked = answer.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        # A date counts from the other side's clock, which stands beside it.
        delta = parsedate_to_datetime(asked) - parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return 0.0
    return delta.total_seconds()


def _regain_access(answer: httpx.Response) -> float:
    """``X-Business-Use-Case-Usage``: {account: [{…, "estimated_time_to_regain_access": minutes}]}."""
    usage = answer.headers.get("x-business-use-case-usage")
    if usage is None:
        return 0.0
    try:
        accounts: Any = msgspec.json.decode(usage)
        minutes = [float(use["estimated_time_to_regain_access"]) for uses in accounts.values() for use in uses]
    except (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return 0.0
    return max(minutes, default=0.0) * 60


def _quoted(answer: httpx.Response) -> str:
    # Not `.text`: a proxy may name a charset that is none.
    return errors.shortened(answer.content.decode("utf-8", "replace")) or "an empty answer"


def _say(error: Exception) -> str:
    said = errors.shortened(str(error))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
