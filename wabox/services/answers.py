"""Who waits for what becomes of an act: in this process, by the act's message id.

An act is a message in a conversation's queue; what became of it is known when its turn is committed. A server that stops
meanwhile loses who waits, and not the act: it is in the queue, and the client reads the case again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from wabox.core.handoff import Outcome
from wabox.core.message import InboundMessage

KEPT = 2000
"""Outcomes remembered for whoever asks again with the same id."""


class Answers:
    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Outcome]]] = {}
        self._told: dict[str, Outcome] = {}

    def known(self, message_id: str) -> Outcome | None:
        """What became of an act that was done a while ago."""
        return self._told.get(message_id)

    @contextmanager
    def expected(self, message_id: str) -> Iterator[asyncio.Future[Outcome]]:
        """Ask before the act is handed in, so that no answer is missed."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(message_id, [])
        waiting.append(future)
        try:
            yield future
        finally:
            waiting.remove(future)
            if not waiting:
                self._waiting.pop(message_id, None)

    def acted(self, message: InboundMessage, outcome: Outcome | None) -> None:
        """The turn of an act is committed."""
        self.tell(message.message_id, outcome)

    def tell(self, message_id: str, outcome: Outcome | None) -> None:
        """Its turn is committed. ``None``: the turn failed, and said so to the customer."""
        found = outcome or Outcome(refusal="the bot failed over it: the server's log says why; nothing was done")
        self._told[message_id] = found
        while len(self._told) > KEPT:
            del self._told[next(iter(self._told))]
        for future in self._waiting.get(message_id, ()):
            if not future.done():
                future.set_result(found)
