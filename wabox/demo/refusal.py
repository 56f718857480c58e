"""What the fake Cloud API refuses, and in which words.

A bot that works in the demo must work on WhatsApp (promise P8), so a body that Meta would refuse is refused here, with
Meta's code and, where it could be found in the wild, Meta's sentence. The limits stand here a second time on purpose,
apart from the bot's own: this is the other side of the wire. Text is counted in Unicode code points.

====== ====================================================================================
100    a parameter is missing, of the wrong type, unknown, too long, or no URI
131008 a required part of a message is missing
131009 a value is outside its limits (buttons, rows, titles, bodies)
131051 a message type that does not exist
190    the access token is wrong
====== ====================================================================================

Source: Meta, "Error codes", "Interactive reply buttons", "Interactive list", "Text" (Sept 2026).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

TITLES = {
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131051: "Unsupported message type",
}
MEDIA = frozenset({"image", "video", "audio", "document", "sticker"})
OTHER = frozenset({"text", "interactive", "location", "contacts", "reaction", "template"})
INTERACTIVE_LOOSE = frozenset(
    {
        "flow", "product", "product_list", "catalog_message", "location_request_message", "request_contact_info",
        "voice_call", "address_message", "carousel",
    }
)  # fmt: skip
"""Kinds that are taken without looking closely."""
TOP = frozenset(
    {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data"}
)


class Refused(Exception):
    """The answer is an error; ``status`` is HTTP's, ``code`` Meta's."""

    def __init__(
        self,
        code: int,
        message: str,
        details: str | None = None,
        *,
        status: int = 400,
        subcode: int | None = None,
        kind: str = "OAuthException",
        transient: bool = False,
    ) -> None:
        super().__init__(details or message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.subcode = subcode
        self.kind = kind
        self.transient = transient

    def body(self, trace: str) -> dict[str, Any]:
        """Meta's error JSON; ``trace`` is its ``fbtrace_id``."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.details is not None:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.transient:
            error["is_transient"] = True
        return {"error": error | {"fbtrace_id": trace}}


def check(body: Any) -> Mapping[str, Any]:
    """The body of ``POST /{phone_number_id}/messages``, if Meta would take it; else raises Refused."""
    if not isinstance(body, dict):
        raise Refused(100, "(#100) The body must be a JSON object")
    if body.get("messaging_product") != "whatsapp":
        raise Refused(100, "(#100) The parameter messaging_product is required.")
    if body.get("recipient_type", "individual") not in ("individual", "group"):
        raise _param("recipient_type", "must be one of {INDIVIDUAL, GROUP}.")
    for name in ("to", "recipient"):
        if name in body and not (isinstance(body[name], str) and body[name].strip()):
            raise _param(name, "must be a non-empty string.")
    if "to" not in body and "recipient" not in body:
        raise Refused(100, "(#100) The parameter to is required.")
    if "context" in body:
        _string(_object(body, "context"), "message_id", "context['message_id']", 1, 1024)
    if "biz_opaque_callback_data" in body:
        _string(body, "biz_opaque_callback_data", "biz_opaque_callback_data", 0, 512)
    kind = body.get("type", "text")
    if not isinstance(kind, str) or kind not in MEDIA | OTHER:
        raise _value(131051, f"Message type {kind!r} is not currently supported.")
    _only(body, TOP | {kind}, "the message")
    if kind == "contacts":
        contacts = body.get("contacts")
        if not isinstance(contacts, list) or not 1 <= len(contacts) <= 257:
            raise _value(131009, "Invalid contacts count. Min allowed contacts: 1, Max allowed contacts: 257")
        return body
    part = _object(body, kind)
    if kind in MEDIA:
        _media(kind, part)
    elif kind == "text":
        _only(part, {"body", "preview_url"}, "text")
        _string(part, "body", "text['body']", 1, 4096)
    elif kind == "interactive":
        _interactive(part)
    elif kind == "location":
        for name in ("latitude", "longitude"):
            if not isinstance(part.get(name), int | float | str):
                raise _missing(f"location['{name}']")
    elif kind == "reaction":
        _string(part, "message_id", "reaction['message_id']", 1, 1024)
    else:
        _string(part, "name", "template['name']", 1, 512)
        _string(_object(part, "language", "template"), "code", "template['language']['code']", 2, 16)
    return body


def _interactive(part: Mapping[str, Any]) -> None:
    kind = part.get("type")
    if kind in INTERACTIVE_LOOSE:
        return
    if kind not in ("button", "list", "cta_url"):
        raise _value(131009, f"Interactive type {kind!r} is not one of button, list, cta_url …")
    _only(part, {"type", "header", "body", "footer", "action"}, "interactive")
    _measure(_object(part, "body", "interactive").get("text"), "Body text", 1, 4096 if kind == "list" else 1024)
    if "footer" in part:
        _measure(_object(part, "footer", "interactive").get("text"), "Footer text", 1, 60)
    if "header" in part:
        _header(_object(part, "header", "interactive"), kind)
    action = _object(part, "action", "interactive")
    if kind == "button":
        _buttons(action)
    elif kind == "list":
        _list(action)
    else:
        parameters = _object(action, "parameters", "interactive['action']")
        _measure(parameters.get("display_text"), "Display text", 1, 20)
        _uri(parameters.get("url"), "interactive['action']['parameters']['url']")


def _header(header: Mapping[str, Any], kind: str) -> None:
    allowed = {"text"} if kind == "list" else {"text", "image", "video", "document"}
    what = header.get("type")
    if what not in allowed:
        raise _value(131009, f"Header type {what!r} is not allowed for {kind} messages")
    if what == "text":
        _measure(header.get("text"), "Header text", 1, 60)
    else:
        _media(what, _object(header, what, "interactive['header']"))


def _buttons(action: Mapping[str, Any]) -> None:
    _only(action, {"buttons"}, "interactive['action']")
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise _value(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    ids, titles = [], []
    for number, button in enumerate(buttons):
        where = f"interactive['action']['buttons'][{number}]"
        if not isinstance(button, dict) or button.get("type") != "reply":
            raise _value(131009, "Button type invalid. Allowed: reply")
        reply = _object(button, "reply", where)
        _only(reply, {"id", "title"}, f"{where}['reply']")
        ids.append(_measure(reply.get("id"), "Button id", 1, 256))
        titles.append(_measure(reply.get("title"), "Button title", 1, 20))
        if ids[-1] != ids[-1].strip():
            raise _value(131009, "Button id must not begin or end with a blank")
    for what, given in (("id", ids), ("title", titles)):
        if len(set(given)) < len(given):
            raise _value(131009, f"Duplicated button {what}: {given}")


def _list(action: Mapping[str, Any]) -> None:
    _only(action, {"button", "sections"}, "interactive['action']")
    _measure(action.get("button"), "Button label", 1, 20)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise _value(131009, "Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    ids: list[str] = []
    for number, section in enumerate(sections):
        where = f"interactive['action']['sections'][{number}]"
        rows = section.get("rows") if isinstance(section, dict) else None
        if not isinstance(rows, list) or not rows:
            raise _value(131008, f"{where} has no rows")
        if len(sections) > 1 or section.get("title"):
            _measure(section.get("title"), "Section title", 1, 24)
        for row in rows:
            if not isinstance(row, dict):
                raise _value(131009, f"{where} has a row that is no object")
            _only(row, {"id", "title", "description"}, f"{where}['rows']")
            ids.append(_measure(row.get("id"), "Row id", 1, 200))
            if len(_measure(row.get("title"), "Row title", 1, 4096)) > 24:
                raise _value(131009, "Row title is too long. Max length is 24")
            if len(_measure(row.get("description", ""), "Row description", 0, 4096)) > 72:
                raise _value(131009, "Row description is too long. Max length is 72")
    if len(ids) > 10:
        raise _value(131009, "Total row count exceed max allowed count: 10")
    if len(set(ids)) < len(ids):
        raise _value(131009, f"Duplicated row id: {ids}")


def _media(kind: str, part: Mapping[str, Any]) -> None:
    if ("id" in part) == ("link" in part):
        raise Refused(100, f"(#100) Param {kind} must have one of id and link.")
    if "link" in part:
        _uri(part["link"], f"{kind}['link']")
    if "caption" in part:
        _string(part, "caption", f"{kind}['caption']", 0, 1024)


def _uri(value: Any, where: str) -> None:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")) or " " in value:
        raise _param(where, "is not a valid URI.")


def _object(parent: Mapping[str, Any], name: str, within: str = "") -> Mapping[str, Any]:
    where = f"{within}['{name}']" if within else name
    if name not in parent:
        raise _missing(where)
    part = parent[name]
    if not isinstance(part, dict):
        raise _param(where, "must be a JSON object.")
    return part


def _string(parent: Mapping[str, Any], name: str, where: str, least: int, most: int) -> None:
    if name not in parent:
        raise _missing(where)
    value = parent[name]
    if not isinstance(value, str):
        raise _param(where, "must be a string.")
    if len(value) < least or (least and not value.strip()):
        raise _param(where, f"must be at least {least} characters long.")
    if len(value) > most:
        raise _param(where, f"must be at most {most} characters long.")


def _measure(value: Any, what: str, least: int, most: int) -> str:
    if not isinstance(value, str):
        raise _value(131008 if value is None else 131009, f"{what} is missing")
    if not least <= len(value) <= most or (least and not value.strip()):
        raise _value(131009, f"{what} length invalid. Min length: {least}, Max length: {most}")
    return value


def _only(part: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for name in part:
        if name not in known:
            raise Refused(100, f'(#100) Unexpected key "{name}" on param "{where}".')


def _param(where: str, sentence: str) -> Refused:
    return Refused(100, f"(#100) Param {where} {sentence}")


def _missing(where: str) -> Refused:
    return _value(131008, f"Parameter {where} is missing")


def _value(code: int, details: str) -> Refused:
    return Refused(code, f"(#{code}) {TITLES[code]}", details)
