"""Variables that are read before any path has written them: ``never-written`` (warning).

A variable is written by ``context:``, by the built-in actions, and by the bot's own functions, of which the caller tells what
they may set. Something may go round a path that reads and never writes; only what *no* path writes is named, so a finding
is a word mistyped or a value forgotten. Per leaf, a bit per variable; unions along transitions until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from wabox.core.kind import texts
from wabox.engine.built_in import BUILT_IN
from wabox.engine.fault import Fault
from wabox.engine.problem import Path
from wabox.engine.reach import Reach, inside, leaves_of
from wabox.engine.say import SayTemplate
from wabox.engine.state import BoundAction, State, Transition
from wabox.engine.text import placeholders

Writes: TypeAlias = Callable[[str], frozenset[str] | None]
"""Which variables a function of the bot may set, by its name; None: any."""


def anything(name: str) -> None:
    """Nothing is known of the bot's functions."""


Words: TypeAlias = Callable[[str], Iterable[str]]
"""Every text that a reference may stand for, in any language."""


def itself(reference: str) -> Iterable[str]:
    """A reference that is the text."""
    return (reference,)


def check_variables(reach: Reach, writes: Writes, words: Words) -> Iterator[Fault]:
    """One finding for each variable, where it is read first."""
    yield from _Variables(reach, writes, words).faults()


class _Variables:
    def __init__(self, reach: Reach, writes: Writes, words: Words) -> None:
        self.reach = reach
        self.words = words
        self.chart = reach.chart
        self.writes = writes
        self.bits: dict[str, int] = {}
        self.all = False
        self.given = self._mask(self.chart.context)
        self.in_entry: dict[State, int] = {}
        self.before: dict[State, int] = {}

    def faults(self) -> Iterator[Fault]:
        chart = self.chart
        for state in self.reach.active:
            self.in_entry[state] = self._written(state.entry)
            if state.collect is not None:
                # A slot that the chart declares may be filled by any message.
                self.given |= self._mask((state.collect.slot.name.split(".")[0],))
        self._spread()
        told: set[str] = set()
        for state in chart.states.values():
            if state not in self.reach.active:
                continue
            known = self._known(state)
            for path, name in _reads(state, self.words):
                if name not in told and not known & self._bit(name) and not known & 1:
                    told.add(name)
                    sentence = f"nothing has written {name!r} when this is read"
                    fix = f"give it a first value, context: {{{name}: …}}, or assign it before; or correct the name"
                    yield Fault(chart.id, path, "never-written", sentence, fix, "warning")

    def _bit(self, name: str) -> int:
        # Bit 0 stands for all of them.
        return self.bits.setdefault(name, 2 << len(self.bits))

    def _mask(self, names: Iterable[str]) -> int:
        mask = 0
        for name in names:
            mask |= self._bit(name)
        return mask

    def _written(self, actions: Iterable[BoundAction]) -> int:
        mask = 0
        for action in actions:
            if action.label not in BUILT_IN:
                names = self.writes(action.label)
                mask |= 1 if names is None else self._mask(names)
            elif action.label == "assign":
                mask |= self._mask(key.removeprefix("context.").split(".")[0] for key in action.params)
            elif isinstance(where := action.params.get("path"), str) and action.label != "remove":
                mask |= self._mask((where.removeprefix("context.").split(".")[0],))
        return mask

    def _spread(self) -> None:
        """Fill :attr:`before`: what may be written when a leaf is entered."""
        root = (self.chart.root,)
        todo: list[tuple[State, int]] = [(leaf, self.given) for leaf in leaves_of(root)]
        if self.chart.root.initial is not None:
            self.given |= self._written(self.chart.root.initial.actions)
        for state in self.reach.active:
            if state.initial is not None:
                self.in_entry[state] |= self._written(state.initial.actions)
        changes = {
            transition: self._written(transition.actions)
            for state in self.chart.states.values()
            for transition in (*state.transitions, *state.always)
        }
        others = self._others()
        leads = {state: self._leads(state, changes) for state in self.reach.active}
        while todo:
            leaf, mask = todo.pop()
            old = self.before.get(leaf)
            if old is not None and old | mask == old:
                continue
            self.before[leaf] = mask = mask | (old or 0)
            mask |= self._after(leaf, changes)
            for state in (leaf, *leaf.ancestors, *others.get(leaf, ())):
                for other, change in leads.get(state, ()):
                    following, known = mask | change, self.before.get(other)
                    if known is None or following | known != known:
                        todo.append((other, following))

    @staticmethod
    def _leads(state: State, changes: Mapping[Transition, int]) -> tuple[tuple[State, int], ...]:
        """Each leaf that the state's transitions lead to, and what they may write on the way there."""
        found: dict[State, int] = {}
        for transition in (*state.transitions, *state.always):
            for leaf in leaves_of(transition.targets):
                found[leaf] = found.get(leaf, 0) | changes[transition]
        return tuple(found.items())

    def _others(self) -> Mapping[State, tuple[State, ...]]:
        """For a leaf in a region of a parallel state: what is active beside it."""
        found: dict[State, tuple[State, ...]] = {}
        for leaf in self.reach.leaves:
            whole = next((state for state in leaf.ancestors if state.type == "parallel"), None)
            if whole is not None:
                found[leaf] = tuple(state for state in self.reach.active if state.within(whole))
        return found

    def _after(self, leaf: State, changes: Mapping[Transition, int]) -> int:
        """What may be written while the leaf is active, and on leaving it."""
        mask = 0
        for state in (leaf, *leaf.ancestors):
            mask |= self.in_entry.get(state, 0) | self._written(state.exit)
            for transition in (*state.transitions, *state.always):
                if not transition.targets:
                    mask |= changes[transition]
        return mask

    def _known(self, state: State) -> int:
        """What may be written when the state reads something."""
        within = [leaf for leaf in (state, *inside(state)) if leaf in self.before]
        mask = self.given
        for leaf in within:
            mask |= self.before[leaf]
            for around in (leaf, *leaf.ancestors):
                mask |= self.in_entry.get(around, 0)
                for transition in (*around.transitions, *around.always):
                    mask |= 0 if transition.targets else self._written(transition.actions)
        return mask


def _reads(state: State, words: Words) -> Iterator[tuple[Path, str]]:
    """Every variable that the state reads, with its place."""
    for key, templates in (("say", state.say), ("ask", state.ask), ("reprompt", state.reprompt)):
        listed = isinstance(state.definition.get(key), list | tuple)
        for place, template in enumerate(templates):
            path: Path = (*state.path, key, place) if listed else (*state.path, key)
            for name in _placeholders(template, words):
                yield path, name
    for spec in state.invokes:
        parts = [spec.input] if spec.http is None else [spec.http.url, dict(spec.http.headers), spec.http.json]
        for part in parts:
            for name in _inside(part, filled=True):
                yield spec.path, name
    for path, actions in ((((*state.path, "entry")), state.entry), ((*state.path, "exit"), state.exit)):
        for action in actions:
            for name in _inside(action.params, filled=False):
                yield path, name
    for transition in (*state.transitions, *state.always):
        for action in transition.actions:
            for name in _inside(action.params, filled=False):
                yield (*transition.path, "actions"), name
        written: Any = state.definition
        for step in transition.path[len(state.path) :]:
            written = written[step]
        if isinstance(written, Mapping) and written.get("guard") is not None:
            for name in _paths(written["guard"]):
                yield (*transition.path, "guard"), name


def _inside(value: Any, *, filled: bool) -> Iterator[str]:
    """The variables that a value refers to by ``{from: path}``, and by placeholders where its texts are ``filled``."""
    if isinstance(value, str):
        names = (path.split(".")[0] for path in placeholders(value)) if filled and "{" in value else ()
        yield from (name for name in names if name != "secret")
    elif isinstance(value, Mapping):
        where = value.get("from")
        if isinstance(where, str) and len(value) == 1:
            keys = where.removeprefix("context.").split(".")
            if not where.startswith("event."):
                yield keys[0]
            return
        for item in value.values():
            yield from _inside(item, filled=filled)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _inside(item, filled=filled)


def _placeholders(template: SayTemplate, words: Words) -> Iterator[str]:
    references = [template.text, template.header, template.footer]
    references += [title for _, title in template.buttons]
    if template.list is not None:
        references.append(template.list.button)
        references += [section.title for section in template.list.sections]
        references += [part for row in template.options for part in (row.title, row.description)]
    for part in (template.media, template.kind, template.outside):
        references += [text for _, text, _ in texts(part)] if part is not None else []
    for reference in references:
        for text in words(reference) if reference else ():
            for path in placeholders(text) if "{" in text else ():
                yield path.split(".")[0]


def _paths(guard: Any) -> Iterator[str]:
    """The variables that a guard's comparisons name."""
    if isinstance(guard, list | tuple):
        for item in guard:
            yield from _paths(item)
    elif isinstance(guard, Mapping):
        where = guard.get("path")
        # `exists` asks whether it was written.
        if isinstance(where, str) and guard.get("op") != "exists":
            keys = where.removeprefix("context.").split(".")
            if keys[0] != "event":
                yield keys[0]
        for key in ("and", "or", "not", "guards"):
            if key in guard:
                yield from _paths(guard[key])
