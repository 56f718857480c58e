"""Reading a conversation: where it stands, what it asked, what it would understand now. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from wabox.core.slot import Slot
from wabox.engine.chart import Chart, Charts
from wabox.engine.collect import Collect, is_filled
from wabox.engine.configuration import Configuration, configuration, descriptors
from wabox.engine.event import matches
from wabox.engine.say import SayTemplate
from wabox.engine.snapshot import Snapshot
from wabox.engine.state import State
from wabox.engine.value import look_up


def active_states(chart: Chart, leaves: Iterable[str]) -> tuple[State, ...]:
    """Every active state in document order, the root first. ConversationError when the chart has no such configuration."""
    return configuration(chart, tuple(sorted(leaves))).states


def question(charts: Charts, snapshot: Snapshot) -> tuple[str, tuple[SayTemplate, ...]] | None:
    """The question that stands: state id and ``ask`` of the innermost active state of the active frame that has one."""
    found = _active(charts, snapshot).question if snapshot.status == "active" else None
    return None if found is None else (found[0].id, found[0].ask)


def reprompt(charts: Charts, snapshot: Snapshot) -> tuple[str, tuple[SayTemplate, ...]] | None:
    """What to say when the answer was not understood: that state's ``reprompt``, or its ``ask`` again."""
    found = _active(charts, snapshot).question if snapshot.status == "active" else None
    return None if found is None else (found[0].id, found[0].reprompt or found[0].ask)


def listens(charts: Charts, snapshot: Snapshot, event: str) -> bool:
    """Whether some state of some chart of the conversation, active or not, names the event."""
    return any(_names(charts.find(ref), event) for ref in snapshot.charts)


@lru_cache(maxsize=1024)
def _names(chart: Chart, event: str) -> bool:
    return any(
        word != "*" and matches(word, event)
        for state in chart.states.values()
        for transition in state.transitions
        for word in transition.events
    )


def collecting(charts: Charts, snapshot: Snapshot) -> Collect | None:
    """What the innermost active state of the active frame collects."""
    found = _active(charts, snapshot).collect if snapshot.status == "active" else None
    return None if found is None else found[1]


def own_events(charts: Charts, snapshot: Snapshot) -> frozenset[str]:
    """Events and intents that the collecting state names itself, in ``on``, ``expect`` or ``detours``."""
    found = _active(charts, snapshot).collect if snapshot.status == "active" else None
    if found is None:
        return frozenset()
    return frozenset((*descriptors(found[0]), *found[0].expect, *found[0].detours)) - {"*"}


def takes_voice(charts: Charts, snapshot: Snapshot) -> bool:
    """Whether the conversation waits for a recording itself: to collect it, or by the name of the event."""
    if snapshot.status != "active":
        return False
    collect = collecting(charts, snapshot)
    if collect is not None and collect.slot.type == "media":
        return "voice" in collect.slot.kinds
    states = active_states(charts.find(snapshot.chart), snapshot.leaves)
    return any("message.voice" in descriptors(state) for state in states)


def open_slots(charts: Charts, snapshot: Snapshot) -> tuple[Slot, ...]:
    """Slots without a value that the state around the collecting one wants too: its own first, then in document order."""
    found = _active(charts, snapshot).collect if snapshot.status == "active" else None
    if found is None:
        return ()
    state, own = found
    around = state.parent or state
    slots = {own.slot.name: own.slot}
    for other in _active(charts, snapshot).chart.states.values():
        if other.collect is not None and other.within(around) and not is_filled(other.collect, snapshot.context):
            slots.setdefault(other.collect.slot.name, other.collect.slot)
    return tuple(slots.values())


def filled_slots(charts: Charts, snapshot: Snapshot) -> dict[str, Slot]:
    """Slots of the active chart that have a value, in document order."""
    if snapshot.status != "active":
        return {}
    slots = _active(charts, snapshot).chart.slots
    return {name: slot for name, slot in slots.items() if look_up(snapshot.context, tuple(name.split("."))) is not None}


def expected(charts: Charts, snapshot: Snapshot) -> tuple[str, ...]:
    """The ``expect`` intents of the active states of the active frame, innermost first, each once."""
    if snapshot.status != "active":
        return ()
    return _active(charts, snapshot).expect


def accepts(charts: Charts, snapshot: Snapshot) -> frozenset[str]:
    """Events and descriptors (``message.*``, ``*``) that someone would take now: active states, their detours, and from inside
    a detour the outermost chart's escapes and detours. Guards are not asked. Timers' and done events are not listed."""
    if snapshot.status != "active":
        return frozenset()
    takes = _active(charts, snapshot).takes
    if not snapshot.stack:
        return takes
    root = charts.find(snapshot.stack[0].chart).root
    return takes.union((word for word in descriptors(root) if word != "*"), root.detours)


def held(charts: Charts, snapshot: Snapshot) -> bool:
    """Whether people have the conversation: an active state of the active frame has a ``handoff``."""
    return snapshot.status == "active" and _active(charts, snapshot).held


def followed_up(charts: Charts, snapshot: Snapshot) -> int:
    """ms after a close when the innermost hand-off that is active wants to hear of the customer again; 0: never."""
    specs = [state.handoff for state in _active(charts, snapshot).states if state.handoff is not None]
    return specs[-1].follow_up if specs else 0


def gives_back(charts: Charts, snapshot: Snapshot, event: str) -> bool:
    """Whether a conversation that is held reacts to this event all the same.

    Only to what the hand-off state, or one around it, names itself ("menu" brings the bot back). Words that hold everywhere,
    a bare ``*`` and detours would make the bot talk over a person.
    """
    states = _active(charts, snapshot).states
    return any(
        word != "*" and matches(word, event) for state in states if state.ancestors for word in descriptors(state)
    )


def waits_for_calls(charts: Charts, snapshot: Snapshot) -> bool:
    """Whether the conversation waits for the result of a call, and for no answer of the customer."""
    return snapshot.status == "active" and bool(snapshot.invokes) and _active(charts, snapshot).question is None


def _active(charts: Charts, snapshot: Snapshot) -> Configuration:
    return configuration(charts.find(snapshot.chart), snapshot.leaves)
