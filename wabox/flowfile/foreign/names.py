"""States whose names cannot stand in a chart (blanks, dots) get others, and what leads to them follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wabox.flowfile.document import Steps
from wabox.flowfile.foreign.note import Note

_LEADS = ("target", "initial", "in")
"""Keys whose text names states."""
_MAPS = ("on", "after")
_DIRECT = ("always", "onDone", "onError")


@dataclass(slots=True)
class Renamed:
    definition: dict[str, Any]
    notes: list[Note] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Old name → new name."""

    def now(self, note: Note) -> Note:
        """The note at its place in the new definition."""
        path = tuple(
            self.names.get(str(step), step) if place and note.path[place - 1] == "states" else step
            for place, step in enumerate(note.path)
        )
        return replace(note, path=path)


def renamed(definition: Mapping[str, Any]) -> Renamed:
    """The definition with names that can stand; the same when all can."""
    result = Renamed(dict(definition))
    names = result.names
    _collect(definition, (), names, result.notes)
    own = definition.get("id")
    if isinstance(own, str) and not re.fullmatch(r"[^\s@#:]+", own):
        names[own] = re.sub(r"[\s@#:]+", "-", own).strip("-") or "chart"
        result.notes.append(Note((), f"the chart {own!r} is called {names[own]!r} here"))
    if names:
        # The longest first: one name may be a part of another.
        ordered = {name: names[name] for name in sorted(names, key=len, reverse=True)}
        result.definition = _state(definition, ordered)
    return result


def _collect(state: object, path: Steps, names: dict[str, str], notes: list[Note]) -> None:
    inner = state.get("states") if isinstance(state, Mapping) else None
    if not isinstance(inner, Mapping):
        return
    for key, child in inner.items():
        here = (*path, "states", key)
        new = re.sub(r"[\s.]+", "_", key).lstrip("#@") or "state"
        if new != key:
            while key not in names and (new in inner or new in names.values()):
                new += "_"
            names.setdefault(key, new)
            notes.append(Note(here, f"the state {key!r} is called {names[key]!r} here"))
        _collect(child, here, names, notes)


def _state(state: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(state, Mapping):
        return state
    result: dict[str, Any] = {}
    for key, value in state.items():
        if key == "states" and isinstance(value, Mapping):
            result[key] = {names.get(name, name): _state(inner, names) for name, inner in value.items()}
        elif key == "id":
            result[key] = names.get(value, value) if isinstance(value, str) else value
        elif key in _MAPS and isinstance(value, Mapping):
            result[key] = {event: _way(item, names) for event, item in value.items()}
        elif key in _DIRECT or key in _LEADS:
            result[key] = _way(value, names)
        elif key == "invoke":
            several = value if isinstance(value, list) else [value]
            found = [_state(item, names) for item in several]
            result[key] = found if isinstance(value, list) else found[0]
        else:
            result[key] = value
    return result


def _way(value: Any, names: Mapping[str, str]) -> Any:
    """A target, a transition, or several."""
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
        return value
    if isinstance(value, list):
        return [_way(item, names) for item in value]
    if isinstance(value, Mapping):
        return {
            key: _way(item, names) if key == "target" else _guard(item, names) if key == "guard" else item
            for key, item in value.items()
        }
    return value


def _guard(value: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        several = [_guard(one, names) for one in item] if isinstance(item, list) else _guard(item, names)
        found[key] = _way(item, names) if key == "in" else several if key in ("and", "or", "not") else item
    return found
