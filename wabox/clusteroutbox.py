"""The outbox of a worker of a cluster: part of the composition of :mod:`wabox.clusterapp`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from wabox.cluster.begun import ABANDONED
from wabox.cluster.bus import Bus
from wabox.cluster.leases import Leases
from wabox.cluster.store import ClusterStore
from wabox.core.changed import changed
from wabox.core.delivery import DeliveryStatus, OutboundMessage
from wabox.core.message import OtherChange
from wabox.services.outbox import Outbox
from wabox.services.rates import CHANGED, Rates
from wabox.settings import Settings
from wabox.whatsapp.graph import GraphClient
from wabox.whatsapp.number import rate as number_rate

NUMBERS: Final = "numbers"
"""The note that WhatsApp has changed how fast a number may send."""


def patience(leases: Leases, row: OutboundMessage) -> int | None:
    """ms to wait for the status of a message that somebody began to send. The customer waits too: it is short when that worker
    is dead, unless the message must not come twice. One that lives may only be slow, and sends it yet."""
    dead = row.status is DeliveryStatus.SENDING and not leases.doubtful(row.conversation_id)
    return ABANDONED if dead and row.policy == "repeat" else None


class StoredOutbox(Outbox):
    """A conversation may come from another worker, which may have left something unsent: what follows must not overtake that.

    A unit that was computed while nothing waited is stored only if that is so; its messages leave at once. Everything else is
    read from the store.
    """

    def __init__(self, store: ClusterStore, *more: Any, **named: Any) -> None:
        super().__init__(store, *more, **named)
        self._store = store

    def idle(self, conversation_id: str, number_id: str) -> bool:
        return self._store.idle(conversation_id) and super().idle(conversation_id, number_id)

    def deliver(self, conversation_id: str, messages: Sequence[OutboundMessage]) -> None:
        if not messages:
            return
        if conversation_id not in self._chains and self._store.leaves(conversation_id, messages):
            super().deliver(conversation_id, messages)
        else:
            self._wake(conversation_id)

    def _doubtful(self, row: OutboundMessage) -> OutboundMessage:
        """Whoever began to send it is dead or no owner any more. Statuses went on coming, to whom does not matter, so the doubt
        began with the attempt."""
        if self._store.unposted(row):
            return row
        return changed(row, status=DeliveryStatus.UNKNOWN, attempted_at=row.attempted_at or self._clock())


class SharedRates(Rates):
    """How fast each number may send. Every worker asks WhatsApp for itself, and takes the share of the customers it has."""

    def __init__(self, settings: Settings, graph: GraphClient | None, outbox: Outbox, bus: Bus) -> None:
        super().__init__(None if graph is None else functools.partial(number_rate, graph), outbox)
        self.asks = settings.rate is None
        self._bus = bus
        bus.hear(NUMBERS, lambda _: self.again())
        bus.missed(self.again)

    async def spread(self, others: Sequence[OtherChange]) -> None:
        """What webhooks say comes to one worker, and is for all. Raises Unavailable."""
        if any(change.field == CHANGED for change in others):
            await self._bus.tell(NUMBERS)
