"""``invoke: {http: …}``: one HTTP request of a flow.

No redirects (their target was not written by the author), no proxies from the environment, no cookies; at most
:data:`LARGEST` bytes of answer. What may be repeated: whatever certainly did not arrive; and, where the flow says
``idempotency`` (the default), also a request whose outcome nobody knows, and 408, 425, 429 and 5xx, under the same
``Idempotency-Key``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from wabox.calls.address import Allowed, Refused, Resolve, choose, resolve
from wabox.core.invocation import Invocation, Outcome
from wabox.engine.value import plain

LARGEST = 256 * 1024
"""Bytes of an answer: it becomes part of a conversation."""
REPEATED = frozenset({408, 425, 429})
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class HttpCalls:
    """Calls over HTTP."""

    def __init__(self, allowed: Allowed, *, resolver: Resolve = resolve, user_agent: str = "wabox") -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._agent = user_agent
        self._client: httpx.AsyncClient | None = None

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def call(self, invocation: Invocation, request: Mapping[str, Any]) -> Outcome:
        """One try; ``request`` is the invocation's, with its secrets. Never raises for what happens out there."""
        safe = bool(request["idempotency"])
        try:
            async with asyncio.timeout(invocation.timeout / 1000):
                return await self._exchange(invocation, request, safe)
        except TimeoutError:
            return Outcome(error=f"no answer within {invocation.timeout / 1000:g} s", again=safe)
        except Refused as error:
            return Outcome(error=str(error))
        except _NEVER_ARRIVED as error:
            return Outcome(error=_sentence(error), again=True)
        except httpx.HTTPError as error:
            return Outcome(error=_sentence(error), again=safe)
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            return Outcome(error=f"the request cannot be made: {error}")
        except OSError as error:
            return Outcome(error=f"the host cannot be found: {error.strerror or error}", again=True)
        except Exception as error:  # noqa: BLE001 - whatever the other side sends, the conversation gets a result
            return Outcome(error=f"the answer cannot be read: {type(error).__name__}")

    async def _exchange(self, invocation: Invocation, request: Mapping[str, Any], safe: bool) -> Outcome:
        if request.get("empty"):
            return Outcome(error=f"the url needs {request['empty'][0]}, and the conversation has none")
        url = httpx.URL(request["url"])
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await choose(url.host, port, self._allowed, self._resolver)
        if self._client is None:
            # A connection to an address was opened under one name and shown that name's certificate: it is not kept, or
            # another name with the same address would be sent through it unchecked.
            self._client = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=None,  # noqa: S113 - the invocation's own
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        headers = httpx.Headers({"Accept": "application/json", "User-Agent": self._agent})
        headers.update({name: _header(value) for name, value in request["headers"].items()})
        headers["Accept-Encoding"] = "identity"
        headers["Host"] = url.netloc.decode("ascii")
        if safe:
            headers["Idempotency-Key"] = invocation.id
        body = None if request["json"] is None else json.dumps(request["json"], ensure_ascii=False).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        # To the address that was looked at, under the name that was asked for: also for the certificate.
        built = self._client.build_request(
            request["method"],
            url.copy_with(host=address),
            headers=headers,
            content=body,
            extensions={"sni_hostname": url.host},
        )
        answer = await self._client.send(built, stream=True)
        try:
            content = await _limited(answer)
        finally:
            await answer.aclose()
        return _outcome(answer, content, safe)


def _header(value: str) -> bytes:
    """In UTF-8, which is what servers expect today; what could end the header, or begin another, is gone."""
    return "".join(sign for sign in value if sign.isprintable()).strip().encode("utf-8", "replace")


async def _limited(answer: httpx.Response) -> bytes | None:
    """The body; None when it is too large, or packed though we asked for it plain: unpacked it may be of any size."""
    if answer.headers.get("content-encoding", "identity") != "identity":
        return None
    content = bytearray()
    async for part in answer.aiter_raw():
        content += part
        if len(content) > LARGEST:
            return None
    return bytes(content)


def _outcome(answer: httpx.Response, content: bytes | None, safe: bool) -> Outcome:
    status = answer.status_code
    host = answer.request.headers["host"]
    if 300 <= status < 400:
        to = answer.headers.get("location", "somewhere else").partition("?")[0]
        return Outcome(
            error=f"{host} answered {status} and sends us to {to}; write that url if it is right", status=status
        )
    if status >= 400:
        again = (status in REPEATED or status >= 500) and safe
        said = " ".join((content or b"")[:200].decode("utf-8", "replace").split())
        return Outcome(
            error=f"{host} answered {status}{': ' + said if said else ''}",
            status=status,
            again=again,
            wait=_seconds(answer.headers.get("retry-after")),
        )
    if content is None:
        return Outcome(error=f"the answer of {host} is larger than {LARGEST // 1024} KiB, or packed", status=status)
    output: Any
    if "json" in answer.headers.get("content-type", ""):
        try:
            output = plain(json.loads(content)) if content.strip() else None
        except (ValueError, TypeError, RecursionError):
            error = f"the answer of {host} says that it is JSON and is not, or holds what cannot be stored"
            return Outcome(error=error, status=status)
    else:
        output = plain(_text(answer, content))
    if len(json.dumps(output)) > LARGEST:
        return Outcome(error=f"the answer of {host} is larger than {LARGEST // 1024} KiB", status=status)
    return Outcome(output=output, status=status)


def _text(answer: httpx.Response, content: bytes) -> str:
    try:
        return content.decode(answer.charset_encoding or "utf-8", "replace")
    except (LookupError, ValueError, TypeError):
        return content.decode("utf-8", "replace")  # it names a charset that is none


def _seconds(written: str | None) -> float | None:
    return float(written) if written is not None and written.isdecimal() and len(written) < 8 else None


def _sentence(error: Exception) -> str:
    return f"the call failed: {error or type(error).__name__}"
