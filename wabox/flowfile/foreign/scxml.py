"""SCXML (W3C, 2015) as a definition of ours: states, transitions, history, and what can be said of data without code.

A transition of SCXML leaves its source even when it leads inside; ours does not, so it becomes ``reenter: true`` where that
makes a difference. ``foo`` of SCXML means ``foo.bar`` too; it becomes ``foo.*`` where the file has such events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wabox.flowfile.document import Steps
from wabox.flowfile.foreign.expression import ALWAYS, guard_of
from wabox.flowfile.foreign.note import Brought, Note
from wabox.flowfile.foreign.scxml_actions import Actions
from wabox.flowfile.foreign.xml import Element

STATES = ("state", "parallel", "final", "history")
_FAMILY = ("error", "done")


def is_scxml(path: Path) -> bool:
    """Whether the file's name says so."""
    return path.suffix in (".scxml", ".xml")


@dataclass(slots=True, eq=False)
class Place:
    """A state of the original, and where it will be."""

    element: Element
    key: str
    parent: Place | None
    path: tuple[str, ...]
    children: list[Place] = field(default_factory=list)

    @property
    def steps(self) -> Steps:
        return tuple(step for key in self.path for step in ("states", key))

    @property
    def id(self) -> str:
        return ".".join(self.path)

    def within(self, other: Place) -> bool:
        return len(self.path) > len(other.path) and self.path[: len(other.path)] == other.path


def from_scxml(root: Element, *, exact: bool = False) -> Brought:
    """The definition. ``exact``: every event descriptor is written as a family, as SCXML means it."""
    return _Chart(root, exact).brought


class _Chart:
    def __init__(self, root: Element, exact: bool) -> None:
        self.brought = Brought({})
        self.exact = exact
        self.by_id: dict[str, Place] = {}
        self.root = Place(root, "", None, ())
        self._place(self.root)
        self.events = _event_names(root)
        self.actions = Actions(self.brought, self.guard_place)
        self.brought.definition = self._root()

    def _place(self, place: Place) -> None:
        taken: set[str] = set()
        for element in place.element.inside(*STATES):
            identity = element.get("id")
            key = re.sub(r"[\s.]+", "_", identity or f"{element.name}{len(taken) + 1}").lstrip("#@") or "state"
            while key in taken:
                key += "_"
            taken.add(key)
            child = Place(element, key, place, (*place.path, key))
            place.children.append(child)
            if identity is not None:
                self.by_id.setdefault(identity, child)
            if element.name != "history":
                self._place(child)

    def note(self, place: Place, element: Element, sentence: str) -> None:
        self.brought.notes.append(Note(place.steps, sentence, element.mark))

    def guard_place(self, state: str) -> str | None:
        """How a guard names a state by its id."""
        found = self.by_id.get(state)
        return None if found is None else f"#root.{found.id}"

    def _root(self) -> dict[str, Any]:
        element = self.root.element
        result: dict[str, Any] = {}
        name = element.get("name")
        if name is not None:
            result["id"] = name
        context = self.actions.data(element, ())
        if context:
            result["context"] = context
        result |= self._state(self.root)
        if element.get("binding") == "late":
            self.note(self.root, element, "variables of late binding begin with the chart, not with their state")
        for script in element.inside("script"):
            self.note(self.root, script, "the script at the beginning is code: it is not run")
        return result

    def _state(self, place: Place) -> dict[str, Any]:
        element = place.element
        if element.name == "history":
            return self._history(place)
        result: dict[str, Any] = {}
        if element.name in ("parallel", "final"):
            result["type"] = element.name
        if place.children and element.name != "parallel":
            initial = self._initial(place)
            if initial is not None:
                result["initial"] = initial
        for name, key in (("onentry", "entry"), ("onexit", "exit")):
            actions = [one for block in element.inside(name) for one in self.actions.of(block, place.steps)]
            if actions:
                result[key] = _short(actions)
        for invoked in element.inside("invoke"):
            self.note(place, invoked, "invoke calls another process; write our own invoke: {action: …} or a detour")
        for donedata in element.inside("donedata"):
            found = self.actions.payload(donedata, place.steps)
            if found is not None:
                result["output"] = found
        self._transitions(place, result)
        if place.children:
            result["states"] = {child.key: self._state(child) for child in place.children}
        return result

    def _history(self, place: Place) -> dict[str, Any]:
        deep = place.element.get("type") == "deep"
        result: dict[str, Any] = {"type": "history", **({"history": "deep"} if deep else {})}
        for transition in place.element.inside("transition"):
            targets = self._targets(place, transition)
            if targets:
                result["target"] = _short(targets)
            if self.actions.of(transition, place.steps):
                self.note(place, transition, "actions on the way to a history's default have no counterpart")
        return result

    def _initial(self, place: Place) -> Any:
        named = place.element.get("initial")
        written = next(place.element.inside("initial"), None)
        transition = next(written.inside("transition"), None) if written is not None else None
        if named is not None:
            found = self._inner(place, place.element, named)
            return None if not found else found[0] if len(found) == 1 else {"target": found}
        if transition is None:
            return place.children[0].key if place.children[0].element.name != "history" else None
        inner = self._inner(place, transition, transition.get("target") or "")
        actions = self.actions.of(transition, place.steps)
        if not actions and len(inner) == 1:
            return inner[0]
        return {"target": _short(inner), **({"actions": _short(actions)} if actions else {})} if inner else None

    def _inner(self, place: Place, element: Element, ids: str) -> list[str]:
        """States inside, by their way from here."""
        found = []
        for identity in ids.split():
            target = self.by_id.get(identity)
            if target is None or not target.within(place):
                self.note(place, element, f"initial names {identity!r}, which is no state inside")
            else:
                found.append(".".join(target.path[len(place.path) :]))
        return found

    def _transitions(self, place: Place, result: dict[str, Any]) -> None:
        always: list[Any] = []
        on: dict[str, list[Any]] = {}
        for element in place.element.inside("transition"):
            event = element.get("event")
            transition = self._transition(place, element, event or "")
            if transition is None:
                continue
            if event is None:
                always.append(transition)
                continue
            key = " ".join(self._descriptor(word) for word in event.split())
            if key in on and list(on)[-1] != key and _overlap(on, key):
                # Something in between may take the same event: document order is kept by a key of its own.
                key += " " * sum(other.rstrip() == key for other in on)
            on.setdefault(key, []).append(transition)
        if always:
            result["always"] = _short(always)
        if on:
            result["on"] = {event: _short(several) for event, several in on.items()}

    def _transition(self, place: Place, element: Element, event: str) -> Any | None:
        result: dict[str, Any] = {}
        targets = self._targets(place, element)
        if element.get("target") is not None and not targets:
            return None
        if targets:
            result["target"] = _short(targets)
        data = "event.output" if event.startswith("done.state") else "event.data"
        condition = element.get("cond")
        if condition is not None:
            guard = guard_of(condition, self.guard_place, data)
            if guard is None:
                guard = self.actions.named_guard(condition, place.steps, element)
            if guard != ALWAYS:
                result["guard"] = guard
        actions = self.actions.of(element, place.steps, data)
        if actions:
            result["actions"] = _short(actions)
        if targets and self._leaves_itself(place, element):
            result["reenter"] = True
        return result["target"] if set(result) == {"target"} and isinstance(result["target"], str) else result

    def _leaves_itself(self, place: Place, element: Element) -> bool:
        """Whether SCXML leaves the source and ours would not."""
        found = [self.by_id[word] for word in (element.get("target") or "").split() if word in self.by_id]
        if not found or not all(target is place or target.within(place) for target in found):
            return False
        compound = bool(place.children) and place.element.name != "parallel"
        return not (element.get("type") == "internal" and compound and all(target is not place for target in found))

    def _targets(self, place: Place, element: Element) -> list[str]:
        found = []
        for identity in (element.get("target") or "").split():
            target = self.by_id.get(identity)
            if target is None:
                self.note(place, element, f"there is no state {identity!r}: the transition is left out")
            else:
                found.append(_way(place, target))
        return found

    def _descriptor(self, word: str) -> str:
        if word in ("*", ".*"):
            return "*"
        name = word.removesuffix(".*").removesuffix(".")
        if name.startswith("done.state."):
            state = self.by_id.get(name.removeprefix("done.state."))
            if state is not None:
                return f"done.state.{state.id}"
        family = self.exact or word != name or name.split(".")[0] in _FAMILY
        return f"{name}.*" if family or any(other.startswith(name + ".") for other in self.events) else name


def _way(source: Place, target: Place) -> str:
    """The shortest clear name of a target."""
    if target.within(source):
        return "." + ".".join(target.path[len(source.path) :])
    if source.parent is not None and target.within(source.parent):
        return ".".join(target.path[len(source.parent.path) :])
    return f"#root.{target.id}"


def _event_names(root: Element) -> set[str]:
    """Every event that the file raises or waits for."""
    found: set[str] = set()
    for element in root.walk():
        for word in (element.get("event") or "").split():
            found.add(word.removesuffix(".*").removesuffix("."))
    return found


def _overlap(on: Mapping[str, Any], key: str) -> bool:
    """Whether a descriptor written after this one may take the same events."""
    keys = list(on)
    later = keys[keys.index(key) + 1 :]
    mine = key.split()
    return any(_meets(one, other) for one in mine for word in later for other in word.split())


def _meets(one: str, other: str) -> bool:
    one, other = one.removesuffix("*").removesuffix("."), other.removesuffix("*").removesuffix(".")
    return not one or not other or f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _short(several: list[Any]) -> Any:
    return several[0] if len(several) == 1 else several
