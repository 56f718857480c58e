"""Posting a webhook to a server of one's own, signed as Meta signs it, to see what it answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx

from wabox.whatsapp.signature import sign

DEADLINE = 10.0
"""Seconds; Meta's own is not published, and partners take five for fatal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    """HTTP status; 0 when there was no answer."""
    body: str
    """The answer, or the reason why there was none."""
    milliseconds: int


def post(url: str, body: bytes, secret: bytes) -> Answer:
    """Post one webhook; redirects are not followed, because Meta does not. Never raises for what the other side does."""
    headers = {
        "content-type": "application/json",
        "user-agent": "facebookexternalua",
        "x-hub-signature-256": sign(body, secret),
    }
    begun = time.monotonic()
    try:
        answer = httpx.post(url, content=body, headers=headers, timeout=DEADLINE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(status=0, body=str(error) or type(error).__name__, milliseconds=_since(begun))
    return Answer(status=answer.status_code, body=answer.text, milliseconds=_since(begun))


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
