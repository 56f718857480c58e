"""``window.closing``: the service window is about to close, and a flow that wants to may still say something in free words.

Only for conversations with a chart that listens for it, so others pay nothing: a timer row like any other, moved with every
message of the customer's. It comes :data:`LEAD` before free-form messages are refused. In a conversation where the customer
wrote again meanwhile it is stale and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from wabox.core import window
from wabox.core.conversation import Timer
from wabox.core.event import Event
from wabox.engine.view import listens

if TYPE_CHECKING:
    from wabox.services.turn import Draft

NAME: Final = "window.closing"
"""Of the event, and of the timer."""
LEAD: Final = 30 * 60_000
"""ms: time for the words, and for an answer that opens the window again."""


def due_at(opened_at: int | None) -> int | None:
    """When it is due, ms since the epoch; None when nobody knows."""
    closes_at = window.closes(opened_at)
    return None if closes_at is None else closes_at - LEAD


def timers(draft: Draft) -> Iterator[Timer]:
    """The row, if somebody listens and the time has not passed."""
    snapshot, due = draft.snapshot, due_at(draft.opened_at)
    if snapshot is None or due is None or due <= draft.now or snapshot.status != "active":
        return
    if listens(draft.bot.charts, snapshot, NAME):
        yield Timer(name=NAME, due_at=due, armed=draft.session.sequence + 1)


def fire(draft: Draft) -> None:
    """It is due. What nobody minds is on record."""
    if draft.message.payload.get("due_at") != due_at(draft.opened_at) or not draft.restore():
        return
    if not draft.step(Event(NAME)):
        draft.record("event", {"not_handled": NAME})
