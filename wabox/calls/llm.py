"""An OpenAI-compatible endpoint: ``POST <url>/chat/completions``.

Structured output is asked for by ``response_format: {type: json_schema}``; an endpoint that does not know that, or another
parameter, says so with a 400: the parameter is then left out, also next time, and the answer is JSON in plain text.

The address is the operator's own choice, so it may be inside the network (a model of one's own). No redirects, no proxies from
the environment; at most :data:`LARGEST` bytes of answer.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from wabox.core.llm import Completion

LARGEST = 256 * 1024
_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BUSY = frozenset({408, 425, 429})
_DENIED = frozenset({401, 402, 403, 404})


class LlmClient:
    """Asks one model."""

    def __init__(self, url: str, model: str, key: str | None, *, user_agent: str = "wabox") -> None:
        self.model = model
        self._url = f"{url}/chat/completions"
        self._key = key
        self._agent = user_agent
        self._client: httpx.AsyncClient | None = None
        self._plain: set[str] = set()
        """Parameters that this endpoint does not know."""

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def complete(
        self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], max_tokens: int, deadline: float
    ) -> Completion:
        """One answer of up to ``max_tokens`` within ``deadline`` seconds; never raises for what happens out there."""
        try:
            async with asyncio.timeout(deadline):
                while True:
                    body = self._body(messages, schema, max_tokens)
                    status, content = await self._exchange(body)
                    unknown = self._unknown(status, content, body)
                    if unknown is None:
                        return self._completion(status, content)
                    self._plain.add(unknown)
        except TimeoutError:
            return Completion(error=f"no answer within {deadline:.1f} s", sick=True)
        except _NEVER_ARRIVED as error:
            return Completion(error=self._sentence(error), again=True, free=True, sick=True)
        except (httpx.HTTPError, OSError) as error:
            return Completion(error=self._sentence(error), again=True, sick=True)
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            return Completion(error=self._sentence(error), free=True, sick=True)

    def _body(
        self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], max_tokens: int
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "messages": list(messages)}
        body["max_completion_tokens" if "max_tokens" in self._plain else "max_tokens"] = max_tokens
        if "temperature" not in self._plain:
            body["temperature"] = 0
        if "response_format" not in self._plain:
            named = {"name": "decision", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        return body

    async def _exchange(self, body: Mapping[str, Any]) -> tuple[int, bytes | None]:
        if self._client is None:
            self._client = httpx.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=None,  # noqa: S113 - the deadline's
                limits=httpx.Limits(max_connections=16, max_keepalive_connections=4),
            )
        headers = {"Accept": "application/json", "User-Agent": self._agent, "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        async with self._client.stream("POST", self._url, headers=headers, json=body) as answer:
            content = bytearray()
            async for part in answer.aiter_raw():
                content += part
                if len(content) > LARGEST:
                    return answer.status_code, None
            return answer.status_code, bytes(content)

    def _unknown(self, status: int, content: bytes | None, body: Mapping[str, Any]) -> str | None:
        """The parameter that a 400 or 422 complains of, if it can be left out."""
        if status not in (400, 422) or content is None:
            return None
        said = content[:4000].decode("utf-8", "replace")
        for name, words in (
            ("response_format", ("response_format", "json_schema", "guided")),
            ("max_tokens", ("max_tokens", "max_completion_tokens")),
            ("temperature", ("temperature",)),
        ):
            if name in body and name not in self._plain and any(word in said for word in words):
                return name
        return None

    def _completion(self, status: int, content: bytes | None) -> Completion:
        if status != 200:
            said = " ".join((content or b"")[:200].decode("utf-8", "replace").split())
            return Completion(
                error=self._hidden(f"the endpoint answered {status}{': ' + said if said else ''}"),
                again=status in _BUSY or status >= 500,
                free=status < 500,
                sick=status >= 500 or status in _BUSY or status in _DENIED or 300 <= status < 400,
            )
        if content is None:
            return Completion(error=f"its answer is larger than {LARGEST // 1024} KiB", sick=True)
        try:
            answer = json.loads(content)
            text = answer["choices"][0]["message"]["content"]
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            return Completion(error="its answer is not that of a chat completion", sick=True)
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Completion(
            text=text if isinstance(text, str) else "",
            tokens_in=_count(usage.get("prompt_tokens")),
            tokens_out=_count(usage.get("completion_tokens")),
        )

    def _sentence(self, error: Exception) -> str:
        return self._hidden(f"the call failed: {error or type(error).__name__}")

    def _hidden(self, text: str) -> str:
        """Without the key: some endpoints quote it in their errors."""
        return text.replace(self._key, "…") if self._key else text


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10_000_000 else None
