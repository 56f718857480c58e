"""What a turn did to its conversation, for the numbers: noted with the line of what came in, so that it is counted from there.

``flow``: the chart it rests in; ``entered``: leaf states that it was not in before; ``began``; ``ended``: why, and where it
stood; ``handed``: a case was opened; ``claimed``: the first person took it, so many ms after that; ``rated``: the customer's
mark. What says nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wabox.core.changed import changed
from wabox.core.conversation import Session, UnitOfWork
from wabox.core.delivery import OutboundMessage
from wabox.core.message import InboundMessage
from wabox.core.traces import Turned
from wabox.engine.snapshot import decode
from wabox.engine.state import Taken
from wabox.errors import ConversationError
from wabox.services.returning import BACK
from wabox.services.turn import Turn

STEPS = 40
"""Transitions and actions in one line of the log."""


def noted(turn: Turn, session: Session) -> UnitOfWork:
    """The turn's unit of work with what it did."""
    unit = turn.unit
    facts = dict(_facts(turn, session))
    if not facts or not unit.records or unit.records[0].kind != "in":
        return unit
    first = changed(unit.records[0], body={**unit.records[0].body, **facts})
    return changed(unit, records=(first, *unit.records[1:]))


def _facts(turn: Turn, session: Session) -> Iterator[tuple[str, Any]]:
    unit, snapshot = turn.unit, turn.snapshot
    if snapshot is not None:
        yield "flow", snapshot.chart.partition("@")[0]
        new = {state.state for step in turn.steps for state in step.entered}
        if entered := [leaf for leaf in snapshot.leaves if leaf in new]:
            yield "entered", entered
    begins = session.snapshot is None and bool(turn.steps)
    if begins and not any(BACK in record.body for record in unit.records if record.kind == "event"):
        yield "began", True
    archive = unit.archive
    if archive is not None and archive.at == unit.at and unit.snapshot is None and turn.steps:
        try:
            stood = decode(archive.snapshot)
        except ConversationError:
            return
        yield "ended", [archive.reason, stood.chart.partition("@")[0], *stood.leaves]
    if any(case.status == "waiting" and case.opened_at == unit.at for case in unit.handoffs):
        yield "handed", True
    before = None if session.case is None else session.case.claimed_at
    taken = next((case for case in unit.handoffs if case.claimed_at == unit.at), None)
    if taken is not None and before is None:
        yield "claimed", unit.at - taken.opened_at
    if unit.rated is not None:
        yield "rated", unit.rated[1]


def traced(turn: Turn, message: InboundMessage, took: float, thought: float, stored: float) -> dict[str, Any]:
    """For the log, in ms: where the time went; and the trace of the step. No words of anybody's."""
    found = turn.understanding
    return {
        "conversation": message.conversation_id,
        "type": message.type,
        "ms": round(took * 1000),
        "thinking": round(thought * 1000),
        "storing": round(stored * 1000),
        "understanding": None if found is None or found.ms is None else round(found.ms),
        "asking": (found.trace.get("ms") if found is not None and found.trace else None),
        "tier": None if found is None else found.tier,
        "events": turn.events,
        "transitions": [_arrow(taken) for step in turn.steps for taken in step.transitions][:STEPS],
        "actions": [name for step in turn.steps for name in step.actions][:STEPS],
        "states": turn.states,
        "sends": len(turn.unit.sends),
    }


def turned(
    turn: Turn, message: InboundMessage, took: float, thought: float, stored: float, leaving: Sequence[OutboundMessage]
) -> Turned:
    """For a tracer; times in seconds. No words of anybody's."""
    found = turn.understanding
    return Turned(
        conversation=message.conversation_id,
        channel=message.channel,
        type=message.type,
        tier=None if found is None else found.tier,
        intent=None if found is None else found.intent,
        states=turn.states,
        took=took,
        thought=thought,
        stored=stored,
        sends=[send.id for send in leaving],
    )


def _arrow(taken: Taken) -> str:
    return f"{taken.chart}:{taken.source} {taken.event or 'always'} → {' '.join(taken.targets) or 'stays'}"
