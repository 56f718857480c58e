"""What a webhook brought, as JSON objects for people and scripts (``wabox webhook parse``).

``kind`` tells them apart: ``message``, ``status``, ``event`` or ``dead_letter``. Every key of a kind is always there, ``null``
when the webhook did not say. Times are ms since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from wabox.core.delivery import StatusUpdate
from wabox.core.message import Arrival, DeadLetter, InboundMessage, MessageContext, OtherChange
from wabox.whatsapp import wire
from wabox.whatsapp.inbound import moment
from wabox.whatsapp.wire import Malformed

Json = dict[str, Any]

UNKNOWN_NUMBER: Final = "unknown"
"""Stands for the number of a webhook that names none."""
_INTERACTIVE: Final = {"button_reply": "button", "list_reply": "list", "form": "form"}
"""How our types of a tap or form are spelled as ``interactive``."""
FAR: Final = 2**53
"""ms: no time that somebody wrote is too late to be shown."""
_NOTHING: Final = MessageContext()


def lines(arrival: Arrival) -> Iterator[Json]:
    """Every element of the webhook, once."""
    yield from map(message_line, arrival.messages)
    yield from map(_status, arrival.statuses)
    yield from map(_event, arrival.others)
    yield from map(_dead, arrival.dead)


def message_line(message: InboundMessage) -> Json:
    contact, context = message.contact, message.context or _NOTHING
    tap = _INTERACTIVE.get(message.type)
    kind = "interactive" if tap or message.raw.get("type") == "interactive" else message.type
    return {
        "kind": "message",
        "message_id": message.message_id,
        "session_id": f"{message.number_id}:{contact.key}",
        "conversation_id": message.conversation_id,
        "number_id": _number(message.number_id),
        "timestamp": message.timestamp,
        "channel": message.channel,
        "type": "unsupported" if message.type == "unsupported" else kind,
        "interactive": (tap or message.type) if kind == "interactive" and message.type != "unsupported" else None,
        "text": message.text,
        "payload": message.payload,
        "contact": {
            "user_id": contact.user_id,
            "wa_id": contact.wa_id,
            "username": contact.username,
            "name": contact.name,
        },
        "locale": message.locale,
        "context": {"reply_to": context.reply_to, "forwarded": context.forwarded, "referral": context.referral},
        "raw": message.raw,
    }


def _status(status: StatusUpdate) -> Json:
    return {
        "kind": "status",
        "message_id": status.wamid,
        "status": status.status,
        "timestamp": status.timestamp,
        "number_id": _number(status.number_id),
        "recipient": status.recipient,
        "outbound_id": status.outbound_id,
        "errors": status.errors,
        "pricing": status.pricing,
        "raw": status.raw,
    }


def _event(change: OtherChange) -> Json:
    raw = _decoded(change.raw)
    entry: Json = raw if type(raw) is dict else {}
    changes = entry.get("changes")
    whole = changes[0] if type(changes) is list and changes and type(changes[0]) is dict else {}
    value = whole.get("value", raw)
    named = value.get("event") or value.get("type") if type(value) is dict else None
    return {
        "kind": "event",
        "field": change.field,
        "event": named if type(named) is str else None,
        "number_id": _number(change.number_id),
        "account_id": entry.get("id") if whole else None,
        "timestamp": moment(entry.get("time"), FAR) if whole else None,
        "value": value,
        "raw": raw,
    }


def _dead(letter: DeadLetter) -> Json:
    return {"kind": "dead_letter", "reason": letter.reason, "raw": _decoded(letter.raw)}


def _number(number_id: str | None) -> str | None:
    return None if number_id == UNKNOWN_NUMBER else number_id


def _decoded(raw: bytes) -> Any:
    """The JSON, or the text when it is none."""
    try:
        if not wire.too_deep(raw):
            return wire.value(raw)
    except Malformed:
        pass
    return raw.decode("utf-8", "replace")
