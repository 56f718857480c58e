"""A timer of a conversation is due.

A reminder (``soft``) is for a customer who is there: one that is late, because the server was down, is left out; one that is
due in the customer's night waits for the morning, if the conversation and the service window last until then. Everything else
comes when it comes: the flow has asked for it.
"""

from __future__ import annotations

from typing import Final

from wabox.core import window
from wabox.engine.clock import leave_out, postpone
from wabox.engine.configuration import configuration
from wabox.engine.snapshot import Snapshot
from wabox.services.night import ends_at
from wabox.services.turn import Draft

WITH_AGENT: Final = 30 * 60_000
"""ms after which a timeout is looked at again while an agent has the conversation."""


def ring(draft: Draft) -> None:
    """Do what is to be done about the timer that the draft's message is; nothing, if it is stale."""
    payload = draft.message.payload
    name, armed, due_at = str(payload["name"]), int(payload["armed"]), int(payload["due_at"])
    snapshot = draft.snapshot
    ours = snapshot is not None and snapshot.timers.get(name) == (due_at, armed)
    if ours and snapshot is not None and name in ("soft", "hard") and draft.file.claimed:
        # Whoever talks with an agent is not silent, and the end of the conversation is the agent's to say.
        draft.take(postpone(snapshot, name, draft.now + WITH_AGENT))
        return
    if name == "soft" and snapshot is not None and snapshot.timers.get(name) == (due_at, armed):
        late = configuration(draft.bot.charts.find(snapshot.chart), snapshot.leaves).late
        if late and draft.now - due_at > late:
            draft.take(leave_out(snapshot, name))
            draft.record("event", {"left_out": "soft", "late_s": (draft.now - due_at) // 1000})
            return
        morning = ends_at(draft.bot, draft.session.contact or draft.message.contact, draft.now)
        if morning is not None:
            if _lasts(draft, snapshot, morning):
                draft.take(postpone(snapshot, name, morning))
            else:
                draft.take(leave_out(snapshot, name))
                draft.record("event", {"left_out": "soft", "why": "night"})
            return
    draft.fire(name, armed, due_at)


def _lasts(draft: Draft, snapshot: Snapshot, until: int) -> bool:
    """Whether the conversation and the service window are open still."""
    hard, closes = snapshot.timers.get("hard"), window.closes(draft.opened_at)
    return (hard is None or until < hard[0]) and (closes is None or until < closes)
