"""What a guard, an action or a task of a flow is: a named function of plain data.

A guard answers yes or no. An action returns the context keys that it changes, or nothing; it changes nothing in place
(what it is given is its own copy) and does no I/O: messages, timers and hand-offs are the chart's to ask for. Both are
synchronous. A task is called after the commit, and may take its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from wabox.core.event import Event


def copied(value: Any) -> Any:
    """A deep copy of JSON-like data; anything else is shared."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {key: item if type(item) in _SCALARS else copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in _SCALARS else copied(item) for item in value]
    return value


_SCALARS = frozenset({str, int, float, bool, type(None)})


class GuardInput:
    """What a guard is given.

    ``context`` and ``params`` are copied when they are first read, so a function that keeps or changes them cannot reach
    into the conversation, and one that does not read them costs nothing.
    """

    __slots__ = ("_context", "_own", "_params", "event")

    def __init__(self, context: Mapping[str, Any], event: Event, params: Mapping[str, Any]) -> None:
        self.event = event
        """The event being handled; its ``data`` is to be read only."""
        self._context = context
        self._params = params
        self._own: dict[str, dict[str, Any]] = {}

    @property
    def context(self) -> dict[str, Any]:
        """The conversation's variables."""
        return self._copy("context", self._context)

    @property
    def params(self) -> dict[str, Any]:
        """The literal parameters written in the flow."""
        return self._copy("params", self._params)

    def _copy(self, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
        if name not in self._own:
            self._own[name] = copied(value)
        return self._own[name]


class ActionInput(GuardInput):
    """What an action is given: the same as a guard."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInput:
    """What a task is given."""

    input: Any
    """What the flow wrote as ``input``, filled in; its own copy."""
    key: str
    """The same when the call is repeated: give it to whoever can recognise a repeat."""
    conversation_id: str
    media: str = ""
    """The folder below which files of customers lie, each where its ``file`` says."""


Guard: TypeAlias = Callable[[GuardInput], bool]
Action: TypeAlias = Callable[[ActionInput], Mapping[str, Any] | None]
"""The returned mapping is merged into the context: top-level keys, JSON-like values."""
Task: TypeAlias = Callable[[TaskInput], Any]
"""Sync or async; what it returns (JSON-like) is the result, what it raises the error."""
