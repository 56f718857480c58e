"""Whoever answers is told that somebody waits: one POST to ``[alerts] webhook``, as a call like those of flows.

So it is a row in the transaction that opens the case, is repeated until it is accepted, under one key, and its outcome comes
back into the conversation. A case of which no alert was accepted escalates: it becomes more urgent, and its record says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import structlog

from wabox.core.handoff import Handoff
from wabox.core.invocation import Invocation, invocation_id
from wabox.engine.text import doubled

if TYPE_CHECKING:
    from wabox.services.turn import Draft

log = structlog.get_logger(__name__)

NAME: Final = "desk:alert"
TIMEOUT: Final = 10_000
"""ms, of each try."""
RETRIES: Final = 5


def alerts(draft: Draft) -> Iterator[Invocation]:
    """The call to make after this turn, if somebody has to be told."""
    url, before, case = draft.bot.manners.alerts, draft.session.case, draft.file.case
    if url is None or case is None or case.status != "waiting" or not draft.file.changes:
        return
    if before is None or before.id != case.id:
        what = "opened"
    elif before.status != "waiting" or before.queue != case.queue:
        what = "returned"
    elif draft.file.pressed:
        what = "waited too long"
    else:
        return
    request = {"method": "POST", "url": url, "empty": [], "headers": {}, "json": _body(draft, case, what)}
    yield Invocation(
        id=invocation_id(draft.message.message_id, "", NAME),
        conversation_id=case.conversation_id,
        chart="",
        name=NAME,
        armed=0,
        request={"http": {**request, "idempotency": True}},
        timeout=TIMEOUT,
        retries=RETRIES,
        created_at=draft.now,
    )


def heard(draft: Draft) -> None:
    """An alert was accepted, or given up."""
    error = (draft.message.payload.get("data") or {}).get("error")
    if error is None:
        return
    log.error("alert.refused", conversation=draft.message.conversation_id, error=str(error))
    draft.record("error", {"where": "[alerts] webhook", "error": str(error)[:300]})
    if draft.file.case is not None and draft.file.case.status == "waiting":
        draft.file.press(alert=False)  # it would be refused, too


def _body(draft: Draft, case: Handoff, what: str) -> dict[str, Any]:
    contact = draft.contact()
    said = {
        "case": case.id,
        "what": what,
        "queue": case.queue,
        "reason": case.reason,
        "customer": contact.name or contact.username or contact.key,
        "text": f"{contact.name or contact.key} {what}: {case.reason or 'a person is needed'} ({case.queue})",
    }
    # What a customer wrote is no placeholder for a secret.
    return {name: doubled(value) for name, value in said.items()} | {
        "priority": case.priority,
        "opened_at": case.opened_at,
        "waiting_ms": max(0, draft.now - case.opened_at),
    }
