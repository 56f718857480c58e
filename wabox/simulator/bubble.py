"""A Cloud API request as the customer sees it: the words of the bubble and what can be tapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bubble:
    words: tuple[str, ...]
    """Header, body, footer; a picture or anything else without words as ``[image: …]``."""
    options: tuple[str, ...] = ()
    """Titles of buttons and rows, in reading order; a row with its description: ``Title · description``."""
    events: tuple[str, ...] = ()
    """Those that a tap is, in the same order; a link has none."""

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((*self.words, *self.options))


def bubble(body: Json) -> Bubble:
    """What the customer gets; anything that is not known is named by its type."""
    kind = str(body.get("type"))
    content = body.get(kind)
    if not isinstance(content, Mapping):
        return Bubble(tuple(_cards(content)) if kind == "contacts" else (f"[{kind}]",))
    match kind:
        case "text":
            return Bubble((str(content.get("body", "")),))
        case "interactive":
            return _interactive(content)
        case "template":
            return Bubble((f"[template: {content.get('name')}]", *_parameters(content)))
        case "location":
            words = (content.get("name"), content.get("address"))
            return Bubble((f"[location: {content.get('latitude')}, {content.get('longitude')}]", *_some(words)))
        case "reaction":
            return Bubble((f"[reaction: {content.get('emoji', '')}]",))
    caption = _some((content.get("filename"), content.get("caption")))
    return Bubble((f"[{kind}: {content.get('link') or content.get('id', '')}]", *caption))


def _interactive(content: Json) -> Bubble:
    words = []
    header = content.get("header")
    if header:
        inner = header.get(header["type"])
        words.append(
            inner if isinstance(inner, str) else f"[{header['type']}: {inner.get('link', '') if inner else ''}]"
        )
    words += _some(((content.get("body") or {}).get("text"), (content.get("footer") or {}).get("text")))
    action = content.get("action") or {}
    options: list[tuple[str, str]] = []
    for button in action.get("buttons", ()):
        options.append((str(button["reply"]["title"]), str(button["reply"]["id"])))
    for section in action.get("sections", ()):
        for row in section.get("rows", ()):
            about = row.get("description")
            options.append((f"{row['title']} · {about}" if about else str(row["title"]), str(row["id"])))
    parameters = action.get("parameters") or {}
    link = parameters.get("display_text") or parameters.get("flow_cta")
    return Bubble(
        tuple(words),
        (*(title for title, _ in options), *_some((link,))),
        tuple(event for _, event in options),
    )


def _parameters(template: Json) -> Iterator[str]:
    for component in template.get("components", ()):
        for parameter in component.get("parameters", ()):
            value = parameter.get(parameter.get("type"))
            if isinstance(value, str):
                yield value
            elif isinstance(value, Mapping):
                yield f"[{parameter['type']}: {value.get('link') or value.get('id', '')}]"


def _cards(contacts: Any) -> Iterator[str]:
    for contact in contacts if isinstance(contacts, list) else ():
        yield f"[contact: {(contact.get('name') or {}).get('formatted_name', '')}]"


def _some(words: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(word) for word in words if word)
