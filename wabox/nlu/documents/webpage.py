"""HTML: what a reader of the page sees. Scripts, styles, forms, menus and what is hidden are left out; nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

from wabox.nlu.documents.markdown import row
from wabox.nlu.documents.sections import Block, Heading, Line

# fmt: off
_UNSEEN = frozenset({
    "script", "style", "template", "noscript", "head", "nav", "footer", "form", "button", "select", "textarea", "svg",
    "math", "iframe", "object", "canvas", "video", "audio", "dialog",
})
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})
_ENDS = frozenset({
    "p", "div", "section", "article", "main", "header", "aside", "ul", "ol", "dl", "table", "tbody", "thead", "tfoot",
    "blockquote", "pre", "figure", "figcaption", "address", "details", "summary", "body", "br", "hr",
})
# fmt: on
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ITEMS = frozenset({"li", "dt", "dd"})


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.lines: list[Line] = []
        self._words: list[str] = []
        self._unseen: list[str] = []
        """Open elements of which nothing is read."""
        self._in_title = False
        self._item = False
        self._head: list[str] = []
        self._cells: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "title" and not self.title:
            self._in_title = True
        if tag in _VOID:
            if tag in _ENDS and not self._unseen:
                self._end() if self._cells is None else self._words.append(" ")
            return
        given = {name: value or "" for name, value in attrs}
        hidden = "hidden" in given or given.get("aria-hidden") == "true" or _is_hidden(given.get("style", ""))
        if self._unseen or tag in _UNSEEN or hidden:
            if tag == "body":
                self._unseen.clear()  # a head that was never closed
            else:
                self._unseen.append(tag)
                return
        if tag in _HEADINGS or tag in _ENDS or tag in _ITEMS:
            if self._cells is None:
                self._end()
            else:
                self._words.append(" ")
        if tag in _ITEMS:
            self._item = True
        elif tag == "table":
            self._head = []
        elif tag == "tr":
            self._end()
            self._cells = []
        elif tag in ("td", "th"):
            self._words.clear()

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if self._unseen:
            if tag in self._unseen:
                while self._unseen.pop() != tag:
                    pass
            return
        if tag in _HEADINGS:
            if words := self._taken():
                self.lines.append(Heading(_HEADINGS[tag], words))
        elif tag in ("td", "th") and self._cells is not None:
            self._cells.append(self._taken())
        elif tag == "tr" and self._cells is not None:
            cells, self._cells = self._cells, None
            if not self._head:
                self._head = cells
            elif words := row(self._head, cells):
                self.lines.append(Block(words, item=True))
        elif self._cells is None and (tag in _ENDS or tag in _ITEMS):
            self._end()
            self._item = self._item and tag not in _ITEMS

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif not self._unseen:
            self._words.append(data)

    def finish(self) -> None:
        self.close()
        self._end()

    def _end(self) -> None:
        if words := self._taken():
            self.lines.append(Block(words, self._item))

    def _taken(self) -> str:
        words = " ".join("".join(self._words).split())
        self._words.clear()
        return words


def read_page(text: str) -> tuple[str, list[Line]]:
    """Its title, and headings and blocks in order."""
    page = _Page()
    page.feed(text)
    page.finish()
    return " ".join(page.title.split()), page.lines


def _is_hidden(style: str) -> bool:
    plain = style.replace(" ", "").lower()
    return "display:none" in plain or "visibility:hidden" in plain
