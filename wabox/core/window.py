"""The service window: 24 hours after the customer last wrote or called, anything may be sent; outside of it, templates only.

It is counted from the customer's own time, not from when the webhook came. Reactions, edits, deletions and system messages are
not documented as opening it. Source: Meta, "send messages" and "calls" (Oct 2026).
"""

from __future__ import annotations

from wabox.core.message import InboundMessage

_SILENT = frozenset({"reaction", "system", "edited", "deleted"})


def opens(message: InboundMessage) -> bool:
    """Whether the message, or call, is one that opens the window."""
    if message.channel == "notice":
        return message.type == "call" and message.payload.get("direction") == "USER_INITIATED"
    if message.channel == "standby":
        return "sent_by" not in message.payload and message.type not in _SILENT
    return message.channel == "whatsapp" and message.type not in _SILENT


def opened(message: InboundMessage, before: int | None) -> int | None:
    """When the window was last opened, now that this message is there too. ms since the epoch."""
    if not opens(message):
        return before
    return message.timestamp if before is None else max(before, message.timestamp)
