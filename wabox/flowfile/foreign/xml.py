"""XML as a tree, read with suspicion: no document type, no entities but the five of XML itself, bounded size and depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from wabox.flowfile.document import Mark, Source
from wabox.flowfile.findings import Finding
from wabox.flowfile.reader import DEPTH, NODES, SIZE

_SPACE = "\n"
"""Separates a namespace from a name; it cannot be part of either."""


@dataclass(slots=True, eq=False)
class Element:
    name: str
    """Without its namespace."""
    attributes: Mapping[str, str]
    """By name without namespace; those of other namespaces are left out."""
    mark: Mark
    known: bool
    """It is SCXML's, or of no namespace."""
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def get(self, name: str) -> str | None:
        """The attribute, without blanks around it; None when there is none or nothing in it."""
        return self.attributes.get(name, "").strip() or None

    def inside(self, *names: str) -> Iterator[Element]:
        """Children of these names, in document order."""
        return (child for child in self.children if child.name in names)

    def walk(self) -> Iterator[Element]:
        """This element and everything inside it, in document order."""
        todo = [self]
        while todo:
            element = todo.pop()
            yield element
            todo += reversed(element.children)


class _RefusedError(Exception):
    def __init__(self, code: str, sentence: str, fix: str) -> None:
        self.code, self.sentence, self.fix = code, sentence, fix


SCXML = "http://www.w3.org/2005/07/scxml"


def read_xml(raw: bytes, source: Source) -> Element | Finding:
    """The root element, or why there is none."""
    if len(raw) > SIZE:
        fix = "a chart of that size was not drawn by a person; split it"
        return source.finding(Mark(1, 1), "too-large", f"is larger than {SIZE // 1024 // 1024} MiB", fix)
    parser = expat.ParserCreate(namespace_separator=_SPACE)
    builder = _Builder(parser)
    try:
        parser.Parse(raw, True)
    except _RefusedError as refused:
        return source.finding(builder.mark(), refused.code, refused.sentence, refused.fix)
    except expat.ExpatError as error:
        mark = Mark(error.lineno or 1, (error.offset or 0) + 1)
        said = expat.ErrorString(error.code) or "unreadable"
        return source.finding(mark, "syntax", f"this is not valid XML: {said}", "correct it here or just above")
    except (ValueError, LookupError) as error:
        return source.finding(builder.mark(), "encoding", f"cannot be read: {error}", "save the file as UTF-8")
    return builder.root


class _Builder:
    def __init__(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        self._open: list[Element] = []
        self._count = 0
        self.root: Element
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def mark(self) -> Mark:
        return Mark(max(1, self._parser.CurrentLineNumber), self._parser.CurrentColumnNumber + 1)

    def _doctype(self, name: str, *rest: object) -> None:
        # Every way to make a small file large, or to read another one, begins here.
        raise _RefusedError("doctype", "has a document type (<!DOCTYPE …>), which is not read", "take that line out")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, bare = name.rpartition(_SPACE)
        self._count += 1
        if self._count > NODES:
            raise _RefusedError("too-large", f"holds more than {NODES:,} elements", "split it")
        if len(self._open) >= DEPTH:
            raise _RefusedError("too-large", f"goes deeper than {DEPTH} levels", "bring some of it further out")
        own = {key: value for key, value in attributes.items() if _SPACE not in key}
        element = Element(bare, own, self.mark(), space in ("", SCXML))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text += text
