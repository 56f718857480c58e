"""Events, and which of them a transition's descriptor means.

A descriptor is an event's name, ``family.*`` (``message.*`` is ``message``, ``message.image`` …; one or more whole
dot-separated tokens in front) or ``*``. As in XState v5 and unlike SCXML, a bare ``message`` means only itself.

``*`` means every event of the *flow*. It does not mean the engine's own clock and stack (``timeout.soft``,
``timeout.hard``, ``resumed``, ``reentered``, due ``after`` timers): a state that answers "anything else" would otherwise
swallow the end of its own conversation. Written out, they are matched like any other.
"""

from __future__ import annotations

import json

from wabox.core.event import Event

__all__ = ["ERROR", "HARD", "REENTERED", "RESUMED", "SOFT", "Event", "due_event", "matches", "raise_timer"]

SOFT = "timeout.soft"
HARD = "timeout.hard"
RESUMED = "resumed"
REENTERED = "reentered"
ERROR = "error.execution"
DONE = "done.state."
AFTER = "after:"
RAISE = "raise:"
"""Prefixes: ``done.state.<id>`` is an event; ``after:<ms>:<state id>`` a timer and its event; ``raise:<id>:<event>`` a timer
that raises the event (``{raise: {event, delay, id}}``), with a number and the event's data as JSON behind it where
there are any: ``raise:<id>:<event> 2 {"sku":"mug"}``. An event's name has no blanks."""


def matches(descriptor: str, name: str) -> bool:
    """Whether a transition so described is meant by the event."""
    if descriptor == name:
        return True
    if descriptor == "*":
        return name not in (SOFT, HARD, RESUMED, REENTERED) and not name.startswith(AFTER)
    if not descriptor.endswith(".*"):
        return False
    family = descriptor[:-2]
    return name == family or name.startswith(family + ".")


def raise_timer(identity: str, event: str, number: int = 1, data: object = None) -> str:
    """The name of the timer that raises the event; ``number`` tells apart several that have no id."""
    name = f"{RAISE}{identity}:{event}"
    if data:
        return f"{name} {number} {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"
    return name if number == 1 else f"{name} {number}"


def due_event(timer: str) -> Event:
    """The event that a due timer of this name is."""
    if timer == "soft":
        return Event(SOFT)
    if timer == "hard":
        return Event(HARD)
    if timer.startswith(RAISE):
        name, _, rest = timer.split(":", 2)[2].partition(" ")
        data = rest.partition(" ")[2]
        return Event(name, json.loads(data)) if data else Event(name)
    return Event(timer)
