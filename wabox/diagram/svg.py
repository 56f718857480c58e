"""The picture as SVG text.

Every state is ``<g class="state …" data-state="id">``, every line ``<g class="edge" data-edge="number" data-from data-to
data-transitions="source|event|targets …">``, so a live view only toggles classes: ``lit`` (the conversation is here), ``taken``
(it came this way). Colours follow the reader's light or dark scheme.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise

from wabox.diagram.drawing import SMALL, TITLE, Box, Drawing, Link, drawing_of, walk
from wabox.diagram.layout import LINE, TITLE_LINE, arrange, deep, header
from wabox.engine.chart import Chart

MARGIN = 12


def svg(chart: Chart, *, lit: Collection[str] = (), path: Sequence[str] = (), styled: bool = True) -> str:
    """The chart as a picture. ``lit``: ids of states to light, with all around them. ``path``: ids of states in the order in
    which they were visited; the lines between two that follow each other are marked. Unknown ids are passed over.

    Without ``styled`` it takes its looks from the page around it, which has :func:`style` from a file: a page that lets no
    inline style in shows it all the same.
    """
    drawing = drawing_of(chart)
    arrange(drawing)
    around = {state.id for name in lit if name in chart.states for state in chart.states[name].ancestors} - {""}
    steps = set(pairwise(path))
    painter = _Painter(drawing, set(lit), around, steps, set(path))
    return "\n".join(painter.lines(chart, styled=styled))


def style() -> str:
    """How pictures look, as CSS."""
    return (files("wabox.diagram") / "chart.css").read_text(encoding="utf-8")


class _Painter:
    def __init__(
        self,
        drawing: Drawing,
        lit: set[str],
        around: set[str],
        steps: set[tuple[str, str]],
        visited: set[str],
    ) -> None:
        self.drawing, self.lit, self.around, self.steps, self.visited = drawing, lit, around, steps, visited
        self.links = sorted(
            [*drawing.links, *(link for box in walk(drawing.root) for link in box.loops)], key=lambda link: link.number
        )

    def lines(self, chart: Chart, *, styled: bool) -> Iterator[str]:
        root = self.drawing.root
        wide, high = round(root.width + 2 * MARGIN), round(root.height + 2 * MARGIN)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="wabox-chart" data-chart="{_attribute(chart.ref)}" '
            f'width="{wide}" height="{high}" viewBox="{-MARGIN} {-MARGIN} {wide} {high}" role="img" '
            f'aria-label="{_attribute(chart.id)}">'
        )
        if styled:
            yield f"<style>\n{style()}</style>"
        yield (
            '<defs><marker id="wabox-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path class="tip" d="M0 .5 8 4 0 7.5z"/></marker>'
            "</defs>"
        )
        yield from self._box(root)
        for link in self.links:
            yield from self._link(link)
        yield "</svg>"

    def _box(self, box: Box) -> Iterator[str]:
        if box.kind == "dot":
            yield f'<circle class="initial" cx="{_n(box.x + 6)}" cy="{_n(box.y + 6)}" r="5"/>'
            return
        state = box.state
        words = ["state", state.type if state is not None else "", *(["root"] if box.kind == "root" else [])]
        if box.parent is not None and box.parent.parallel:
            words.append("region" if _beside(box.parent) else "stacked")
        words += ["lit"] if box.id in self.lit else ["around"] if box.id in self.around else []
        words += ["visited"] if box.id in self.visited else []
        yield f'<g class="{" ".join(words)}" data-state="{_attribute(box.id)}">'
        if state is not None and (state.description or box.parent is not None):
            told = state.id + (f": {state.description}" if state.description else "")
            yield f"<title>{escape(told)}</title>"
        yield from self._shape(box)
        for child in box.children:
            yield from self._box(child)
        yield "</g>"

    def _shape(self, box: Box) -> Iterator[str]:
        x, y = box.x, box.y
        if box.kind == "history":
            yield f'<circle class="box" cx="{_n(x + 13)}" cy="{_n(y + 13)}" r="12"/>'
            yield f'<text class="title middle" x="{_n(x + 13)}" y="{_n(y + 17)}">{box.title[0]}</text>'
            return
        final = box.kind == "final"
        round_ = box.height / 2 if final else 10
        yield _rect("box", x, y, box.width, box.height, min(round_, 17))
        if final:
            yield _rect("ring", x + 3, y + 3, box.width - 6, box.height - 6, min(round_, 17) - 3)
        top = y + (7 if not box.children else 6)
        if not box.children:
            top = y + (box.height - header(box)[1]) / 2
        middle = not box.children
        left = x + box.width / 2 if middle else x + 14
        place = "middle" if middle else "start"
        for line in box.title:
            yield f'<text class="title {place}" x="{_n(left)}" y="{_n(top + TITLE)}">{escape(line)}</text>'
            top += TITLE_LINE
        for number, line in enumerate(box.lines):
            column, row = divmod(number - 1, deep(box) - 1) if box.columns > 1 and number else (0, number - 1)
            across = left + column * (header(box)[0] + 24)
            down = top + (row + 1) * LINE + SMALL
            yield f'<text class="line {place}" x="{_n(across)}" y="{_n(down)}">{escape(line)}</text>'
        top += deep(box) * LINE
        if box.children and not box.parallel and box.parent is not None:
            yield f'<path class="rule" d="M{_n(x)} {_n(top + 3)}h{_n(box.width)}"/>'
        if box.parallel and _beside(box):
            for one, other in pairwise(box.children):
                middle_x = (one.x + one.width + other.x) / 2
                yield f'<path class="divider" d="M{_n(middle_x)} {_n(top + 6)}V{_n(y + box.height)}"/>'

    def _link(self, link: Link) -> Iterator[str]:
        source, target = link.source.id, link.target.id
        words = ["edge", *(["from-initial"] if link.source.kind == "dot" else [])]
        words += ["taken"] if (source, target) in self.steps else []
        taken = _attribute(" ".join(link.taken))
        yield (
            f'<g class="{" ".join(words)}" data-edge="{link.number}" data-from="{_attribute(source)}" '
            f'data-to="{_attribute(target)}" data-transitions="{taken}">'
        )
        if link.full:
            yield f"<title>{escape(chr(10).join(link.full))}</title>"
        yield f'<path class="way" d="{" ".join(link.path)}" marker-end="url(#wabox-arrow)"/>'
        x, y = link.at
        for number, line in enumerate(link.lines):
            yield f'<text class="label" x="{_n(x)}" y="{_n(y + number * LINE + SMALL)}">{escape(line)}</text>'
        yield "</g>"


def _beside(box: Box) -> bool:
    """Whether all children stand side by side."""
    return len({child.y for child in box.children}) == 1


def _rect(name: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
    return f'<rect class="{name}" {place} rx="{_n(max(2, radius))}"/>'


def _attribute(text: str) -> str:
    return escape(text, quote=True)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
