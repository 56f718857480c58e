"""The service window: 24 hours after the customer last wrote or called, anything may be sent; outside of it, templates only.

A free-form message outside of it is accepted by Meta, and fails later (131047): the customer waits for nothing. So it is
refused here, a little before the end: what is being sent takes its time. Nobody knows when a window was opened that opened
before wabox kept that; then Meta decides.

It is counted from the customer's own time, not from when the webhook came. Reactions, edits, deletions and system messages are
not documented as opening it. Source: Meta, "send messages" and "calls" (Oct 2026).
"""

from __future__ import annotations

from wabox.core.message import InboundMessage

WINDOW = 24 * 3_600_000
MARGIN = 120_000
"""ms before the end in which nothing free-form is sent any more."""
CLOSED = 131047
"""Meta's code for it."""
REASON = f"{CLOSED}: more than 24 hours since the customer last wrote; only a template may be sent. Not sent"
_SILENT = frozenset({"reaction", "system", "edited", "deleted"})


def opens(message: InboundMessage) -> bool:
    """Whether the message, or call, is one that opens the window."""
    if message.channel == "notice":
        return message.type == "call" and message.payload.get("direction") == "USER_INITIATED"
    if message.channel == "standby":
        return "sent_by" not in message.payload and message.type not in _SILENT
    return message.channel in ("whatsapp", "colleague") and message.type not in _SILENT


def opened(message: InboundMessage, before: int | None) -> int | None:
    """When the window was last opened, now that this message is there too. ms since the epoch."""
    if not opens(message):
        return before
    return message.timestamp if before is None else max(before, message.timestamp)


def closes(opened_at: int | None) -> int | None:
    """From when on free-form messages are refused; None when nobody knows."""
    return None if opened_at is None else opened_at + WINDOW - MARGIN
