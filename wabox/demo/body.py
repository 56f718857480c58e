"""What the fake Cloud API takes as the body of a send, key by key.

The limits stand here a second time on purpose, apart from the bot's own: this is the other side of the wire. Text is counted in
Unicode code points. Sources: Meta's pages "Interactive reply buttons", "Interactive list", "Interactive CTA URL", "Location
request", "Contacts", "Sending a Flow", "Share products with customers", "Template messages" (Sept 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.demo.approved import Templates, template
from wabox.demo.refusal import Refused, bad, inner, measure, missing, only, param, string, uri

MEDIA = frozenset({"image", "video", "audio", "document", "sticker"})
OTHER = frozenset({"text", "interactive", "location", "contacts", "reaction", "template"})
LOOSE = frozenset({"request_contact_info", "voice_call", "address_message", "carousel", "call_permission_request"})
"""Interactive kinds that are taken without looking closely."""
TOP = frozenset(
    {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data"}
)


def check(body: Any, templates: Templates | None = None) -> Mapping[str, Any]:
    """The body of ``POST /{phone_number_id}/messages``, if Meta would take it; else raises Refused.

    ``templates`` are those that were approved, by name and language; without them every name is one.
    """
    if not isinstance(body, dict):
        raise Refused(100, "(#100) The body must be a JSON object")
    if body.get("messaging_product") != "whatsapp":
        raise Refused(100, "(#100) The parameter messaging_product is required.")
    if body.get("recipient_type", "individual") not in ("individual", "group"):
        raise param("recipient_type", "must be one of {INDIVIDUAL, GROUP}.")
    for name in ("to", "recipient"):
        if name in body and not (isinstance(body[name], str) and body[name].strip()):
            raise param(name, "must be a non-empty string.")
    if "to" not in body and "recipient" not in body:
        raise Refused(100, "(#100) The parameter to is required.")
    if "context" in body:
        string(inner(body, "context"), "message_id", "context['message_id']", 1, 1024)
    if "biz_opaque_callback_data" in body:
        string(body, "biz_opaque_callback_data", "biz_opaque_callback_data", 0, 512)
    kind = body.get("type", "text")
    if not isinstance(kind, str) or kind not in MEDIA | OTHER:
        raise bad(131051, f"Message type {kind!r} is not currently supported.")
    only(body, TOP | {kind}, "the message")
    if kind == "contacts":
        _contacts(body.get("contacts"))
        return body
    part = inner(body, kind)
    if kind in MEDIA:
        _media(kind, part)
    elif kind == "text":
        only(part, {"body", "preview_url"}, "text")
        string(part, "body", "text['body']", 1, 4096)
    elif kind == "interactive":
        _interactive(part)
    elif kind == "location":
        _location(part)
    elif kind == "reaction":
        only(part, {"message_id", "emoji"}, "reaction")
        string(part, "message_id", "reaction['message_id']", 1, 1024)
        string(part, "emoji", "reaction['emoji']", 0, 16)
    else:
        template(part, templates)
    return body


def _contacts(contacts: Any) -> None:
    if not isinstance(contacts, list) or not 1 <= len(contacts) <= 257:
        raise bad(131009, "Invalid contacts count. Min allowed contacts: 1, Max allowed contacts: 257")
    for place, contact in enumerate(contacts):
        where = f"contacts[{place}]"
        if not isinstance(contact, dict):
            raise param(where, "must be a JSON object.")
        only(contact, {"name", "phones", "emails", "org", "urls", "addresses", "birthday"}, where)
        name = inner(contact, "name", where)
        string(name, "formatted_name", f"{where}['name']['formatted_name']", 1, 256)
        if len(name) < 2:
            raise bad(131009, f"{where}['name'] needs at least one more part beside formatted_name")


def _location(part: Mapping[str, Any]) -> None:
    only(part, {"latitude", "longitude", "name", "address"}, "location")
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = part.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise missing(f"location['{name}']")
        try:
            degrees = float(value)
        except ValueError:
            raise param(f"location['{name}']", "must be a number.") from None
        if not -most <= degrees <= most:
            raise bad(131009, f"location['{name}'] must be between -{most} and {most}")


KINDS: Mapping[str, tuple[int, frozenset[str]]] = {
    # The longest body, and which headers it may have.
    "button": (1024, frozenset({"text", "image", "video", "document"})),
    "list": (4096, frozenset({"text"})),
    "cta_url": (1024, frozenset({"text", "image", "video", "document"})),
    "flow": (1024, frozenset({"text", "image", "video", "document"})),
    "location_request_message": (1024, frozenset()),
    "product": (1024, frozenset()),
    "product_list": (1024, frozenset({"text"})),
    "catalog_message": (1024, frozenset()),
}


def _interactive(part: Mapping[str, Any]) -> None:
    kind = str(part.get("type"))
    if kind in LOOSE:
        return
    if kind not in KINDS:
        raise bad(131009, f"Interactive type {kind!r} is not one of {', '.join(KINDS)}")
    longest, headers = KINDS[kind]
    only(part, {"type", "header", "body", "footer", "action"}, "interactive")
    if kind != "product" or "body" in part:
        measure(inner(part, "body", "interactive").get("text"), "Body text", 1, longest)
    if "footer" in part:
        if kind == "location_request_message":
            raise bad(131009, "Footer is not allowed for location_request_message messages")
        measure(inner(part, "footer", "interactive").get("text"), "Footer text", 1, 60)
    if "header" in part:
        _header(inner(part, "header", "interactive"), kind, headers)
    elif kind == "product_list":
        raise missing("interactive['header']")
    action = inner(part, "action", "interactive")
    match kind:
        case "button":
            _buttons(action)
        case "list":
            _list(action)
        case "cta_url":
            parameters = _parameters(action, "cta_url")
            measure(parameters.get("display_text"), "Display text", 1, 20)
            uri(parameters.get("url"), "interactive['action']['parameters']['url']")
        case "location_request_message":
            _named(action, "send_location")
        case "flow":
            _flow(_parameters(action, "flow"))
        case "catalog_message":
            _named(action, "catalog_message")
        case _:
            _products(action, kind)


def _named(action: Mapping[str, Any], name: str) -> None:
    if action.get("name") != name:
        raise param("interactive['action']['name']", f"must be one of {{{name}}}.")


def _parameters(action: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    _named(action, name)
    return inner(action, "parameters", "interactive['action']")


def _flow(parameters: Mapping[str, Any]) -> None:
    where = "interactive['action']['parameters']"
    if parameters.get("flow_message_version") != "3":
        raise param(f"{where}['flow_message_version']", "must be one of {3}.")
    if ("flow_id" in parameters) == ("flow_name" in parameters):
        raise param(where, "must have one of flow_id and flow_name.")
    measure(parameters.get("flow_cta"), "Flow button", 1, 20)
    if parameters.get("mode", "published") not in ("published", "draft"):
        raise param(f"{where}['mode']", "must be one of {published, draft}.")
    if parameters.get("flow_action", "navigate") not in ("navigate", "data_exchange"):
        raise param(f"{where}['flow_action']", "must be one of {navigate, data_exchange}.")
    if "flow_action_payload" in parameters:
        payload = inner(parameters, "flow_action_payload", where)
        string(payload, "screen", f"{where}['flow_action_payload']['screen']", 1, 256)
        if "data" in payload and not (isinstance(payload["data"], dict) and payload["data"]):
            raise param(f"{where}['flow_action_payload']['data']", "must be a non-empty object.")


def _products(action: Mapping[str, Any], kind: str) -> None:
    where = "interactive['action']"
    string(action, "catalog_id", f"{where}['catalog_id']", 1, 64)
    if kind == "product":
        string(action, "product_retailer_id", f"{where}['product_retailer_id']", 1, 256)
        return
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise bad(131009, "Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    total = 0
    for number, section in enumerate(sections):
        items = section.get("product_items") if isinstance(section, dict) else None
        if not isinstance(items, list) or not items:
            raise bad(131008, f"{where}['sections'][{number}] has no product_items")
        if len(sections) > 1 or section.get("title"):
            measure(section.get("title"), "Section title", 1, 24)
        total += len(items)
    if total > 30:
        raise bad(131009, "Total product count exceed max allowed count: 30")


def _header(header: Mapping[str, Any], kind: str, allowed: frozenset[str]) -> None:
    what = header.get("type")
    if what not in allowed:
        raise bad(131009, f"Header type {what!r} is not allowed for {kind} messages")
    if what == "text":
        measure(header.get("text"), "Header text", 1, 60)
    else:
        _media(what, inner(header, what, "interactive['header']"))


def _buttons(action: Mapping[str, Any]) -> None:
    only(action, {"buttons"}, "interactive['action']")
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise bad(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    ids, titles = [], []
    for number, button in enumerate(buttons):
        where = f"interactive['action']['buttons'][{number}]"
        if not isinstance(button, dict) or button.get("type") != "reply":
            raise bad(131009, "Button type invalid. Allowed: reply")
        reply = inner(button, "reply", where)
        only(reply, {"id", "title"}, f"{where}['reply']")
        ids.append(measure(reply.get("id"), "Button id", 1, 256))
        titles.append(measure(reply.get("title"), "Button title", 1, 20))
        if ids[-1] != ids[-1].strip():
            raise bad(131009, "Button id must not begin or end with a blank")
    for what, given in (("id", ids), ("title", titles)):
        if len(set(given)) < len(given):
            raise bad(131009, f"Duplicated button {what}: {given}")


def _list(action: Mapping[str, Any]) -> None:
    only(action, {"button", "sections"}, "interactive['action']")
    measure(action.get("button"), "Button label", 1, 20)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise bad(131009, "Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    ids: list[str] = []
    for number, section in enumerate(sections):
        where = f"interactive['action']['sections'][{number}]"
        rows = section.get("rows") if isinstance(section, dict) else None
        if not isinstance(rows, list) or not rows:
            raise bad(131008, f"{where} has no rows")
        if len(sections) > 1 or section.get("title"):
            measure(section.get("title"), "Section title", 1, 24)
        for row in rows:
            if not isinstance(row, dict):
                raise bad(131009, f"{where} has a row that is no object")
            only(row, {"id", "title", "description"}, f"{where}['rows']")
            ids.append(measure(row.get("id"), "Row id", 1, 200))
            if len(measure(row.get("title"), "Row title", 1, 4096)) > 24:
                raise bad(131009, "Row title is too long. Max length is 24")
            if len(measure(row.get("description", ""), "Row description", 0, 4096)) > 72:
                raise bad(131009, "Row description is too long. Max length is 72")
    if len(ids) > 10:
        raise bad(131009, "Total row count exceed max allowed count: 10")
    if len(set(ids)) < len(ids):
        raise bad(131009, f"Duplicated row id: {ids}")


def _media(kind: str, part: Mapping[str, Any]) -> None:
    only(part, {"id", "link"} | _BESIDE[kind], kind)
    if ("id" in part) == ("link" in part):
        raise Refused(100, f"(#100) Param {kind} must have one of id and link.")
    if "link" in part:
        uri(part["link"], f"{kind}['link']")
    if "caption" in part:
        string(part, "caption", f"{kind}['caption']", 0, 1024)


_BESIDE: Mapping[str, frozenset[str]] = {
    "image": frozenset({"caption"}),
    "video": frozenset({"caption"}),
    "audio": frozenset({"voice"}),
    "document": frozenset({"caption", "filename"}),
    "sticker": frozenset(),
}
