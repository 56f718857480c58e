"""What our own side wants to say, as a turn: whether it may be said now, and the outbound row if so.

Asked in the customer's own lane, so that nothing can change between the question and the row:

1. Who said STOP gets nothing. Marketing goes to those who agreed to it, and to nobody else.
2. While a person has the conversation, a service template may go (a reminder of an appointment does not answer anybody); words
   and marketing would talk over the person (promise P7).
3. Free-form messages need an open service window.

What may not be said is a failed row with the reason, which was never tried: people see it in ``wabox outbox list --failed``,
and a broadcast counts it as skipped. The conversation itself stays where it is.
"""

from __future__ import annotations

from typing import NamedTuple

from wabox.core import consent, window
from wabox.core.conversation import Session
from wabox.core.delivery import DeliveryStatus, OutboundMessage, Purpose, outbound_id
from wabox.core.dispatch import is_template
from wabox.engine.snapshot import decode
from wabox.engine.view import held
from wabox.errors import ConversationError
from wabox.flowfile.bot import Bot
from wabox.services.turn import Draft
from wabox.whatsapp.payload import address


class Refusal(NamedTuple):
    reason: str
    code: int | None = None
    """The one that Meta would have given."""


def dispatch(draft: Draft) -> None:
    """Say it, or say why not."""
    message, session = draft.message, draft.session
    body, purpose = message.payload["body"], message.payload["purpose"]
    template = is_template(body)
    busy = with_a_person(draft.bot, session, draft.now) if draft.move is None else False
    refusal = refused(session, draft.now, template=template, purpose=purpose, busy=busy)
    contact = draft.contact()
    draft.dispatched.append(
        OutboundMessage(
            id=outbound_id(message.message_id, 0),
            conversation_id=session.conversation_id,
            number_id=message.number_id,
            body={
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                **address(contact),
                **body,
            },
            created_at=draft.now,
            policy="once",
            closes_at=None if template else window.closes(session.opened_at),
            status=DeliveryStatus.QUEUED if refusal is None else DeliveryStatus.FAILED,
            reason=None if refusal is None else refusal.reason,
            code=None if refusal is None else refusal.code,
            tells=False,  # the flow did not say it
            source=str(message.payload.get("by") or "api"),
            purpose=purpose,
            recipient=message.payload.get("recipient"),
        )
    )


def refused(session: Session, now: int, *, template: bool, purpose: Purpose, busy: bool) -> Refusal | None:
    """Why it may not be said to this customer now."""
    unwanted = consent.refusal(session.consent, purpose)
    if unwanted is not None:
        return Refusal(unwanted, consent.REFUSED)
    if busy and not template:
        return Refusal("a person has the conversation: answer there. Not sent")
    if busy and purpose == "marketing":
        return Refusal("a person has the conversation: no marketing now. Not sent")
    if not template:
        closes_at = window.closes(session.opened_at)
        if closes_at is None:
            return Refusal("the customer has not written yet: only a template may be sent. Not sent", window.CLOSED)
        if now >= closes_at:
            return Refusal(window.REASON, window.CLOSED)
    return None


def with_a_person(bot: Bot, session: Session, now: int) -> bool:
    """Whether people have the conversation: a case of theirs, or somebody who answers from the phone."""
    if session.quiet_until > now or (session.case is not None and session.case.status == "claimed"):
        return True
    if session.snapshot is None:
        return False
    try:
        snapshot = decode(session.snapshot)
        return snapshot.chart in bot.charts and held(bot.charts, snapshot)
    except ConversationError:
        return False  # whoever reads it next says so
