"""How fast each number may send, as Meta says: asked when it first sends, and again when a webhook says that
it has changed.

An owner's own ``[whatsapp] rate`` counts more; then nobody is asked. Meta that cannot be asked is no trouble: 80 messages a
second are right for nearly everybody, and what is too fast is refused and slowed down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from wabox.core.message import OtherChange
from wabox.errors import WaboxError

log = structlog.get_logger(__name__)

CHANGED = "phone_number_quality_update"
"""The field of webhooks that tell of an upgrade."""


class Sending(Protocol):
    """The outbox."""

    @property
    def numbers(self) -> Sequence[str]: ...

    def limit(self, number_id: str, rate: float) -> None: ...


class Rates:
    def __init__(self, ask: Callable[[str], Awaitable[float | None]] | None, sending: Sending) -> None:
        """``ask`` raises WaboxError when Meta does not answer; None: nobody is asked."""
        self._ask = ask
        self._sending = sending
        self._asked: set[str] = set()
        self.asks = True
        """Not while the owner's own rate counts."""

    async def look(self) -> None:
        """Ask about every number that sends and was not asked about."""
        if self._ask is None or not self.asks:
            return
        for number_id in self._sending.numbers:
            if number_id in self._asked:
                continue
            self._asked.add(number_id)
            try:
                rate = await self._ask(number_id)
            except WaboxError as error:
                log.info("number.rate_unknown", number=number_id, reason=str(error))
                continue
            if rate is not None:
                self._sending.limit(number_id, rate)

    def again(self) -> None:
        """Everybody, at the next look."""
        self._asked.clear()

    def hear(self, others: Sequence[OtherChange]) -> None:
        """What webhooks say about numbers; who brings them does not wait while Meta is asked."""
        if any(change.field == CHANGED for change in others):
            self.again()
