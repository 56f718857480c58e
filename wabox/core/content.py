"""What the bot says, before any channel has dressed it: text already in the customer's language, nothing left to fill in."""

from __future__ import annotations

from dataclasses import dataclass

from wabox.core.kind import (
    AddressRequest,
    CallButton,
    CallRequest,
    Carousel,
    Catalog,
    ContactRequest,
    Form,
    Kind,
    Link,
    LocationRequest,
    Media,
    Product,
    TemplateMessage,
)


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
    """One bubble. At most one of ``buttons``, ``list`` and ``kind``; ``media`` stands alone, with ``text`` as its caption,
    or heads buttons, a link or a form."""

    text: str | None = None
    header: str | None = None
    footer: str | None = None
    buttons: tuple[Option, ...] = ()
    list: OptionList | None = None
    media: Media | None = None
    kind: Kind | None = None
    outside: TemplateMessage | None = None
    """What is said instead when the service window is closed."""

    quote: bool = False
    """It is shown as a reply to the customer's message that it answers."""
    preview: bool = False
    """The first link of a plain text is shown with a picture of its page."""
    merge: bool | None = None
    """Whether it may share a bubble with the text before it; None: as the bot is set."""
    once: bool = False
    """When nobody knows whether it left, it is given up rather than sent again."""

    @property
    def options(self) -> tuple[Option, ...]:
        """Everything that can be tapped, in reading order."""
        if self.list is not None:
            return tuple(row for section in self.list.sections for row in section.rows)
        if isinstance(self.kind, TemplateMessage):
            return tuple(Option(event=event, title=title) for event, title in self.kind.options)
        return self.buttons

    @property
    def interactive(self) -> bool:
        """It has something to tap, so it has a body of its own, and may have a header and a footer."""
        return bool(self.buttons) or self.list is not None or isinstance(self.kind, INTERACTIVE)


INTERACTIVE = (
    *(Link, Form, Product, Catalog, Carousel),
    *(LocationRequest, ContactRequest, AddressRequest, CallButton, CallRequest),
)
