"""Coordinates, inside out: each box arranges its children, and is then one item of the box around it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import ceil

from wabox.diagram.drawing import SMALL, TITLE, Box, Drawing, Link
from wabox.diagram.rows import GAP, SLOT, Item, Part, order, rank, settle, turned
from wabox.diagram.words import width

PAD = 18
LINE, TITLE_LINE = SMALL + 4, TITLE + 4
CROWDED, FAR = 12_000, 8
"""Slots of one box beyond which links over so many rows get none."""
WIDE = 240
"""px of a box that a line may leave anywhere along its side."""
BETWEEN, MOST_BETWEEN = 16, 56
"""px between two rows: more, the more lines cross over there."""


def arrange(drawing: Drawing) -> None:
    """Give every box its size and its place on the page, and every link its path."""
    parts = _parts(drawing)
    inside: dict[Box, list[Part]] = defaultdict(list)
    for several in parts.values():
        for container, part in several:
            inside[container].append(part)
    todo, boxes = [drawing.root], []
    while todo:
        box = todo.pop()
        boxes.append(box)
        todo += box.children
    arranged: dict[Box, _Arranged] = {}
    for box in reversed(boxes):
        if box.children:
            arranged[box] = _Arranged(box, inside[box])
        elif box.kind not in ("dot", "history"):
            _leaf(box)
    for box in boxes:
        for child in box.children:
            child.x += box.x
            child.y += box.y
    for link, several in parts.items():
        for container, part in several:
            arranged[container].trace(part)
        if not link.at[0]:
            link.at = (link.source.x, link.source.y)
    for box in boxes:
        for link in box.loops:
            _loop(box, link)


def header(box: Box) -> tuple[float, float]:
    """Width and height of a box's title and lines."""
    wide = max([*(width(line, TITLE) for line in box.title), *(width(line, SMALL) for line in box.lines)], default=0)
    return wide, len(box.title) * TITLE_LINE + deep(box) * LINE


def deep(box: Box) -> int:
    """Rows of its lines; the first stands alone above the columns."""
    return len(box.lines) if box.columns == 1 else 1 + ceil((len(box.lines) - 1) / box.columns)


def loop_width(box: Box) -> float:
    """The room that a loop takes on the right."""
    return max((26 + link.label_width for link in box.loops), default=0)


def _leaf(box: Box) -> None:
    wide, high = header(box)
    box.width = max(56, wide + 26 + (18 if box.kind == "final" else 0))
    box.height = max(34, high + 14)


def _loop(box: Box, link: Link) -> None:
    right, middle = box.x + box.width, box.y + min(box.height / 2, 40)
    link.path = [f"M{_n(right)} {_n(middle - 9)}", f"C{_n(right + 24)} {_n(middle - 14)}"]
    link.path.append(f"{_n(right + 24)} {_n(middle + 14)} {_n(right)} {_n(middle + 9)}")
    link.at = (right + 22, middle - link.label_height / 2)


def _parts(drawing: Drawing) -> dict[Link, list[tuple[Box, Part]]]:
    """Every link cut at the borders that it passes, from its source on: (the box it runs in, the part)."""
    pairs: dict[Box, list[tuple[Box, Box]]] = defaultdict(list)
    ways: dict[Link, tuple[Box, list[Box], list[Box]]] = {}
    for link in drawing.links:
        source, target = link.source, link.target
        if source in target.above:
            around = source
        elif target in source.above:
            around = target
        else:
            around = next(box for box in source.above if box in target.above)
        up, down = _chain(source, around), _chain(target, around)
        ways[link] = (around, up, down)
        if up and down:
            pairs[around].append((up[-1], down[-1]))
    back = {box: turned(box.children, found) for box, found in pairs.items()}
    parts: dict[Link, list[tuple[Box, Part]]] = {}
    for link, (around, up, down) in ways.items():
        first, last = (up[-1] if up else None), (down[-1] if down else None)
        falls = first is None or last is None or (first, last) not in back[around]

        def part(
            before: Box | None, after: Box | None, labelled: bool = False, link: Link = link, falls: bool = falls
        ) -> Part:
            return Part(link, before, after, labelled, falls) if falls else Part(link, after, before, labelled, falls)

        found = [(box, part(inner, None)) for inner, box in itertools.pairwise(up)]
        found.append((around, part(first, last, labelled=True)))
        found += reversed([(box, part(None, inner)) for inner, box in itertools.pairwise(down)])
        parts[link] = found
    return parts


def _chain(box: Box, around: Box) -> list[Box]:
    """From the box up to the child of ``around`` that it is in; empty when it is ``around``."""
    chain = [box, *box.above]
    return chain[: chain.index(around)]


class _Arranged:
    """One box with its children in rows."""

    def __init__(self, box: Box, parts: Sequence[Part]) -> None:
        self.box = box
        self.rows: dict[int, list[Item]] = defaultdict(list)
        self.items: dict[Box, Item] = {}
        self.bands: dict[int, tuple[float, float]] = {}
        self.ends: dict[tuple[Box, bool, Link], float] = {}
        """Where a link meets a child: (child, at its top, link) → x."""
        self._fill(parts)
        order(self.rows)
        self._across()
        self._down(parts)
        self._place()
        self._meet(parts)

    def _fill(self, parts: Sequence[Part]) -> None:
        ranks = rank(self.box.children, parts)
        last = 2 * (max(ranks.values()) + 1)
        for child in self.box.children:
            wide, high = child.width + loop_width(child), child.height
            high = max([high, *(link.label_height + 8 for link in child.loops)])
            self._add(Item(2 * ranks[child], wide, high, child))
        if any(part.upper is None for part in parts):
            self._add(Item(-2, header(self.box)[0] + 12))
        ends = [
            (2 * ranks[part.upper] if part.upper else -2, 2 * ranks[part.lower] if part.lower else last)
            for part in parts
        ]
        crowded = sum(low - high for high, low in ends) > CROWDED
        for part in parts:
            upper = self._end(part, part.upper, -2)
            lower = self._end(part, part.lower, last)
            labelled = upper.row + 1 if part.down else lower.row - 1
            part.items = [upper]
            between: Iterable[int] = range(upper.row + 1, lower.row)
            if crowded and lower.row - upper.row > FAR:
                # It runs behind the boxes: better than a picture that takes minutes.
                between = (upper.row + 1, lower.row - 1)
            for row in between:
                if row == labelled and part.labelled and part.link.lines:
                    item = Item(row, part.link.label_width + 16, part.link.label_height + 4, None, part.link, True)
                else:
                    item = Item(row, SLOT, 0, None, part.link)
                part.items.append(self._add(item))
            part.items.append(lower)
            for one, other in zip(part.items, part.items[1:], strict=False):
                one.lower.append(other)
                other.upper.append(one)

    def _add(self, item: Item) -> Item:
        self.rows[item.row].append(item)
        if item.box is not None:
            self.items[item.box] = item
        return item

    def _end(self, part: Part, child: Box | None, row: int) -> Item:
        return self._add(Item(row, SLOT, 0, None, part.link)) if child is None else self.items[child]

    def _across(self) -> None:
        """x of every item: packed, then drawn towards its neighbours above and below by turns."""
        numbers = sorted(self.rows)
        for number in numbers:
            row = self.rows[number]
            for before, item in zip([None, *row], row, strict=False):
                item.x = item.width / 2 if before is None else before.x + _apart(before, item)
        size = sum(map(len, self.rows.values()))
        turns = 9 if size < 1_500 else 5 if size < 6_000 else 3
        for turn in range(turns):
            down, last = turn % 2 == 0, turn >= turns - 2
            middle = self._middle()
            for number in numbers if down else reversed(numbers):
                self._draw(self.rows[number], middle, up=down or last, low=not down or last)
        left = min(item.x - item.width / 2 for row in self.rows.values() for item in row)
        for row in self.rows.values():
            for item in row:
                item.x += PAD - left

    def _middle(self) -> float:
        """The median of all boxes, by area: what is wide should not stand far from it."""
        found = sorted((item.x, item.width * item.height) for item in self.items.values())
        half = sum(area for _, area in found) / 2
        for x, area in found:
            half -= area
            if half <= 0:
                return x
        return 0

    def _draw(self, row: list[Item], middle: float, *, up: bool, low: bool) -> None:
        desired, weights = [], []
        for item in row:
            total, weight = item.x * 0.01, 0.01
            if item.width > WIDE:
                total, weight = total + middle, weight + 1
            for other in (*(item.upper if up else ()), *(item.lower if low else ())):
                pull = 8 if item.box is None is other.box else 1
                total += (item.x + _towards(item, other)) * pull
                weight += pull
            desired.append(total / weight)
            weights.append(weight)
        apart = [_apart(one, other) for one, other in itertools.pairwise(row)]
        for item, x in zip(row, settle(desired, weights, apart), strict=True):
            item.x = x

    def _down(self, parts: Sequence[Part]) -> None:
        """y of every row."""
        crossing: dict[int, int] = defaultdict(int)
        for part in parts:
            for one, other in zip(part.items, part.items[1:], strict=False):
                crossing[one.row] += abs(one.x - other.x) > 40 + (one.width + other.width) / 4
        if self.box.kind == "root":
            right = max(item.x + item.width / 2 for row in self.rows.values() for item in row)
            if len(self.box.lines) > 5:
                self.box.columns = max(1, int((right + PAD) / (header(self.box)[0] + 2 * PAD)))
        y = header(self.box)[1] + 12
        for number in sorted(self.rows):
            if number == -2:
                self.bands[number] = (0, 0)
                continue
            high = max(item.height for item in self.rows[number])
            self.bands[number] = (y, y + high)
            y += high + min(MOST_BETWEEN, BETWEEN + 4 * crossing[number])
        last = max(self.rows)
        gates = self.rows[last][0].box is None and self.bands[last][0] == self.bands[last][1]
        self.box.height = self.bands[last][1] + (6 if gates else PAD)
        if gates:
            self.bands[last] = (self.box.height, self.box.height)

    def _place(self) -> None:
        right = max(item.x + item.width / 2 for row in self.rows.values() for item in row)
        self.box.width = max(right + PAD, header(self.box)[0] + 2 * PAD)
        middle = (self.box.width - right - PAD) / 2
        for number, row in self.rows.items():
            top, bottom = self.bands[number]
            for item in row:
                item.x += middle
                if item.box is not None:
                    item.box.x = item.x - item.width / 2
                    spare = bottom - top - item.box.height
                    high = bool(item.box.children) or self.box.parallel or spare > item.box.height * 2
                    item.box.y = top + (spare if item.box.kind == "dot" else 0 if high else spare / 2)

    def _meet(self, parts: Sequence[Part]) -> None:
        """Where links meet the children, and where they pass the border."""
        sides: dict[tuple[Box, bool], list[tuple[float, Part]]] = defaultdict(list)
        for part in parts:
            for child, top, item in ((part.upper, False, part.items[1]), (part.lower, True, part.items[-2])):
                if child is None:
                    self.box.gates[part.link] = part.items[-1 if top else 0].x
                elif part.link in child.gates:
                    self.ends[child, top, part.link] = child.x + child.gates[part.link]
                else:
                    sides[child, top].append((_line(item), part))
        for (child, top), several in sides.items():
            several.sort(key=lambda end: end[0])
            room = child.width - 20
            apart = min(14.0, room / max(1, len(several) - 1))
            left, right = child.x + 10, child.x + child.width - 10
            if room <= 0 or child.kind in ("dot", "history"):
                left = right = child.x + child.width / 2
                apart = 0
            if child.children:
                left += min(40.0, room / 4)  # the corner belongs to the title
            span = apart * (len(several) - 1)
            found = settle([x for x, _ in several], [1] * len(several), [apart] * (len(several) - 1))
            shift = max(0.0, left - found[0]) - max(0.0, found[-1] - right)
            wide = found[-1] - found[0] > right - left
            for place, (_, part) in enumerate(several):
                x = min(right, max(left, found[place]))
                if not wide and shift:
                    x = min(right - (span - place * apart), max(left + place * apart, found[place]))
                elif wide:
                    x = left + (right - left) * place / max(1, len(several) - 1)
                self.ends[child, top, part.link] = x

    def trace(self, part: Part) -> None:
        """Add the part's way to the link's path; children have their place on the page by now."""
        x0, y0 = self.box.x, self.box.y
        points: list[tuple[float, float, float]] = []  # x, from y, to y
        for place, item in enumerate(part.items):
            top, bottom = self.bands[item.row]
            if item.box is None:
                x = _line(item)
                points.append((x0 + x, y0 + top, y0 + bottom))
                if item.label:
                    part.link.at = (x0 + x + 6, y0 + (top + bottom - part.link.label_height) / 2)
                continue
            first = place == 0
            x = x0 + self.ends[item.box, not first, part.link]
            edge = item.box.y + item.box.height if first else item.box.y
            points.append((x, edge, y0 + bottom) if first else (x, y0 + top, edge))
        if not part.down:
            points = [(x, end, start) for x, start, end in reversed(points)]
        _draw_way(part.link.path, points)


def _draw_way(path: list[str], points: Iterable[tuple[float, float, float]]) -> None:
    """Straight inside the rows, an S between them."""
    before: tuple[float, float] | None = None
    for x, start, end in points:
        if before is None:
            if not path:
                path.append(f"M{_n(x)} {_n(start)}")
        elif abs(before[0] - x) < 0.5:
            path.append(f"V{_n(start)}")
        else:
            middle = (before[1] + start) / 2
            path.append(f"C{_n(before[0])} {_n(middle)} {_n(x)} {_n(middle)} {_n(x)} {_n(start)}")
        if abs(end - start) > 0.5:
            path.append(f"V{_n(end)}")
        before = (x, end)


def _line(item: Item) -> float:
    """The x of the line in a slot, or beside a label."""
    return item.x - item.width / 2 + 5 if item.label else item.x


def _apart(one: Item, other: Item) -> float:
    boxes = (one.box is not None) + (other.box is not None)
    return (one.width + other.width) / 2 + (GAP if boxes == 2 else GAP / 2 if boxes else 2)


def _towards(item: Item, other: Item) -> float:
    """How far the item should move for a straight line to the other."""
    mine, yours = _hold(item, other), _hold(other, item)
    if mine is not None and yours is not None:
        return yours - mine
    wide, point = (item, yours) if mine is None else (other, mine)
    if point is None:
        return other.x - item.x
    # Anywhere along the wide one will do.
    left, right = wide.x - wide.width / 2 + 20, wide.x + wide.width / 2 - 20
    off = point - min(right, max(left, point))
    return off if mine is None else -off


def _hold(item: Item, other: Item) -> float | None:
    """Where a line to the other leaves the item; None when anywhere along it will do."""
    if item.box is None:
        return _line(item)
    corner = item.x - item.width / 2
    gate = item.box.gates.get(other.link) if other.link is not None else None
    if gate is not None:
        return corner + gate
    return None if item.box.width > WIDE else corner + item.box.width / 2


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
