"""Which of the questions that were answered one may still go back to.

Going back asks a question anew with everything as it is now, so it must not lead to a question that was asked about something
that is gone, nor to before something that cannot be undone:

* when a slot was emptied ("another day"), the questions asked since it was filled are no longer on the way back: a
  confirmation would stand there without its day, and "yes" would book it;
* when the result of a call was taken, or people were asked to take over, there is no way back across that: "go back" and "yes"
  would book twice. (The first is done where the event is, in :mod:`wabox.engine.run`.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wabox.engine.chart import Chart
from wabox.engine.effect import Effect, OpenHandoff
from wabox.engine.value import look_up


def kept(
    chart: Chart, back: tuple[str, ...], before: Mapping[str, Any], after: Mapping[str, Any], effects: Sequence[Effect]
) -> tuple[str, ...]:
    """What remains of the way back after a step in this chart; ``before`` and ``after``: its context."""
    for effect in effects:  # a plain loop: this is on the way of every step
        if type(effect) is OpenHandoff:
            return ()
    if before is after or not chart.slots:
        return back
    remain = len(back)
    for name in chart.slots:
        keys = tuple(name.split("."))
        if look_up(after, keys) is None and look_up(before, keys) is not None:
            remain = min(remain, _asked(chart, back, name))
    return back[:remain]


def _asked(chart: Chart, back: tuple[str, ...], slot: str) -> int:
    """The place after the question that asked for the slot last; 0: it was asked before all of these."""
    for place in range(len(back), 0, -1):
        state = chart.states.get(back[place - 1])
        if state is not None and state.collect is not None and state.collect.slot.name == slot:
            return place
    return 0
