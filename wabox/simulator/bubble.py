"""A Cloud API request as the customer sees it: the words of the bubble and what can be tapped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wabox.core.kind import VARIABLE, variables
from wabox.core.media import local
from wabox.flowfile.templates import Templates


@dataclass(frozen=True, slots=True)
class Bubble:
    words: tuple[str, ...]
    """Header, body, footer, one after the other; what has no words is named: ``[image: …]``."""
    options: tuple[str, ...] = ()
    """Titles of buttons and rows, in reading order; a row with its description: ``Title · description``."""

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join((*self.words, *self.options))


def bubble(body: Mapping[str, Any], templates: Templates | None = None) -> Bubble:
    """What the customer gets. ``templates`` have the words of approved templates, which a request only names."""
    kind = body["type"]
    content: Any = body[kind]
    match kind:
        case "interactive":
            return Bubble(tuple(_interactive(content)), tuple(_options(content)))
        case "template":
            lines, options = _template(content, templates or {})
            return Bubble(tuple(lines), tuple(options))
    return Bubble(tuple(_plain(kind, content)))


def _plain(kind: str, content: Any) -> Iterator[str]:
    match kind:
        case "text":
            yield content["body"]
        case "location":
            yield f"[location: {content['latitude']}, {content['longitude']}]"
            yield from (content[key] for key in ("name", "address") if content.get(key))
        case "contacts":
            for card in content:
                phones = [phone["phone"] for phone in card.get("phones", ())]
                others = [mail["email"] for mail in card.get("emails", ())] + [
                    url["url"] for url in card.get("urls", ())
                ]
                company = [card["org"]["company"]] if "org" in card else []
                yield f"[contact: {', '.join([card['name']['formatted_name'], *company, *phones, *others])}]"
        case "reaction":
            yield f"[reacts with {content['emoji']}]" if content["emoji"] else "[takes the reaction away]"
        case _:
            yield _file(kind, content)
            if content.get("caption"):
                yield content["caption"]


def _file(kind: str, file: Mapping[str, Any]) -> str:
    named = f"{file['filename']}, " if file.get("filename") else ""
    what = "voice message" if file.get("voice") else kind
    own = local(file.get("id", ""))
    return f"[{what}: {named}{own[1] if own else file.get('link') or file.get('id', '')}]"


def _interactive(content: Mapping[str, Any]) -> list[str]:
    lines = []
    header = content.get("header", {})
    if header:
        lines.append(str(header.get("text") or _file(header["type"], header[header["type"]])))
    if "body" in content:
        lines.append(content["body"]["text"])
    if "footer" in content:
        lines.append(content["footer"]["text"])
    action = content["action"]
    parameters = action.get("parameters", {})
    match content["type"]:
        case "cta_url":
            lines.append(f"[{parameters['display_text']} → {parameters['url']}]")
        case "location_request_message":
            lines.append("[button: share your location]")
        case "request_contact_info":
            lines.append("[button: share your phone number]")
        case "address_message":
            lines.append("[button: your address]")
        case "voice_call":
            lines.append(f"[{parameters['display_text']}: calls us]")
        case "call_permission_request":
            lines.append("[buttons: may we call you?]")
        case "carousel":
            for card in action["cards"]:
                link = card["action"]["parameters"]
                words = card.get("body", {}).get("text", "")
                shown = _file(card["header"]["type"], card["header"][card["header"]["type"]])
                lines.append(f"{shown} {words} [{link['display_text']} → {link['url']}]")
        case "flow":
            lines.append(f"[form {parameters['flow_id']}: {parameters['flow_cta']}]")
        case "product":
            lines.append(f"[product {action['product_retailer_id']}]")
        case "product_list":
            for section in action["sections"]:
                ids = ", ".join(item["product_retailer_id"] for item in section["product_items"])
                lines.append(f"[products{' · ' + section['title'] if 'title' in section else ''}: {ids}]")
        case "catalog_message":
            lines.append("[button: the catalogue]")
    return lines


def _options(content: Mapping[str, Any]) -> Iterator[str]:
    action = content["action"]
    if content["type"] == "button":
        yield from (button["reply"]["title"] for button in action["buttons"])
    for section in action["sections"] if content["type"] == "list" else ():
        for row in section["rows"]:
            about = row.get("description")
            yield f"{row['title']} · {about}" if about else row["title"]


def _template(content: Mapping[str, Any], templates: Templates) -> tuple[list[str], list[str]]:
    values: dict[str, list[Mapping[str, Any]]] = {"header": [], "body": []}
    for component in content.get("components", ()):
        values.setdefault(component["type"], []).extend(component["parameters"])
    lines = [f"[template {content['name']} ({content['language']['code']})]"]
    template = templates.get(content["name"])
    if template is None:
        return [*lines, *(str(value.get("text", value["type"])) for value in values["body"])], []
    text = template.languages[content["language"]["code"]]
    if text.header is not None:
        if text.header_type == "text":
            lines.append(_filled(text.header, values["header"]))
        else:
            file = values["header"][0][text.header_type] if values["header"] else {"link": text.header}
            lines.append(_file(text.header_type, file))
    lines.append(_filled(text.body, values["body"]))
    if text.footer:
        lines.append(text.footer)
    lines += [f"[{one.title} → {one.value}]" for one in text.buttons if one.type != "quick_reply"]
    return lines, [one.title for one in text.buttons if one.type == "quick_reply"]


def _filled(text: str, values: list[Mapping[str, Any]]) -> str:
    named = {value.get("parameter_name", name): value for name, value in zip(variables(text), values, strict=False)}
    return VARIABLE.sub(lambda found: str(named.get(found[1], {}).get("text", "")), text)
