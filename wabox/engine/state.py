"""The tree of a compiled chart.

Filled in by the compiler and never changed afterwards; states know their parent, so they are not frozen dataclasses, but
everybody shares them and nobody writes to them. Order is *document order*: the place in a walk of the definition, parents
before children, so the descendants of a state are exactly those numbered ``order + 1`` to ``last``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from wabox.core.event import Event
from wabox.engine.collect import Collect
from wabox.engine.invoke import InvokeSpec
from wabox.engine.problem import Path
from wabox.engine.say import SayTemplate

if TYPE_CHECKING:
    from wabox.engine.effect import Effect
    from wabox.engine.reference import Source

StateType: TypeAlias = Literal["atomic", "compound", "parallel", "final", "history"]

Test: TypeAlias = Callable[[Mapping[str, Any], Event, frozenset[str]], bool]
"""A guard with its names and paths resolved: context, event, ids of the active states."""


Wish: TypeAlias = Literal["repeat", "back", "skip", "cancel", "restart", "rephrase", "options"]
"""What the action ``repair`` can ask for: :mod:`wabox.engine.repair`."""


class Running(Protocol):
    """What an action can reach of the step in progress."""

    context: dict[str, Any]
    """To be replaced, never changed: effects already hold it."""
    event: Event
    effects: list[Effect]
    queue: list[Event]
    """Internal events, the oldest first."""
    wish: Wish | Event | None
    """To be granted when the step has come to rest."""
    timers: dict[str, tuple[int, int]]
    """Those that run, the oldest first: name → (due, the seq that armed it)."""

    def arm(self, name: str, delay: int) -> None: ...

    def cancel(self, prefix: str) -> None: ...

    def invoke(self, spec: InvokeSpec) -> None: ...

    def revoke(self, id_: str) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class BoundGuard:
    test: Test
    label: str
    """As a person reads it: ``in_stock``, ``not (cart.total gt 500)``."""
    names: tuple[str, ...] = ()
    """The named guards in it."""


@dataclass(frozen=True, slots=True, eq=False)
class BoundAction:
    run: Callable[[Running], None]
    label: str
    """The name, built-in or the flow's own."""
    says: tuple[SayTemplate, ...] = ()
    """What the action ``say`` sends."""
    raises: str | None = None
    """The event that the action ``raise`` raises."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """As written."""
    calm: bool = False
    """It only computes variables and speaks: built in, without event or timer."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """ms; None: as the parent has it; 0: switched off here."""

    soft: int | None = None
    hard: int | None = None
    late: int | None = None
    """How long after its time a soft timeout still counts; 0: however late."""
    remember: int | None = None
    """How long an expired conversation can be taken up again; 0: never."""


@dataclass(frozen=True, slots=True)
class HandoffSpec:
    queue: str = "default"
    priority: int = 0
    reason: str = ""
    follow_up: int = 0
    """ms after a person closed it when the flow hears ``handoff.follow_up``; 0: never."""


class Taken(NamedTuple):
    """A transition that was taken, for coverage."""

    chart: str
    """The chart's id, without hash."""
    source: str
    event: str
    """The descriptor as written; empty for ``always``."""
    targets: tuple[str, ...]


class Entered(NamedTuple):
    """A state that was entered, for coverage."""

    chart: str
    """The chart's id, without hash."""
    state: str
    """Its id; the root's is empty."""


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Transition:
    source: State
    kind: Literal["on", "always", "after", "done", "invoke"]
    events: tuple[str, ...]
    """Descriptors, see :mod:`wabox.engine.event`; none for ``always``."""
    targets: tuple[State, ...] = ()
    """None: only the actions run, nothing is left or entered."""
    guard: BoundGuard | None = None
    actions: tuple[BoundAction, ...] = ()
    reenter: bool = False
    description: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)
    path: Path = ()
    """Where it is written."""
    taken: Taken

    def __repr__(self) -> str:
        return f"<{self.source.id or 'root'} {' '.join(self.events) or 'always'} → {[t.id for t in self.targets]}>"


@dataclass(frozen=True, slots=True, eq=False)
class Initial:
    """Where a compound state begins."""

    targets: tuple[State, ...]
    actions: tuple[BoundAction, ...] = ()


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class State:
    id: str
    """Dotted, from the chart's root: ``checkout.confirm_items``; the root's is empty."""
    key: str
    """The last part of it."""
    type: StateType
    order: int
    """Place in document order; the root has 0."""
    path: Path
    """Where it is written."""
    definition: Mapping[str, Any]
    """As it is written."""
    parent: State | None
    ancestors: tuple[State, ...]
    """Parent first, root last."""
    last: int = 0
    """The order of its last descendant, or its own."""
    children: tuple[State, ...] = ()
    """In document order, history states included."""
    alias: str | None = None
    """The ``id`` written in the definition: what ``#id`` means."""
    initial: Initial | None = None
    """Of a compound state."""
    history: Literal["shallow", "deep"] | None = None
    default: tuple[State, ...] = ()
    """Of a history state: where it leads before there is any history."""
    output: Source | Any = None
    """Of a final state: what its parent's done event carries, as :func:`wabox.engine.reference.value` prepares it."""
    entry: tuple[BoundAction, ...] = ()
    exit: tuple[BoundAction, ...] = ()
    transitions: tuple[Transition, ...] = ()
    """Those with an event (``on``, ``onDone``, ``after``), in document order."""
    always: tuple[Transition, ...] = ()
    after: tuple[int, ...] = ()
    """Delays in ms, each once."""
    say: tuple[SayTemplate, ...] = ()
    ask: tuple[SayTemplate, ...] = ()
    collect: Collect | None = None
    """The slot that the answer to ``ask`` fills."""
    reprompt: tuple[SayTemplate, ...] = ()
    expect: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()
    quiet: int | None = None
    """ms; None: as the parent has it; 0: off."""
    detours: Mapping[str, str] = field(default_factory=dict)
    """Intent → chart id."""
    handoff: HandoffSpec | None = None
    invokes: tuple[InvokeSpec, ...] = ()
    tags: frozenset[str] = frozenset()
    description: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return len(self.ancestors)

    @property
    def is_leaf(self) -> bool:
        """It can be the innermost active state: atomic or final."""
        return self.type in ("atomic", "final")

    @property
    def regions(self) -> tuple[State, ...]:
        """The children that can be active."""
        return tuple(child for child in self.children if child.type != "history")

    def within(self, other: State) -> bool:
        """Whether this is a proper descendant of ``other``."""
        return other.order < self.order <= other.last

    def __repr__(self) -> str:
        return f"<{self.type} {self.id or 'root'}>"
