"""Whether an address answers, and what it says of itself: its clock and its certificate.

No token goes along, redirects are not followed, and nothing here raises for what the other side does.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from wabox.whatsapp.trouble import in_words

DEADLINE: Final = 10.0
"""Seconds."""
AGENT: Final = "facebookexternalua"
"""How Meta's webhooks call themselves: what a bot filter sees."""
_READ: Final = 64 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    """HTTP's; 0: there was none."""
    body: str
    """The beginning of the answer, or why there was none."""
    milliseconds: int
    clock: int | None = None
    """ms since the epoch, by the other side's ``Date``."""
    expires: int | None = None
    """When its certificate does, ms; None without TLS."""
    untrusted: bool = False
    """Its certificate is not accepted; ``body`` says why."""


async def ask(
    url: str,
    *,
    method: str = "GET",
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    content: bytes = b"",
    trust: ssl.SSLContext | bool = True,
    deadline: float = DEADLINE,
) -> Reply:
    """One request."""
    begun = time.monotonic()
    try:
        async with (
            httpx.AsyncClient(timeout=deadline, verify=trust, trust_env=False) as client,
            client.stream(
                method, url, params=params, headers={"User-Agent": AGENT, **(headers or {})}, content=content
            ) as answer,
        ):
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _READ:
                    break
            return Reply(
                status=answer.status_code,
                body=body[:_READ].decode("utf-8", "replace"),
                milliseconds=_since(begun),
                clock=_date(answer.headers.get("date")),
                expires=_expires(answer.extensions.get("network_stream")),
            )
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        said = str(error)
        wrong = "certificate verify failed" in said.lower()
        why = said if wrong else in_words(error)
        if wrong:
            why = why.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or why
        return Reply(status=0, body=why, milliseconds=_since(begun), untrusted=wrong)


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def _date(header: str | None) -> int | None:
    try:
        found = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    return None if found is None else round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _expires(stream: Any) -> int | None:
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    until = (tls.getpeercert() or {}).get("notAfter") if tls is not None else None
    return None if until is None else ssl.cert_time_to_seconds(until) * 1000
