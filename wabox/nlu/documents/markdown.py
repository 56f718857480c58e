"""Markdown, as far as it matters for quoting: headings, paragraphs, lists, tables. What only shapes the page is dropped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from wabox.nlu.documents.sections import Block, Heading, Line

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.*)")
_FENCE = re.compile(r"\s*(```|~~~)")
_RULE = re.compile(r"\s*(?:[-*_]\s*){3,}$")
_ROW = re.compile(r"\s*\|.*\|\s*$")
_BETWEEN = re.compile(r"\s*\|[\s:|\-]+\|\s*$")
_REFERENCE = re.compile(r"\s{0,3}\[[^\]]+\]:\s*\S+")
_COMMENT = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^>\s]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_EMPHASIS = re.compile(r"(\*{1,3}|(?<!\w)_{1,3}|~~|`+)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def lines(text: str) -> Iterator[Line]:
    """Headings and blocks, in order."""
    paragraph: list[str] = []
    item = False
    fenced = False
    head: list[str] = []

    def end() -> Iterator[Line]:
        if words := plain(" ".join(paragraph)):
            yield Block(words, item)
        paragraph.clear()

    for line in _COMMENT.sub("", _body(text)).splitlines():
        if _FENCE.match(line):
            yield from end()
            fenced, item = not fenced, False
        elif fenced:
            if line.strip():
                yield Block(line.strip(), item=True)
        elif heading := _HEADING.match(line):
            yield from end()
            item = False
            yield Heading(len(heading[1]), plain(heading[2]))
        elif paragraph and not item and (underline := _UNDERLINE.match(line)):
            yield Heading(1 if underline[1][0] == "=" else 2, plain(" ".join(paragraph)))
            paragraph.clear()
        elif not line.strip() or _RULE.match(line) or _REFERENCE.match(line):
            yield from end()
            item, head = False, []
        elif _ROW.match(line):
            yield from end()
            item = False
            cells = [plain(cell) for cell in line.strip().strip("|").split("|")]
            if _BETWEEN.match(line):
                continue
            if not head:
                head = cells
            else:
                yield Block(row(head, cells), item=True)
        elif found := _ITEM.match(line):
            yield from end()
            item = True
            paragraph.append(found[1])
        else:
            paragraph.append(line.strip().removeprefix(">").strip())
    yield from end()


def row(head: list[str], cells: list[str]) -> str:
    """One row of a table as words: the first cell, then the others behind their columns' names."""
    rest = [f"{name}: {cell}" if name else cell for name, cell in zip(head[1:], cells[1:], strict=False) if cell]
    return " – ".join([part for part in (cells[0] if cells else "", ", ".join(rest)) if part])


def plain(text: str) -> str:
    """The words alone."""
    text = _LINK.sub(r"\1", _IMAGE.sub("", text))
    text = _TAG.sub("", _AUTOLINK.sub(r"\1", text))
    for _ in range(2):  # **a _b_**
        text = _EMPHASIS.sub(r"\2", text)
    return " ".join(html.unescape(_ESCAPE.sub(r"\1", text)).split())


def _body(text: str) -> str:
    """Without the page's settings, which some programs write above it between two lines of ---."""
    if text.startswith("---\n"):
        settings, mark, body = text[4:].partition("\n---")
        if mark and len(settings) < 5000 and body[:1] in ("\n", ""):
            title = re.search(r"^title:\s*[\"']?(.+?)[\"']?\s*$", settings, re.MULTILINE)
            return (f"# {title[1]}\n" if title else "") + body
    return text
