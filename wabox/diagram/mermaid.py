"""A chart as Mermaid's ``stateDiagram-v2``, for Markdown: states first, transitions last, each state by a number of its own,
since Mermaid moves a state that is named in two places."""

from __future__ import annotations

from collections.abc import Iterator

from wabox.diagram.drawing import Drawing, Link, drawing_of, everywhere
from wabox.engine.chart import Chart
from wabox.engine.state import State


def mermaid(chart: Chart) -> str:
    """The text, ending with a newline. What the root handles is a note."""
    drawing = drawing_of(chart)
    names = {state.id: f"s{state.order}" for state in chart.states.values()}
    lines = ["stateDiagram-v2", *_inside(chart.root, names, 1)]
    listed = everywhere(chart.root)
    first = next(iter(chart.root.regions), None)
    if listed and first is not None:
        lines += [f"  note right of {names[first.id]}", *(f"    {_safe(line)}" for line in listed), "  end note"]
    lines += [f"  {line}" for link in _links(drawing) for line in _edge(link, names)]
    return "\n".join(lines) + "\n"


def _inside(state: State, names: dict[str, str], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for place, child in enumerate(state.children):
        if state.type == "parallel" and place:
            yield f"{pad}--"
        name = names[child.id]
        if child.type == "history":
            yield f'{pad}state "{"H*" if child.history == "deep" else "H"}" as {name}'
        elif child.children:
            yield f'{pad}state "{_safe(child.key)}" as {name} {{'
            yield from _inside(child, names, depth + 1)
            yield f"{pad}}}"
        else:
            yield f'{pad}state "{_safe(child.key)}" as {name}'
            if child.type == "final":
                yield f"{pad}{name} --> [*]"
    if state.initial is not None:
        for target in state.initial.targets:
            if target.parent is state:
                yield f"{pad}[*] --> {names[target.id]}"


def _links(drawing: Drawing) -> list[Link]:
    loops = [link for box in drawing.boxes.values() for link in box.loops]
    return sorted([*drawing.links, *loops], key=lambda link: link.number)


def _edge(link: Link, names: dict[str, str]) -> Iterator[str]:
    if link.source.kind == "dot":
        return
    label = ", ".join(link.lines)
    yield f"{names[link.source.id]} --> {names[link.target.id]}" + (f" : {_safe(label)}" if label else "")


def _safe(text: str) -> str:
    """Without what ends a line or a name in Mermaid."""
    return text.replace('"', "'").replace(";", ",").replace(":", "#58;").replace("\n", " ")
