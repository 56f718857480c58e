"""Something that happened to a conversation: a tap, an intent, a due timer, or an event that the chart raised itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    """An intent, a button or row id, ``message.<type>``, ``fallback``, ``timeout.soft``, ``done.state.<id>`` …"""
    data: Mapping[str, Any] = field(default_factory=dict)
    """JSON-like; guards and actions read it as ``event.<key>``."""
    customer: bool = False
    """It came from the customer: it shows that somebody is there, so the soft and hard timers begin again."""
