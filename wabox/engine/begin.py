"""Beginning in the middle: for tests that start from any state, and for conversations that are moved by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wabox.engine.chart import Charts
from wabox.engine.event import AFTER
from wabox.engine.plan import inside
from wabox.engine.snapshot import LAYOUT, Snapshot
from wabox.engine.stack import wind
from wabox.engine.value import copied_plain
from wabox.errors import ConversationError


def begin_at(charts: Charts, chart_id: str, states: Iterable[str], context: Mapping[str, Any], now: int) -> Snapshot:
    """A conversation that stands in these states of a live chart as if it had just come there.

    Its timers run and the results of its calls are awaited; no action has run, nothing was called and nothing said.
    ``states`` are ids; one that is not a leaf begins where it begins, and the regions of a parallel state that are not named
    do so too. ``context`` goes over the chart's own variables.

    KeyError when there is no such chart; ConversationError when it has no such states, when they cannot be active together
    or when they are the end; TypeError or ValueError when the context cannot be stored.
    """
    chart = charts.live[chart_id]
    found = []
    for name in states:
        state = chart.states.get(name)
        if state is None:
            raise ConversationError(f"chart {chart_id} has no state {name!r}")
        found.append(state)
    config = inside(chart, found or [chart.root])
    for leaf in config.leaves:
        if leaf.type == "final" and leaf.parent is chart.root:
            raise ConversationError(f"{leaf.id!r} is the end of chart {chart_id}; nothing goes on from there")
    timers = {f"{AFTER}{delay}:{state.id}": (now + delay, _SEQ) for state in config.states for delay in state.after}
    wind(timers, now, _SEQ, *config.clock)
    variables = {**copied_plain(chart.context), **copied_plain(context)}
    invokes = {spec.id: _SEQ for state in config.states for spec in state.invokes}
    return Snapshot(LAYOUT, chart.ref, config.key, variables, timers=timers, seq=_SEQ, invokes=invokes)


_SEQ = 1
"""As after the first step."""
