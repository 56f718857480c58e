"""JSON with the place of every value. Strict JSON (RFC 8259), except that a lone surrogate becomes U+FFFD."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from wabox.flowfile.document import Mark, Node, Scalar, storable

_TOKEN = re.compile(r'[ \t\n\r]*(?:([{}\[\],:"])|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)|([a-z]+))')
_DECODER = json.JSONDecoder()
_LONE = re.compile(r"[\ud800-\udfff]")
_WORDS: dict[str, Scalar] = {"null": None, "true": True, "false": False}

Repeated = tuple[str, Mark, Mark]
"""A key that stands twice: its text, the second place, the first."""


class JsonError(Exception):
    """Why a text is not JSON, or too much of it."""

    def __init__(self, mark: Mark, code: str, sentence: str, fix: str) -> None:
        self.mark, self.code, self.sentence, self.fix = mark, code, sentence, fix


def read_json(text: str, depth: int, nodes: int) -> tuple[Node, list[Repeated]]:
    """The tree, and the keys that stand twice (the first is kept). Raises :class:`JsonError`."""
    return _Reader(text, depth, nodes).read()


class _Reader:
    def __init__(self, text: str, depth: int, nodes: int) -> None:
        self.text = text
        self.depth = depth
        self.nodes = nodes
        self.position = 0
        self.line = 1
        self.line_start = 0
        self.counted = 0
        """Up to where lines were counted."""
        self.repeated: list[Repeated] = []

    def read(self) -> tuple[Node, list[Repeated]]:
        root = self._value(self._token(), 1)
        if self.text[self.position :].strip(" \t\n\r"):
            self._token()
            raise self._wrong("the end of the file")
        return root, self.repeated

    def _mark(self, start: int, end: int) -> Mark:
        # Places come in order. Counting from the last one keeps a file in one long line (an editor's export) cheap.
        lines = self.text.count("\n", self.counted, start)
        if lines:
            self.line += lines
            self.line_start = self.text.rfind("\n", self.counted, start) + 1
        self.counted = start
        return Mark(self.line, start - self.line_start + 1, max(1, end - start))

    def _wrong(self, wanted: str) -> JsonError:
        start = min(self.start, max(0, len(self.text) - 1))
        line = self.text.count("\n", 0, start) + 1
        mark = Mark(line, start - self.text.rfind("\n", 0, start))
        return JsonError(mark, "syntax", f"expected {wanted} here", "check commas, quotes and brackets just before")

    def _token(self) -> str | re.Match[str]:
        """The sign that stands next, or the match of a number or word."""
        found = _TOKEN.match(self.text, self.position)
        if found is None:
            blank = re.compile(r"[ \t\n\r]*").match(self.text, self.position)
            self.start = blank.end() if blank else self.position
            raise self._wrong("a value, a bracket or a comma")
        self.start = found.start(found.lastindex or 0)
        self.position = found.end()
        return found[1] or found

    def _value(self, sign: str | re.Match[str], level: int) -> Node:
        start = self.start
        self.nodes -= 1
        if level > self.depth or self.nodes < 0:
            sentence = "goes too deep here" if level > self.depth else "holds too many values"
            raise JsonError(self._mark(start, start + 1), "too-large", sentence, "split it")
        if sign == '"':
            text = self._string(start)
            return Node(text, self._mark(start, self.position))
        if sign in ("{", "["):
            node = Node({} if sign == "{" else [], self._mark(start, start + 1))
            for child in self._members(node, level) if sign == "{" else self._elements(node, level):
                node.size += child.size
                node.height = max(node.height, child.height + 1)
            return node
        if isinstance(sign, str):
            raise self._wrong("a value")
        return Node(self._scalar(sign), self._mark(start, self.position))

    def _scalar(self, sign: re.Match[str]) -> Scalar:
        if sign[3]:
            if sign[3] not in _WORDS:
                raise self._wrong("a value (texts stand in double quotes)")
            return _WORDS[sign[3]]
        whole = re.fullmatch(r"-?[0-9]+", sign[2])
        number = float(sign[2]) if whole is None or len(sign[2]) > 20 else int(sign[2])
        if not storable(number):
            raise self._wrong("a number that can be stored")
        return number

    def _string(self, start: int) -> str:
        try:
            text, self.position = _DECODER.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            self.start = error.pos
            raise self._wrong("the rest of a text in double quotes, without line breaks and tabs") from None
        return _LONE.sub("\ufffd", str(text))

    def _elements(self, node: Node, level: int) -> Iterator[Node]:
        assert isinstance(node.value, list)  # noqa: S101 - for the type checker
        sign = self._token()
        while sign != "]" or node.value:
            child = self._value(sign, level + 1)
            node.value.append(child)
            yield child
            if (sign := self._token()) == "]":
                return
            if sign != ",":
                raise self._wrong("a comma or ]")
            sign = self._token()

    def _members(self, node: Node, level: int) -> Iterator[Node]:
        assert isinstance(node.value, dict)  # noqa: S101 - for the type checker
        sign = self._token()
        while sign != "}" or node.keys:
            if sign != '"':
                raise self._wrong("a key in double quotes")
            start = self.start
            key = self._string(start)
            mark = self._mark(start, self.position)
            if self._token() != ":":
                raise self._wrong("a colon")
            child = self._value(self._token(), level + 1)
            if key in node.keys:
                self.repeated.append((key, mark, node.keys[key]))
            else:
                node.keys[key] = mark
                node.value[key] = child
                yield child
            if (sign := self._token()) == "}":
                return
            if sign != ",":
                raise self._wrong("a comma or }")
            sign = self._token()
