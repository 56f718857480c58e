"""The port ``Caller``: who makes which call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wabox.calls.http import HttpCalls
from wabox.calls.tasks import TaskCalls
from wabox.core.invocation import Invocation, Outcome

Reveal = Callable[[Any], Any]
"""Puts the secrets into a request."""


class WorldCaller:
    """Sends each call to where it belongs."""

    def __init__(self, http: HttpCalls, tasks: TaskCalls, reveal: Reveal) -> None:
        self._http = http
        self._tasks = tasks
        self._reveal = reveal

    async def call(self, invocation: Invocation) -> Outcome:
        request: Mapping[str, Any] = invocation.request
        if "http" in request:
            return await self._http.call(invocation, self._reveal(request["http"]))
        return await self._tasks.call(invocation, request)

    async def aclose(self) -> None:
        await self._http.aclose()
