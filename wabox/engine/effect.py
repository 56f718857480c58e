"""What a step asks of the world, as data; nothing here is executed.

``msgspec`` structs rather than dataclasses: they behave the same in a ``match``, and a step makes two to five of them a
few times faster, which the engine's figure needs. They are in no reference cycles, so the collector need not know them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from wabox.core.event import Event
from wabox.engine.invoke import InvokeSpec
from wabox.engine.say import SayTemplate


class Say(msgspec.Struct, frozen=True, gc=False):
    """Send this to the customer."""

    template: SayTemplate
    context: Mapping[str, Any]
    """The variables as they were when it was said."""
    state: str
    """The state that says it."""
    question: bool = False
    """It is the state's ``ask``: to be dropped if ``state`` is no longer active when the turn is over."""


class Arm(msgspec.Struct, frozen=True, gc=False):
    """Set or replace the timer of this name."""

    name: str
    due_at: int
    """ms since the epoch."""
    armed: int
    """The sequence number of the snapshot that armed it; it comes back in :func:`wabox.engine.step.fire`."""


class Disarm(msgspec.Struct, frozen=True, gc=False):
    """Remove the timer of this name, if it is there."""

    name: str


class OpenHandoff(msgspec.Struct, frozen=True, gc=False):
    """Give the conversation to people."""

    queue: str
    priority: int
    reason: str
    state: str


class CloseHandoff(msgspec.Struct, frozen=True, gc=False):
    """The conversation left the state that had given it to people."""

    state: str


class Invoke(msgspec.Struct, frozen=True, gc=False):
    """Call this after the commit; the result comes back through :func:`wabox.engine.step.answer`."""

    spec: InvokeSpec
    chart: str
    """The chart's id, without hash."""
    armed: int
    """The sequence number of the snapshot that asked for it."""
    context: Mapping[str, Any]
    """The variables as they were when its state was entered."""
    event: Event
    """The event that led there."""


class Revoke(msgspec.Struct, frozen=True, gc=False):
    """The state that asked for this call was left: what has not begun need not be called."""

    chart: str
    id: str


class Push(msgspec.Struct, frozen=True, gc=False):
    """A detour began: this chart (id) now runs on top of the others."""

    chart: str


class Resumed(msgspec.Struct, frozen=True, gc=False):
    """A detour ended and this chart (id) had no transition for it: offer to go on and repeat its question."""

    chart: str


class Ask(msgspec.Struct, frozen=True, gc=False):
    """Ask the question that stands again, behind these words."""

    text: str = ""
    """The key of a text; empty: the question alone."""
    numbered: bool = False
    """Spell its options out."""
    own_words: bool = False
    """The state's ``reprompt`` goes before both."""


class Restart(msgspec.Struct, frozen=True, gc=False):
    """The conversation is over at the customer's wish, and is to begin again behind these words."""

    chart: str
    text: str


class Nudge(msgspec.Struct, frozen=True, gc=False):
    """The customer has been silent for the soft timeout and the chart has no transition for it."""


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The conversation is over: the outermost chart (id) reached its end, or nobody came back before the hard timeout."""

    chart: str
    expired: bool = False


class Failed(msgspec.Struct, frozen=True, gc=False):
    """A guard or action raised, or the chart would not come to rest; what it would have changed is dropped."""

    where: str
    error: str


class Agree(msgspec.Struct, frozen=True, gc=False):
    """The customer agreed to marketing messages, or took that back."""

    what: Literal["opt_in", "opt_out"]
    words: str
    """What they agreed to, as they read it; perhaps empty."""
    said: str
    """What they answered; perhaps empty."""
    state: str


class Log(msgspec.Struct, frozen=True, gc=False):
    """The built-in action ``log``: a line for the owner, placeholders filled in."""

    message: str
    state: str


Effect: TypeAlias = (
    Say
    | Arm
    | Disarm
    | OpenHandoff
    | CloseHandoff
    | Invoke
    | Revoke
    | Push
    | Resumed
    | Ask
    | Restart
    | Nudge
    | Ended
    | Failed
    | Agree
    | Log
)
