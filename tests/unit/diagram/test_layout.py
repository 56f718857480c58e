"""Where things stand in a picture: nothing lies on anything else, whatever the chart."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.property.charts import ACTIONS, GUARDS, charts
from wabox.diagram.drawing import Box, Drawing, Link, drawing_of, walk
from wabox.diagram.layout import arrange, header, loop_width
from wabox.diagram.rows import settle
from wabox.diagram.words import cut, width, wrap
from wabox.engine import Chart, compile_chart
from wabox.flowfile.bot import load_bot

SHOP = Path(__file__).parents[3] / "flows" / "shop"


def compiled(definition: dict[str, Any]) -> Chart:
    return compile_chart("m", definition, guards=GUARDS, actions=ACTIONS)


def arranged(chart: Chart) -> Drawing:
    drawing = drawing_of(chart)
    arrange(drawing)
    return drawing


def chain(size: int) -> dict[str, Any]:
    """States with three ways on each."""
    return {
        "states": {
            f"s{n}": {"on": {"a": f"s{(n + 1) % size}", "b": f"s{n * 7 % size}", "c": f"s{max(0, n - 5)}"}}
            for n in range(size)
        }
    }


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two rectangles (left, top, right, bottom) have no more than an edge in common."""
    return one[2] <= other[0] + 1 or other[2] <= one[0] + 1 or one[3] <= other[1] + 1 or other[3] <= one[1] + 1


def frame(box: Box) -> tuple[float, ...]:
    return (box.x, box.y, box.x + box.width + loop_width(box), box.y + max(box.height, 0))


def label(link: Link) -> tuple[float, ...]:
    x, y = link.at
    return (x, y, x + link.label_width, y + link.label_height)


def points(link: Link) -> list[tuple[float, float, float, float]]:
    """The straight and curved pieces of a path, each as from and to."""
    found, x, y = [], 0.0, 0.0
    for sign, numbers in re.findall(r"([MVC])([-\d. ]+)", " ".join(link.path)):
        values = [float(number) for number in numbers.split()]
        new = (x, values[0]) if sign == "V" else (values[-2], values[-1])
        if sign != "M":
            found.append((x, y, *new))
        x, y = new
    return found


def verify(drawing: Drawing) -> None:
    boxes = list(walk(drawing.root))
    leaves = [box for box in boxes if not box.children]
    for box in boxes:
        for child in box.children:
            assert box.x <= child.x, child.id
            assert box.y <= child.y, child.id
            assert frame(child)[2] <= box.x + box.width, child.id
            assert frame(child)[3] <= box.y + box.height, child.id
        for one, other in combinations(box.children, 2):
            assert apart(frame(one), frame(other)), (one.id, other.id)
    labelled = [link for link in drawing.links if link.lines]
    for one, other in combinations(labelled, 2):
        assert apart(label(one), label(other)), (one.full, other.full)
    for link in labelled:
        for leaf in leaves:
            assert apart(label(link), frame(leaf)), (link.full, leaf.id)
    for link in drawing.links:
        assert link.path[0].startswith("M")
        for x, y, to_x, to_y in points(link):
            for box in boxes:
                wide, high = header(box)
                title = (box.x, box.y, box.x + 14 + wide, box.y + 6 + high)
                if box.children and x == to_x:
                    assert apart((x, min(y, to_y), x, max(y, to_y)), title), (box.id, link.full)
        for x, y, to_x, to_y in points(link):
            assert x == to_x or y != to_y, link.path
            if x != to_x:
                continue  # between two rows, where no box is
            for leaf in leaves:
                if leaf not in (link.source, link.target):
                    inside = leaf.x < x < leaf.x + leaf.width
                    assert not inside or max(y, to_y) <= leaf.y + 1 or min(y, to_y) >= leaf.y + leaf.height - 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(charts())
def test_nothing_lies_on_anything(definition: dict[str, Any]) -> None:
    """Boxes are inside their parents and beside each other; labels touch no box and no label; no line runs through a box."""
    verify(arranged(compiled(definition)))


def test_shop() -> None:
    """So in the example bot."""
    verify(arranged(load_bot(SHOP).charts["shop"]))


@pytest.mark.parametrize("size", [5, 15, 60])
def test_charts_of_a_usual_size(size: int) -> None:
    """So in charts with lines to and fro, and the same chart gives the same picture."""
    drawing = arranged(compiled(chain(size)))
    verify(drawing)
    again = arranged(compiled(chain(size)))
    assert [(box.x, box.y) for box in walk(drawing.root)] == [(box.x, box.y) for box in walk(again.root)]
    assert [link.path for link in drawing.links] == [link.path for link in again.links]


def test_lines_meet_the_boxes() -> None:
    """Each line begins at the border of its source and ends at that of its target."""
    drawing = arranged(load_bot(SHOP).charts["shop"])
    for link in drawing.links:
        begin, end = points(link)[0][:2], points(link)[-1][2:]
        for box, (x, y) in ((link.source, begin), (link.target, end)):
            assert box.x - 0.1 <= x <= box.x + box.width + 0.1, (link.full, box.id)
            assert min(abs(y - box.y), abs(y - box.y - box.height)) < 0.2, (link.full, box.id)


def test_beginning_is_above() -> None:
    """What begins a chart stands above what it leads to, and what only the root leads to stands below."""
    definition = {
        "initial": "b",
        "on": {"x": "a"},
        "states": {"a": {"on": {"t": "b"}}, "b": {"on": {"t": "c"}}, "c": {}},
    }
    boxes = arranged(compiled(definition)).boxes
    assert boxes["b"].y < boxes["c"].y
    assert boxes["b"].y < boxes["a"].y


def test_regions_stand_side_by_side() -> None:
    """In document order."""
    definition = {"type": "parallel", "states": {"l": {"states": {"a": {}}}, "r": {"states": {"b": {}}}}}
    boxes = arranged(compiled(definition)).boxes
    assert boxes["l"].y == boxes["r"].y
    assert boxes["l"].x + boxes["l"].width < boxes["r"].x


@pytest.mark.parametrize(
    "definition",
    [
        chain(1_000),
        {"states": {"m": {"on": {f"e{n}": f"s{n}" for n in range(999)}}, **{f"s{n}": {} for n in range(999)}}},
    ],
    ids=["chain", "hub"],
)
def test_thousand_states_do_not_hang(definition: dict[str, Any]) -> None:
    """Each gets its place; `python -m tests.bench diagram` prints how long that takes."""
    assert len(arranged(compiled(definition)).boxes) >= 1_000


def test_settle() -> None:
    """Nearest to where each wants to be, none too near the one before."""
    assert settle([0, 10], [1, 1], [4]) == [0, 10]
    assert settle([5, 5], [1, 1], [4]) == [3, 7]
    assert settle([5, 5], [3, 1], [4]) == [4, 8]
    assert settle([10, 0, 5], [1, 1, 1], [2, 2]) == [3, 5, 7]


def test_words() -> None:
    """Titles wrap at blanks, _ - and ., a word that is too long inside itself; the last line says that there is more."""
    assert wrap("select_address", 13, 60, 3) == ["select_", "address"]
    assert wrap("x" * 30, 13, 60, 2)[-1].endswith("…")
    assert len(wrap("one two three four five six seven eight nine", 13, 60, 3)) == 3
    assert all(width(line, 13) <= 60 for line in wrap("one two three four five six seven", 13, 60, 3))
    assert cut("short", 11, 100) == "short"
    assert width(cut("quite a long label for a line", 11, 60), 11) <= 60
    assert wrap("", 13, 60, 3) == [""]
