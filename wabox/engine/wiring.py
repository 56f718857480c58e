"""Reads everything in a definition that names states, guards and actions: the second pass, when the tree is there.

Targets, as in XState v5: ``sibling``, ``sibling.child``, ``.child`` of the state itself, ``#id`` (a state's own ``id:``,
or ``#<chart id>.path`` and ``#root.path`` from the chart's root). The root has no siblings, so there a bare name is a child.

A compound state without ``initial`` begins in its first child (SCXML 3.3), a history state without ``target`` leads where
its parent begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from wabox.core.action import Action, Guard
from wabox.engine.action import ActionReader
from wabox.engine.event import AFTER, DONE
from wabox.engine.guard import read_guard
from wabox.engine.invoke import DONE_INVOKE, ERROR_INVOKE, id_of, items
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.reference import literal
from wabox.engine.state import Initial, State, Taken, Transition

Kind = Literal["on", "always", "after", "done", "invoke"]

_TRANSITION = ("target", "guard", "actions", "reenter", "description", "meta")


class Wiring:
    """Completes the states of one chart in place."""

    def __init__(
        self,
        reader: Reader,
        chart_id: str,
        states: Mapping[str, State],
        guards: Mapping[str, Guard],
        actions: Mapping[str, Action],
    ) -> None:
        self._reader = reader
        self._chart_id = chart_id
        self._states = states
        self._root = states[""]
        self._guards = guards
        self._actions = ActionReader(reader, actions)
        self._aliases = {"root": self._root, chart_id: self._root}
        written = self._root.definition.get("id")
        if isinstance(written, str):
            # An editor's export calls itself by its own id, whatever its file is called.
            self._aliases[written] = self._root

    def run(self) -> None:
        own: dict[str, State] = {}
        for state in self._states.values():
            if state.alias is None:
                continue
            if state.alias in own:
                sentence = f"two states have the id {state.alias!r}"
                self._reader.wrong((*state.path, "id"), "duplicate-id", sentence, "give each its own")
            own[state.alias] = state
        self._aliases |= own
        for state in self._states.values():
            if state.type == "compound":
                state.initial = self._initial(state)
        for state in self._states.values():
            if state.type == "history":
                state.default = self._default(state)
            else:
                self._wire(state)

    def _wire(self, state: State) -> None:
        definition, path = state.definition, state.path
        if state.type == "final" and definition.get("output") is not None:
            state.output = literal(self._reader, definition["output"], (*path, "output"))
        state.entry = self._actions.read(definition.get("entry"), (*path, "entry"), state.id)
        state.exit = self._actions.read(definition.get("exit"), (*path, "exit"), state.id)
        transitions: list[Transition] = []
        # In the order in which the author wrote the keys: that is document order.
        for key, written in definition.items():
            if key == "on":
                for event, item in self._reader.mapping(written, (*path, "on"), "on").items():
                    descriptors = tuple(self._descriptor(word) for word in event.split())
                    transitions += self._transitions(state, "on", descriptors, item, (*path, "on", event))
            elif key == "onDone" and state.parent is not None:
                transitions += self._transitions(state, "done", (DONE + state.id,), written, (*path, "onDone"))
            elif key == "invoke":
                transitions += self._results(state)
            elif key == "after":
                transitions += self._after(state, written, (*path, "after"))
        state.transitions = tuple(transitions)
        if definition.get("always") is not None:
            state.always = tuple(self._transitions(state, "always", (), definition["always"], (*path, "always")))

    def _descriptor(self, word: str) -> str:
        """The descriptor with the id of a finished state spelled as the engine does."""
        name = word.removeprefix("xstate.")
        for theirs, ours in (("done.actor.", DONE_INVOKE), ("error.actor.", ERROR_INVOKE)):
            if name.startswith(theirs):
                return ours + name.removeprefix(theirs)
        if not name.startswith(DONE):
            return word
        whose = name.removeprefix(DONE)
        state = self._states.get(whose) or self._by_id(whose)
        return word if state is None else DONE + state.id

    def _results(self, state: State) -> Iterator[Transition]:
        """The transitions for what the state's calls bring."""
        for item, path in items(state.definition, state.path):
            if isinstance(item, Mapping):
                id_ = id_of(item, state.id, path)
                for key, prefix in (("onDone", DONE_INVOKE), ("onError", ERROR_INVOKE)):
                    if item.get(key) is not None:
                        yield from self._transitions(state, "invoke", (prefix + id_,), item[key], (*path, key))

    def _after(self, state: State, written: object, path: Path) -> Iterator[Transition]:
        delays: list[int] = []
        for key, item in self._reader.mapping(written, path, "after").items():
            delay = self._reader.duration(key, (*path, key))
            if delay is None:
                continue
            if delay not in delays:
                delays.append(delay)
            yield from self._transitions(state, "after", (f"{AFTER}{delay}:{state.id}",), item, (*path, key))
        state.after = tuple(delays)

    def _transitions(
        self, state: State, kind: Kind, events: tuple[str, ...], written: object, path: Path
    ) -> Iterator[Transition]:
        if kind == "on" and not events:
            self._reader.wrong(
                path, "bad-event", "the transition has no event", "write the event's name, or use always:"
            )
            return
        if not isinstance(written, list | tuple):
            yield from self._transition(state, kind, events, written, path)
            return
        for place, item in enumerate(written):
            yield from self._transition(state, kind, events, item, (*path, place))

    def _transition(
        self, state: State, kind: Kind, events: tuple[str, ...], written: object, path: Path
    ) -> Iterator[Transition]:
        """One transition; nothing for one that cannot be read. ``EVENT:`` with nothing (XState's *forbidden*) takes the
        event and does nothing, so that no outer state sees it."""
        reader = self._reader
        if isinstance(written, str):
            definition: Mapping[str, Any] = {"target": written}
            where = path
        elif written is None or isinstance(written, Mapping):
            definition = reader.mapping(written, path, "a transition")
            where = (*path, "target")
            reader.only(definition, path, _TRANSITION, "a transition")
        else:
            shown = reader.show(written)
            reader.wrong(
                path, "bad-transition", f"a transition cannot be {shown}", "write a target, or {target, guard, actions}"
            )
            return
        guard = None
        if definition.get("guard") is not None:
            guard = read_guard(
                reader,
                definition["guard"],
                (*path, "guard"),
                self._guards,
                lambda ref, at: self._target(state, ref, at),
            )
        targets = self._targets(state, definition.get("target"), where)
        actions = self._actions.read(definition.get("actions"), (*path, "actions"), state.id)
        if kind == "always" and not targets and guard is None and not actions:
            sentence = "always without target, guard or actions never comes to rest"
            reader.wrong(path, "always-cycle", sentence, "add a target or a guard")
        yield Transition(
            source=state,
            kind=kind,
            events=events,
            targets=targets,
            guard=guard,
            actions=actions,
            reenter=definition.get("reenter") is True,
            description=str(definition.get("description") or ""),
            meta=reader.mapping(definition.get("meta"), (*path, "meta"), "meta"),
            path=path,
            taken=Taken(self._chart_id, state.id, " ".join(events), tuple(target.id for target in targets)),
        )

    def _targets(self, state: State, written: object, path: Path) -> tuple[State, ...]:
        """The states of a ``target``: one, or one in each of several parallel regions."""
        several = isinstance(written, list | tuple)
        found = []
        for place, item in enumerate(self._reader.list(written)):
            here = (*path, place) if several else path
            if not isinstance(item, str):
                self._reader.wrong(
                    here, "unknown-target", f"a target cannot be {self._reader.show(item)}", "write a state"
                )
                continue
            target = self._target(state, item, here)
            if target is not None:
                found.append(target)
        for place, one in enumerate(found):
            for other in found[:place]:
                if not _together(one, other):
                    self._reader.wrong(
                        path,
                        "bad-target",
                        f"{one.id!r} and {other.id!r} cannot both be entered",
                        "several targets must lie in different regions of one parallel state",
                    )
        return tuple(found)

    def _target(self, state: State, written: str, path: Path) -> State | None:
        if written.startswith("#"):
            found = self._by_id(written[1:])
        elif written.startswith("."):
            found = self._down(state, written[1:].split("."))
        else:
            found = self._down(state.parent or state, written.split("."))
        if found is None:
            fix = self._nearest(state, written)
            self._reader.wrong(path, "unknown-target", f"there is no state {written!r} here", fix)
        return found

    def _by_id(self, written: str) -> State | None:
        """``id``, or ``id.path``: an id may itself have dots, so the longest that exists is meant."""
        parts = written.split(".")
        for length in range(len(parts), 0, -1):
            start = self._aliases.get(".".join(parts[:length]))
            if start is not None:
                return self._down(start, parts[length:])
        return None

    def _down(self, state: State, keys: Sequence[str]) -> State | None:
        """The state at the end of the way; by its id, so that a chart of thousands is read in no time."""
        return self._states.get(".".join((state.id, *keys) if state.id else keys))

    def _nearest(self, state: State, written: str) -> str:
        wanted = written.lstrip("#.").removeprefix("root.").removeprefix(f"{self._chart_id}.")
        child = next((child for child in state.children if child.key == wanted), None)
        if child is not None:
            return f"did you mean '.{wanted}', the state inside?"
        same = next((other for other in self._states.values() if wanted in (other.id, other.key, other.alias)), None)
        if same is not None:
            return f"did you mean '#root.{same.id}'?"
        siblings = [other.key for other in (state.parent or state).children]
        return self._reader.instead(wanted, siblings, "write a sibling, .child, #id or #root.path")

    def _initial(self, state: State) -> Initial:
        written = state.definition.get("initial")
        path: Path = (*state.path, "initial")
        first = state.regions[:1]
        if written is None:
            return Initial(first)
        definition: Mapping[str, Any] = written if isinstance(written, Mapping) else {"target": written}
        self._reader.only(definition, path, ("target", "actions", "description", "meta"), "initial")
        where = (*path, "target") if isinstance(written, Mapping) else path
        found = []
        for item in self._reader.list(definition.get("target")):
            target = None
            if isinstance(item, str):
                target = (
                    self._by_id(item[1:])
                    if item.startswith("#")
                    else self._down(state, item.removeprefix(".").split("."))
                )
            if target is None or not target.within(state):
                fix = self._reader.instead(
                    str(item), [child.key for child in state.children], "write the name of a state inside"
                )
                self._reader.wrong(where, "unknown-target", f"there is no state {self._reader.show(item)} inside", fix)
            else:
                found.append(target)
        return Initial(
            tuple(found) or first, self._actions.read(definition.get("actions"), (*path, "actions"), state.id)
        )

    def _default(self, state: State) -> tuple[State, ...]:
        """Where a history state leads as long as there is no history."""
        parent = state.parent
        if parent is None:
            return ()
        if state.definition.get("target") is None:
            found: Sequence[State] = parent.initial.targets if parent.initial is not None else parent.regions
        else:
            found = self._targets(state, state.definition["target"], (*state.path, "target"))
        for target in found:
            if target.type == "history":
                sentence = "a history state cannot lead to history when there is none yet"
                self._reader.wrong((*state.path, "target"), "bad-target", sentence, "add a target that is a state")
            elif not target.within(parent):
                sentence = f"{target.id!r} is not inside {parent.id or 'the root'!r}, whose history this is"
                self._reader.wrong((*state.path, "target"), "bad-target", sentence, "choose a state inside")
        return tuple(found)


def _together(one: State, other: State) -> bool:
    """Whether both can be active at once without one being inside the other."""
    if one is other or one.within(other) or other.within(one):
        return False
    return next(state for state in one.ancestors if other.within(state)).type == "parallel"
