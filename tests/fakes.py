"""What a test cannot have: Meta, and time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from wabox.core.delivery import OutboundMessage
from wabox.core.ports import SendResult

NOW = 1_795_255_200_000
"""Saturday, 21 November 2026, 10:00 UTC: reminders come by day."""


class VirtualClock:
    """A clock that stands still until somebody sleeps on it."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += round(seconds * 1000)
        await asyncio.sleep(0)


Script = Callable[[OutboundMessage], SendResult]


class Pulse:
    """Wakes everybody who waits for something to happen."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def beat(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()


class FakeMessenger:
    """Answers each POST from a list of results, then with ``sent``; keeps what was sent, in order."""

    def __init__(self, results: Sequence[SendResult] = ()) -> None:
        self.results = list(results)
        self.tried: list[OutboundMessage] = []
        self.taken: list[OutboundMessage] = []
        """Those that Meta really took: also an ``unknown`` one whose ``reason`` says ``taken``."""
        self.seen_by: list[tuple[str, bool]] = []
        """Messages that were marked as read, and whether the typing bubble was asked for."""
        self.gate = asyncio.Event()
        self.gate.set()
        self.sent = Pulse()
        """Beats whenever Meta took one."""

    async def send(self, message: OutboundMessage) -> SendResult:
        self.tried.append(message)
        await self.gate.wait()
        result = self.results.pop(0) if self.results else SendResult(verdict="sent", wamid=f"wamid.OUT-{message.id}")
        if result.verdict == "sent" or result.reason == "taken":
            self.taken.append(message)
            self.sent.beat()
        return result

    async def seen(self, number_id: str, message_id: str, *, typing: bool = False) -> bool:
        self.seen_by.append((message_id, typing))
        self.sent.beat()
        return True

    async def aclose(self) -> None:
        pass
