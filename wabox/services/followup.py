"""Some hours after a person was there, the flow hears ``handoff.follow_up``, if its hand-off says so (``follow_up: 4h``).

The timer is a row that is written with the close; it outlives the conversation. When it is due:

* a case that is open again, or somebody on the business's own phone: left out, a person is there;
* a customer who wrote within the last :data:`TALKING` is not interrupted: it waits for that;
* the customer's night: it waits for the morning;
* the service window is closed: it leaves if everything that the flow says then is a template, or has one for ``outside``;
  otherwise nothing is said, and the flow stays where it is.

What was left out is on record with the reason, and counted. A conversation that is over begins anew, silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wabox.core import window
from wabox.core.conversation import Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.event import Event
from wabox.engine.begin import begin_at
from wabox.engine.effect import Arm
from wabox.engine.step import Step
from wabox.engine.view import followed_up, held
from wabox.services.night import ends_at

if TYPE_CHECKING:
    from wabox.services.turn import Draft

NAME: Final = "desk:follow_up"
"""The timer."""
EVENT: Final = "handoff.follow_up"
TALKING: Final = 30 * 60_000
"""ms after the customer's last words in which nobody is interrupted."""


def declare(draft: Draft) -> None:
    """A person closes the case: what the flow's hand-off wants. To be asked before the flow hears of the close."""
    if draft.snapshot is not None and held(draft.bot.charts, draft.snapshot):
        draft.file.follow_up = followed_up(draft.bot.charts, draft.snapshot)


def timers(draft: Draft) -> tuple[Timer, ...]:
    """The row, if it is wanted or was put off."""
    due_at = draft.file.follow_at
    if draft.file.follow_up:
        due_at = draft.now + draft.file.follow_up
    return () if due_at is None else (Timer(name=NAME, due_at=due_at, armed=draft.session.sequence + 1),)


def fire(draft: Draft) -> None:
    """It is due."""
    case = draft.file.case
    if case is not None or draft.session.quiet_until > draft.now:
        draft.record("event", {"follow_up": "skipped", "why": "a person has the conversation"})
        return
    if draft.permit.consent.stopped:
        draft.record("event", {"follow_up": "skipped", "why": "the customer said stop"})
        return
    later = _later(draft)
    if later is not None:
        draft.file.follow_at = later
        return
    closes_at = window.closes(draft.session.opened_at)
    if (closes_at is None or draft.now >= closes_at) and not _leaves(draft):
        draft.record("event", {"follow_up": "skipped", "why": "the 24 hours are over and the flow has no template"})
        return
    _go(draft)


def _later(draft: Draft) -> int | None:
    """Until when it waits, ms since the epoch; None: now is the time."""
    spoke = draft.session.opened_at
    if spoke is not None and draft.now < spoke + TALKING:
        return spoke + TALKING
    return ends_at(draft.bot, draft.contact(), draft.now)


def _leaves(draft: Draft) -> bool:
    """Whether all that would be said may leave now. Tried on a draft of its own: nothing of it is kept."""
    from wabox.services.turn import Draft as Fresh

    trial = Fresh(draft.bot, draft.session, draft.message, draft.now, draft.move)
    _go(trial)
    return all(send.status is not DeliveryStatus.FAILED for send in trial.finish().unit.sends)


def _go(draft: Draft) -> None:
    if not draft.restore() and not _begin(draft):
        draft.record("event", {"follow_up": "skipped", "why": "the flow begins with a call"})
    elif draft.step(Event(EVENT)):
        draft.record("event", {"follow_up": "begun"})
    else:
        draft.record("event", {"follow_up": "skipped", "why": "the flow has no way for it where the customer is"})


def _begin(draft: Draft) -> bool:
    """Where every conversation begins, without a word."""
    bot = draft.bot
    there = begin_at(bot.charts, bot.main, [], {**bot.context, **draft.permit.variables(bot)}, draft.now)
    if there.invokes:
        return False
    arms = tuple(Arm(name, due_at, armed) for name, (due_at, armed) in there.timers.items())
    draft.take(Step(there, arms, True))
    return True
