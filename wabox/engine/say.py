"""What a chart says, before anyone has looked up a text or filled in a placeholder.

All strings here are *text references*: the key of a text or the text itself. The engine passes them on as written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


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
    image: str | None = None

    @property
    def options(self) -> tuple[RowTemplate, ...]:
        """Everything that can be tapped, in reading order."""
        if self.list is not None:
            return tuple(row for section in self.list.sections for row in section.rows)
        return tuple(RowTemplate(event, title) for event, title in self.buttons)

    def references(self) -> Iterator[tuple[str, str]]:
        """Every text reference with its place: ``("text", …)``, ``("buttons.yes", …)``, ``("list.rows.red.title", …)``."""
        for place, reference in (
            ("text", self.text),
            ("header", self.header),
            ("footer", self.footer),
            ("image", self.image),
        ):
            if reference is not None:
                yield place, reference
        for event, title in self.buttons:
            yield f"buttons.{event}", title
        if self.list is None:
            return
        yield "list.button", self.list.button
        for number, section in enumerate(self.list.sections):
            if section.title is not None:
                yield f"list.sections.{number}.title", section.title
            for row in section.rows:
                yield f"list.rows.{row.event}.title", row.title
                if row.description is not None:
                    yield f"list.rows.{row.event}.description", row.description
