"""Puts lines into a YAML (or JSON) file that a person wrote: everything that is there stays as it is, comments included.

The file is not written anew from its values; text is put in at the places that the scanner names. Whoever calls reads the
result back and compares (:mod:`wabox.flowfile.additions`), so a layout that nobody thought of ends in a sentence, not in a
broken file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from wabox.flowfile.writing import flow, scalar

WIDTH = 120
"""Columns after which a list goes on in the next line."""
INDENT = 2


class Text:
    """A file's text, to be changed. ``as_json``: what is put in is JSON."""

    def __init__(self, text: str, *, as_json: bool = False) -> None:
        self.text = text
        self._json = as_json
        self._newline = "\r\n" if "\r\n" in text else "\n"

    @property
    def root(self) -> yaml.Node | None:
        return yaml.compose(self.text, Loader=yaml.SafeLoader)

    def node(self, *keys: str) -> yaml.Node | None:
        """The node at the end of the way; None when there is none."""
        found = self.root
        for key in keys:
            found = _below(found, key)
        return found

    def put(self, way: Sequence[str], value: Any) -> None:
        """A new key at the end of the mapping that the way before it leads to; missing mappings are made."""
        *outer, key = way
        if outer and not isinstance(self.node(*outer), yaml.MappingNode):
            node = self.node(*outer)
            if node is None:
                self.put(outer, {key: value})
            else:  # ``track_order:`` with nothing behind it
                self._replace(node, " " + self._flow({key: value}))
            return
        within = self.node(*outer)
        line = f"{self._key(key)}: {self._flow(value)}"
        if not isinstance(within, yaml.MappingNode):
            if within is not None:
                raise ValueError("the file is no mapping")
            self.text += self._gap() + self._block(key, value)
        elif within.flow_style:
            last = within.value[-1][1] if within.value else None
            at = within.start_mark.index + 1 if last is None else last.end_mark.index
            self._insert(at, line if last is None else f", {line}")
        elif not outer:
            self.text = self.text.rstrip() + self._newline + self._gap() + self._block(key, value)
        else:
            first = within.value[0][0]
            self._line_after(_end(within), " " * first.start_mark.column + line)

    def extend(self, way: Sequence[str], items: Sequence[str]) -> None:
        """More texts for the list at the end of the way; it is made of what is there if that is one text, or nothing."""
        found = self.node(*way)
        if found is None:
            self.put(way, list(items))
        elif isinstance(found, yaml.ScalarNode):
            old = [found.value] if found.value or found.style else []
            self._replace(found, ("" if found.value else " ") + self._flow([*old, *items]))
        elif not isinstance(found, yaml.SequenceNode):
            raise ValueError("a list of texts is expected there")
        elif found.flow_style:
            at = found.value[-1].end_mark.index if found.value else found.start_mark.index + 1
            self._insert(at, self._listed(at, items, after=bool(found.value), column=found.start_mark.column + 1))
        elif found.value:
            lead = " " * found.start_mark.column + "- "
            self._line_after(_end(found), self._newline.join(lead + scalar(item) for item in items))

    def _listed(self, at: int, items: Sequence[str], *, after: bool, column: int) -> str:
        """Items for a list in brackets, broken where the line would be too long."""
        here = at - (self.text.rfind("\n", 0, at) + 1)
        parts = []
        for number, item in enumerate(items):
            written = self._scalar(item)
            lead = ", " if after or number else ""
            if lead and here + len(lead) + len(written) >= WIDTH:
                lead = f",{self._newline}{' ' * column}"
                here = column - len(lead)
            here += len(lead) + len(written)
            parts.append(lead + written)
        return "".join(parts)

    def _block(self, key: str, value: Any) -> str:
        """A key of the root and, one a line, what is below it."""
        if not isinstance(value, Mapping):
            return f"{self._key(key)}: {self._flow(value)}{self._newline}"
        lines = [f"{self._key(key)}:"]
        for name, below in value.items():
            lines.append(f"{' ' * INDENT}{self._key(name)}: {self._flow(below)}")
        return self._newline.join(lines) + self._newline

    def _gap(self) -> str:
        return self._newline if self.text.strip() else ""

    def _line_after(self, index: int, line: str) -> None:
        """A line of its own after the one in which ``index`` is."""
        end = self.text.find("\n", index - 1 if self.text[index - 1 : index] == "\n" else index)
        if end < 0:
            self.text += self._newline + line + self._newline
        else:
            self._insert(end + 1, line + self._newline)

    def _insert(self, at: int, text: str) -> None:
        self.text = self.text[:at] + text + self.text[at:]

    def _replace(self, node: yaml.Node, text: str) -> None:
        self.text = self.text[: node.start_mark.index] + text + self.text[node.end_mark.index :]

    def _flow(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False) if self._json else flow(value)

    def _scalar(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=False) if self._json else scalar(value, nested=True)

    def _key(self, key: str) -> str:
        return json.dumps(key) if self._json else flow({key: None}).removeprefix("{").removesuffix(": null}")


def _below(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if getattr(name, "value", None) == key), None)


def _end(node: yaml.Node) -> int:
    """Where the last character of a block collection's last value is; its own end is where the next token begins."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)
