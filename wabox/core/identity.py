"""When a customer's ids change, and when the person behind them may have.

WhatsApp announces both in system messages, under names that changed over the years. After any of them the conversation begins
anew: what it knew belongs to whoever had the number before, and is not for the next one to see.
"""

from __future__ import annotations

from typing import Final

from wabox.core.contact import Contact
from wabox.core.message import InboundMessage

MOVED: Final = frozenset({"user_changed_number", "customer_changed_number", "user_changed_user_id"})
"""The same customer under other ids."""
DOUBTFUL: Final = frozenset({*MOVED, "customer_identity_changed", "user_identity_changed"})
"""Whoever writes next may be somebody else."""


def doubtful(message: InboundMessage) -> bool:
    return message.channel == "whatsapp" and message.type == "system" and message.payload.get("type") in DOUBTFUL


def moved(message: InboundMessage) -> Contact | None:
    """The customer's ids from now on, if the message announces that they changed."""
    if not doubtful(message) or message.payload["type"] not in MOVED:
        return None
    user_id, wa_id = message.payload.get("user_id"), message.payload.get("wa_id") or message.payload.get("new_wa_id")
    if not (user_id or wa_id):
        return None
    return Contact(user_id=user_id or None, wa_id=wa_id or None, name=message.contact.name)


def previous(message: InboundMessage) -> Contact:
    """The customer's ids until now. The sender of an announcement is the old one in some samples and the new one in others."""
    new, said, sender = moved(message), message.payload, message.contact
    if new is None:
        return sender
    user_id = said.get("previous_user_id") or (sender.user_id if sender.user_id != new.user_id else None)
    customer = said.get("customer")
    wa_id = sender.wa_id if sender.wa_id != new.wa_id else customer if isinstance(customer, str) else None
    return Contact(user_id=user_id, wa_id=wa_id) if user_id or wa_id else sender
