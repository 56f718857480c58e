"""Files from and to the Cloud API. Source: Meta, "Media" (June 2026).

A download has two steps, both with the token: ``GET /{media id}`` says where the file is for the next five minutes, a second
GET fetches it. The token goes to the Graph API, to the server that Meta names if it is one of Meta's, and nowhere else: where
an answer leads to another host, that is followed without it, and only to Meta.

``phone_number_id`` is left out on purpose: with it Meta looks for files that this number *uploaded*, and refuses what customers
sent (chatwoot/chatwoot#13319).

httpx's client is used here, not our transport: files are streamed, and some MB of them make its cost not matter.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

from wabox.core.media import LARGEST, InboundMedia, LocalFile, Transfer, digest
from wabox.core.ports import Write
from wabox.whatsapp import errors
from wabox.whatsapp.errors import Kind
from wabox.whatsapp.token import NOT_ACCEPTED, Token

METAS: Final = (".facebook.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net", ".whatsapp.com")
"""Hosts that Meta serves files from."""
JSON_LIMIT: Final = 64 * 1024
CONNECT: Final = 5.0
IDLE: Final = 20.0
"""s without a byte."""
WHOLE: Final = 600.0
"""s for a whole file."""
REDIRECTS: Final = 3
GONE: Final = frozenset({401, 403, 404, 410})
"""Answers of a file server whose link is too old."""


class CloudMedia:
    """Implements MediaSource. One for all numbers of one token."""

    def __init__(self, api_url: str, token: str | Token, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._api_url = api_url.rstrip("/")
        self._origin = _origin(httpx.URL(self._api_url))
        self._token = Token(token) if isinstance(token, str) else token
        self._transport = transport
        self._made: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"CloudMedia({self._api_url!r})"

    async def aclose(self) -> None:
        if self._made is not None:
            await self._made.aclose()

    async def fetch(self, media: InboundMedia, write: Write) -> Transfer:
        """One try. When the link that Meta gave does not work any more, a new one is asked for, once."""
        try:
            async with asyncio.timeout(WHOLE):
                found = await self._fetched(media, write)
                if found is None:
                    found = await self._fetched(media, write)
        except TimeoutError:
            return Transfer(reason=f"it did not come within {WHOLE:.0f} s", again=True)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return self._broken(error)
        return found or Transfer(reason="WhatsApp's link to the file does not work", again=True)

    async def upload(self, number_id: str, file: LocalFile, path: str, mime_type: str) -> Transfer:
        """``POST /{number id}/media``. To upload twice does no harm, so whatever may pass is worth another try."""
        used = self._token.value
        try:
            content = await asyncio.to_thread(Path(path).read_bytes)
            parts = {"file": (file.path.rpartition("/")[2], content, mime_type)}
            fields = {"messaging_product": "whatsapp", "type": mime_type}
            url = f"{self._api_url}/{quote(number_id, safe='')}/media"
            async with asyncio.timeout(WHOLE):
                answer = await self._client.post(url, headers=self._bearer(), data=fields, files=parts)
        except TimeoutError:
            return Transfer(reason=f"the upload took longer than {WHOLE:.0f} s", again=True)
        except OSError as error:
            return Transfer(reason=f"{file.path} cannot be read: {error.strerror or error}")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return self._broken(error)
        said = _json(answer.content)
        media_id = said.get("id")
        if answer.is_success and isinstance(media_id, str | int) and str(media_id):
            return Transfer(media_id=str(media_id))
        return self._refused(answer.status_code, said, number_id, used)

    async def _fetched(self, media: InboundMedia, write: Write) -> Transfer | None:
        """None: the link is too old, or not for us."""
        used = self._token.value
        url = f"{self._api_url}/{quote(media.media_id, safe='')}"
        async with self._client.stream("GET", url, headers=self._bearer()) as answer:
            said = _json(await _limited(answer))
        link = said.get("url")
        if not answer.is_success or not isinstance(link, str):
            return self._refused(answer.status_code, said, media.number_id, used)
        try:
            size = int(said.get("file_size") or 0)
        except (TypeError, ValueError):
            size = 0
        if size > LARGEST:
            return Transfer(reason=f"it has {size >> 20} MiB, more than the {LARGEST >> 20} that are fetched")
        announced = Transfer(size=size, sha256=digest(said.get("sha256")))
        target = httpx.URL(link)
        bearer = True
        for _ in range(REDIRECTS + 1):
            mine = _origin(target) == self._origin
            if not (mine or _is_metas(target)):
                # Whoever could write this link would get the token, or reach into the owner's network.
                return Transfer(
                    reason=f"WhatsApp's link leads to {_host(target)}, which is not Meta's", again=True, tries=2
                )
            headers = self._bearer() if bearer else {}
            async with self._client.stream("GET", target, headers=headers) as answer:
                if answer.is_redirect:
                    before, target = target, target.join(answer.headers["location"])
                    bearer = bearer and _origin(target) == _origin(before)
                    continue
                if answer.status_code in GONE:
                    return None
                if not answer.is_success:
                    status = answer.status_code
                    return Transfer(reason=f"{_host(target)} answered {status}", again=True)
                return await _poured(answer, write, announced)
        return Transfer(reason="WhatsApp's link leads round in circles", again=True, tries=2)

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            self._made = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=httpx.Timeout(IDLE, connect=CONNECT),
                limits=httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=30.0),
                headers={"User-Agent": "wabox", "Accept-Encoding": "identity"},
                transport=self._transport,
            )
        return self._made

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token.value}"}

    def _refused(self, status: int, said: dict[str, Any], number_id: str, used: str) -> Transfer:
        """Meta said no, or somebody on the way did. ``used``: the token."""
        error = errors.read(said.get("error"))
        if error is None:
            return Transfer(reason=f"HTTP {status} without Meta's error", again=True, wait=errors.PAUSE)
        meaning = errors.classify(error, status, number_id)
        reason = self._token.clean(errors.explain(error, meaning))
        if error.code in NOT_ACCEPTED and self._token.renewed(used):
            return Transfer(reason=reason, again=True, wait=1.0, code=error.code)
        permanent = meaning.kind in (Kind.PERMANENT, Kind.CONTACT, Kind.WINDOW) and meaning.tries is None
        return Transfer(
            reason=reason,
            again=not permanent,
            wait=meaning.wait or errors.PAUSE,
            tries=meaning.tries,
            code=error.code,
            number=meaning.kind is Kind.NUMBER,
        )

    def _broken(self, error: Exception) -> Transfer:
        said = errors.shortened(str(error))
        return Transfer(
            reason=self._token.clean(f"{type(error).__name__}: {said}" if said else type(error).__name__), again=True
        )


async def _poured(answer: httpx.Response, write: Write, announced: Transfer) -> Transfer:
    size = 0
    async for data in answer.aiter_raw():
        size += len(data)
        if size > LARGEST:
            return Transfer(reason=f"it has more than {LARGEST >> 20} MiB")
        await write(data)
    return announced


async def _limited(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for data in answer.aiter_raw():
        content += data
        if len(content) > JSON_LIMIT:
            return b""
    return bytes(content)


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _host(url: httpx.URL) -> str:
    return url.host or "nowhere"


def _is_metas(url: httpx.URL) -> bool:
    return url.scheme == "https" and url.port in (None, 443) and f".{url.host.lower()}".endswith(METAS)
