"""What a person does about a case, on its way into the conversation.

It enters the conversation's queue like a customer's message (promise P3), on the channel ``agent``; the turn decides whether
it may be done, in the same transaction. Its id is the client's, so that a repeated click does nothing (P2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wabox.core.contact import Contact
from wabox.core.handoff import HandoffAct
from wabox.core.message import InboundMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act of one person."""

    id: str
    """Unique for ever: the same one twice is done once."""
    kind: HandoffAct
    case: str
    """The case that the person sees: whatever came after it is not meant."""
    agent: str
    """Who, an id."""
    by: str
    """Who, for people to read."""
    text: str | None = None
    """What to say, or to note, or how it ended."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """``claim: true`` takes a waiting case first; ``take: true`` takes it from whoever has it; ``body`` is a template's Cloud
    API request without addressing, ``purpose`` why it leaves; ``queue`` or ``to`` (an agent's id) is where a transfer goes."""

    def message(self, now: int, number_id: str, conversation_id: str, contact: Contact) -> InboundMessage:
        """What is put into the conversation's queue."""
        return InboundMessage(
            message_id=message_id(self.id),
            number_id=number_id,
            conversation_id=conversation_id,
            timestamp=now,
            dated=False,  # the second time it is said to be another time
            channel="agent",
            type=self.kind,
            text=self.text,
            payload={"case": self.case, "agent": self.agent, "by": self.by, **self.more},
            contact=contact,
        )


def message_id(act_id: str) -> str:
    return f"agent:{act_id}"
