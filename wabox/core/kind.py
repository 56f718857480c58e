"""What a message can be besides words with buttons or a list: media, a place, a form, an approved template …

Each class is one key of ``say`` and ``ask``, and its fields are the keys below that. The same classes serve twice: as written
in a flow (their texts are keys of texts or have placeholders) and as said (in the customer's language, filled in);
:func:`texts` and :func:`rewritten` are all that lies between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from wabox.core.media import LocalFile

Path: TypeAlias = tuple[str | int, ...]
Role: TypeAlias = Literal["words", "body", "value", "link", "data"]
"""``words`` are read by the customer and may be the key of a text; so are those of a ``body``, where WhatsApp shows formatting,
and a ``value`` that becomes a part of one. A ``link`` may be a key too, where pictures differ by language; ``data`` is taken as
it is. Placeholders are filled in all of them."""

MediaType: TypeAlias = Literal["image", "video", "audio", "document", "sticker"]


def _words(**more: Any) -> Any:
    """A field that customers read."""
    return field(metadata={"role": "words"}, **more)


def _body(**more: Any) -> Any:
    """A field that customers read, formatted."""
    return field(metadata={"role": "body"}, **more)


def _value(**more: Any) -> Any:
    """A field that becomes part of a text at WhatsApp."""
    return field(metadata={"role": "value"}, **more)


def _link(**more: Any) -> Any:
    """A field that holds an address."""
    return field(metadata={"role": "link"}, **more)


def _data(**more: Any) -> Any:
    """A field that is nobody's language."""
    return field(metadata={"role": "data"}, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file: ``image``, ``video``, ``audio``, ``document`` or ``sticker``. The first, second and fourth may head buttons."""

    type: MediaType
    link: str = _link()
    """A public address, the path of a file in the bot's folder, or the number that an upload to WhatsApp gave."""
    filename: str | None = _words(default=None)
    """Of a document."""
    voice: bool = False
    """An audio that is shown as a voice message; OGG with Opus, mono."""
    file: LocalFile | None = None
    """The file that ``link`` is the path of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    KEY: ClassVar[str] = "location"
    latitude: str = _data()
    longitude: str = _data()
    name: str | None = _words(default=None)
    address: str | None = _words(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One contact card."""

    name: str = _words()
    phone: str | None = _data(default=None)
    email: str | None = _data(default=None)
    company: str | None = _words(default=None)
    url: str | None = _link(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    KEY: ClassVar[str] = "contacts"
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A button that opens a page."""

    KEY: ClassVar[str] = "cta_url"
    title: str = _words()
    url: str = _link()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationRequest:
    """A button that shares where the customer is."""

    KEY: ClassVar[str] = "location_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A WhatsApp form (Meta's "Flow")."""

    KEY: ClassVar[str] = "form"
    id: str = _data()
    button: str = _words()
    screen: str | None = _data(default=None)
    """Where it opens; without one at its first screen."""
    data: Mapping[str, Any] = _data(default_factory=dict)
    """What the screen is given."""
    token: str = _data(default="unused")
    """Comes back with the answers."""
    draft: bool = False
    """The form is not published yet: only its developers can open it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSection:
    title: str | None = _words(default=None)
    ids: tuple[str, ...] = _data(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product of a catalogue, or several in sections."""

    KEY: ClassVar[str] = "product"
    catalog: str = _data()
    id: str | None = _data(default=None)
    sections: tuple[ProductSection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The whole catalogue."""

    KEY: ClassVar[str] = "catalog"
    thumbnail: str | None = _data(default=None)
    """The product whose picture is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRequest:
    """A button that shares the customer's phone number: who has a username shows none by himself."""

    KEY: ClassVar[str] = "contact_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRequest:
    """WhatsApp's form for an address; in India and Singapore."""

    KEY: ClassVar[str] = "address_request"
    country: str = _data()
    """``IN`` or ``SG``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallButton:
    """A button with which the customer calls the business in WhatsApp."""

    KEY: ClassVar[str] = "call"
    title: str = _words()
    minutes: int | None = None
    """How long it works; WhatsApp's own time is a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """Asks whether the business may call the customer."""

    KEY: ClassVar[str] = "call_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """One card of a carousel: a picture or a video, words, and a button that opens a page."""

    type: Literal["image", "video"]
    link: str = _link()
    text: str | None = _body(default=None)
    title: str = _words()
    url: str = _link()
    file: LocalFile | None = None
    """As in :class:`Media`."""

    @property
    def media(self) -> Media:
        return Media(type=self.type, link=self.link, file=self.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carousel:
    """Cards side by side, to be swiped through."""

    KEY: ClassVar[str] = "carousel"
    cards: tuple[Slide, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """An emoji on the customer's message."""

    KEY: ClassVar[str] = "react"
    emoji: str = _data()
    """Empty: the reaction that is there is taken away."""


class QuickReply(NamedTuple):
    """A button of a template whose tap is an event."""

    event: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUse:
    """A template as a flow asks for it: by name, with what goes into its variables."""

    KEY: ClassVar[str] = "template"
    name: str = _data()
    language: str | None = _data(default=None)
    """Always this one, whatever the customer writes."""
    values: Mapping[str, str] = _value(default_factory=dict)
    """By variable: ``1``, ``2`` … or names."""
    header: str | None = _link(default=None)
    """What goes into the header: a text, or the address of its picture, video or document."""
    buttons: Mapping[str, str] = _data(default_factory=dict)
    """What goes into the address of a link button, or the code to copy, by the button's key."""
    replies: tuple[QuickReply, ...] = ()
    """Its quick replies, as ``templates.yaml`` has them in the bot's first language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateValue:
    """What goes into one place of a template."""

    text: str
    name: str | None = None
    """Of a variable that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateButton:
    """What goes into one button of a template."""

    type: Literal["quick_reply", "url", "copy_code"]
    index: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMessage:
    """A template ready to be sent: the only message that WhatsApp takes outside of the service window."""

    KEY: ClassVar[str] = "template"
    name: str
    language: str
    """As WhatsApp writes it: ``en``, ``es_MX``."""
    header: Media | TemplateValue | None = None
    values: tuple[TemplateValue, ...] = ()
    buttons: tuple[TemplateButton, ...] = ()
    body: str = ""
    """As it was approved, with its variables."""
    options: tuple[QuickReply, ...] = ()

    @property
    def text(self) -> str:
        """The body as the customer will read it."""
        values = dict(zip(variables(self.body), self.values, strict=False))
        return VARIABLE.sub(lambda found: values[found[1]].text if found[1] in values else "", self.body)


VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
"""``{{1}}`` or ``{{name}}`` in a template."""


def variables(text: str) -> tuple[str, ...]:
    """The variables of a template's text, each once; numbers in their order."""
    found = tuple(dict.fromkeys(VARIABLE.findall(text)))
    return tuple(sorted(found, key=int)) if all(name.isdecimal() for name in found) else found


Asking: TypeAlias = LocationRequest | ContactRequest | AddressRequest | CallButton | CallRequest
"""One button of WhatsApp's own."""
Same: TypeAlias = Location | Contacts | Link | Asking | Form | Product | Catalog | Carousel | Reaction
Written: TypeAlias = Same | TemplateUse
"""As a flow has them."""
Kind: TypeAlias = Same | TemplateMessage
"""As they are said."""

Change: TypeAlias = Callable[[str, Role], str]


def texts(part: Any, path: Path = (), role: Role = "data") -> Iterator[tuple[Path, str, Role]]:
    """Every text of a kind, with its place below the kind's key and its role, in reading order."""
    if isinstance(part, str):
        yield path, part, role
    elif isinstance(part, QuickReply):
        return
    elif is_dataclass(part):
        for one in fields(part):
            inner = one.metadata.get("role")
            value = getattr(part, one.name)
            if inner is not None or isinstance(value, tuple):
                yield from texts(value, (*path, one.name), inner or "data")
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from texts(value, (*path, key), role)
    elif isinstance(part, tuple | list):
        for place, value in enumerate(part):
            yield from texts(value, (*path, place), role)


def rewritten(part: Any, change: Change, role: Role = "data") -> Any:
    """The same kind with every text changed."""
    if isinstance(part, str):
        return change(part, role)
    if isinstance(part, QuickReply):
        return part
    if is_dataclass(part) and not isinstance(part, type):
        changed = {}
        for one in fields(part):
            inner = one.metadata.get("role")
            value = getattr(part, one.name)
            if inner is not None or isinstance(value, tuple):
                changed[one.name] = rewritten(value, change, inner or "data")
        return replace(part, **changed)
    if isinstance(part, Mapping):
        return {key: rewritten(value, change, role) for key, value in part.items()}
    if isinstance(part, tuple):
        return tuple(rewritten(value, change, role) for value in part)
    if isinstance(part, list):
        return [rewritten(value, change, role) for value in part]
    return part
