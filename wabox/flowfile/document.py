"""A file that was read: plain values, and for each of them its place, so that a finding can point at it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from wabox.flowfile.findings import Finding, Severity

Scalar = None | bool | int | float | str
Steps = tuple[str | int, ...]
"""The way from the root of a document to a value: keys and positions."""


def storable(number: int | float) -> bool:
    """Whether a context can hold it: 64 bits, finite."""
    return math.isfinite(number) if isinstance(number, float) else -(2**63) <= number < 2**64


class Mark(NamedTuple):
    """Where something stands; line and column count from 1."""

    line: int
    column: int
    width: int = 1


START = Mark(1, 1)


@dataclass(slots=True, eq=False)
class Node:
    """One value of a file. A mapping is a ``dict`` of nodes, a sequence a ``list`` of nodes, anything else a scalar."""

    value: Scalar | list[Node] | dict[str, Node]
    mark: Mark
    keys: dict[str, Mark] = field(default_factory=dict)
    """For a mapping: where each key stands."""
    size: int = 1
    """Nodes in it, itself included, aliases counted each time."""
    height: int = 1
    """Levels of it, itself included."""

    @property
    def kind(self) -> str:
        """What it is, in words for a finding."""
        value = self.value
        if value is None:
            return "nothing"
        if isinstance(value, bool):
            return f"the truth value {str(value).lower()}"
        if isinstance(value, dict):
            return "a mapping"
        if isinstance(value, list):
            return "a list"
        return "a text" if isinstance(value, str) else "a number"

    def get(self, key: str | int) -> Node | None:
        """The node under a key or at a position; None if there is none, or if this is not a mapping or list."""
        value = self.value
        if isinstance(value, dict):
            return value.get(str(key))
        if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
            return value[key]
        return None

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and nodes of a mapping, in the order of the file; nothing for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def plain(self) -> Any:
        """The value without places: what ``json.loads`` would give. What aliases share stays shared."""
        return self._plain({})

    def _plain(self, done: dict[int, Any]) -> Any:
        value = self.value
        if not isinstance(value, (dict, list)):
            return value
        if id(self) not in done:
            if isinstance(value, dict):
                done[id(self)] = {key: node._plain(done) for key, node in value.items()}
            else:
                done[id(self)] = [node._plain(done) for node in value]
        return done[id(self)]


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name and lines, for findings."""

    path: Path
    shown: str
    """The name to print."""
    lines: tuple[str, ...] = ()

    def finding(self, mark: Mark, code: str, sentence: str, fix: str, *, severity: Severity = "error") -> Finding:
        """A finding at a place of this file."""
        line = self.lines[mark.line - 1] if 0 < mark.line <= len(self.lines) else ""
        return Finding(
            file=self.shown,
            line=mark.line,
            column=mark.column,
            severity=severity,
            code=code,
            sentence=sentence,
            fix=fix,
            source=line,
            width=max(1, min(mark.width, len(line) - mark.column + 1)),
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A file and the tree that was read from it."""

    source: Source
    root: Node

    def node(self, steps: Steps) -> Node | None:
        """The node at the end of the way, None if there is none."""
        node: Node | None = self.root
        for step in steps:
            if node is None:
                return None
            node = node.get(step)
        return node

    def mark(self, steps: Steps, *, key: bool = False) -> Mark:
        """The place of the value at the end of the way: of the key itself with ``key=True`` or for a whole block.

        A way that leads nowhere ends at the last place that exists, so that a finding always points somewhere.
        """
        node, mark = self.root, self.root.mark
        for number, step in enumerate(steps):
            below = node.get(step)
            if below is None:
                break
            named = node.keys.get(str(step))
            last = number == len(steps) - 1
            mark = named if named and ((key and last) or isinstance(below.value, (dict, list))) else below.mark
            node = below
        return mark
