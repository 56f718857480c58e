"""Reads ``say`` and ``ask``: a text, a bubble, or a list of them.

::

    say: Hello {name}
    ask: {text: Which one?, header: …, footer: …, image: https://…, buttons: {red: Red, blue: Blue}}
    ask: {text: …, list: {button: Choose, sections: [{title: …, rows: {red: Red, blue: {title: Blue, description: …}}}]}}
    say: {location: {latitude: 40.4, longitude: -3.7}}       and the other kinds, see :mod:`wabox.engine.kind`
    say: {text: …, outside: {name: come_back, values: {1: "{name}"}}}     the template for when the 24 hours are over
    say: {text: …, merge: true}       it shares a bubble with the text before it, where that fits
    say: {text: …, quote: true, preview: true}    as a reply to the customer's message; with a picture of the linked page

A list with one section without a title may write its ``rows`` directly. Buttons and rows are ``event: title`` in reading
order; as a list of ``{event, title}`` they mean the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wabox.core.kind import TemplateUse
from wabox.engine.kind import KEYS, MEDIA, read_kind, read_media
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.say import ButtonTemplate, ListTemplate, RowTemplate, SayTemplate, SectionTemplate

_BUBBLE = ("text", "header", "footer", "buttons", "list", *MEDIA, *KEYS, "outside", "merge", "once", "quote", "preview")


def read_say(reader: Reader, written: object, path: Path) -> tuple[SayTemplate, ...]:
    """The bubbles in the order in which they leave; wrong ones are left out and reported."""
    if written is None:
        return ()
    if isinstance(written, list | tuple):
        found = [_bubble(reader, item, (*path, place)) for place, item in enumerate(written)]
    else:
        found = [_bubble(reader, written, path)]
    return tuple(bubble for bubble in found if bubble is not None)


def _bubble(reader: Reader, written: object, path: Path) -> SayTemplate | None:
    if not isinstance(written, Mapping):
        text = reader.text(written, path, "a message")
        return None if text is None else SayTemplate(text=text)
    reader.only(written, path, _BUBBLE, "a message")
    parts = {
        key: reader.text(written[key], (*path, key), key)
        for key in ("text", "header", "footer")
        if written.get(key) is not None
    }
    wrong = len(reader.problems)
    files = [read_media(reader, written[key], key, (*path, key)) for key in MEDIA if written.get(key) is not None]
    kinds = [read_kind(reader, written[key], key, (*path, key)) for key in KEYS if written.get(key) is not None]
    late = read_kind(reader, written["outside"], "template", (*path, "outside")) if written.get("outside") else None
    good = len(reader.problems) == wrong
    media = next((file for file in files if file is not None), None)
    kind = next((kind for kind in kinds if kind is not None), None)
    rows = list(_options(reader, written.get("buttons"), (*path, "buttons")))
    for row in rows:
        if row.description is not None:
            reader.wrong(
                (*path, "buttons", row.event), "bad-value", "a button has no description", "use a list instead"
            )
    menu = _list(reader, written["list"], (*path, "list")) if written.get("list") is not None else None
    if rows and menu is not None:
        reader.wrong(
            path, "bad-value", "a message has buttons or a list, not both", "keep one of them, or write two messages"
        )
    found = [part.KEY for part in kinds if part is not None]
    if bool(rows or menu) + len(found) > 1 or len(files) > 1 or (files and found and found[0] not in _HEADED):
        reader.wrong(path, "two-messages", "these are two messages in one", "write a list of two messages: [{…}, {…}]")
        return None
    if parts.get("text") is None and media is None and kind is None:
        if good:
            reader.wrong(path, "bad-value", "the message says nothing: it has neither text nor image", "add text:")
        return None
    if isinstance(kind, TemplateUse) and late is not None:
        reader.wrong((*path, "outside"), "bad-value", "a template may be sent at any time", "take outside: out")
    return SayTemplate(
        buttons=tuple(ButtonTemplate(row.event, row.title) for row in rows),
        list=menu,
        media=media,
        kind=kind,
        outside=late if isinstance(late, TemplateUse) else None,
        quote=reader.flag(written.get("quote"), (*path, "quote")),
        preview=reader.flag(written.get("preview"), (*path, "preview")),
        once=reader.flag(written.get("once", False), (*path, "once")),
        merge=None if written.get("merge") is None else reader.flag(written["merge"], (*path, "merge")),
        **parts,
    )


_HEADED = ("cta_url", "form")
"""Kinds that a picture, a video or a document may head, as it may buttons."""


def _list(reader: Reader, written: object, path: Path) -> ListTemplate | None:
    menu = reader.mapping(written, path, "a list")
    reader.only(menu, path, ("button", "sections", "rows"), "a list")
    if "button" not in menu:
        reader.wrong(path, "bad-value", "the list has no button to open it", "add button: Choose")
    if ("rows" in menu) == ("sections" in menu):
        reader.wrong(
            path, "bad-value", "a list has either rows or sections", "write sections: [{title, rows}], or only rows"
        )
        return None
    button = reader.text(menu.get("button", ""), (*path, "button"), "button")
    sections = []
    if "rows" in menu:
        sections.append(SectionTemplate(None, tuple(_options(reader, menu["rows"], (*path, "rows")))))
    else:
        for place, item in enumerate(reader.list(menu["sections"])):
            here = (*path, "sections", place)
            section = reader.mapping(item, here, "a section")
            reader.only(section, here, ("title", "rows"), "a section")
            title = (
                reader.text(section["title"], (*here, "title"), "title") if section.get("title") is not None else None
            )
            sections.append(SectionTemplate(title, tuple(_options(reader, section.get("rows"), (*here, "rows")))))
    return ListTemplate(button or "", tuple(sections))


def _options(reader: Reader, written: object, path: Path) -> Iterator[RowTemplate]:
    """``event: title`` pairs of a mapping, or the same as a list."""
    pairs: list[tuple[object, Any, Path]] = []
    if isinstance(written, list | tuple):
        for place, item in enumerate(written):
            if isinstance(item, Mapping) and "event" in item:
                pairs.append(
                    (item["event"], {key: part for key, part in item.items() if key != "event"}, (*path, place))
                )
            elif isinstance(item, Mapping) and len(item) == 1:
                ((event, title),) = item.items()
                pairs.append((event, title, (*path, place, str(event))))
            else:
                shown = reader.show(item)
                reader.wrong((*path, place), "bad-value", f"an option cannot be {shown}", "write event: title")
    else:
        pairs.extend(
            (event, title, (*path, event)) for event, title in reader.mapping(written, path, "options").items()
        )
    seen: set[str] = set()
    for event, title, here in pairs:
        name = reader.text(event, here, "the event of an option")
        if name is None:
            continue
        if name in seen:
            reader.wrong(here, "bad-value", f"two options are the event {name!r}", "give each its own event")
            continue
        seen.add(name)
        description = None
        if isinstance(title, Mapping):
            reader.only(title, here, ("title", "description"), "an option")
            if title.get("description") is not None:
                description = reader.text(title["description"], (*here, "description"), "description")
            title = title.get("title")
        words = reader.text(title, here, "the title of an option")
        if words is not None:
            yield RowTemplate(name, words, description)
