"""The last step before sending: what a placeholder made too long, or took away, must not cost the customer the message."""

from __future__ import annotations

import re
from dataclasses import replace

from wabox.core import carousel, limits
from wabox.core.changed import changed
from wabox.core.content import Content, Option, OptionList, Section
from wabox.core.kind import (
    VARIABLE,
    CallButton,
    Carousel,
    Form,
    Kind,
    Link,
    Location,
    Product,
    Slide,
    TemplateMessage,
    TemplateValue,
)
from wabox.core.markup import THIN

_BLANKS = re.compile(rf"[^\S{THIN}]+")


def fit(content: Content) -> Content:
    """The same message with every text that is too long cut and ended with ``…``; ids and options stay as they are. The words
    of the message themselves are not cut: what is too long for one bubble leaves in several (:mod:`wabox.core.bubbles`).

    A placeholder may have been filled with more than the author could foresee, or with nothing. An optional text that became
    empty is left out, a needed one becomes ``…``; a file or place that nobody could find becomes the words beside it.
    """
    if content.outside is not None:
        late = _kind(content.outside)
        content = replace(content, outside=late if isinstance(late, TemplateMessage) else None)
    if content.kind is not None:
        content = replace(content, kind=_kind(content.kind))
        if not content.interactive:
            return _place(content)
    if content.media is not None and not limits.sendable(content.media):
        content = replace(content, media=None)
    listed = content.list
    if listed is not None:
        listed = OptionList(
            button=_cut(listed.button, limits.LIST_BUTTON), sections=tuple(map(_section, listed.sections))
        )
    optional = content.media is not None and not content.interactive
    optional = optional or (isinstance(content.kind, Product) and not content.kind.sections)
    text = content.text if content.text and content.text.strip() else None
    return changed(
        content,
        text=text if text or optional else "…",
        header=_cut_any(content.header, limits.HEADER),
        footer=_cut_any(content.footer, limits.FOOTER),
        buttons=tuple(_option(option, limits.BUTTON_TITLE) for option in content.buttons),
        list=listed,
    )


def _place(content: Content) -> Content:
    """A place without degrees is told in words."""
    place = content.kind
    if isinstance(place, Location) and None in (
        limits.coordinate(place.latitude, 90),
        limits.coordinate(place.longitude, 180),
    ):
        words = "\n".join(text for text in (place.name, place.address) if text and text.strip())
        return Content(text=_cut(words, limits.TEXT))
    return content


def _kind(kind: Kind) -> Kind:
    match kind:
        case Link():
            return replace(kind, title=_cut(kind.title, limits.LINK_TITLE))
        case CallButton():
            return replace(kind, title=_cut(kind.title, limits.LINK_TITLE))
        case Carousel():
            return replace(kind, cards=tuple(map(_slide, kind.cards)))
        case Form():
            return replace(kind, button=_cut(kind.button, limits.FORM_BUTTON))
        case Product():
            return replace(kind, sections=tuple(
                replace(section, title=_cut_any(section.title, limits.SECTION_TITLE)) for section in kind.sections
            ))  # fmt: skip
        case TemplateMessage():
            values = tuple(_value(one, limits.TEMPLATE_BODY) for one in kind.values)
            kind = replace(kind, values=values)
            if values and len(kind.text) > limits.TEMPLATE_BODY:
                # A variable may stand twice: give each the same room, as if it did.
                fixed = len(VARIABLE.sub("", kind.body))
                room = (limits.TEMPLATE_BODY - fixed) // max(1, len(VARIABLE.findall(kind.body)))
                kind = replace(kind, values=tuple(_value(one, max(1, room)) for one in values))
            header = kind.header
            if isinstance(header, TemplateValue):
                kind = replace(kind, header=_value(header, limits.HEADER))
    return kind


def _slide(card: Slide) -> Slide:
    lines = (card.text or "").split("\n")[: carousel.LINES]
    return replace(card, text=_cut_any("\n".join(lines), carousel.TEXT), title=_cut(card.title, carousel.TITLE))


def _value(value: TemplateValue, limit: int) -> TemplateValue:
    """WhatsApp takes no line breaks, tabs or rows of blanks in a template's values."""
    return replace(value, text=_cut(_BLANKS.sub(" ", value.text).strip(), limit))


def _section(section: Section) -> Section:
    return Section(
        title=_cut_any(section.title, limits.SECTION_TITLE),
        rows=tuple(_option(row, limits.ROW_TITLE) for row in section.rows),
    )


def _option(option: Option, limit: int) -> Option:
    title, description = _cut(option.title, limit), _cut_any(option.description, limits.ROW_DESCRIPTION)
    # Nearly always they fit as they are, and every question has some.
    same = title == option.title and description == option.description
    return option if same else replace(option, title=title, description=description)


def _cut(text: str, limit: int) -> str:
    if not text.strip():
        return "…"
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _cut_any(text: str | None, limit: int) -> str | None:
    return _cut(text, limit) if text and text.strip() else None
