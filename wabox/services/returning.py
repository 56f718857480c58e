"""A customer comes back: after the soft timeout, or after the hard one, when the conversation is archived.

What they write is tried against where they were. If it fits there, they simply go on; the answer to a question is an answer
a week later, too. If it does not, or is only a "hello", the flow gets the event ``reentered``; without a transition for it the
bot asks, in the repair chart of that name, whether to go on or to begin again. Within the soft timeout nothing of this happens.

An archived conversation can be taken up until ``timeouts: {remember: …}`` (7 days) has passed. One that ended by itself, or had
hardly begun, or waits for people or for calls that were dropped, is not: who writes then begins anew.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from wabox.core.event import Event
from wabox.core.intent import Understanding
from wabox.engine.chart import Charts
from wabox.engine.configuration import configuration
from wabox.engine.event import REENTERED, matches
from wabox.engine.rebase import rebase
from wabox.engine.snapshot import Snapshot, decode
from wabox.engine.step import start
from wabox.engine.text import fill
from wabox.engine.view import held
from wabox.errors import ConversationError
from wabox.services.turn import Draft

Away = Literal["here", "nudged", "archived"]
"""How long the customer was away: within the soft timeout, beyond it, beyond the hard one."""
AWAY = frozenset({"nudged", "archived"})
BACK = "back"
"""Of the transcript's line that says how long."""


def take_up(draft: Draft) -> Away | None:
    """Restore the conversation for a customer who writes; None: there is none, and a new one is to begin."""
    if draft.restore():
        found = draft.snapshot
        if found is None or "soft" in found.timers:
            return "here"
        return "nudged" if _clocks(draft.bot.charts, found)[0] else "here"
    archived = draft.session.archived
    if draft.session.snapshot is not None or draft.move is not None or archived is None:
        return None
    try:
        found = rebase(draft.bot.charts, decode(archived.snapshot)) if archived.reason == "expired" else None
    except ConversationError:
        return None
    charts = draft.bot.charts
    if found is None or found.invokes or held(charts, found) or _hardly_begun(draft, found):
        return None
    if draft.now - archived.at >= _clocks(charts, found)[1]:
        return None
    # Its clocks ran out with it; the soft and the hard one are wound again by what the customer says now.
    draft.snapshot = msgspec.structs.replace(found, timers={}, misses=0, pieces=())
    draft.language = found.language or draft.language
    return "archived"


def ask(draft: Draft, found: Understanding) -> bool:
    """Ask whether to go on or begin again; whether there was something to ask about, and somebody who asked.

    A "hello" that the state itself has words for is answered there; what the root says to every "hello" waits.
    """
    charts, snapshot = draft.bot.charts, draft.snapshot
    if snapshot is None or _hardly_begun(draft, snapshot):
        return False
    config = configuration(charts.find(snapshot.chart), snapshot.leaves)
    inside = (state for state in config.states if state.ancestors)
    if any(
        matches(word, found.event)
        for state in inside
        for one in state.transitions
        for word in one.events
        if word != "*"
    ):
        return False
    doing = next((one for state in config.inner_first() if isinstance(one := state.meta.get("doing"), str)), None)
    words = "" if doing is None else fill(draft.bot.text(doing, draft.language), snapshot.context)
    if not draft.step(Event(REENTERED, {**found.data, "doing": words}, customer=True)):
        return False
    draft.keep(misses=0)
    return True


def _clocks(charts: Charts, snapshot: Snapshot) -> tuple[int, int]:
    """The soft delay and ``remember`` of where it stands, ms."""
    frames = [configuration(charts.find(frame.chart), frame.leaves) for frame in reversed(snapshot.frames)]
    soft = next((one.soft for one in frames if one.soft is not None), 0)
    return soft, frames[0].remember


def _hardly_begun(draft: Draft, snapshot: Snapshot) -> bool:
    """Whether it stands where every conversation begins, and knows nothing more than one does."""
    bot = draft.bot
    if snapshot.stack or snapshot.chart != bot.charts[bot.main].ref:
        return False
    fresh = start(bot.charts, bot.main, draft.now, bot.context).snapshot
    return fresh.leaves == snapshot.leaves and fresh.context == snapshot.context
