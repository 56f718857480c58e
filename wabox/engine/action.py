"""Actions: how they are written, and functions of the bot's ``actions.py`` by name.

An action is written as ``name``, ``{type: name, params: {...}}`` (XState) or ``{name: params}``; several in a list run in
its order. Names are the built-in ones (:mod:`wabox.engine.built_in`) and those of the bot, which cannot take a built-in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.core.action import Action, ActionInput
from wabox.engine.built_in import BUILT_IN
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.state import BoundAction, Running
from wabox.engine.value import plain


class ActionReader:
    """Reads the actions of one chart."""

    def __init__(self, reader: Reader, actions: Mapping[str, Action]) -> None:
        self._reader = reader
        self._actions = actions

    def read(self, written: object, path: Path, state: str) -> tuple[BoundAction, ...]:
        """The actions of a list (or of one); wrong ones are left out and reported."""
        if not isinstance(written, list | tuple):
            found = [] if written is None else [self._one(written, path, state)]
        else:
            found = [self._one(item, (*path, place), state) for place, item in enumerate(written)]
        return tuple(action for action in found if action is not None)

    def _one(self, written: object, path: Path, state: str) -> BoundAction | None:
        name: object = None
        params: object = None
        if isinstance(written, str):
            name = written
        elif isinstance(written, Mapping) and "type" in written:
            self._reader.only(written, path, ("type", "params"), "an action")
            name, params = written["type"], written.get("params")
            path = (*path, "params") if params is not None else path
        elif isinstance(written, Mapping) and len(written) == 1:
            ((name, params),) = written.items()
            path = (*path, str(name))
        if not isinstance(name, str):
            shown = self._reader.show(written)
            self._reader.wrong(
                path, "bad-action", f"an action cannot be {shown}", "write a name, or {type: name, params: {...}}"
            )
            return None
        if name in BUILT_IN:
            return BUILT_IN[name](self._reader, params, path, state)
        if name not in self._actions:
            fix = self._reader.instead(
                name, [*BUILT_IN, *self._actions], "write a function of that name with @action in actions.py"
            )
            self._reader.wrong(path, "unknown-action", f"there is no action {name!r}", fix)
            return None
        return _named(name, self._actions[name], self._reader.mapping(params, path, "params"))


def _named(name: str, function: Action, params: Mapping[str, Any]) -> BoundAction:
    def run(running: Running) -> None:
        changes = function(ActionInput(running.context, running.event, params))
        if changes is None:
            return
        if not isinstance(changes, Mapping):
            raise TypeError(
                f"it returned a {type(changes).__name__}; an action returns a mapping of context keys, or nothing"
            )
        if changes:
            running.context = {**running.context, **plain(changes)}

    return BoundAction(run, name, params=params)
