"""A chart: one definition, compiled once and shared by every conversation in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wabox.core.action import Action, Guard
from wabox.core.kind import QuickReply
from wabox.core.slot import Slot
from wabox.engine.event import AFTER
from wabox.engine.migration import Versioning, read_versioning
from wabox.engine.problem import ChartError, Path, Problem
from wabox.engine.reader import Reader
from wabox.engine.say import ButtonTemplate, ListTemplate, RowTemplate, SayTemplate, SectionTemplate
from wabox.engine.state import HandoffSpec, State, Timeouts, Transition
from wabox.engine.tree import read_tree
from wabox.engine.value import copied_plain
from wabox.engine.wiring import Wiring
from wabox.errors import ConversationError

if TYPE_CHECKING:
    from wabox.engine.configuration import Configuration
    from wabox.engine.plan import Plan

__all__ = [
    "ButtonTemplate",
    "Chart",
    "ChartError",
    "Charts",
    "HandoffSpec",
    "ListTemplate",
    "Memory",
    "Path",
    "Problem",
    "RowTemplate",
    "SayTemplate",
    "SectionTemplate",
    "State",
    "Timeouts",
    "Transition",
    "compile_chart",
    "hash_of",
]

MEMORY = 20_000
"""Configurations, event rows and plans remembered per chart, at roughly 1 KB each. Parallel regions multiply; beyond this a
chart forgets and begins again."""


class Memory:
    """What a chart worked out before. Without it (``bound`` 0) every step is worked out anew, with the same result."""

    __slots__ = ("begin", "bound", "configurations", "histories", "size")

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.size = 0
        self.begin: Plan | None = None
        self.configurations: dict[tuple[str, ...], Configuration] = {}
        self.histories: set[tuple[str, tuple[str, ...]]] = set()
        """Recorded history that was found to fit the chart."""

    def admits(self) -> bool:
        """Whether one more thing may be remembered; makes room by forgetting everything."""
        if self.size >= self.bound:
            self.configurations.clear()
            self.histories.clear()
            self.begin = None
            self.size = 0
        self.size += 1
        return self.bound > 0


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Chart:
    """Never changed after compilation, except for what it remembers."""

    id: str
    hash: str
    """12 hex digits of the definition: two charts of one id and hash behave alike."""
    ref: str
    """``id@hash``: what snapshots name."""
    root: State
    states: Mapping[str, State]
    """Every state by dotted id, in document order; the root's id is empty."""
    context: Mapping[str, Any]
    """The variables a conversation begins with."""
    definition: Mapping[str, Any]
    """As it was given."""
    timers: frozenset[str]
    """Names of the timers that it can arm, those of delayed events excepted."""
    histories: tuple[str, ...]
    """Ids of the history states, in document order."""
    versioning: Versioning
    """What it says about conversations of its earlier versions."""
    slots: Mapping[str, Slot]
    """What its states collect, by context path, in document order."""
    memory: Memory = field(default_factory=lambda: Memory(MEMORY))

    def __repr__(self) -> str:
        return f"<Chart {self.ref}, {len(self.states)} states>"


class Charts(Mapping[str, Chart]):
    """Charts by reference (``shop@ab12…``, what snapshots name) and by id (``shop``: the live one).

    Iterating yields the references. ``older`` are versions that conversations still run on; they are found by reference
    only.
    """

    def __init__(self, live: Iterable[Chart] = (), older: Iterable[Chart] = ()) -> None:
        self.live: Mapping[str, Chart] = {chart.id: chart for chart in live}
        """The live charts by id."""
        self._by_ref = {chart.ref: chart for chart in (*older, *self.live.values())}

    def __getitem__(self, key: str) -> Chart:
        return self._by_ref[key] if "@" in key else self.live[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_ref)

    def __len__(self) -> int:
        return len(self._by_ref)

    def find(self, ref: str) -> Chart:
        """The chart of a snapshot; ConversationError when it is not here."""
        chart = self._by_ref.get(ref)
        if chart is None:
            known = ", ".join(other for other in self._by_ref if other.startswith(ref.partition("@")[0] + "@"))
            raise ConversationError(
                f"the conversation is in chart {ref}, which is not loaded" + (f" (only {known})" if known else "")
            )
        return chart


def compile_chart(
    chart_id: str,
    definition: Mapping[str, Any],
    *,
    guards: Mapping[str, Guard],
    actions: Mapping[str, Action],
    templates: Mapping[str, Sequence[QuickReply]] | None = None,
    memory: int = MEMORY,
) -> Chart:
    """The chart of a definition (YAML or JSON, already parsed); every name in it is resolved here, once.

    ``templates`` are those that exist, with their quick replies; without it, any name is taken for one.

    Raises ChartError with everything that is wrong. Checks that go beyond one chart's own form (can it be finished, is every
    text there) are :mod:`wabox.engine.check`'s.
    """
    reader = Reader(templates)
    if not re.fullmatch(r"[^\s@#:]+", chart_id):
        reader.wrong((), "bad-id", f"{chart_id!r} cannot name a chart", "use letters, digits, dots, - and _")
    root = read_tree(reader, definition)
    states = {state.id: state for state in _walk(root)}
    Wiring(reader, chart_id, states, guards, actions).run()
    context = _context(reader, root.definition)
    timers = frozenset({"soft", "hard", "quiet"}).union(
        f"{AFTER}{delay}:{state.id}" for state in states.values() for delay in state.after
    )
    versioning = read_versioning(reader, root.definition, states, timers)
    if reader.problems:
        raise ChartError(reader.problems)
    digest = hash_of(definition)
    return Chart(
        id=chart_id,
        hash=digest,
        ref=f"{chart_id}@{digest}",
        root=root,
        states=states,
        context=context,
        definition=definition,
        timers=timers,
        histories=tuple(state.id for state in states.values() if state.type == "history"),
        versioning=versioning,
        slots=_slots(states.values()),
        memory=Memory(memory),
    )


def hash_of(definition: Mapping[str, Any]) -> str:
    """12 hex digits over the definition as compact JSON. The order of keys counts: it is document order."""
    written = json.dumps(definition, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(written.encode(), digest_size=6).hexdigest()


def _walk(state: State) -> Iterator[State]:
    yield state
    for child in state.children:
        yield from _walk(child)


def _slots(states: Iterable[State]) -> Mapping[str, Slot]:
    found: dict[str, Slot] = {}
    for state in states:
        if state.collect is not None:
            found.setdefault(state.collect.slot.name, state.collect.slot)
    return found


def _context(reader: Reader, definition: Mapping[str, Any]) -> Mapping[str, Any]:
    written = reader.mapping(definition.get("context"), ("context",), "context")
    try:
        return copied_plain(written)
    except (TypeError, ValueError) as error:
        reader.wrong(
            ("context",), "bad-value", f"the context cannot be stored: {error}", "use text, numbers, lists and mappings"
        )
        return {}
