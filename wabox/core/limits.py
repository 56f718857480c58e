"""What WhatsApp refuses to carry, and how to stay inside.

Meta answers a message that breaks one of these with an error *after* the flow has moved on, and the customer sees
nothing. So ``wabox check`` measures every message of a bot in every language before it is published, and what a
placeholder makes too long at the last moment is cut (:func:`fit`) rather than lost.

Lengths are Unicode code points. Meta does not say whether it counts UTF-16 units, in which most emoji are two: leave
some slack.
Sources: Meta's Cloud API reference, pages "Text", "Image", "Interactive reply buttons" and "Interactive list" (2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wabox.core.content import Content, Option, OptionList, Section

TEXT = 4096
"""The body of a text or list message."""
CAPTION = 1024
"""The text under an image, video or document."""
BUTTONS_BODY = 1024
"""The body of a message with reply buttons."""
HEADER = 60
FOOTER = 60
BUTTONS = 3
BUTTON_TITLE = 20
BUTTON_ID = 256
LIST_BUTTON = 20
SECTIONS = 10
ROWS = 10
"""In all sections together."""
SECTION_TITLE = 24
ROW_TITLE = 24
ROW_DESCRIPTION = 72
ROW_ID = 200

_SHORTEN = "say it in {limit} characters or fewer"

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitBreach:
    """One reason why WhatsApp would refuse a message."""

    path: Path
    """Where in the content: ``("text",)``, ``("buttons", 1, "title")``, ``("list", "sections", 0, "rows", 2)``"""
    what: str
    """The element in words: ``the title of button 2``."""
    limit: int
    """The most that is allowed; for a rule that is not about size, what was wanted (1 title, 0 repeats)."""
    actual: int
    sentence: str
    fix: str


def breaches(content: Content) -> tuple[LimitBreach, ...]:
    """Everything that WhatsApp would refuse in this message, in reading order; empty for a good one."""
    return tuple(_breaches(content))


def fit(content: Content) -> Content:
    """The same message with every text that is too long cut and ended with ``…``; ids and options stay as they are.

    For the last step before sending: a placeholder may have been filled with more than the author could foresee, or
    with nothing. An optional text that became empty is left out, a needed one becomes ``…``.
    """
    limit = body_limit(content)
    listed = content.list
    if listed is not None:
        listed = OptionList(button=_cut(listed.button, LIST_BUTTON), sections=tuple(map(_fit_section, listed.sections)))
    return replace(
        content,
        text=_cut(content.text or "", limit) if content.options or not content.image else _cut_any(content.text, limit),
        header=_cut_any(content.header, HEADER),
        footer=_cut_any(content.footer, FOOTER),
        buttons=tuple(_fit_option(option, BUTTON_TITLE) for option in content.buttons),
        list=listed,
    )


def body_limit(content: Content) -> int:
    """How long the text of a message of this kind may be."""
    if content.buttons:
        return BUTTONS_BODY
    if content.list is None and content.image is not None:
        return CAPTION
    return TEXT


def _fit_section(section: Section) -> Section:
    return Section(
        title=_cut_any(section.title, SECTION_TITLE),
        rows=tuple(_fit_option(row, ROW_TITLE) for row in section.rows),
    )


def _fit_option(option: Option, limit: int) -> Option:
    title, description = _cut(option.title, limit), _cut_any(option.description, ROW_DESCRIPTION)
    # Nearly always they fit as they are, and every question has some.
    same = title == option.title and description == option.description
    return option if same else replace(option, title=title, description=description)


def _cut(text: str, limit: int) -> str:
    if not text.strip():
        return "…"
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _cut_any(text: str | None, limit: int) -> str | None:
    return _cut(text, limit) if text and text.strip() else None


def _breaches(content: Content) -> Iterator[LimitBreach]:
    interactive = bool(content.buttons) or content.list is not None
    if content.buttons and content.list is not None:
        yield _rule(("list",), "the message", 1, 2, "has both buttons and a list", "keep one of them")
    yield from _header(content, interactive)
    yield from _body(content, interactive)
    yield from _footer(content, interactive)
    yield from _buttons(content.buttons)
    if content.list is not None:
        yield from _list(content.list)
    if content.image is not None and not content.image.startswith(("https://", "http://")):
        fix = "give the address of the picture, beginning with https://"
        yield _rule(("image",), "the image", 0, 0, "is not an address that WhatsApp can fetch", fix)


def _header(content: Content, interactive: bool) -> Iterator[LimitBreach]:
    if content.header is not None and not interactive:
        fix = "put it at the top of the text"
        yield _rule(("header",), "the header", 0, 1, "needs buttons or a list: a plain message has no header", fix)
    elif content.header is not None:
        yield from _length(("header",), "the header", content.header, HEADER)
        if content.image is not None and content.list is None:
            fix = "keep the image or the header text"
            yield _rule(("header",), "the message", 1, 2, "has two headers, a text and an image", fix)
    if content.list is not None and content.image is not None:
        fix = "send the image as a message of its own before the list"
        yield _rule(("image",), "the image", 0, 1, "cannot head a list: its header is text only", fix)


def _body(content: Content, interactive: bool) -> Iterator[LimitBreach]:
    limit = body_limit(content)
    if content.text is not None and (content.text.strip() or content.image is None or interactive):
        what = "the caption of the image" if limit == CAPTION and not interactive else "the text"
        yield from _length(("text",), what, content.text, limit)
    elif interactive:
        fix = "write what the customer is asked"
        yield _rule(("text",), "the message", 1, 0, "has buttons or a list but no text", fix)
    elif content.image is None:
        yield _rule(("text",), "the message", 1, 0, "says nothing", "give it a text or an image")


def _footer(content: Content, interactive: bool) -> Iterator[LimitBreach]:
    if content.footer is not None and not interactive:
        fix = "put it at the end of the text"
        yield _rule(("footer",), "the footer", 0, 1, "needs buttons or a list: a plain message has no footer", fix)
    elif content.footer is not None:
        yield from _length(("footer",), "the footer", content.footer, FOOTER)


def _buttons(buttons: tuple[Option, ...]) -> Iterator[LimitBreach]:
    if len(buttons) > BUTTONS:
        sentence = f"has {len(buttons)} buttons, WhatsApp shows {BUTTONS}"
        fix = f"keep {BUTTONS}, or make it a list: that takes {ROWS}"
        yield _rule(("buttons",), "the message", BUTTONS, len(buttons), sentence, fix)
    for place, option in enumerate(buttons):
        what = f"button {place + 1}"
        yield from _length(("buttons", place, "title"), f"the title of {what}", option.title, BUTTON_TITLE)
        yield from _id(("buttons", place, "event"), f"the event of {what}", option.event, BUTTON_ID)
    yield from _repeats([(("buttons", place), option) for place, option in enumerate(buttons)], "buttons", titles=True)


def _list(listed: OptionList) -> Iterator[LimitBreach]:
    yield from _length(("list", "button"), "the label that opens the list", listed.button, LIST_BUTTON)
    total = sum(len(section.rows) for section in listed.sections)
    if total > ROWS:
        sentence = f"has {total} rows, WhatsApp shows {ROWS} in all"
        fix = f"keep {ROWS} rows in all; the last one could lead to a second list"
        yield _rule(("list", "sections"), "the list", ROWS, total, sentence, fix)
    if not total:
        yield _rule(("list", "sections"), "the list", 1, 0, "has no rows", "give it at least one row")
    if len(listed.sections) > SECTIONS:
        count = len(listed.sections)
        sentence = f"has {count} sections, WhatsApp shows {SECTIONS}"
        yield _rule(("list", "sections"), "the list", SECTIONS, count, sentence, "put rows together in fewer sections")
    rows: list[tuple[Path, Option]] = []
    for place, section in enumerate(listed.sections):
        here: Path = ("list", "sections", place)
        if section.title:
            yield from _length((*here, "title"), f"the title of section {place + 1}", section.title, SECTION_TITLE)
        elif len(listed.sections) > 1:
            sentence = "has no title, which a list of several sections needs"
            yield _rule((*here, "title"), f"section {place + 1}", 1, 0, sentence, "give each section a title")
        for number, row in enumerate(section.rows):
            at = (*here, "rows", number)
            what = f"row {len(rows) + 1}"
            rows.append((at, row))
            yield from _length((*at, "title"), f"the title of {what}", row.title, ROW_TITLE)
            if row.description:
                yield from _length((*at, "description"), f"the description of {what}", row.description, ROW_DESCRIPTION)
            yield from _id((*at, "event"), f"the event of {what}", row.event, ROW_ID)
    yield from _repeats(rows, "rows", titles=False)


def _repeats(options: Sequence[tuple[Path, Option]], kind: str, *, titles: bool) -> Iterator[LimitBreach]:
    """Ids must differ; so must the titles of buttons, and of rows WhatsApp does not say."""
    events: set[str] = set()
    seen: set[str] = set()
    for path, option in options:
        if option.event in events:
            sentence = f"have the same event {option.event!r}: a tap would not tell which"
            yield _rule((*path, "event"), f"two {kind}", 0, 1, sentence, "give each its own event")
        elif titles and option.title.strip() in seen:
            sentence = f"have the same title “{option.title.strip()}”"
            yield _rule((*path, "title"), f"two {kind}", 0, 1, sentence, "give each its own title")
        events.add(option.event)
        seen.add(option.title.strip())


def _length(path: Path, what: str, text: str, limit: int) -> Iterator[LimitBreach]:
    if len(text) > limit:
        sentence = f"has {len(text)} characters, WhatsApp takes {limit}"
        yield _rule(path, what, limit, len(text), sentence, _SHORTEN.format(limit=limit))
    elif not text.strip():
        yield _rule(path, what, 1, 0, "is empty", "write something there, or leave the key out")


def _id(path: Path, what: str, event: str, limit: int) -> Iterator[LimitBreach]:
    yield from _length(path, what, event, limit)
    if event.strip() and event != event.strip():
        yield _rule(path, what, 0, 1, "begins or ends with a blank", "take the blank away")


def _rule(path: Path, what: str, limit: int, actual: int, rest: str, fix: str) -> LimitBreach:
    return LimitBreach(path=path, what=what, limit=limit, actual=actual, sentence=f"{what} {rest}", fix=fix)
