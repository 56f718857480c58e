"""uvicorn's protocol, with an end to its patience: it waits for ever for a first byte, for the rest of a head, and for a body.

A thousand such connections would be all that we take (``limit_concurrency``), and no webhook would come through any more.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

PATIENCE: Final = 5.0
"""s for a head to be whole, as long as uvicorn keeps a connection open that rests. Meta gives up after as long."""
BODY_PATIENCE: Final = 15.0
"""s in which a body is whole, or :data:`LEAST` more bytes of it have come. The webhook's own end is nearer, and says 408."""
LEAST: Final = 65_536
"""A file of 100 MB may come over a line of 4 KB/s; who sends less is not sending a file."""


class Patient(HttpToolsProtocol):
    _giving_up: asyncio.TimerHandle | None = None
    _counting: asyncio.TimerHandle | None = None
    _come = 0
    """Bytes of the body since the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._came()
        self._whole()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        self._came()
        super().on_headers_complete()
        self._count()

    def on_body(self, body: bytes) -> None:
        self._come += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._whole()
        super().on_message_complete()

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

    def _count(self) -> None:
        self._whole()
        self._come = 0
        self._counting = self.loop.call_later(BODY_PATIENCE, self._look)

    def _whole(self) -> None:
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None

    def _look(self) -> None:
        if self._come < LEAST and not self.flow.read_paused:  # paused: it is we who do not read
            self.transport.close()
        else:
            self._count()
