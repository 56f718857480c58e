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


def outbound_id(message_id: str, index: int) -> str:
    """The id of the ``index``-th message that the inbound message ``message_id`` caused.

    Derived, not drawn: whoever handles the same message again makes the same id, so a repeated unit of work cannot send
    twice under two names. A digest, because a WhatsApp message id embeds the customer's phone number.
    """
    return f"{hashlib.blake2b(message_id.encode(), digest_size=12).hexdigest()}-{index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
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
    attempted_at: int | None = None
    """When ``sending`` was last committed, ms since the epoch."""


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
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The status object as it came; not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What the sender learnt about one outbound message: the argument of ``Sessions.settle``."""

    outbound_id: str
    status: DeliveryStatus
    """``sending`` before a POST; ``sent``, ``failed``, ``unknown`` or (to wait and retry) ``queued`` after it."""
    at: int
    """ms since the epoch."""
    wamid: str | None = None
    reason: str | None = None
    """For a person: why it failed or waits, with Meta's code."""
    detail: Mapping[str, Any] = field(default_factory=dict)
