"""Who has to be told after a turn: rows in the transaction that opens the case. :mod:`wabox.services.alarms` tells them.

* A case that is opened, or back in its queue: everybody of the queue's ``alerts`` (else ``[alerts] to``), and whoever has the
  console open. While the queue is closed they are told when it opens, all in one digest, and ``escalate`` at once.
* One that waited for longer than ``max_wait``: they again, and ``escalate``.
* One of which nobody could be told: ``escalate``. It is more urgent from then on, and its record says why.
* One that is offered to an agent: they, where they answer.
* What a customer writes to an agent who answers on WhatsApp goes there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import structlog

from wabox.core.alert import CONSOLE, Alert, AlertWhat, agent, alert_id, kind
from wabox.core.handoff import Handoff
from wabox.services.deskclock import queue_of
from wabox.services.duty import on_duty, opens_at

if TYPE_CHECKING:
    from wabox.services.turn import Draft

log = structlog.get_logger(__name__)

OLD: Final = "desk:alert"
"""A call of an older release that is still under way when this one starts."""
_SILENT: Final = frozenset({"reaction", "system", "edited", "deleted"})
LONGEST: Final = 1000
"""Characters of what a customer wrote."""


def alerts(draft: Draft) -> tuple[Alert, ...]:
    """The rows to write with this turn."""
    case = draft.file.case
    if case is None:
        return ()
    if case.status == "claimed":
        return tuple(_wrote(draft, case))
    what = _what(draft, case)
    return () if what is None else tuple(_rows(draft, case, what))


def unheard(draft: Draft) -> None:
    """Nobody could be told of the case."""
    case, payload = draft.file.case, draft.message.payload
    if case is None or case.status != "waiting":
        return
    log.error("alert.refused", conversation=case.conversation_id, error=str(payload.get("error")))
    draft.record("event", {"untold": case.id, "error": str(payload.get("error"))[:300]})
    draft.file.press(alert=False)
    draft.file.unheard = payload.get("what") in ("opened", "returned")  # otherwise those were told, too


def _what(draft: Draft, case: Handoff) -> AlertWhat | None:
    before = draft.session.case
    if not draft.file.changes:
        return None
    if before is None or before.id != case.id:
        return "opened"
    if before.status != "waiting" or before.queue != case.queue:
        return "returned"
    if draft.file.pressed:
        return "waited too long"
    if draft.file.offered:
        return "offered"
    return "unheard" if draft.file.unheard else None


def _rows(draft: Draft, case: Handoff, what: AlertWhat) -> Iterator[Alert]:
    queue, own, now = queue_of(draft, case), draft.bot.manners.alerts, draft.now
    first = own.to if queue.alerts is None else queue.alerts
    then = own.escalate if queue.escalate is None else queue.escalate
    there = on_duty(queue, now, draft.message.number_id)
    opens = None if there else opens_at(queue, now, draft.message.number_id)
    due: dict[str, int] = {}
    if what == "offered":
        # Where they answer: on their WhatsApp, and on whatever page they have open.
        own_ways = (one for one in (*first, *then) if kind(one) == "whatsapp" and agent(one) == case.offered)
        due = dict.fromkeys((*own_ways, CONSOLE), now)
    elif what != "unheard":
        due = dict.fromkeys(first, now if opens is None else round(opens.timestamp() * 1000))
    if what in ("opened", "returned"):
        due[CONSOLE] = now
    if (not there and what != "offered") or what in ("waited too long", "unheard"):
        due |= {to: now for to in then if what != "unheard" or to not in first}
    body = _body(draft, case)
    for to, at in due.items():
        yield Alert(
            id=alert_id(draft.message.message_id, to),
            conversation_id=case.conversation_id,
            case=case.id,
            to=to,
            what=what,
            body=body,
            created_at=now,
            due_at=at,
        )


def _wrote(draft: Draft, case: Handoff) -> Iterator[Alert]:
    """To the agent's own WhatsApp, if that is where they answer."""
    message, before = draft.message, draft.session.case
    if message.channel != "whatsapp" or message.type in _SILENT or before is None or before.agent != case.agent:
        return
    queue, own = queue_of(draft, case), draft.bot.manners.alerts
    known = (*(queue.alerts or own.to), *(queue.escalate or own.escalate))
    to = next((one for one in known if kind(one) == "whatsapp" and agent(one) == case.agent), None)
    if to is not None:
        said = (message.text or f"[{message.type}]")[:LONGEST]
        yield Alert(
            id=alert_id(message.message_id, to),
            conversation_id=case.conversation_id,
            case=case.id,
            to=to,
            what="wrote",
            body={**_body(draft, case), "text": said},
            created_at=draft.now,
            due_at=draft.now,
        )


def _body(draft: Draft, case: Handoff) -> dict[str, Any]:
    contact = draft.contact()
    return {
        "case": case.id,
        "queue": case.queue,
        "reason": case.reason,
        "customer": contact.name or contact.username or contact.key,
        "priority": case.priority,
        "opened_at": case.opened_at,
        "waiting_ms": max(0, draft.now - case.opened_at),
        "number_id": draft.message.number_id,
    }
