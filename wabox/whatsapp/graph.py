"""Questions to the Graph API besides sending: templates, the number, the token, subscriptions.

Answers are JSON objects. What Meta refuses, and what does not get there, is a :class:`GraphRefused` with a sentence for a
person; the access token is in none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import httpx
import msgspec

from wabox.errors import WaboxError
from wabox.whatsapp import errors
from wabox.whatsapp.token import NOT_ACCEPTED, Token
from wabox.whatsapp.transport import KeepAliveTransport
from wabox.whatsapp.trouble import in_words

CONNECT: Final = 5.0
READ: Final = 30.0
"""Seconds."""
PAGES: Final = 400
"""Of one list, at most: 20,000 templates, where an account may have 6,000."""

_TIMEOUTS: Final = {"timeout": {"connect": CONNECT, "read": READ, "write": READ, "pool": CONNECT}}

Json = dict[str, Any]


class GraphRefused(WaboxError):
    """Meta did not answer the question; ``code`` is Meta's, if it said one."""

    def __init__(self, sentence: str, code: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code


class GraphClient:
    """One for all questions of one token; safe to use from many tasks."""

    def __init__(self, api_url: str, token: str | Token, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """``api_url`` with its version. Raises SettingsError for what cannot be a token."""
        self._token = Token(token) if isinstance(token, str) else token
        self._api_url = api_url.rstrip("/")
        self._transport = transport or KeepAliveTransport(connections=4)

    def __repr__(self) -> str:
        return f"GraphClient({self._api_url!r})"

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """The object at ``path`` (``123/message_templates``). Raises GraphRefused."""
        return await self._ask("GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """What Meta answers to ``body`` at ``path``. Raises GraphRefused."""
        return await self._ask("POST", path, body=body)

    async def each(self, path: str, params: Mapping[str, str]) -> AsyncIterator[Json]:
        """Every object of a list, page after page. Raises GraphRefused."""
        after: str | None = None
        for _ in range(PAGES):
            page = await self.get(path, {**params, **({"after": after} if after else {})})
            data = page.get("data")
            if not isinstance(data, list):
                raise GraphRefused(f"what Meta answers about {path} is no list")
            for one in data:
                if isinstance(one, dict):
                    yield one
            paging = page.get("paging")
            paging = paging if isinstance(paging, dict) else {}
            cursors = paging.get("cursors")
            following = cursors.get("after") if isinstance(cursors, dict) else None
            if not paging.get("next") or not isinstance(following, str) or following == after:
                return
            after = following

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Json:
        used = self._token.value
        try:
            return await self._asked(method, path, used, params=params, body=body)
        except GraphRefused as refused:
            if refused.code not in NOT_ACCEPTED or not self._token.renewed(used):
                raise
        return await self._asked(method, path, self._token.value, params=params, body=body)

    async def _asked(
        self, method: str, path: str, token: str, *, params: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> Json:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "wabox",
        }
        content = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        try:
            url = httpx.URL(f"{self._api_url}/{path}", params=dict(params or {}))
            request = httpx.Request(method, url, headers=headers, content=content, extensions=_TIMEOUTS)
            async with asyncio.timeout(CONNECT + READ + 5):
                answer = await self._transport.handle_async_request(request)
                try:
                    await answer.aread()
                finally:
                    await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            sentence = f"Meta could not be asked about {path}: {in_words(error)}"
            raise GraphRefused(self._token.clean(sentence)) from None
        try:
            found = msgspec.json.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        error_ = errors.read(found.get("error")) if isinstance(found, dict) else None
        if error_ is not None:
            meaning = errors.classify(error_, answer.status_code, path.partition("/")[0])
            sentence = f"Meta refuses to tell about {path}: {errors.explain(error_, meaning)}"
            raise GraphRefused(self._token.clean(sentence), error_.code)
        if not answer.is_success or not isinstance(found, dict):
            said = errors.shortened(answer.content.decode("utf-8", "replace")) or "an empty answer"
            sentence = f"HTTP {answer.status_code} without Meta's error about {path}: {said}"
            raise GraphRefused(self._token.clean(f"{sentence}. Is {self._api_url} Meta's address?"))
        return found
