"""What our own side wants to say in a conversation: one template, a broadcast's message, a text inside the service window.

It enters the conversation's queue like a customer's message (promise P3), on the channel ``api``; the turn decides whether it
may be said, and makes the outbound row in the same transaction. Its id is derived from what it is, so that a repeat of the
same wish does nothing (P2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wabox.core.contact import Contact, conversation_id
from wabox.core.delivery import Purpose
from wabox.core.message import InboundMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One bubble that we begin."""

    id: str
    """Unique for ever: the same one twice is said once."""
    number_id: str
    """The business number that it leaves from."""
    contact: Contact
    body: Mapping[str, Any]
    """The Cloud API request without its addressing: ``{"type": "template", "template": {…}}``."""
    purpose: Purpose
    by: str
    """Who wants it: ``send``, ``broadcast:spring``."""
    recipient: int | None = None
    """Of a broadcast: the recipient's row."""
    conversation_id: str | None = None
    """Where it goes, if that is known; None: where the contact's ids lead."""

    def message(self, now: int) -> InboundMessage:
        """What is put into the conversation's queue."""
        payload: dict[str, Any] = {"body": self.body, "purpose": self.purpose, "by": self.by}
        if self.recipient is not None:
            payload["recipient"] = self.recipient
        return InboundMessage(
            message_id=message_id(self.id),
            number_id=self.number_id,
            conversation_id=self.conversation_id or conversation_id(self.number_id, self.contact),
            timestamp=now,
            dated=False,  # the second time it is said to be another time
            channel="api",
            type="send",
            payload=payload,
            contact=self.contact,
        )


def message_id(dispatch_id: str) -> str:
    return f"api:{dispatch_id}"


def is_template(body: Mapping[str, Any]) -> bool:
    return body.get("type") == "template"
