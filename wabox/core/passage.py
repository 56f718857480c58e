"""What a bot may quote: pieces of the owner's documents, and what was found for a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DOCUMENT = "documents.answer"
"""The event of a question that the bot's documents answer; its data are those of :meth:`Found.data`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One section of a document, or a part of a long one."""

    id: str
    """``returns.md#2``: the file, and which of its passages."""
    title: str
    """The document's."""
    section: str = ""
    """The headings that it stands below, joined by " › "; empty when it has none of its own."""
    language: str | None = None
    """As the file's name says (``returns.es.md``); None: whoever asks may read it."""
    sentences: tuple[str, ...] = ()
    """In order. A line break at the beginning means that it stands on a line of its own."""

    @property
    def text(self) -> str:
        """The sentences as they stood."""
        return joined(self.sentences)

    @property
    def source(self) -> str:
        """What to tell people about where it stands."""
        return " › ".join(part for part in (self.title, self.section) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A passage for a question."""

    passage: Passage
    score: float
    """0 to 1: how much of what was asked about it speaks of."""
    answer: str = ""
    """Its sentences that say it, short enough for a message."""

    def data(self) -> Mapping[str, str]:
        """For the chart that says it."""
        return {"answer": self.answer, "source": self.passage.source, "passage": self.passage.id}


def joined(sentences: tuple[str, ...]) -> str:
    """Sentences as one text."""
    text = ""
    for sentence in sentences:
        text += sentence if sentence.startswith("\n") or not text else f" {sentence}"
    return text.strip()
