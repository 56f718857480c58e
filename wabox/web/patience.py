"""uvicorn's protocol, with an end to its patience: it waits for ever for a first byte, and for the rest of a head.

A thousand such connections would be all that we take (``limit_concurrency``), and no webhook would come through any more.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PATIENCE: Final = 5.0
"""s for a head to be whole, as long as uvicorn keeps a connection open that rests. Meta gives up after as long."""


class Patient(HttpToolsProtocol):
    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._came()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._came()
        self._giving_up = self.loop.call_later(PATIENCE, self._give_up)

    def _came(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.close()
        else:  # the head of the next one; nobody looks at it before this one is answered
            self._wait()
