"""The port ``Caller``: who makes which call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from wabox.calls.http import HttpCalls
from wabox.calls.tasks import TaskCalls
from wabox.core.invocation import Invocation, Outcome

Reveal = Callable[[Any], Any]
"""Puts the secrets into a request."""


class WorldCaller:
    """Sends each call to where it belongs."""

    def __init__(self, http: HttpCalls, tasks: TaskCalls, reveal: Reveal, secrets: Iterable[str] = ()) -> None:
        """``secrets``: values that no error may repeat. Errors are stored, logged and shown."""
        self._http = http
        self._tasks = tasks
        self._reveal = reveal
        forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""), repr(secret)[1:-1])}
        self._secrets = sorted(forms, key=len, reverse=True)

    async def call(self, invocation: Invocation) -> Outcome:
        request: Mapping[str, Any] = invocation.request
        if "http" not in request:
            return await self._tasks.call(invocation, request)
        outcome = await self._http.call(invocation, self._reveal(request["http"]))
        if outcome.error is None:
            return outcome
        error = outcome.error
        for secret in self._secrets:
            error = error.replace(secret, "…")
        return replace(outcome, error=error)

    async def aclose(self) -> None:
        await self._http.aclose()
