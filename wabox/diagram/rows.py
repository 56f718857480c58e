"""Which row each child of a box stands in, and where in it: cycle breaking, ranking, crossing reduction (Sugiyama's method).

Rows of boxes have even numbers, the rows between them odd ones: there are the labels.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf

from wabox.diagram.drawing import Box, Link

GAP = 26
SLOT = 12
"""px: between boxes, and what a line takes."""


@dataclass(slots=True, eq=False)
class Item:
    """One thing in a row: a box, a gate, a label, or a slot for a line that only passes."""

    row: int
    width: float
    height: float = 0
    box: Box | None = None
    link: Link | None = None
    """Of a gate, label or slot."""
    label: bool = False
    x: float = 0
    """The centre."""
    upper: list[Item] = field(default_factory=list)
    lower: list[Item] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Part:
    """The part of a link that runs inside one box, from an upper to a lower end. No box: the gate there."""

    link: Link
    upper: Box | None
    lower: Box | None
    labelled: bool
    """The label is in this part."""
    down: bool
    """It is followed downwards."""
    items: list[Item] = field(default_factory=list)
    """From top to bottom, both ends included."""


def turned(children: Sequence[Box], pairs: Iterable[tuple[Box, Box]]) -> set[tuple[Box, Box]]:
    """The pairs to be drawn upwards: those that close a circle when the children are walked from the first, each going on to
    its own in their order; and those that lead back to what an earlier walk saw, so that a picture begins at its beginning."""
    leads: dict[Box, dict[Box, None]] = {child: {} for child in children}
    for source, target in pairs:
        leads[source][target] = None
    back: set[tuple[Box, Box]] = set()
    seen: dict[Box, int] = {}
    for number, start in enumerate(children):
        if start in seen:
            continue
        seen[start] = number
        trail, todo = {start: None}, [iter(leads[start])]
        while todo:
            below = next(todo[-1], None)
            if below is None:
                todo.pop()
                trail.popitem()
            elif below in trail or seen.get(below, number) != number:
                back.add((next(reversed(trail)), below))
            elif below not in seen:
                seen[below] = number
                trail[below] = None
                todo.append(iter(leads[below]))
    return back


def rank(children: Sequence[Box], parts: Sequence[Part]) -> dict[Box, int]:
    """Each child below everything that leads to it, in rows that are not much wider than the whole is high."""
    above: dict[Box, dict[Box, None]] = {child: {} for child in children}
    below: dict[Box, dict[Box, None]] = {child: {} for child in children}
    for part in parts:
        if part.upper is not None and part.lower is not None:
            above[part.lower][part.upper] = None
            below[part.upper][part.lower] = None
    area = sum((child.width + GAP) * (child.height + 60) for child in children)
    widest = max([700.0, (area * 1.7) ** 0.5, *(child.width + GAP for child in children)])
    rows: dict[Box, int] = {}
    used: dict[int, float] = {}
    waiting = {child: len(above[child]) for child in children}
    ready = [child for child in children if not waiting[child]]
    place = {child: number for number, child in enumerate(children)}
    begins = any(child.kind == "dot" for child in children)
    while ready:
        child = ready.pop(0)
        lonely = begins and not above[child] and not below[child]
        row = max((rows[other] + 1 for other in above[child]), default=int(lonely))
        while used.get(row) and used[row] + child.width + GAP > widest:
            row += 1
        rows[child] = row
        used[row] = used.get(row, 0) + child.width + GAP
        free = []
        for other in below[child]:
            waiting[other] -= 1
            if not waiting[other]:
                free.append(other)
        ready += sorted(free, key=place.__getitem__)
    for child in children:
        if child.kind in ("dot", "history") and not above[child] and below[child]:
            # These stand just above what they lead to.
            rows[child] = max(rows[child], min(rows[other] for other in below[child]) - 1)
    return rows


def order(rows: dict[int, list[Item]]) -> None:
    """Put the items of each row where their neighbours are: barycentres, downwards and upwards by turns."""
    numbers = sorted(rows)
    size = sum(map(len, rows.values()))
    best, fewest = {number: list(rows[number]) for number in numbers}, _crossings(rows) if size < 4_000 else inf
    for turn in range(12 if size < 600 else 4 if size < 6_000 else 1 if size < 60_000 else 0):
        down = turn % 2 == 0
        for number in numbers if down else reversed(numbers):
            row = rows[number]
            keys = {item: _key(item, place, item.upper if down else item.lower) for place, item in enumerate(row)}
            row.sort(key=keys.__getitem__)
            for place, item in enumerate(row):
                item.x = place
        if size < 4_000:
            crossings = _crossings(rows)
            if crossings < fewest:
                best, fewest = {number: list(rows[number]) for number in numbers}, crossings
            if not fewest:
                break
    if size < 4_000:
        rows.update(best)


def _key(item: Item, place: int, others: list[Item]) -> float:
    if item.box is None and item.link is None:
        return -1  # room kept for the title
    return sum(other.x for other in others) / len(others) if others else place


def _crossings(rows: dict[int, list[Item]]) -> int:
    for row in rows.values():
        for place, item in enumerate(row):
            item.x = place
    count = 0
    for row in rows.values():
        ends: list[float] = []
        for item in row:
            mine = [other.x for other in item.lower]
            count += sum(len(ends) - bisect_right(ends, one) for one in mine)
            for one in mine:
                insort(ends, one)
    return count


def settle(desired: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """Positions nearest to the desired ones (least squares) in which each is at least ``apart`` from the one before it.

    The pool-adjacent-violators method: ``apart[i]`` is between the items i and i + 1.
    """
    offsets = [0.0, *accumulate(apart)]
    totals: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for want, weight, offset in zip(desired, weights, offsets, strict=True):
        total, mass, count = (want - offset) * weight, weight, 1
        while totals and totals[-1] * mass > total * masses[-1]:
            total, mass, count = total + totals.pop(), mass + masses.pop(), count + counts.pop()
        totals.append(total)
        masses.append(mass)
        counts.append(count)
    found: list[float] = []
    for total, mass, count in zip(totals, masses, counts, strict=True):
        found += [total / mass] * count
    return [position + offset for position, offset in zip(found, offsets, strict=True)]
