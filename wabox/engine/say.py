"""What a chart says, before anyone has looked up a text or filled in a placeholder.

All strings here are *text references*: the key of a text or the text itself. The engine passes them on as written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from wabox.core.kind import Media, TemplateUse, Written


class ButtonTemplate(NamedTuple):
    event: str
    """What a tap means."""
    title: str


class RowTemplate(NamedTuple):
    event: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class SectionTemplate:
    title: str | None
    rows: tuple[RowTemplate, ...]


@dataclass(frozen=True, slots=True)
class ListTemplate:
    button: str
    """The label that opens the list."""
    sections: tuple[SectionTemplate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SayTemplate:
    """One bubble, as written in ``say`` or ``ask``."""

    text: str | None = None
    header: str | None = None
    footer: str | None = None
    buttons: tuple[ButtonTemplate, ...] = ()
    list: ListTemplate | None = None
    media: Media | None = None
    kind: Written | None = None
    outside: TemplateUse | None = None
    """What is sent instead when the service window is closed."""
    quote: bool = False
    """A reply to the customer's message."""
    preview: bool = False
    """With a picture of the page that its first link leads to."""
    merge: bool | None = None
    """Whether it may share a bubble with the text before it."""
    once: bool = False
    """It is not repeated when nobody knows whether it left."""

    @property
    def options(self) -> tuple[RowTemplate, ...]:
        """Everything that can be tapped, in reading order."""
        if self.list is not None:
            return tuple(row for section in self.list.sections for row in section.rows)
        if isinstance(self.kind, TemplateUse):
            return tuple(RowTemplate(event, title) for event, title in self.kind.replies)
        return tuple(RowTemplate(event, title) for event, title in self.buttons)
