"""What enters a conversation.

Customer messages, due timers, agents' replies and action results all become an :class:`InboundMessage` and wait in the
same queue, so that one conversation has one order (promise P3). Its ``message_id`` is unique for ever: whoever puts a
message twice under one id has put it once (P2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from wabox.core.contact import Contact
from wabox.core.delivery import StatusUpdate

Channel = Literal["whatsapp", "timer", "agent", "action", "echo", "standby", "notice", "delivery", "api", "colleague"]
"""``echo``: somebody of the business wrote, on the phone. ``standby``: said while another partner has the thread. ``notice``:
about the customer, not from them: a call, a preference, a thread that changed hands. None of these three is answered.
``api``: our own side wants to say something (:mod:`wabox.core.dispatch`). ``colleague``: an agent answered a card on WhatsApp;
it is in the customer's conversation already (:mod:`wabox.services.colleagues`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContext:
    """What a message refers to."""

    reply_to: str | None = None
    """The id of the quoted or answered message; it may be older than our database."""
    forwarded: bool = False
    referral: Mapping[str, Any] | None = None
    """The ad or post that the customer came from, as Meta describes it."""


class InboundMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message, normalised. JSON-serialisable throughout."""

    message_id: str
    number_id: str
    """The business phone number's id at Meta (``metadata.phone_number_id``), not the number itself."""
    conversation_id: str
    timestamp: int
    """When the customer sent it, ms since the epoch; arrival order is *not* guaranteed to follow it."""
    dated: bool = True
    """False: it came without a usable time, and ``timestamp`` is when it arrived; a redelivery has another one."""
    channel: Channel = "whatsapp"
    type: str
    """text image video audio voice document sticker location contacts button_reply list_reply form button order reaction
    edited deleted system referral unsupported unknown, or what Meta invents next; for the channel ``timer``: ``timer``;
    for ``action``: the event, ``done.invoke.<id>`` or ``error.invoke.<id>``; for ``notice``: call preference handover;
    for ``delivery``: ``delivery.failed``; for ``api``: ``send``."""
    text: str | None = None
    """What a person would read: the body, the caption, the title of the tapped button."""
    payload: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """The type's own data. A tap has ``{"id": the event}``, a due timer ``{"name": …, "armed": …}``."""
    contact: Contact
    locale: str | None = None
    context: MessageContext | None = None
    raw: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """The message object as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An element of a webhook that could not be understood, kept whole with the reason; the rest of the batch goes on."""

    reason: str
    raw: bytes
    """The element as it came; JSON when it was JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherChange:
    """A webhook change that is about no conversation (account, templates …), or a part that nobody knows: kept as it came."""

    field: str
    number_id: str | None
    raw: bytes


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one webhook brought. It is stored in one transaction, all or nothing, before it is acknowledged."""

    messages: tuple[InboundMessage, ...] = ()
    statuses: tuple[StatusUpdate, ...] = ()
    others: tuple[OtherChange, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
