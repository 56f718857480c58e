"""Reads what a message can be besides words with buttons or a list; see :mod:`wabox.core.kind` for what each means.

::

    say: {video: "https://…", text: Look!}              image, video, document (with {link, filename}): text is the caption
    say: {audio: {link: "https://…", voice: true}}      audio and sticker stand alone
    say: {location: {latitude: 40.4, longitude: -3.7, name: Luna & Sol, address: Calle Luna 12}}
    say: {contacts: {name: Luna & Sol, phone: "+34 910 000 000"}}            or a list of them
    ask: {text: Pay here, cta_url: {title: Pay, url: "https://…/{order}"}}
    ask: {text: Where are you?, location_request: true}
    ask: {text: Your details, form: {id: "700001", button: Open, screen: START, data: {name: "{name}"}}}
    ask: {text: Look, product: {catalog: "900", id: SKU-1}}                   or ids: […], or sections: [{title, ids}]
    ask: {text: All we have, catalog: true}                                   or {thumbnail: SKU-1}
    say: {react: "👍"}
    say: {template: {name: reminder, values: {1: "{name}"}}}                  see templates.yaml
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from wabox.core.kind import (
    AddressRequest,
    CallButton,
    CallRequest,
    Card,
    Carousel,
    Catalog,
    ContactRequest,
    Contacts,
    Form,
    Link,
    Location,
    LocationRequest,
    Media,
    MediaType,
    Product,
    ProductSection,
    QuickReply,
    Reaction,
    Slide,
    TemplateUse,
    Written,
)
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.value import plain

MEDIA: tuple[MediaType, ...] = get_args(MediaType)
MEDIA_KEYS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(MEDIA, ("link",)),
    "audio": ("link", "voice"),
    "document": ("link", "filename"),
}
KEYS: Mapping[str, tuple[str, ...]] = {
    "location": ("latitude", "longitude", "name", "address"),
    "contacts": ("name", "phone", "email", "company", "url"),
    "cta_url": ("title", "url"),
    "location_request": (),
    "form": ("id", "button", "screen", "data", "token", "draft"),
    "product": ("catalog", "id", "ids", "sections"),
    "catalog": ("thumbnail",),
    "contact_request": (),
    "address_request": ("country",),
    "call": ("title", "minutes"),
    "call_request": (),
    "carousel": ("image", "video", "text", "title", "url"),
    "react": (),
    "template": ("name", "language", "values", "header", "buttons"),
}
"""Every kind's key and the keys below it."""


def read_media(reader: Reader, written: Any, type_: MediaType, path: Path) -> Media | None:
    """``https://…`` or ``{link: https://…, …}``."""
    if not isinstance(written, Mapping):
        link = reader.text(written, path, type_)
        return None if link is None else Media(type=type_, link=link)
    reader.only(written, path, MEDIA_KEYS[type_], type_)
    link = _needed(reader, written, "link", path, type_)
    voice = reader.flag(written.get("voice"), (*path, "voice"))
    filename = _text(reader, written, "filename", path)
    return None if link is None else Media(type=type_, link=link, filename=filename, voice=voice)


def read_kind(reader: Reader, written: Any, key: str, path: Path) -> Written | None:
    """What stands below one of :data:`KEYS`; None, reported, when it is wrong. None too for what is switched off."""
    match key:
        case "location_request":
            return LocationRequest() if reader.flag(written, path) else None
        case "contact_request":
            return ContactRequest() if reader.flag(written, path) else None
        case "call_request":
            return CallRequest() if reader.flag(written, path) else None
        case "carousel":
            return _carousel(reader, written, path)
        case "react" if written is False:
            return Reaction(emoji="")
        case "address_request" if isinstance(written, str):
            written = {"country": written}
        case "call" if isinstance(written, str):
            written = {"title": written}
        case "catalog" if not isinstance(written, Mapping):
            return Catalog() if reader.flag(written, path) else None
        case "react":
            emoji = reader.text(written, path, "react")
            return None if emoji is None else Reaction(emoji=emoji)
        case "contacts":
            return _contacts(reader, written, path)
        case "template" if isinstance(written, str):
            written = {"name": written}
    spec = reader.mapping(written, path, key)
    reader.only(spec, path, KEYS[key], key)
    match key:
        case "location":
            latitude, longitude = (_needed(reader, spec, name, path, key) for name in ("latitude", "longitude"))
            if latitude is None or longitude is None:
                return None
            name, address = _text(reader, spec, "name", path), _text(reader, spec, "address", path)
            return Location(latitude=latitude, longitude=longitude, name=name, address=address)
        case "cta_url":
            title, url = _needed(reader, spec, "title", path, key), _needed(reader, spec, "url", path, key)
            return None if title is None or url is None else Link(title=title, url=url)
        case "catalog":
            return Catalog(thumbnail=_text(reader, spec, "thumbnail", path))
        case "address_request":
            country = _needed(reader, spec, "country", path, key)
            return None if country is None else AddressRequest(country=country)
        case "call":
            title, minutes = _needed(reader, spec, "title", path, key), spec.get("minutes")
            if minutes is not None and (isinstance(minutes, bool) or not isinstance(minutes, int)):
                reader.wrong((*path, "minutes"), "bad-value", "minutes is a whole number", "write 60")
                return None
            return None if title is None else CallButton(title=title, minutes=minutes)
        case "form":
            return _form(reader, spec, path)
        case "product":
            return _product(reader, spec, path)
    return _template(reader, spec, path)


def _contacts(reader: Reader, written: Any, path: Path) -> Contacts | None:
    listed = isinstance(written, list | tuple)
    cards = []
    for place, item in enumerate(reader.list(written)):
        here = (*path, place) if listed else path
        spec = reader.mapping(item, here, "a contact")
        reader.only(spec, here, KEYS["contacts"], "a contact")
        name = _needed(reader, spec, "name", here, "a contact")
        if name is not None:
            rest = {key: _text(reader, spec, key, here) for key in ("phone", "email", "company", "url")}
            cards.append(Card(name=name, **rest))
    if not cards and not reader.list(written):
        reader.wrong(path, "bad-value", "there is no contact", 'write contacts: {name: …, phone: "+34 …"}')
    return Contacts(cards=tuple(cards)) if cards else None


def _carousel(reader: Reader, written: Any, path: Path) -> Carousel | None:
    cards = []
    for place, item in enumerate(reader.list(written)):
        here = (*path, place)
        spec = reader.mapping(item, here, "a card")
        reader.only(spec, here, KEYS["carousel"], "a card")
        type_: Literal["image", "video"] = "video" if spec.get("video") is not None else "image"
        link = _needed(reader, spec, type_, here, "a card")
        title, url = _needed(reader, spec, "title", here, "a card"), _needed(reader, spec, "url", here, "a card")
        if link is not None and title is not None and url is not None:
            text = _text(reader, spec, "text", here)
            cards.append(Slide(type=type_, link=link, text=text, title=title, url=url))
    return Carousel(cards=tuple(cards)) if cards else None


def _form(reader: Reader, spec: Mapping[str, Any], path: Path) -> Form | None:
    id_, button = _needed(reader, spec, "id", path, "form"), _needed(reader, spec, "button", path, "form")
    data = _plain(reader, spec.get("data"), (*path, "data"))
    screen, token = _text(reader, spec, "screen", path), _text(reader, spec, "token", path)
    draft = reader.flag(spec.get("draft"), (*path, "draft"))
    if data and screen is None:
        reader.wrong((*path, "data"), "bad-value", "data needs the screen that it is for", "add screen: START")
    if id_ is None or button is None:
        return None
    return Form(id=id_, button=button, screen=screen, data=data, token=token or "unused", draft=draft)


def _product(reader: Reader, spec: Mapping[str, Any], path: Path) -> Product | None:
    catalog = _needed(reader, spec, "catalog", path, "product")
    given = [key for key in ("id", "ids", "sections") if spec.get(key) is not None]
    if len(given) != 1:
        reader.wrong(path, "bad-value", "a product message has one of id, ids and sections", "keep one of them")
        return None
    sections: list[ProductSection] = []
    if given == ["ids"]:
        sections.append(ProductSection(ids=reader.texts(spec["ids"], (*path, "ids"), "a product")))
    elif given == ["sections"]:
        for place, item in enumerate(reader.list(spec["sections"])):
            here = (*path, "sections", place)
            section = reader.mapping(item, here, "a section")
            reader.only(section, here, ("title", "ids"), "a section")
            ids = reader.texts(section.get("ids"), (*here, "ids"), "a product")
            sections.append(ProductSection(title=_text(reader, section, "title", here), ids=ids))
    id_ = _text(reader, spec, "id", path)
    return None if catalog is None else Product(catalog=catalog, id=id_, sections=tuple(sections))


def _template(reader: Reader, spec: Mapping[str, Any], path: Path) -> TemplateUse | None:
    name = _needed(reader, spec, "name", path, "template")
    values = _texts(reader, spec.get("values"), (*path, "values"))
    buttons = _texts(reader, spec.get("buttons"), (*path, "buttons"))
    language, header = _text(reader, spec, "language", path), _text(reader, spec, "header", path)
    if name is None:
        return None
    replies: tuple[QuickReply, ...] = ()
    if reader.templates is not None:
        if name not in reader.templates:
            where = (*path, "name") if "name" in spec else path
            fix = reader.instead(name, reader.templates, "write it in templates.yaml, as it is approved at WhatsApp")
            reader.wrong(where, "unknown-template", f"there is no template {name!r}", fix)
            return None
        replies = tuple(reader.templates[name])
    return TemplateUse(name=name, language=language, values=values, header=header, buttons=buttons, replies=replies)


def _plain(reader: Reader, written: object, path: Path) -> Mapping[str, Any]:
    spec = reader.mapping(written, path, "data")
    try:
        return {key: plain(value) for key, value in spec.items()}
    except (TypeError, ValueError) as error:
        reader.wrong(path, "bad-value", f"the data cannot be sent: {error}", "use text, numbers, lists and mappings")
        return {}


def _texts(reader: Reader, written: object, path: Path) -> dict[str, str]:
    found = {
        key: reader.text(value, (*path, key), "a value")
        for key, value in reader.mapping(written, path, "values").items()
    }
    return {key: value for key, value in found.items() if value is not None}


def _text(reader: Reader, spec: Mapping[str, Any], key: str, path: Path) -> str | None:
    return None if spec.get(key) is None else reader.text(spec[key], (*path, key), key)


def _needed(reader: Reader, spec: Mapping[str, Any], key: str, path: Path, where: str) -> str | None:
    if spec.get(key) is None:
        reader.wrong(path, "missing-key", f"{where} needs {key}", f"add {key}:")
        return None
    return reader.text(spec[key], (*path, key), key)
