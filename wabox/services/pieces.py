"""A message in pieces: "hi" – "I wanted" – "two of the blue ones". Where a state says ``quiet: 3s``, what a customer writes is
read once they have written nothing for so long, as one message.

Each piece is committed as it comes; what waits is in the snapshot, and the end of the wait is a timer like any other. A tap or
anything else but text ends the wait at once: it comes after what was written.
"""

from __future__ import annotations

from wabox.core.changed import changed
from wabox.core.message import InboundMessage
from wabox.engine.clock import QUIET, hold, release
from wabox.engine.configuration import configuration
from wabox.engine.view import held
from wabox.services.turn import Draft

MOST = 20
"""Pieces that wait at most: whoever never pauses is answered all the same."""


def waits_for_more(draft: Draft) -> bool:
    """Keep the message if more may follow; whether it is kept."""
    snapshot, message = draft.snapshot, draft.message
    if snapshot is None or message.type != "text" or not message.text:
        return False
    charts = draft.bot.charts
    quiet = configuration(charts.find(snapshot.chart), snapshot.leaves).quiet
    if not quiet or held(charts, snapshot) or len(snapshot.pieces) >= MOST:
        return False
    draft.take(hold(snapshot, message.text, draft.now + quiet))
    return True


def joined(draft: Draft) -> InboundMessage | None:
    """What was kept, as one message; None when nothing is."""
    snapshot = draft.snapshot
    if snapshot is None or not snapshot.pieces:
        return None
    step, text = release(snapshot)
    draft.take(step)
    return changed(draft.message, channel="whatsapp", type="text", text=text, payload={})


def is_over(draft: Draft) -> bool:
    """Whether the due timer is the one that ends the wait, and means it."""
    payload, snapshot = draft.message.payload, draft.snapshot
    due = (int(payload["due_at"]), int(payload["armed"]))
    return payload["name"] == QUIET and snapshot is not None and snapshot.timers.get(QUIET) == due
