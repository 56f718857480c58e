"""What concerns one customer's conversation without being the customer's message to us.

* ``echo``: a person answered from the phone app of a number that has both (coexistence). Shaped like a message, from us.
* ``standby``: the customer wrote, or another partner answered, while somebody else has the thread. Never answered by us.
* ``notice``: a call, a preference of the customer, a thread that changed hands.

Each becomes an inbound message of that conversation on a channel of its own, so that it takes its turn like everything else
(promise P3). Shapes: Meta, "standby", "handover protocol", "calls", "messages webhook reference" (Oct 2026).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from wabox.core.changed import changed
from wabox.core.contact import Contact, conversation_id
from wabox.core.message import Channel, InboundMessage
from wabox.whatsapp.inbound import Cards, Json, moment, normalise
from wabox.whatsapp.wire import Malformed, members, text

_encode = msgspec.json.Encoder(order="sorted").encode


def echo(element: Any, number_id: str, cards: Cards, now: int) -> InboundMessage:
    """``message_echoes[]``. Raises Malformed."""
    return changed(_to_customer(_object(element), number_id, cards, now), channel="echo")


def standby_message(element: Any, number_id: str, cards: Cards, now: int) -> InboundMessage:
    """``standby.messages[]``. Raises Malformed."""
    return _standby(normalise(element, number_id, cards, now))


def standby_echo(element: Any, number_id: str, cards: Cards, now: int) -> InboundMessage:
    """``standby.message_echoes[]``: the partner's request body, wrapped in ``message``. Raises Malformed."""
    outer = _object(element)
    message = _standby(_to_customer({**outer, **members(outer, "message")}, number_id, cards, now))
    return changed(message, payload={**message.payload, "sent_by": "partner"}, raw=outer)


def call(element: Any, number_id: str, cards: Cards, now: int) -> InboundMessage | None:
    """``calls[]``; ``None`` when it says nothing about whose call it is. Raises Malformed."""
    found = _object(element)
    id_, event = text(found, "id"), text(found, "event") or "unknown"
    if not id_:
        raise Malformed("a call without id")
    side = "to" if found.get("direction") == "BUSINESS_INITIATED" else "from"
    contact = cards.contact(text(found, f"{side}_user_id") or None, text(found, side) or None)
    card = cards.contact(None, None)
    if card is not None and (contact is None or (card.wa_id and card.wa_id != contact.wa_id)):
        contact = card  # samples have our own number at either end; the card is always the customer's
    if contact is None:
        return None
    return _notice("call", f"{id_}:{event}", found, number_id, contact, found.get("timestamp"), now)


def preference(element: Any, number_id: str, cards: Cards, now: int) -> InboundMessage:
    """``user_preferences[]``. Raises Malformed."""
    found = _object(element)
    contact = cards.contact(text(found, "user_id") or None, text(found, "wa_id") or None)
    if contact is None:
        raise Malformed("a preference without user_id, wa_id or contact")
    return _notice("preference", _digest(found), found, number_id, contact, found.get("timestamp"), now)


def handover(element: Any, number_id: str, cards: Cards, now: int) -> InboundMessage:
    """The value of ``messaging_handovers``. Raises Malformed."""
    found = _object(element)
    sender = members(found, "sender")
    contact = cards.contact(
        text(sender, "user_id") or None, text(sender, "wa_id") or text(sender, "phone_number") or None
    )
    if contact is None:
        raise Malformed("a hand-over without the customer")
    return _notice("handover", _digest(found), found, number_id, contact, found.get("timestamp"), now)


def _object(element: Any) -> Json:
    if type(element) is not dict:
        raise Malformed("not an object")
    return element


def _to_customer(message: Json, number_id: str, cards: Cards, now: int) -> InboundMessage:
    """A message of ours: ``to`` is the customer, ``from`` one of our numbers."""
    seen = {**message, "from": message.get("to"), "from_user_id": message.get("to_user_id")}
    return changed(normalise(seen, number_id, cards, now), raw=message)


def _standby(message: InboundMessage) -> InboundMessage:
    # Prefixed, so that the copy never suppresses the message itself, should the thread come to us.
    return changed(message, message_id=f"standby:{message.message_id}", channel="standby")


def _notice(
    kind: str, id_: str, payload: Mapping[str, Any], number_id: str, contact: Contact, seconds: Any, now: int
) -> InboundMessage:
    at = moment(seconds, now)
    channel: Channel = "notice"
    return InboundMessage(
        message_id=f"{kind}:{id_}",
        number_id=number_id,
        conversation_id=conversation_id(number_id, contact),
        timestamp=now if at is None else at,
        dated=at is not None,
        channel=channel,
        type=kind,
        payload=payload,
        contact=contact,
        raw=payload,
    )


def _digest(element: Json) -> str:
    """Meta gives these no id: the same thing said twice is one."""
    return hashlib.blake2b(_encode(element), digest_size=12).hexdigest()
