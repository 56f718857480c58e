"""Timers come due as messages of their own conversation, so they wait their turn behind what the customer just wrote."""

from __future__ import annotations

from wabox.core.ports import Clock, Timers

BATCH = 500
"""Timers per transaction: large enough that ten thousand due at once take twenty commits, small enough that a webhook
never waits long for its own."""


async def fire(timers: Timers, clock: Clock) -> int:
    """Put every due timer into its conversation's queue; how many there were."""
    fired = 0
    while True:
        moved = await timers.sweep(clock(), BATCH)
        fired += moved
        if moved < BATCH:
            return fired
