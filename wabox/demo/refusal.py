"""What the fake Cloud API refuses, and in which words.

A bot that works in the demo must work on WhatsApp (promise P8), so a body that Meta would refuse is refused here, with
Meta's code and, where it could be found in the wild, Meta's sentence. What is refused: :mod:`wabox.demo.body`.

====== ====================================================================================
100    a parameter is missing, of the wrong type, unknown, too long, or no URI
131008 a required part of a message is missing
131009 a value is outside its limits (buttons, rows, titles, bodies)
131051 a message type that does not exist
132001 a template that does not exist, or not in that language
132000 more or fewer values than the template has variables
132005 a template that its values make too long
132012 a value with a line break, or of the wrong kind
190    the access token is wrong, or has expired
====== ====================================================================================

Source: Meta, "Error codes" (Sept 2026).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

TITLES = {
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131051: "Unsupported message type",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132005: "Translated text too long",
    132012: "Parameter format does not match format in the created template",
}


def http_status(code: int) -> int:
    """The HTTP status with which Meta answers a code, as far as it is known; 400 for most."""
    if 200 <= code < 300:
        return 403
    return _STATUS.get(code, 400)


_STATUS = {
    **dict.fromkeys((0, 190), 401),
    **dict.fromkeys((3, 10, 368, 131005, 131031), 403),
    **dict.fromkeys((130429, 133016), 429),
    **dict.fromkeys((1, 131000, 131016, 131057), 500),
    **dict.fromkeys((2, 133004, 2494100), 503),
}


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


def uri(value: Any, where: str) -> None:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")) or " " in value:
        raise param(where, "is not a valid URI.")


def inner(parent: Mapping[str, Any], name: str, within: str = "") -> Mapping[str, Any]:
    where = f"{within}['{name}']" if within else name
    if name not in parent:
        raise missing(where)
    part = parent[name]
    if not isinstance(part, dict):
        raise param(where, "must be a JSON object.")
    return part


def string(parent: Mapping[str, Any], name: str, where: str, least: int, most: int) -> None:
    if name not in parent:
        raise missing(where)
    value = parent[name]
    if not isinstance(value, str):
        raise param(where, "must be a string.")
    if len(value) < least or (least and not value.strip()):
        raise param(where, f"must be at least {least} characters long.")
    if len(value) > most:
        raise param(where, f"must be at most {most} characters long.")


def measure(value: Any, what: str, least: int, most: int) -> str:
    if not isinstance(value, str):
        raise bad(131008 if value is None else 131009, f"{what} is missing")
    if not least <= len(value) <= most or (least and not value.strip()):
        raise bad(131009, f"{what} length invalid. Min length: {least}, Max length: {most}")
    return value


def only(part: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for name in part:
        if name not in known:
            raise Refused(100, f'(#100) Unexpected key "{name}" on param "{where}".')


def param(where: str, sentence: str) -> Refused:
    return Refused(100, f"(#100) Param {where} {sentence}")


def missing(where: str) -> Refused:
    return bad(131008, f"Parameter {where} is missing")


def bad(code: int, details: str) -> Refused:
    return Refused(code, f"(#{code}) {TITLES[code]}", details)
