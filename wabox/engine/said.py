"""Everything that a chart can say, and where it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wabox.engine.problem import Path
from wabox.engine.say import SayTemplate
from wabox.engine.state import BoundAction, State


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a chart, and where it is written."""

    state: State
    path: Path
    template: SayTemplate
    waits: bool
    """It is a question: the chart rests in the state after it."""


def said_in(state: State) -> Iterator[Said]:
    """Every message that a state, its transitions and their actions can send."""
    for key, templates in (("say", state.say), ("ask", state.ask), ("reprompt", state.reprompt)):
        listed = isinstance(state.definition.get(key), list | tuple)
        for place, template in enumerate(templates):
            yield Said(state, (*state.path, key, place) if listed else (*state.path, key), template, key != "say")
    if state.collect is not None:
        inside = state.definition.get("collect")
        listed = isinstance(inside, dict) and isinstance(inside.get("invalid"), list | tuple)
        for place, template in enumerate(state.collect.invalid):
            where: Path = (*state.path, "collect", "invalid")
            yield Said(state, (*where, place) if listed else where, template, waits=True)
    for path, actions in _actions(state):
        for action in actions:
            for template in action.says:
                yield Said(state, path, template, waits=False)


def _actions(state: State) -> Iterator[tuple[Path, tuple[BoundAction, ...]]]:
    yield (*state.path, "entry"), state.entry
    yield (*state.path, "exit"), state.exit
    for transition in (*state.transitions, *state.always):
        yield (*transition.path, "actions"), transition.actions
