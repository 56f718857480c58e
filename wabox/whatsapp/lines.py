"""What a webhook brought, as JSON objects for people and scripts (``wabox webhook parse``).

``kind`` tells them apart: ``message``, ``status``, ``event`` or ``dead_letter``. Every key of a kind is always there, ``null``
when the webhook did not say. Times are ms since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from wabox.core.delivery import StatusUpdate
from wabox.core.message import Arrival, DeadLetter, InboundMessage, MessageContext, OtherChange
from wabox.whatsapp import wire
from wabox.whatsapp.fields import details, value
from wabox.whatsapp.inbound import Cards, moment, normalise
from wabox.whatsapp.wire import Malformed

Json = dict[str, Any]

UNKNOWN_NUMBER: Final = "unknown"
"""Stands for the number of a webhook that names none."""
_INTERACTIVE: Final = {"button_reply": "button", "list_reply": "list", "form": "form"}
"""How our types of a tap or form are spelled as ``interactive``."""
_NOTICES: Final = {
    "echo": ("smb_message_echoes", "echo"),
    "standby": ("standby", "message"),
    "call": ("calls", "call"),
    "preference": ("user_preferences", "preference"),
    "handover": ("messaging_handovers", "handover"),
}
"""Field and event, by type or channel."""
FAR: Final = 2**53
"""ms: no time that somebody wrote is too late to be shown."""
_NOTHING: Final = MessageContext()


def lines(arrival: Arrival) -> Iterator[Json]:
    """Every element of the webhook, once."""
    yield from (
        _message(message) if message.channel == "whatsapp" else _notice(message) for message in arrival.messages
    )
    yield from map(_status, arrival.statuses)
    yield from map(_other, arrival.others)
    yield from map(_dead, arrival.dead)


def _message(message: InboundMessage) -> Json:
    return {"kind": "message", **_normalised(message)}


def _notice(message: InboundMessage) -> Json:
    """An event of one customer's conversation: normalised like a message."""
    field, event = _NOTICES[message.type if message.channel == "notice" else message.channel]
    return {"kind": "event", "field": field, "event": event, **_normalised(message)}


def _normalised(message: InboundMessage) -> Json:
    contact, context = message.contact, message.context or _NOTHING
    tap = _INTERACTIVE.get(message.type)
    kind = "interactive" if tap or message.raw.get("type") == "interactive" else message.type
    return {
        "message_id": message.message_id,
        "session_id": f"{message.number_id}:{contact.key}",
        "conversation_id": message.conversation_id,
        "number_id": _number(message.number_id),
        "timestamp": message.timestamp if message.dated else _said(message.raw),
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
        "group_id": message.raw.get("group_id"),
        "raw": message.raw,
    }


def _status(status: StatusUpdate) -> Json:
    return {
        "kind": "status",
        "message_id": status.wamid,
        "status": status.status,
        "timestamp": moment(status.raw.get("timestamp"), FAR) or _said(status.raw),
        "number_id": _number(status.number_id),
        "recipient": status.recipient,
        "outbound_id": status.outbound_id,
        "errors": status.errors,
        "pricing": status.pricing,
        "raw": status.raw,
    }


def _other(change: OtherChange) -> Json:
    """What is kept and not acted on: a group's message or a status with a new word in the form of its kind, else an event."""
    found = value(change)
    raw = _decoded(change.raw)
    if change.field == "messages.group":
        try:
            return _message(normalise(found, change.number_id or UNKNOWN_NUMBER, Cards(), FAR))
        except Malformed:
            pass
    if change.field == "messages.status":
        return _unknown_status(change, found)
    entry: Json = raw if type(raw) is dict and "changes" in raw else {}
    named = found.get("event") or found.get("type") if type(found) is dict else None
    return {
        "kind": "event",
        "field": change.field,
        "event": named if type(named) is str else None,
        "number_id": _number(change.number_id),
        "account_id": entry.get("id"),
        "timestamp": moment(entry.get("time"), FAR),
        "details": details(change),
        "value": found,
        "raw": raw,
    }


def _unknown_status(change: OtherChange, found: Json) -> Json:
    return {
        "kind": "status",
        "message_id": found.get("id"),
        "status": found.get("status"),
        "timestamp": moment(found.get("timestamp"), FAR),
        "number_id": _number(change.number_id),
        "recipient": found.get("recipient_user_id") or found.get("recipient_id"),
        "outbound_id": found.get("biz_opaque_callback_data"),
        "errors": found.get("errors") or [],
        "pricing": found.get("pricing"),
        "raw": found,
    }


def _dead(letter: DeadLetter) -> Json:
    return {"kind": "dead_letter", "reason": letter.reason, "raw": _decoded(letter.raw)}


def _said(element: Mapping[str, Any]) -> int | None:
    """A time that cannot be true, as it was said; ``wabox serve`` takes the time of arrival instead."""
    seconds = element.get("timestamp")
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 16:
        seconds = int(seconds)
    return seconds * 1000 if type(seconds) is int else None


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
