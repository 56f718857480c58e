"""What leaves a conversation, and what became of it.

An outbound message is a committed row before it is sent. Its life::

    queued ──► sending ──► sent ──► delivered ──► read ──► played
      ▲          │  │
      │          │  ├──► unknown ──► (a delivery status settles it, or the policy decides)
      └──retry───┘  └──► failed

``sending`` is committed *before* the POST, because the Cloud API has no idempotency key: after a crash a row that says
``sending`` may or may not have left. Its id travels in ``biz_opaque_callback_data`` and comes back in every delivery
status, which settles the doubt.

Statuses arrive in any order and more than once; :func:`later` keeps the furthest one.
Source: Meta, "Status webhook reference" (Sept 2026): no order guaranteed; ``delivered`` may never arrive when ``read`` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import msgspec


class DeliveryStatus(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"


_ORDER = {status: place for place, status in enumerate(DeliveryStatus)}
"""How far a message has come. ``failed`` ranks last here; :func:`later` lets evidence of delivery overrule it."""

EVIDENCE = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.PLAYED})
LEFT = frozenset({DeliveryStatus.SENT, *EVIDENCE})
"""Statuses that prove that Meta took the message: it must not be sent again."""


def later(old: DeliveryStatus, new: DeliveryStatus) -> DeliveryStatus:
    """The one that holds, of the status we have and the one that arrived."""
    if old is DeliveryStatus.FAILED:
        return new if new in EVIDENCE else old
    if new is DeliveryStatus.FAILED:
        return old if old in EVIDENCE else new
    return new if _ORDER[new] > _ORDER[old] else old


Policy = Literal["repeat", "once"]
"""What to do when nobody knows whether a message left: ``repeat`` it (the customer may see it twice) or send it at most
``once`` (the customer may never see it)."""


Purpose = Literal["service", "marketing", "person", "consent"]
"""Why a message leaves. ``service``: the bot answers or reminds; ``person``: somebody of the business typed it; ``consent``: it
confirms a stop or a start."""

Scope = Literal["message", "pair", "number"]
"""What a fault stops: this message, everything between this number and this customer, everything from this number."""

TRIES = 3
"""How often a message is sent that Meta takes and then reports as failed for now."""


_READ = ("body", "text", "caption", "name", "filename")


def words(body: Mapping[str, Any]) -> str:
    """What a person would read of a request, in one text; of a template or a bare document its name."""
    kind = str(body.get("type", ""))
    content = body.get(kind)
    if not isinstance(content, Mapping):
        return kind
    if kind == "interactive":
        content = content.get("body", {})
    said = next((content[key] for key in _READ if content.get(key)), None)
    return said if isinstance(said, str) else kind


def outbound_id(message_id: str, index: int) -> str:
    """The id of the ``index``-th message that the inbound message ``message_id`` caused.

    Derived, not drawn: whoever handles the same message again makes the same id, so a repeated unit of work cannot send
    twice under two names. A digest, because a WhatsApp message id embeds the customer's phone number.
    """
    return f"{hashlib.blake2b(message_id.encode(), digest_size=12).hexdigest()}-{index}"


class OutboundMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One bubble to send."""

    id: str
    """See :func:`outbound_id`; unique, and the ``biz_opaque_callback_data`` of the request."""
    conversation_id: str
    number_id: str
    """The business number that it leaves from."""
    body: Mapping[str, Any]
    """The Cloud API request, complete but for ``biz_opaque_callback_data``."""
    created_at: int
    """ms since the epoch."""
    policy: Policy = "repeat"
    attempts: int = 0
    status: DeliveryStatus = DeliveryStatus.QUEUED
    """``failed`` from the start: refused here (the service window), kept for people."""
    attempted_at: int | None = None
    """When ``sending`` was last committed, ms since the epoch."""
    closes_at: int | None = None
    """When the service window closes that it was written in, ms since the epoch; None: it may leave at any time."""
    otherwise: Mapping[str, Any] | None = None
    """The request with the template that is sent instead when the window is closed."""
    due_at: int | None = None
    """It must not leave earlier, and does not hold up what follows."""
    tells: bool = True
    """Its failure becomes ``delivery.failed``. Not so for what is said because another one failed: that could go on for
    ever."""
    reason: str | None = None
    code: int | None = None
    """Meta's, or the one that Meta would have given."""
    source: str = ""
    """What it comes from: the chart that said it, or who sent it (``send``, ``broadcast:spring``). For the meter."""
    purpose: Purpose = "service"
    """What the customer's consent must allow."""
    recipient: int | None = None
    """Of a broadcast: the recipient's row, which learns what became of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """One delivery status from a webhook."""

    wamid: str
    """The message's id at Meta."""
    number_id: str
    status: DeliveryStatus
    timestamp: int
    """ms since the epoch."""
    outbound_id: str | None = None
    """``biz_opaque_callback_data``: ours, if we sent it."""
    recipient: str | None = None
    errors: tuple[Mapping[str, Any], ...] = ()
    pricing: Mapping[str, Any] | None = None
    code: int | None = None
    """Meta's, of the failure."""
    reason: str | None = None
    """The same for a person."""
    again: float | None = None
    """Seconds after which another try is worth it; None: never as it is."""
    tries: int = TRIES
    """More than so many are no use."""
    scope: Scope = "message"
    closed: bool = False
    """It failed because the service window was closed."""
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The status object as it came; not stored."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender learnt about one outbound message: the argument of ``Sessions.settle``."""

    outbound_id: str
    status: DeliveryStatus
    """``sending`` before a POST; ``sent``, ``failed``, ``unknown`` or (to wait and retry) ``queued`` after it."""
    at: int
    """ms since the epoch."""
    wamid: str | None = None
    reason: str | None = None
    """For a person: why it failed or waits, with Meta's code."""
    code: int | None = None
    due_at: int | None = None
    """With ``queued``: not before, and what follows goes first."""
    body: Mapping[str, Any] | None = None
    """With ``sending``: what is sent instead of what was written, because the service window has closed."""
    conversation_id: str | None = None
    """Whose it is; None: the caller does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An outbound message as people look at it. Times in ms since the epoch."""

    id: str
    conversation_id: str
    number_id: str
    status: DeliveryStatus
    attempts: int
    created_at: int
    attempted_at: int | None
    due_at: int | None
    """It waits until then."""
    code: int | None
    reason: str | None
    """Why it waits or failed."""
    wamid: str | None
    policy: Policy
    body: Mapping[str, Any]
