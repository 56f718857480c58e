"""What the customer sees while nothing is said yet: the typing bubble, the blue ticks.

Whoever waits for an answer longer than a moment (a lookup, a voice note that is being written down) is shown that one
is coming; WhatsApp takes the bubble away with the answer, or after 25 s. It marks the message as read too: there is no bubble
without. By itself a message is marked as read only where the owner wants it, because blue ticks look like a person.

Nothing depends on any of it: it is asked for beside the turn, a few at a time, not while a number is stopped or full, and never
for a message that is older than a day, or while a person has the conversation. A turn that is quick enough costs an entry in a
dictionary. Source: Meta, "Typing indicators" (June 2026).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import structlog

from wabox.core.message import InboundMessage
from wabox.core.ports import Clock, Messenger
from wabox.core.window import WINDOW

log = structlog.get_logger(__name__)

AFTER: Final = 1.0
"""s that an answer may take unannounced."""
AT_ONCE: Final = 16
"""Requests under way; what is more is left out."""
_SILENT: Final = frozenset({"reaction", "system", "edited", "deleted"})


class _Waits(NamedTuple):
    number_id: str
    message_id: str
    due_at: float


class Presence:
    def __init__(
        self,
        messenger: Messenger,
        clock: Clock,
        *,
        busy: Callable[[str], bool],
        after: float = AFTER,
        read: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``busy``: nothing needless may leave from this number now. ``after`` in s; 0: never a typing bubble."""
        self._messenger = messenger
        self._clock = clock
        self._busy = busy
        self.after = after
        self.reads = read
        """Messages are marked as read when the bot has understood them."""
        self._sleep = sleep
        self._waiting: dict[str, _Waits] = {}
        """By conversation; those who wait longest first, since everybody is given the same time."""
        self._watch: asyncio.Task[None] | None = None
        self._asking: set[asyncio.Task[None]] = set()

    def begins(self, message: InboundMessage) -> None:
        """A customer's message is being handled."""
        if self.after <= 0 or not self._may(message):
            return
        self._waiting.pop(message.conversation_id, None)
        due_at = self._clock() + self.after * 1000
        self._waiting[message.conversation_id] = _Waits(message.number_id, message.message_id, due_at)
        if self._watch is None:
            self._watch = asyncio.create_task(self._run())

    def ends(self, conversation_id: str) -> None:
        """Something was said, or nothing will be."""
        self._waiting.pop(conversation_id, None)

    def handled(self, message: InboundMessage) -> None:
        """A customer's message was understood and is on record."""
        if self.reads and self._may(message):
            self._ask(message.number_id, message.message_id, typing=False)

    async def stop(self) -> None:
        """Whatever is under way is given up."""
        tasks = [*self._asking, *([self._watch] if self._watch is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may(self, message: InboundMessage) -> bool:
        return (
            message.channel == "whatsapp" and message.type not in _SILENT and self._clock() - message.timestamp < WINDOW
        )

    async def _run(self) -> None:
        while self._waiting:
            conversation_id, waits = next(iter(self._waiting.items()))
            left = waits.due_at - self._clock()
            if left > 0:
                await self._sleep(left / 1000)
                continue
            del self._waiting[conversation_id]
            self._ask(waits.number_id, waits.message_id, typing=True)
        self._watch = None

    def _ask(self, number_id: str, message_id: str, *, typing: bool) -> None:
        if len(self._asking) >= AT_ONCE or self._busy(number_id):
            return
        task = asyncio.create_task(self._asked(number_id, message_id, typing))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _asked(self, number_id: str, message_id: str, typing: bool) -> None:
        try:
            await self._messenger.seen(number_id, message_id, typing=typing)
        except Exception as error:  # noqa: BLE001 - a bubble is not worth a failure
            log.info("presence.failed", number=number_id, error=type(error).__name__)
