"""Events, and which of them a transition's descriptor means.

A descriptor is an event's name, ``family.*`` (``message.*`` is ``message``, ``message.image`` …; one or more whole
dot-separated tokens in front) or ``*``. As in XState v5 and unlike SCXML, a bare ``message`` means only itself.

``*`` means every event of the *flow*. It does not mean the engine's own clock and stack (``timeout.soft``,
``timeout.hard``, ``resumed``, due ``after`` timers): a state that answers "anything else" would otherwise swallow
the end of its own conversation. Written out, they are matched like any other.
"""

from __future__ import annotations

from wabox.core.event import Event

__all__ = ["ERROR", "HARD", "RESUMED", "SOFT", "Event", "matches", "timer_event"]

SOFT = "timeout.soft"
HARD = "timeout.hard"
RESUMED = "resumed"
ERROR = "error.execution"
DONE = "done.state."
AFTER = "after:"
RAISE = "raise:"
"""Prefixes: ``done.state.<id>`` is an event; ``after:<ms>:<state id>`` a timer and its event; ``raise:<id>:<event>`` a timer
that raises the event (``{raise: {event, delay, id}}``)."""


def matches(descriptor: str, name: str) -> bool:
    """Whether a transition so described is meant by the event."""
    if descriptor == name:
        return True
    if descriptor == "*":
        return name not in (SOFT, HARD, RESUMED) and not name.startswith(AFTER)
    if not descriptor.endswith(".*"):
        return False
    family = descriptor[:-2]
    return name == family or name.startswith(family + ".")


def timer_event(name: str) -> str:
    """The event that a due timer of this name is."""
    if name == "soft":
        return SOFT
    if name == "hard":
        return HARD
    if name.startswith(RAISE):
        return name.split(":", 2)[2]
    return name
