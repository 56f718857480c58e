"""Clocks of a case: rows like every timer, named ``desk:…``. They outlive the flow: a case may be open when it is over.

``desk:idle``  the agent keeps the customer waiting for longer than the queue's ``idle``: the case goes back to its queue. An
               agent whose words were the last keeps it for a day, so that no claim lasts for ever.
``desk:offer`` the agent whose it was to take did not: it is offered to the next one (:mod:`wabox.services.offering`).
``desk:wait``  nobody took the case within ``max_wait``: it becomes more urgent, alerts go out again, the flow hears
               ``handoff.expired``, and a flow without words for that lets wabox say that it takes longer.

A turn sets them. Cases that were opened before there were such clocks, or before their queue had a ``max_wait``, get theirs
from :func:`late`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wabox.core.content import Content
from wabox.core.conversation import Timer
from wabox.core.event import Event
from wabox.core.handoff import Handoff
from wabox.flowfile.formats import in_language
from wabox.services.duty import on_duty, opens_at
from wabox.services.replies import Lead
from wabox.settings import QueueSettings

if TYPE_CHECKING:
    from wabox.services.turn import Draft

PREFIX: Final = "desk:"
IDLE: Final = "desk:idle"
WAIT: Final = "desk:wait"
OFFER: Final = "desk:offer"
PARKED: Final = 24 * 3_600_000
"""ms that an agent keeps a case whose customer does not write."""
EXPIRED: Final = "handoff.expired"


def queue_of(draft: Draft, case: Handoff) -> QueueSettings:
    return draft.bot.manners.queues.get(case.queue) or QueueSettings(name=case.queue)


def idle_at(case: Handoff, idle: int) -> int:
    """When the agent loses the case, ms since the epoch."""
    last = case.last_agent_at or case.at
    return last + PARKED if case.waiting_since is None else max(last, case.waiting_since) + idle


def timers(draft: Draft) -> tuple[tuple[Timer, ...], tuple[str, ...]]:
    """Rows to set, and names to remove, after what the turn did to the case."""
    before, case = draft.session.case, draft.file.case
    if not draft.file.changes:
        return (), ()
    if case is None:
        return (), (IDLE, WAIT, OFFER)
    armed, queue = draft.session.sequence + 1, queue_of(draft, case)
    if case.status == "claimed":
        return (Timer(name=IDLE, due_at=idle_at(case, queue.idle), armed=armed),), (WAIT, OFFER)
    until = case.offered_until
    arm = () if until is None else (Timer(name=OFFER, due_at=until, armed=armed),)
    disarm = (IDLE,) if arm else (IDLE, OFFER)
    comes = before is None or (before.id, before.status, before.queue) != (case.id, case.status, case.queue)
    if comes and queue.max_wait:
        arm = (*arm, Timer(name=WAIT, due_at=draft.now + queue.max_wait, armed=armed))
    return arm, disarm


def late(case: Handoff, queue: QueueSettings) -> Timer | None:
    """The clock that an open case should have had; due in the past when its time is over."""
    if case.status == "claimed":
        return Timer(name=IDLE, due_at=idle_at(case, queue.idle), armed=0)
    return Timer(name=WAIT, due_at=case.opened_at + queue.max_wait, armed=0) if queue.max_wait else None


def nobody(draft: Draft) -> None:
    """A case was opened and nobody is there: the customer is told when somebody is, and that a message is enough."""
    before, case = draft.session.case, draft.file.case
    if case is None or case.status != "waiting" or (before is not None and before.id == case.id):
        return
    queue = queue_of(draft, case)
    if on_duty(queue, draft.now, draft.message.number_id):
        return
    at = opens_at(queue, draft.now, draft.message.number_id)
    when = None if at is None else in_language(draft.language)(at.strftime("%Y-%m-%dT%H:%M"), "datetime")
    key = "wabox.desk.nobody" if when is None else "wabox.desk.nobody_until"
    draft.lines.append(Content(text=draft.bot.words(key, draft.language, {"when": when})))


def fire(draft: Draft) -> None:
    """One is due; a stale one does nothing."""
    case = draft.file.case
    if case is None:
        return
    queue = queue_of(draft, case)
    if draft.message.payload.get("name") == IDLE:
        if case.status != "claimed":
            return
        if idle_at(case, queue.idle) > draft.now:
            draft.file.keep()  # the customer wrote meanwhile: look again when that is due
            return
        draft.record("event", {"returned": case.id, "agent": case.agent})
        draft.file.give_back()
        return
    if case.status != "waiting":
        return
    if draft.message.payload.get("name") == OFFER:
        if case.offered_until is not None and case.offered_until <= draft.now:
            draft.record("event", {"not_taken": case.id, "agent": case.offered})
            draft.file.pass_on()
        return
    draft.file.press()
    draft.record("event", {"nobody_took": case.id, "queue": case.queue})
    draft.restore()
    draft.step(Event(EXPIRED, {"queue": case.queue}))
    if not draft.lines and on_duty(queue, draft.now, draft.message.number_id):
        draft.lines.append(Lead("wabox.desk.late"))
