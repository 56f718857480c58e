"""The bot gives a conversation to people: waiting → claimed → closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

HandoffStatus = Literal["waiting", "claimed", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A change of a case: ``waiting`` opens one, ``closed`` ends the conversation's open one."""

    id: str
    """Derived from the inbound message that caused it, so that a repeat opens no second case."""
    conversation_id: str
    status: HandoffStatus
    at: int
    """ms since the epoch."""
    queue: str = "default"
    priority: int = 0
    reason: str = ""
    """For the agent: why the customer is here."""
