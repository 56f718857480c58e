"""Whether a webhook is let in.

An unsaved message must never see a 200, and one that waits long sees Meta's timeout; so beyond these limits ``put`` refuses at
once, and Meta brings the webhook again.
"""

from __future__ import annotations

from dataclasses import dataclass

from wabox.core.message import Arrival
from wabox.errors import Unavailable
from wabox.sqlite.lanes import SqliteLanes
from wabox.sqlite.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    age: float = 0.150
    """s that the oldest uncommitted write may wait."""
    waiting: int = 5000
    """Uncommitted writes."""
    backlog: int = 500
    """Messages that customers wrote since the start and that wait to be handled."""


def crowded(limits: Limits, writer: Writer, lanes: SqliteLanes) -> bool:
    """Whether it would be refused most likely: a look that costs nothing, before anybody reads what came."""
    return writer.age > limits.age or writer.waiting > limits.waiting or lanes.fresh > limits.backlog


def admit(arrival: Arrival, limits: Limits, writer: Writer, lanes: SqliteLanes) -> None:
    """Raises Unavailable."""
    if writer.age > limits.age:
        raise Unavailable(f"The disk is too slow: a write has waited for {writer.age * 1000:.0f} ms.")
    if writer.waiting > limits.waiting:
        raise Unavailable(f"Overloaded: {writer.waiting} writes wait.")
    # Due timers do not count: they can wait, and thousands may come due in one second. Delivery statuses need no lane.
    waiting = lanes.fresh
    if arrival.messages and waiting > limits.backlog:
        raise Unavailable(f"Overloaded: {waiting} messages wait to be handled.")
