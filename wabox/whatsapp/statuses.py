"""One delivery status of a webhook. Shapes: Meta, "status webhook reference" (Sept 2026).

``recipient_id`` (a phone number) may be missing, ``recipient_user_id`` too; nothing hangs on either, because a status is
joined to its message by ``biz_opaque_callback_data`` (ours) or ``id`` (Meta's).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from wabox.core.delivery import TRIES, DeliveryStatus, StatusUpdate
from wabox.whatsapp import errors as graph
from wabox.whatsapp.inbound import moment
from wabox.whatsapp.wire import Malformed, members, text

_WORDS: Final[Mapping[str, DeliveryStatus]] = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.PLAYED,
    "failed": DeliveryStatus.FAILED,
}
"""Meta's words, spelled out: some of our own statuses must never come in from outside."""


PAYMENT: Final = "payment"
_ELSEWHERE: Final = (PAYMENT, "call")
"""What else has a status, in the same list and with the same words: an order whose payment ``failed`` was delivered all the
same. Shapes: Meta, "Payments API" (India)."""


def normalise(status: Any, number_id: str, now: int) -> StatusUpdate | None:
    """``statuses[]`` of a webhook; ``None`` for a word that we do not know, and for what is no message. Raises Malformed."""
    if type(status) is not dict:
        raise Malformed("a status is not an object")
    if status.get("type") in _ELSEWHERE:
        return None
    word = text(status, "status")
    if not word:
        raise Malformed("a status without the word that it is about")
    known = _WORDS.get(word)
    if known is None:
        return None
    wamid = text(status, "id")
    if not wamid:
        raise Malformed("a status without id")
    errors = status.get("errors") or ()
    if errors and (type(errors) is not list or not all(type(error) is dict for error in errors)):
        raise Malformed("errors is not a list of objects")
    update = StatusUpdate(
        wamid=wamid,
        number_id=number_id,
        status=known,
        timestamp=moment(status.get("timestamp"), now) or now,
        outbound_id=text(status, "biz_opaque_callback_data") or None,
        recipient=text(status, "recipient_user_id") or text(status, "recipient_id") or None,
        errors=tuple(errors),
        pricing=members(status, "pricing") or None,
        raw=status,
    )
    fault = graph.read(errors[0]) if errors and known is DeliveryStatus.FAILED else None
    return update if fault is None else _explained(update, fault)


def _explained(update: StatusUpdate, fault: graph.GraphError) -> StatusUpdate:
    """With what the failure means."""
    meaning = graph.reported(fault)
    return replace(
        update,
        code=fault.code,
        reason=graph.explain(fault, meaning),
        again=meaning.again,
        tries=meaning.tries or TRIES,
        scope="number" if meaning.kind is graph.Kind.NUMBER else meaning.scope,
        closed=meaning.kind is graph.Kind.WINDOW,
    )
