"""What the bot says, before any channel has dressed it: text already in the customer's language, nothing left to fill in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A button or a list row. Tapping it *is* the event."""

    event: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    title: str | None
    rows: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionList:
    button: str
    """The label that opens the list."""
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One bubble. ``buttons`` and ``list`` exclude each other; ``image`` may head buttons or stand alone."""

    text: str | None = None
    header: str | None = None
    footer: str | None = None
    buttons: tuple[Option, ...] = ()
    list: OptionList | None = None
    image: str | None = None
    """A public URL."""

    @property
    def options(self) -> tuple[Option, ...]:
        """Everything that can be tapped, in reading order."""
        if self.list is not None:
            return tuple(row for section in self.list.sections for row in section.rows)
        return self.buttons
