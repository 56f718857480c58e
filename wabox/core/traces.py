"""What a tracer is told of one message on its way: webhook → queue → turn → commit → send → delivered is one trace.

Nothing of what anybody wrote is told, nor a phone number, nor a message's id at Meta, in which a number hides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A turn that was committed; times in seconds."""

    conversation: str
    channel: str
    type: str
    tier: str | None
    intent: str | None
    states: Sequence[str]
    took: float
    thought: float
    """Until the unit of work was made, what was asked of others included."""
    stored: float
    """The commit."""
    sends: Sequence[str]
    """Ids in the outbox of what leaves now."""


class Traces(Protocol):
    """Called on the event loop: each call takes microseconds and never raises."""

    def arrived(self, message_id: str) -> None:
        """A webhook brings it; it is not stored yet."""

    def stored(self, message_id: str) -> None:
        """It is durable."""

    def begins(self, message_id: str) -> None:
        """Its turn does."""

    def turned(self, message_id: str, turn: Turned) -> None: ...

    def posted(self, outbound_id: str, verdict: str, seconds: float) -> None:
        """WhatsApp was asked to send it, and answered or did not."""

    def delivered(self, outbound_id: str) -> None: ...

    def close(self, seconds: float) -> None:
        """Tell what was not told yet, within this time. Blocks."""
