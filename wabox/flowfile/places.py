"""Where a chart's states and transitions are written, for reports about a bot that is loaded already."""

from __future__ import annotations

from typing import NamedTuple

from wabox.flowfile.bot import Bot
from wabox.flowfile.document import START, Document, Steps
from wabox.flowfile.faq import PREFIX
from wabox.flowfile.folder import FLOW_FILES, shown
from wabox.flowfile.reader import read


class Place(NamedTuple):
    file: str
    """As a person would type it here."""
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Places:
    """Reads a chart's file when it is first asked for."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._documents: dict[str, Document | None] = {}

    def at(self, chart: str, path: Steps) -> Place:
        """The place of the last key of the way; the beginning of the folder's file when there is none."""
        document = self._document(chart)
        if document is None:
            return Place(shown(self._bot.folder), *START[:2])
        mark = document.mark(path, key=True)
        return Place(document.source.shown, mark.line, mark.column)

    def _document(self, chart: str) -> Document | None:
        if chart not in self._documents:
            stems = ("flow",) if chart == self._bot.main else ("faq",) if chart.startswith(PREFIX) else (chart,)
            files = (self._bot.folder / f"{stem}{name.removeprefix('flow')}" for stem in stems for name in FLOW_FILES)
            path = next((file for file in files if file.is_file()), None)
            self._documents[chart] = read(path, shown(path), lambda finding: None) if path else None
        return self._documents[chart]
