"""What WhatsApp refuses to carry, and how to stay inside.

Meta answers a message that breaks one of these with an error *after* the flow has moved on, and the customer sees
nothing. So ``wabox check`` measures every message of a bot in every language before it is published, and what a
placeholder makes too long at the last moment is cut (:func:`wabox.core.fit.fit`) rather than lost.

Lengths are Unicode code points. Meta does not say whether it counts UTF-16 units, in which most emoji are two: leave
some slack.
Sources: Meta's Cloud API reference, pages "Text", "Image", "Interactive reply buttons", "Interactive list", "Interactive CTA
URL", "Location request", "Contacts", "Sending a Flow", "Share products", "Template messages" (2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wabox.core.breach import LimitBreach, Path, length, rule
from wabox.core.carousel import in_carousel
from wabox.core.content import Content, Option, OptionList
from wabox.core.kind import (
    AddressRequest,
    CallButton,
    CallRequest,
    Carousel,
    Catalog,
    ContactRequest,
    Contacts,
    Form,
    Link,
    Location,
    LocationRequest,
    Media,
    Product,
    Reaction,
    TemplateMessage,
    TemplateValue,
)
from wabox.core.media import SUFFIXES, TYPES, LocalFile

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
LINK_BODY = FORM_BODY = REQUEST_BODY = PRODUCT_BODY = 1024
LINK_TITLE = 20
FORM_BUTTON = 20
"""Meta advises 30; senders that enforce anything enforce 20."""
PRODUCTS = 30
"""In all sections together."""
CONTACTS = 257
CALL_MINUTES = 43_200
ADDRESS_COUNTRIES = frozenset({"IN", "SG"})
"""Where WhatsApp has its form for an address."""
FILE_NAME = 240
TEMPLATE_BODY = 1024
TEMPLATE_BUTTONS = 10
TEMPLATE_BUTTON_TITLE = 25


def breaches(content: Content) -> tuple[LimitBreach, ...]:
    """Everything that WhatsApp would refuse in this message, in reading order; empty for a good one."""
    return tuple(_breaches(content))


def body_limit(content: Content) -> int:
    """How long the text of a message of this kind may be."""
    if content.buttons:
        return BUTTONS_BODY
    if content.kind is not None:
        return _BODIES.get(type(content.kind), TEXT)
    return CAPTION if content.list is None and content.media is not None else TEXT


_BODIES = {
    Link: LINK_BODY,
    LocationRequest: REQUEST_BODY,
    Form: FORM_BODY,
    Product: PRODUCT_BODY,
    Catalog: PRODUCT_BODY,
    **dict.fromkeys((ContactRequest, AddressRequest, CallButton, CallRequest, Carousel), REQUEST_BODY),
}
_NO_HEADER = (LocationRequest, Catalog, ContactRequest, AddressRequest, CallButton, CallRequest, Carousel)
_NO_FOOTER = (LocationRequest, ContactRequest, CallRequest, Carousel)


def fetchable(link: str) -> bool:
    """Whether WhatsApp can get a file by this: an address without blanks, or the number of an upload."""
    return link.isdecimal() or (link.startswith(("https://", "http://")) and not any(sign.isspace() for sign in link))


def coordinate(text: str, most: int) -> float | None:
    """Degrees, or None for anything else."""
    try:
        degrees = float(text)
    except ValueError:
        return None
    return degrees if -most <= degrees <= most else None


def _breaches(content: Content) -> Iterator[LimitBreach]:
    if content.buttons and content.list is not None:
        yield rule(("list",), "the message", 1, 2, "has both buttons and a list", "keep one of them")
    yield from _alone(content)
    yield from _header(content)
    yield from _body(content)
    yield from _footer(content)
    yield from _buttons(content.buttons)
    if content.list is not None:
        yield from _list(content.list)
    if content.media is not None:
        yield from _media(content.media)
    yield from _kind(content.kind)


def _alone(content: Content) -> Iterator[LimitBreach]:
    """What WhatsApp shows without any words beside it."""
    what = None
    if content.media is not None and content.media.type in ("audio", "sticker"):
        what = f"the {content.media.type}"
    elif content.kind is not None and not content.interactive:
        what = {Location: "the location", Contacts: "the contact", Reaction: "the reaction"}.get(
            type(content.kind), "the template"
        )
    if what is not None:
        for key in ("text", "header", "footer"):
            if getattr(content, key) is not None:
                fix = "send the words as a message of their own"
                yield rule((key,), what, 0, 1, f"has no place for a {key}", fix)
        if content.interactive and content.media is not None:
            yield rule(("buttons",), what, 0, 1, "has no place for buttons", "ask in a message of its own")


def _header(content: Content) -> Iterator[LimitBreach]:
    media, listed = content.media, content.list is not None
    if isinstance(content.kind, Product) and content.kind.sections and content.header is None:
        yield rule(("header",), "the message", 1, 0, "has several products and no header", "add header:")
    if content.header is not None:
        if not content.interactive:
            if content.kind is None and (media is None or media.type not in ("audio", "sticker")):
                fix = "put it at the top of the text"
                yield rule(
                    ("header",), "the header", 0, 1, "needs buttons or a list: a plain message has no header", fix
                )
        elif isinstance(content.kind, _NO_HEADER) or (isinstance(content.kind, Product) and not content.kind.sections):
            yield rule(("header",), "the header", 0, 1, "is not shown by this kind of message", "put it into the text")
        else:
            yield from length(("header",), "the header", content.header, HEADER)
            if media is not None and not listed:
                sentence = f"has two headers, a text and {_A[media.type]}"
                yield rule(("header",), "the message", 1, 2, sentence, f"keep the {media.type} or the header text")
    if listed and media is not None:
        fix = f"send the {media.type} as a message of its own before the list"
        yield rule((media.type,), f"the {media.type}", 0, 1, "cannot head a list: its header is text only", fix)


_A = {"image": "an image", "video": "a video", "audio": "an audio", "document": "a document", "sticker": "a sticker"}


def _body(content: Content) -> Iterator[LimitBreach]:
    if content.kind is not None and not content.interactive:
        return
    limit, media, interactive = body_limit(content), content.media, content.interactive
    if media is not None and media.type in ("audio", "sticker") and not interactive:
        return
    optional = isinstance(content.kind, Product) and not content.kind.sections
    if content.text is not None and (content.text.strip() or media is None or interactive):
        what = f"the caption of the {media.type}" if media is not None and not interactive else "the text"
        yield from length(("text",), what, content.text, limit)
    elif interactive and not optional:
        fix = "write what the customer is asked"
        has = "has buttons or a list" if content.kind is None else f"has a {content.kind.KEY}"
        yield rule(("text",), "the message", 1, 0, f"{has} but no text", fix)
    elif media is None and content.kind is None:
        yield rule(("text",), "the message", 1, 0, "says nothing", "give it a text or an image")


def _footer(content: Content) -> Iterator[LimitBreach]:
    if content.footer is None:
        return
    if isinstance(content.kind, _NO_FOOTER):
        yield rule(("footer",), "the footer", 0, 1, "is not shown by this kind of message", "put it into the text")
    elif content.interactive:
        yield from length(("footer",), "the footer", content.footer, FOOTER)
    elif content.kind is None and (content.media is None or content.media.type not in ("audio", "sticker")):
        fix = "put it at the end of the text"
        yield rule(("footer",), "the footer", 0, 1, "needs buttons or a list: a plain message has no footer", fix)


def sendable(media: Media) -> bool:
    """Whether WhatsApp would take the file."""
    return not any(_file(media, media.file)) if media.file is not None else fetchable(media.link)


def _media(media: Media) -> Iterator[LimitBreach]:
    if media.file is not None:
        yield from _file(media, media.file)
    elif _is_path(media.link):
        fix = "check the path, from the bot's folder on, with its capitals"
        yield rule(
            (media.type,), f"the {media.type}", 0, 0, f"names no file of the bot's folder: {media.link[:80]}", fix
        )
    elif not fetchable(media.link):
        thing = "picture" if media.type == "image" else media.type
        fix = f"give the address of the {thing}, beginning with https://, or the path of a file in the bot's folder"
        yield rule((media.type,), f"the {media.type}", 0, 0, "is not an address that WhatsApp can fetch", fix)
    if media.filename is not None:
        yield from length((media.type, "filename"), "the name of the file", media.filename, FILE_NAME)


def _is_path(link: str) -> bool:
    return "://" not in link and link.rpartition(".")[2].lower() in SUFFIXES


def _file(media: Media, file: LocalFile) -> Iterator[LimitBreach]:
    what, here = f"the {media.type} {file.path}", (media.type,)
    type_ = file.type_as(media.type)
    if type_ is None:
        takes = ", ".join(TYPES[media.type])
        if file.suffix in TYPES[media.type]:
            sentence = f"is not what its name says: WhatsApp looks inside, and this is no {file.suffix.upper()}"
        else:
            sentence = f"is of a type that WhatsApp does not take as {_A[media.type]}: {takes}"
        yield rule(here, what, 0, 0, sentence, f"convert it to one of {takes}")
    elif media.voice and type_ != "audio/ogg":
        yield rule(
            here, what, 0, 0, "cannot be a voice message: that is OGG with Opus", "convert it, or leave voice out"
        )
    most = file.most(media.type)
    if file.size > most:
        sentence = f"has {_bytes(file.size)}, WhatsApp takes {_bytes(most)}"
        yield rule(here, what, most, file.size, sentence, "make it smaller, or send a link to it")
    elif file.size == 0:
        yield rule(here, what, 1, 0, "is empty", "put the file there")


def _bytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB" if size >= 1024 * 1024 else f"{size / 1024:.0f} KiB"


def _kind(kind: object) -> Iterator[LimitBreach]:
    match kind:
        case Location():
            for key, text, most in (("latitude", kind.latitude, 90), ("longitude", kind.longitude, 180)):
                if coordinate(text, most) is None:
                    fix = f"write degrees from -{most} to {most}, such as 40.4"
                    yield rule(("location", key), f"the {key}", most, 0, f"cannot be “{text[:40]}”", fix)
        case Contacts():
            if len(kind.cards) > CONTACTS:
                count = len(kind.cards)
                sentence = f"has {count} contacts, WhatsApp takes {CONTACTS}"
                yield rule(("contacts",), "the message", CONTACTS, count, sentence, "send fewer")
            for place, card in enumerate(kind.cards):
                yield from length(("contacts", place, "name"), f"the name of contact {place + 1}", card.name, 256)
        case Link():
            yield from length(("cta_url", "title"), "the title of the link", kind.title, LINK_TITLE)
            if not kind.url.startswith(("https://", "http://")) or any(sign.isspace() for sign in kind.url):
                fix = "give a whole address, beginning with https://"
                yield rule(("cta_url", "url"), "the link", 0, 0, "is no address that WhatsApp opens", fix)
        case Form():
            yield from length(("form", "button"), "the button of the form", kind.button, FORM_BUTTON)
            yield from length(("form", "id"), "the id of the form", kind.id, 256)
        case Product():
            yield from _products(kind)
        case CallButton():
            yield from length(("call", "title"), "the title of the call button", kind.title, LINK_TITLE)
            if kind.minutes is not None and not 1 <= kind.minutes <= CALL_MINUTES:
                fix = f"write 1 to {CALL_MINUTES}, which is 30 days"
                yield rule(("call", "minutes"), "the call button", CALL_MINUTES, kind.minutes, "lasts too long", fix)
        case AddressRequest():
            if kind.country not in ADDRESS_COUNTRIES:
                sentence = f"is asked for in {kind.country[:40]!r}, where WhatsApp has none"
                yield rule(("address_request",), "the address", 0, 0, sentence, "write IN or SG, or ask in words")
        case Carousel():
            yield from in_carousel(kind, sendable)
        case Reaction():
            if kind.emoji:
                yield from length(("react",), "the reaction", kind.emoji, 16)
        case TemplateMessage():
            if len(kind.text) > TEMPLATE_BODY:
                most = TEMPLATE_BODY
                sentence = f"has {len(kind.text)} characters with its values, WhatsApp takes {most}"
                fix = "shorten the values, or say less in the template"
                yield rule(("template",), "the template", most, len(kind.text), sentence, fix)
            if isinstance(kind.header, TemplateValue):
                yield from length(("template", "header"), "the value in the header", kind.header.text, HEADER)
            if isinstance(kind.header, Media):
                for breach in _media(kind.header):
                    yield rule(("template", "header"), "the header", 0, 0, breach.sentence, breach.fix)


def _products(kind: Product) -> Iterator[LimitBreach]:
    sections = kind.sections
    total = sum(len(section.ids) for section in sections)
    if len(sections) > SECTIONS:
        sentence = f"has {len(sections)} sections, WhatsApp shows {SECTIONS}"
        yield rule(("product", "sections"), "the message", SECTIONS, len(sections), sentence, "put products together")
    if total > PRODUCTS:
        sentence = f"has {total} products, WhatsApp shows {PRODUCTS} in all"
        yield rule(("product",), "the message", PRODUCTS, total, sentence, f"keep {PRODUCTS} in all")
    if kind.id is None and not total:
        yield rule(("product",), "the message", 1, 0, "has no product", "name at least one")
    for place, section in enumerate(sections):
        here: Path = ("product", "sections", place, "title")
        if section.title:
            yield from length(here, f"the title of section {place + 1}", section.title, SECTION_TITLE)
        elif len(sections) > 1:
            sentence = "has no title, which products in several sections need"
            yield rule(here, f"section {place + 1}", 1, 0, sentence, "give each section a title")


def _buttons(buttons: tuple[Option, ...]) -> Iterator[LimitBreach]:
    if len(buttons) > BUTTONS:
        sentence = f"has {len(buttons)} buttons, WhatsApp shows {BUTTONS}"
        fix = f"keep {BUTTONS}, or make it a list: that takes {ROWS}"
        yield rule(("buttons",), "the message", BUTTONS, len(buttons), sentence, fix)
    for place, option in enumerate(buttons):
        what = f"button {place + 1}"
        yield from length(("buttons", place, "title"), f"the title of {what}", option.title, BUTTON_TITLE)
        yield from _id(("buttons", place, "event"), f"the event of {what}", option.event, BUTTON_ID)
    yield from _repeats([(("buttons", place), option) for place, option in enumerate(buttons)], "buttons", titles=True)


def _list(listed: OptionList) -> Iterator[LimitBreach]:
    yield from length(("list", "button"), "the label that opens the list", listed.button, LIST_BUTTON)
    total = sum(len(section.rows) for section in listed.sections)
    if total > ROWS:
        sentence = f"has {total} rows, WhatsApp shows {ROWS} in all"
        fix = f"keep {ROWS} rows in all; the last one could lead to a second list"
        yield rule(("list", "sections"), "the list", ROWS, total, sentence, fix)
    if not total:
        yield rule(("list", "sections"), "the list", 1, 0, "has no rows", "give it at least one row")
    if len(listed.sections) > SECTIONS:
        count = len(listed.sections)
        sentence = f"has {count} sections, WhatsApp shows {SECTIONS}"
        yield rule(("list", "sections"), "the list", SECTIONS, count, sentence, "put rows together in fewer sections")
    rows: list[tuple[Path, Option]] = []
    for place, section in enumerate(listed.sections):
        here: Path = ("list", "sections", place)
        if section.title:
            yield from length((*here, "title"), f"the title of section {place + 1}", section.title, SECTION_TITLE)
        elif len(listed.sections) > 1:
            sentence = "has no title, which a list of several sections needs"
            yield rule((*here, "title"), f"section {place + 1}", 1, 0, sentence, "give each section a title")
        for number, row in enumerate(section.rows):
            at = (*here, "rows", number)
            what = f"row {len(rows) + 1}"
            rows.append((at, row))
            yield from length((*at, "title"), f"the title of {what}", row.title, ROW_TITLE)
            if row.description:
                yield from length((*at, "description"), f"the description of {what}", row.description, ROW_DESCRIPTION)
            yield from _id((*at, "event"), f"the event of {what}", row.event, ROW_ID)
    yield from _repeats(rows, "rows", titles=False)


def _repeats(options: Sequence[tuple[Path, Option]], kind: str, *, titles: bool) -> Iterator[LimitBreach]:
    """Ids must differ; so must the titles of buttons, and of rows WhatsApp does not say."""
    events: set[str] = set()
    seen: set[str] = set()
    for path, option in options:
        if option.event in events:
            sentence = f"have the same event {option.event!r}: a tap would not tell which"
            yield rule((*path, "event"), f"two {kind}", 0, 1, sentence, "give each its own event")
        elif titles and option.title.strip() in seen:
            sentence = f"have the same title “{option.title.strip()}”"
            yield rule((*path, "title"), f"two {kind}", 0, 1, sentence, "give each its own title")
        events.add(option.event)
        seen.add(option.title.strip())


def _id(path: Path, what: str, event: str, limit: int) -> Iterator[LimitBreach]:
    yield from length(path, what, event, limit)
    if event.strip() and event != event.strip():
        yield rule(path, what, 0, 1, "begins or ends with a blank", "take the blank away")
