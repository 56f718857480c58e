"""Which messages this process began to send.

Two workers may think that a conversation is theirs, for a moment: a lane moves, a lease ends. Only one of them sends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage
from wabox.core.ports import Clock

ABANDONED = 4_000
"""ms after which a message that another worker began to send, and said nothing more of, may be sent by its new owner. Meta's
first status usually takes one or two."""
DOUBTFUL = frozenset({DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN})


class Begun:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[str, int | None] = {}
        self._unposted: set[str] = set()

    def committing(self, sends: Iterable[OutboundMessage]) -> set[str]:
        """A unit of work is about to say that these are being sent; which are new here. Should nobody learn whether it is
        stored: nobody has sent them yet."""
        new = [send for send in sends if send.status is DeliveryStatus.SENDING and send.id not in self._at]
        self.committed(new)
        return {send.id for send in new}

    def committed(self, sends: Iterable[OutboundMessage]) -> None:
        """It is stored."""
        for send in sends:
            if send.status is DeliveryStatus.SENDING:
                self._at[send.id] = send.attempted_at
                self._unposted.add(send.id)

    def refused(self, new: Iterable[str]) -> None:
        """It is not, for certain."""
        for id_ in new:
            self._at.pop(id_, None)
            self._unposted.discard(id_)

    def post(self, row: OutboundMessage) -> bool:
        """Whether a unit of ours says that it is being sent and it has not been yet: the caller does it now."""
        if row.status is not DeliveryStatus.SENDING or row.id not in self._unposted or not self.ours(row):
            return False
        self._unposted.discard(row.id)
        return True

    def settled(self, attempts: Iterable[Attempt], late: Collection[str]) -> None:
        """This was written, but for what came too late."""
        for one in attempts:
            if one.status is DeliveryStatus.SENDING and one.outbound_id not in late:
                self._at[one.outbound_id] = one.at
            else:
                self._at.pop(one.outbound_id, None)
            self._unposted.discard(one.outbound_id)

    def ours(self, row: OutboundMessage) -> bool:
        """Whether this process was the last to begin sending it."""
        return row.id in self._at and self._at[row.id] == row.attempted_at

    def doubtful(self, rows: Iterable[OutboundMessage]) -> bool:
        """Whether another process may be about to settle one of them."""
        return any(row.status in DOUBTFUL and not self.ours(row) for row in rows)

    def elsewhere(self, rows: Iterable[OutboundMessage], attempts: Iterable[Attempt]) -> list[str]:
        """Those that ``attempts`` are to begin and that another worker is sending."""
        wanted = {one.outbound_id for one in attempts if one.status is DeliveryStatus.SENDING}
        return [
            row.id
            for row in rows
            if row.id in wanted
            and row.status is DeliveryStatus.SENDING
            and not self.ours(row)
            and self._clock() - (row.attempted_at or 0) < ABANDONED
        ]
