"""Who waits for the next delivery status of a message; so nobody has to look for one again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class News:
    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._awaited: dict[str, asyncio.Event] = {}

    def expect(self, outbound_id: str) -> None:
        """From now on a status counts, also before :meth:`wait`. Ends with :meth:`forget`."""
        self._awaited[outbound_id] = asyncio.Event()

    def forget(self, outbound_id: str) -> None:
        self._awaited.pop(outbound_id, None)

    def came(self, outbound_id: str | None) -> None:
        """A status came and is stored."""
        event = self._awaited.get(outbound_id) if outbound_id is not None and self._awaited else None
        if event is not None:
            event.set()

    async def wait(self, outbound_id: str, seconds: float) -> None:
        """Until a status comes, so long at most."""
        event = self._awaited[outbound_id]
        if not event.is_set():
            both = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._sleep(seconds))}
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
        event.clear()
