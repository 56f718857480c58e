"""What there is to draw: a box for every state, a link for the transitions between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from wabox.diagram.words import cut, width, wrap
from wabox.engine.chart import Chart
from wabox.engine.event import AFTER, DONE
from wabox.engine.invoke import DONE_INVOKE, ERROR_INVOKE
from wabox.engine.state import State, Taken, Transition

TITLE, SMALL = 13.0, 11.0
"""px of the letters."""
MOST_LINES = 3
"""Of one label or list; the rest is counted."""
MOST_EVERYWHERE = 12
EVERYWHERE = 380.0
"""The same for what the root handles; and px that a line of it may take."""

Kind = Literal["state", "final", "history", "dot", "root"]


@dataclass(slots=True, eq=False)
class Box:
    """Coordinates are px; ``x`` and ``y`` count from the parent's corner until the layout is done."""

    id: str
    kind: Kind
    parent: Box | None
    state: State | None = None
    title: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """Below the title: what it does without being left."""
    columns: int = 1
    """Of these lines."""
    children: list[Box] = field(default_factory=list)
    above: tuple[Box, ...] = ()
    """Parent first, root last."""
    width: float = 0
    height: float = 0
    x: float = 0
    y: float = 0
    loops: list[Link] = field(default_factory=list)
    """From itself to itself."""
    gates: dict[Link, float] = field(default_factory=dict)
    """Where links from inside pass the border: x from the left edge."""

    @property
    def parallel(self) -> bool:
        return self.state is not None and self.state.type == "parallel"


@dataclass(slots=True, eq=False)
class Link:
    """One line from box to box."""

    number: int
    source: Box
    target: Box
    lines: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """The transitions it stands for, see :func:`mark_of`."""
    full: list[str] = field(default_factory=list)
    """The whole label."""
    path: list[str] = field(default_factory=list)
    """Of the drawing."""
    at: tuple[float, float] = (0, 0)
    """Where the label begins."""

    @property
    def label_width(self) -> float:
        return max((width(line, SMALL) for line in self.lines), default=0)

    @property
    def label_height(self) -> float:
        return len(self.lines) * (SMALL + 4)


@dataclass(slots=True)
class Drawing:
    root: Box
    boxes: dict[str, Box]
    """By state id."""
    links: list[Link]


def mark_of(taken: Taken) -> str:
    """A transition as one word: ``source|event|targets``. Blanks between events and between targets are commas."""
    return "|".join((taken.source, taken.event.replace(" ", ","), ",".join(taken.targets)))


def drawing_of(chart: Chart) -> Drawing:
    """Boxes and links in document order."""
    boxes: dict[str, Box] = {}
    for state in chart.states.values():
        boxes[state.id] = _box(chart, state, boxes)
    root = boxes[""]
    links: dict[tuple[Box, Box], Link] = {}
    for state in chart.states.values():
        box = boxes[state.id]
        if state.initial is not None:
            dot = Box(f"{state.id}@", "dot", box, width=12, height=12, above=(box, *box.above))
            box.children.insert(0, dot)
            for target in state.initial.targets:
                _join(links, dot, boxes[target.id])
        for target in state.default if state.type == "history" and state.definition.get("target") is not None else ():
            _join(links, box, boxes[target.id])
        if box is root:
            continue
        for transition in (*state.always, *state.transitions):
            for target in transition.targets:
                _join(links, box, boxes[target.id], transition)
    for link in links.values():
        link.lines = shortened(link.full, MOST_LINES)
        if link.source is link.target:
            link.source.loops.append(link)
    return Drawing(root, boxes, [link for link in links.values() if link.source is not link.target])


def _box(chart: Chart, state: State, boxes: dict[str, Box]) -> Box:
    parent = boxes[state.parent.id] if state.parent is not None else None
    above = () if parent is None else (parent, *parent.above)
    if state.type == "history":
        box = Box(state.id, "history", parent, state, ["H*" if state.history == "deep" else "H"], above=above)
        box.width = box.height = 26
    elif parent is None:
        box = Box("", "root", None, state, [cut(chart.id, TITLE, 300)], everywhere(state))
    else:
        kind: Kind = "final" if state.type == "final" else "state"
        box = Box(state.id, kind, parent, state, wrap(state.key, TITLE, 150, 3), above=above)
        box.lines = _inner_lines(state)
    if parent is not None:
        parent.children.append(box)
    boxes[state.id] = box
    return box


def _inner_lines(state: State) -> list[str]:
    lines = [label_of(one) for one in (*state.always, *state.transitions) if not one.targets]
    lines += [f"{intent} ⇒ {chart}" for intent, chart in state.detours.items()]
    shown = ["gives to people"] if state.handoff is not None else []
    shown += [f"calls {spec.action or (spec.http.method if spec.http else '')}" for spec in state.invokes]
    return [cut(line, SMALL, 170) for line in (*shown, *shortened(lines, MOST_LINES))]


def everywhere(root: State) -> list[str]:
    """What the root handles, whatever state is active: lines for its box, events that lead to one place together."""
    leads: dict[str, list[str]] = {}
    for one in (*root.always, *root.transitions):
        to = ", ".join(target.id for target in one.targets)
        leads.setdefault(f"→ {to}" if to else "", []).append(label_of(one) or "always")
    for intent, chart in root.detours.items():
        leads.setdefault("⇒ a detour" if intent == chart else f"⇒ {chart}", []).append(intent)
    lines = [
        line
        for to, events in leads.items()
        for line in wrap(", ".join(dict.fromkeys(events)) + (f" {to}" if to else ""), SMALL, EVERYWHERE, 3)
    ]
    return ["everywhere:", *shortened(lines, MOST_EVERYWHERE)] if lines else []


def shortened(lines: list[str], most: int) -> list[str]:
    """At most so many lines, the last then counting the rest."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"+{len(lines) - most + 1}"]


def label_of(transition: Transition) -> str:
    """``event [guard]``, in words."""
    words = ", ".join(map(_event, transition.events))
    if transition.guard is not None:
        words += f" [{_in_signs(transition.guard.label)}]"
    return words.strip() or ("" if transition.targets else "always")


_SIGNS = {
    " eq ": " = ", " ne ": " ≠ ", " lt ": " < ", " le ": " ≤ ", " gt ": " > ", " ge ": " ≥ ",
    " exists true": " is set", " exists false": " is not set",
}  # fmt: skip


def _in_signs(guard: str) -> str:
    for word, sign in _SIGNS.items():
        guard = guard.replace(word, sign)
    return guard


def _event(name: str) -> str:
    if name.startswith(AFTER):
        return f"after {_duration(int(name.removeprefix(AFTER).split(':')[0]))}"
    if name.startswith(DONE):
        return "done"
    if name.startswith(DONE_INVOKE):
        return "answered"
    if name.startswith(ERROR_INVOKE):
        return "call failed"
    return name


def _duration(ms: int) -> str:
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if ms and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def _join(links: dict[tuple[Box, Box], Link], source: Box, target: Box, transition: Transition | None = None) -> None:
    link = links.get((source, target))
    if link is None:
        link = links[source, target] = Link(len(links), source, target)
    if transition is not None:
        label = label_of(transition)
        if label:
            link.full.append(cut(label, SMALL, 190))
        link.taken.append(mark_of(transition.taken))


def walk(box: Box) -> Iterator[Box]:
    """The box and everything inside, outer before inner."""
    yield box
    for child in box.children:
        yield from walk(child)
