"""What consoles and shells are told of: after each commit, which conversation changed, and what of it.

In this process, in memory: whoever listens reads the truth from the store. A listener that does not keep up is let go; it comes
back and reads everything again, which is cheaper than a queue that grows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final, Literal

from wabox.core.conversation import UnitOfWork
from wabox.core.delivery import DeliveryStatus
from wabox.core.ports import Clock

Kind = Literal["case", "message", "state", "delivery"]
BEHIND: Final = 1000
"""Changes that may wait for one listener."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One conversation, after one commit; or what became of one message."""

    conversation_id: str
    """Empty for a ``delivery``: whoever shows the message knows whose it is."""
    at: int
    """ms since the epoch."""
    case_id: str | None = None
    """Of the case that changed, or that is open."""
    kinds: tuple[Kind, ...] = ()
    """``case``: it was opened, claimed, closed …; ``message``: something was said; ``state``: the bot moved on; ``delivery``: a
    message of ours came further, or failed."""
    status: str | None = None
    """The case's, or the message's."""
    outbound_id: str | None = None
    """Of the message, for a ``delivery``."""


def changed_by(unit: UnitOfWork) -> Changed:
    kinds: list[Kind] = []
    case = unit.handoffs[-1] if unit.handoffs else unit.case
    if unit.handoffs:
        kinds.append("case")
    if unit.sends or any(record.kind == "in" for record in unit.records):
        kinds.append("message")
    kinds.append("state")
    return Changed(
        conversation_id=unit.conversation_id,
        at=unit.at,
        case_id=case.id if case else None,
        kinds=tuple(kinds),
        status=case.status if case else None,
    )


class Changes:
    def __init__(self, clock: Clock = lambda: 0) -> None:
        self._clock = clock
        self._listeners: set[asyncio.Queue[Changed | None]] = set()
        self._there: Counter[str] = Counter()

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    @property
    def there(self) -> frozenset[str]:
        """Agents who listen, ids."""
        return frozenset(self._there)

    def publish(self, change: Changed) -> None:
        """Costs nothing while nobody listens."""
        for queue in tuple(self._listeners):
            if queue.qsize() >= BEHIND:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(change)

    def came(self, outbound_id: str, status: DeliveryStatus) -> None:
        """What became of one of our messages."""
        if self._listeners:
            told = Changed(
                conversation_id="",
                at=self._clock(),
                kinds=("delivery",),
                status=status.value,
                outbound_id=outbound_id,
            )
            self.publish(told)

    def close(self) -> None:
        """The server stops: every listener's stream ends."""
        for queue in self._listeners:
            queue.put_nowait(None)
        self._listeners.clear()

    async def listen(self, agent: str | None = None) -> AsyncGenerator[Changed, None]:
        """What changes from now on; ends when the server stops, or the listener is too far behind. ``agent``: who listens and
        may act on it, an id."""
        queue: asyncio.Queue[Changed | None] = asyncio.Queue()
        self._listeners.add(queue)
        if agent is not None:
            self._there[agent] += 1
        try:
            while (change := await queue.get()) is not None:
                yield change
        finally:
            self._listeners.discard(queue)
            if agent is not None:
                self._there[agent] -= 1
                self._there += Counter()  # those who left are gone from it
