"""Timers come due as messages of their own conversation, so they wait their turn behind what the customer just wrote."""

from __future__ import annotations

from wabox.core.ports import Clock, Timers

BATCH = 500
"""Timers per transaction: large enough that ten thousand due at once take twenty commits, small enough that a webhook
never waits long for its own."""


OVERDUE = 60_000
"""ms: whoever is later than this waited for a server that was down."""
SPREAD = 100
"""Overdue timers per sweep (a second): ten thousand reminders that a night of downtime held back are no flood afterwards."""


async def fire(timers: Timers, clock: Clock) -> int:
    """Put the due timers into their conversations' queues: those on time all, overdue ones a few at a time; how many."""
    fired = 0
    while True:
        now = clock()
        moved = await timers.sweep(now, BATCH, since=now - OVERDUE)
        fired += moved
        if moved < BATCH:
            return fired + await timers.sweep(now - OVERDUE, SPREAD)
