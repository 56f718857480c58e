"""Who writes to us.

A customer is keyed by the *business-scoped user id* (BSUID, such as ``MX.40000000000000000001``). Since 2026 the phone
number is an attribute that may be absent, and the username is for display only: it can change at any time.
Source: Meta, "Business-scoped user IDs" (May 2026).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A customer as one webhook shows them; at least one of ``user_id`` and ``wa_id`` is set."""

    user_id: str | None = None
    """Business-scoped user id."""
    wa_id: str | None = None
    """Phone number as WhatsApp writes it: digits without ``+``. Never rewritten (521 or 52, ninth digit or not)."""
    username: str | None = None
    name: str | None = None
    """Profile name, chosen by the customer: data, never markup."""

    @property
    def key(self) -> str:
        """What tells this customer from every other of the same business number."""
        key = self.user_id or self.wa_id
        if not key:
            raise ValueError("a contact needs a user_id or a wa_id")
        return key


def conversation_id(number_id: str, contact: Contact) -> str:
    """The conversation between one business number and one customer."""
    return f"{number_id}:{contact.key}"


def handle_of(conversation_id: str) -> str:
    """The part that is the same with every number of the business."""
    return conversation_id.partition(":")[2]
