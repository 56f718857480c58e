"""From a file to a tree that knows where everything stands: YAML 1.2, and JSON.

What is read is data and nothing else:

* Words are words: only ``true`` and ``false`` are truth values, so that ``on:``, ``yes:`` and ``no:`` mean what they say
  (YAML 1.2 core schema; PyYAML by itself follows 1.1).
* Keys are texts, also ``1000:``. A key may stand only once.
* No tags, no ``<<``. Aliases are read, but not one that contains itself, nor more of them than :data:`NODES` (a file of
  300 bytes can otherwise unfold to gigabytes).
* At most :data:`SIZE` bytes and :data:`DEPTH` levels.

A number must fit where numbers are stored: 64 bits, finite.

The scanner is libyaml's (through PyYAML's events, three times as fast as its node trees); everything after the scanner is
here, without recursion. JSON has its own reader, because YAML 1.1 scanners refuse what JSON allows (``"\\ud83d\\ude00"``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from wabox.flowfile.document import START, Document, Mark, Node, Scalar, Source, storable
from wabox.flowfile.findings import Finding
from wabox.flowfile.jsonfile import JsonError, read_json
from wabox.flowfile.words import quoted

SIZE = 4 * 1024 * 1024
DEPTH = 100
NODES = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Add = Callable[[Finding], None]

_INT = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_INT = re.compile(r"0o([0-7]+)\Z|0x([0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_JSON = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def read(path: Path, shown: str, add: Add) -> Document | None:
    """The file as a tree; every problem goes to ``add``. None when there is no tree at all.

    After a problem that leaves the rest readable (a key that stands twice, a tag) reading goes on.
    """
    source = Source(path, shown)
    try:
        with path.open("rb") as file:
            raw = file.read(SIZE + 1)
    except OSError as error:
        fix = "check the name and the permissions of the file"
        add(source.finding(START, "unreadable", f"cannot be read: {error.strerror or error}", fix))
        return None
    return read_bytes(raw, source, add)


def read_bytes(raw: bytes, source: Source, add: Add) -> Document | None:
    """The same for bytes that are at hand."""
    if len(raw) > SIZE:
        fix = "split it: charts, intents and texts may have files of their own"
        add(source.finding(START, "too-large", f"is larger than {SIZE // 1024 // 1024} MiB", fix))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        mark = Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))
        fix = "save the file as UTF-8"
        add(source.finding(mark, "encoding", f"byte 0x{raw[error.start]:02x} is not UTF-8", fix))
        return None
    if source.path.suffix == ".json":
        return _json(text, Source(source.path, source.shown, tuple(text.split("\n"))), add)
    source = Source(source.path, source.shown, tuple(text.splitlines()))
    try:
        return _Builder(source, add).build(text)
    except yaml.MarkedYAMLError as error:
        add(_syntax(error, source))
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes, PyYAML's own scanner characters.
        before = text[: error.position] if _LOADER is yaml.SafeLoader else _bytes(text, error.position)
        mark = Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))
        sentence = f"contains the control character U+{ord(text[len(before) : len(before) + 1] or chr(0)):04X}"
        add(source.finding(mark, "syntax", sentence, "delete it"))
    except _TooMuchError as problem:
        add(source.finding(problem.mark, "too-large", problem.sentence, problem.fix))
    return None


def _bytes(text: str, size: int) -> str:
    """The beginning of the text that takes so many bytes."""
    return text.encode()[:size].decode("utf-8", "ignore")


def _json(text: str, source: Source, add: Add) -> Document | None:
    try:
        root, repeated = read_json(text, DEPTH, NODES)
    except JsonError as problem:
        add(source.finding(problem.mark, problem.code, problem.sentence, problem.fix))
        return None
    for key, mark, first in repeated:
        add(_repeated(source, key, mark, first))
    return Document(source, root)


def _repeated(source: Source, key: str, mark: Mark, first: Mark) -> Finding:
    sentence = f"{quoted(key)} stands here a second time; the first is in line {first.line}"
    return source.finding(mark, "duplicate-key", sentence, "give it another name, or put the two together")


class _TooMuchError(Exception):
    def __init__(self, mark: Mark, sentence: str, fix: str) -> None:
        self.mark, self.sentence, self.fix = mark, sentence, fix


class _Open:
    """A mapping or list that is being read."""

    __slots__ = ("anchor", "key", "node", "skip")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Node | None = None
        """The key that waits for its value."""
        self.skip = False
        """Whether that value is dropped: its key stands twice, or is not one."""


class _Builder:
    """Puts nodes together from the scanner's events."""

    def __init__(self, source: Source, add: Add) -> None:
        self.source = source
        self.add = add
        self.open: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}
        """None while the anchored node is still open."""
        self.count = 0
        self.root: Node | None = None

    def build(self, text: str) -> Document | None:
        loader = _LOADER(text)
        documents = 0
        try:
            while loader.check_event():
                event = loader.get_event()
                if isinstance(event, yaml.ScalarEvent):
                    self._put(self._scalar(event), event.anchor)
                elif isinstance(event, yaml.MappingStartEvent):
                    self._start(event, {})
                elif isinstance(event, yaml.SequenceStartEvent):
                    self._start(event, [])
                elif isinstance(event, yaml.CollectionEndEvent):
                    done = self.open.pop()
                    self._measure(done.node)
                    self._put(done.node, done.anchor)
                elif isinstance(event, yaml.AliasEvent):
                    self._put(self._alias(event), None)
                elif isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        sentence = "a second document begins here; a file holds one"
                        self._error(_mark(event), "syntax", sentence, "take the --- line away, or make two files")
                        break
        finally:
            loader.dispose()
        return Document(self.source, self.root or Node(None, START))

    def _error(self, mark: Mark, code: str, sentence: str, fix: str) -> None:
        self.add(self.source.finding(mark, code, sentence, fix))

    def _start(self, event: Any, value: list[Node] | dict[str, Node]) -> None:
        mark = _mark(event)
        self._tag(event, mark)
        if len(self.open) >= DEPTH:
            raise _TooMuchError(mark, f"goes deeper than {DEPTH} levels", "bring some of it to a level further out")
        self._grow(1, mark)
        self.open.append(_Open(Node(value, mark), event.anchor))
        if event.anchor:
            self.anchors[event.anchor] = None

    def _scalar(self, event: Any) -> Node:
        mark = _mark(event)
        self._tag(event, mark)
        self._grow(1, mark)
        if not event.implicit[0] or event.style:
            return Node(event.value, mark)
        parent = self.open[-1] if self.open else None
        if parent is not None and isinstance(parent.node.value, dict) and parent.key is None:
            return Node(event.value, mark)  # a key
        try:
            return Node(resolve(event.value), mark)
        except ValueError:
            sentence = f"{quoted(event.value)} is not a number that can be stored"
            self._error(mark, "number", sentence, "put it in quotes if it is a text")
            return Node(event.value, mark)

    def _alias(self, event: Any) -> Node:
        mark = _mark(event)
        node = self.anchors.get(event.anchor)
        if node is None:
            known = event.anchor in self.anchors
            rest = "contains itself" if known else "stands for nothing: no &" + event.anchor + " comes before it"
            fix = "write out what is meant, or put the text in quotes if it begins with *"
            self._error(mark, "alias", f"*{event.anchor} {rest}", fix)
            return Node(None, mark)
        if len(self.open) + node.height > DEPTH:
            raise _TooMuchError(mark, f"goes deeper than {DEPTH} levels", "bring some of it to a level further out")
        self._grow(node.size, mark)
        return node

    def _put(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.open:
            self.root = self.root or node
            return
        parent = self.open[-1]
        value = parent.node.value
        if isinstance(value, list):
            value.append(node)
        elif isinstance(value, dict):
            if parent.key is None:
                self._key(parent, node)
            else:
                if not parent.skip:
                    value[str(parent.key.value)] = node
                parent.key = None

    def _key(self, parent: _Open, node: Node) -> None:
        parent.key = node
        parent.skip = True
        keys = parent.node.keys
        if isinstance(node.value, (dict, list)):
            self._error(node.mark, "syntax", f"a key is a text, here stands {node.kind}", "put the key in quotes")
        elif node.value == "<<":
            sentence = "<< is not part of YAML 1.2, nothing is merged"
            self._error(node.mark, "unknown-key", sentence, "write out the lines that are meant")
        elif (key := str(node.value)) in keys:
            self.add(_repeated(self.source, key, node.mark, keys[key]))
        else:
            keys[key] = node.mark
            parent.skip = False

    def _measure(self, node: Node) -> None:
        below = node.value.values() if isinstance(node.value, dict) else node.value
        assert isinstance(below, (list, type({}.values())))  # noqa: S101 - for the type checker
        for child in below:
            node.size += child.size
            node.height = max(node.height, child.height + 1)

    def _grow(self, size: int, mark: Mark) -> None:
        self.count += size
        if self.count > NODES:
            raise _TooMuchError(mark, f"holds more than {NODES:,} values", "split it, or use fewer aliases")

    def _tag(self, event: Any, mark: Mark) -> None:
        if event.tag is not None:
            sentence = f"{quoted(event.tag)} is a tag; tags are not read"
            self._error(mark, "tag", sentence, "delete it, or put the text in quotes if it begins with !")


def resolve(word: str) -> Scalar:
    """What an unquoted word means in the YAML 1.2 core schema. ValueError for numbers that cannot be stored."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in "-+.0123456789":
        return word
    number: int | float
    if _INT.match(word):
        number = int(word) if len(word) <= 20 else math.inf
    elif other := _OTHER_INT.match(word):
        number = int(other[1], 8) if other[1] else int(other[2], 16)
    elif _FLOAT.match(word):
        number = float(word)
    elif _NOT_JSON.match(word):
        number = math.inf
    else:
        return word
    if not storable(number):
        raise ValueError(word)
    return number


def _mark(event: Any) -> Mark:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1_000
    return Mark(start.line + 1, start.column + 1, max(1, width))


def _syntax(error: yaml.MarkedYAMLError, source: Source) -> Finding:
    """The scanner's complaint in the words of somebody who writes flows."""
    problem = error.problem or "not valid YAML"
    at = error.problem_mark or error.context_mark
    mark = Mark(at.line + 1, at.column + 1) if at else START
    line = source.lines[mark.line - 1] if mark.line <= len(source.lines) else ""
    sign = line[mark.column - 1 : mark.column]
    sentence, fix = f"this is not valid YAML: {problem}", "check indentation, quotes and brackets here and just above"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        sentence, fix = "this line is indented with a tab; YAML allows blanks only", "replace each tab by two blanks"
    elif problem.startswith("mapping values are not allowed"):
        sentence = "a second colon, or a line that is indented further than the one before it"
        fix = 'put a text that contains ": " in quotes; otherwise align the line with its neighbours'
    elif problem.startswith("block sequence entries are not allowed"):
        sentence, fix = "a list cannot begin behind a key", "put the - on the next line, or the text in quotes"
    elif problem.startswith("found character that cannot start") and sign:
        sentence, fix = f"a text cannot begin with {sign} unless it is in quotes", "put the text in quotes"
    elif problem == "found unexpected end of stream" and error.context_mark:
        mark = Mark(error.context_mark.line + 1, error.context_mark.column + 1)
        sentence, fix = "this quote is opened and never closed", "close it at the end of the text"
    elif "expected ',' or" in problem and error.context_mark:
        bracket = Mark(error.context_mark.line + 1, error.context_mark.column + 1)
        sentence = f"expected a comma or the closing bracket of the one in line {bracket.line}, column {bracket.column}"
        fix = "close the bracket; put texts that contain , : [ ] { } in quotes"
    elif problem in ("did not find expected key", "did not find expected '-' indicator"):
        opened = _half_quoted(source.lines[: mark.line])
        if opened is not None:
            # The text ran on to the next quote, somewhere below; what is wrong stands where it began.
            mark, sentence = opened, "a quote is opened here and not closed in this line"
            fix = 'close it at the end of the text; a " inside it is written \\"'
        else:
            sentence = "this line does not fit the block it stands in"
            fix = "align it with its neighbours; a ' inside a text in ' quotes is written twice: 'it''s'"
    elif "incompatible YAML document" in problem:
        sentence, fix = "the %YAML line asks for a version that is not known here", "delete the %YAML line"
    return source.finding(mark, "syntax", sentence, fix)


def _half_quoted(lines: Sequence[str]) -> Mark | None:
    """The first of these lines with an odd number of double quotes, within a screen of the last."""
    above = max(len(lines) - 30, 0)
    for number, line in enumerate(lines[above:], above + 1):
        if line.replace('\\"', "").count('"') % 2:
            return Mark(number, line.rindex('"') + 1)
    return None
