"""Which messages this process began to send.

Two workers may think that a conversation is theirs, for a moment: a lane moves, a lease ends. Only one of them sends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage
from wabox.core.ports import Clock

ABANDONED = 4_000
"""ms after which a message that another worker began to send, and said nothing more of, may be sent by its new owner. Meta's
first status usually takes one or two."""
DOUBTFUL = frozenset({DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN})
Marks = Sequence[tuple[str, int | None]]
"""Messages, and when they are said to leave."""


class Begun:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[str, int | None] = {}
        self._unposted: dict[str, set[int | None]] = {}
        """When, as this process wrote or may have written, a message began to be sent that it has not posted since."""

    def committing(self, sends: Iterable[OutboundMessage]) -> Marks:
        """A unit of work is about to say that these are being sent; which of that is new. Should nobody learn whether it is
        stored: nobody has sent them yet, whichever of several tries it was."""
        return self._writing((send.id, send.attempted_at) for send in sends if send.status is DeliveryStatus.SENDING)

    def settling(self, attempts: Iterable[Attempt]) -> Marks:
        """The same, before a message is posted that has waited."""
        return self._writing((one.outbound_id, one.at) for one in attempts if one.status is DeliveryStatus.SENDING)

    def _writing(self, marks: Iterable[tuple[str, int | None]]) -> Marks:
        new = [(id_, at) for id_, at in marks if at not in self._unposted.get(id_, ())]
        for id_, at in new:
            self._unposted.setdefault(id_, set()).add(at)
        return new

    def committed(self, sends: Iterable[OutboundMessage]) -> None:
        """It is stored."""
        for send in sends:
            if send.status is DeliveryStatus.SENDING:
                self._at[send.id] = send.attempted_at
                self._unposted[send.id] = {send.attempted_at}

    def refused(self, new: Marks) -> None:
        """It is not, for certain."""
        for id_, at in new:
            left = self._unposted.get(id_, set())
            left.discard(at)
            if not left:
                self._unposted.pop(id_, None)

    def post(self, row: OutboundMessage) -> bool:
        """Whether something of ours says that it is being sent and it has not been yet: the caller does it now."""
        if row.status is not DeliveryStatus.SENDING or row.attempted_at not in self._unposted.get(row.id, ()):
            return False
        self._at[row.id] = row.attempted_at
        del self._unposted[row.id]
        return True

    def settled(self, attempts: Iterable[Attempt], late: Collection[str]) -> None:
        """This was written, but for what came too late."""
        for one in attempts:
            if one.status is DeliveryStatus.SENDING and one.outbound_id not in late:
                self._at[one.outbound_id] = one.at
            else:
                self._at.pop(one.outbound_id, None)
            self._unposted.pop(one.outbound_id, None)

    def ours(self, row: OutboundMessage) -> bool:
        """Whether this process was the last to begin sending it."""
        if row.id in self._at and self._at[row.id] == row.attempted_at:
            return True
        return row.attempted_at in self._unposted.get(row.id, ())

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
