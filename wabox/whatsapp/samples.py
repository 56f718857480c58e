"""Webhooks as people keep them: one body, bodies one after another, JSON lines, lists, documents with webhooks inside.

``wabox serve`` gets one body per request and needs none of this. A body that is whole is handed on as the very bytes it came
in; only what had to be cut out of something larger is written anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

_DECODER: Final = json.JSONDecoder()
_BLANK: Final = " \t\r\n\x1e"
"""What may stand between two documents; U+001E begins one in RFC 7464."""
_CONTENT: Final = ("messages", "statuses")
_SIGNS: Final = ("metadata", "messaging_product", "contacts")


def bodies(data: bytes) -> Iterator[bytes]:
    """Every webhook in ``data``, as the body of a POST. What is no JSON comes out as it is, a line at a time."""
    # Bytes that are not UTF-8 survive the way there and back.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    place = 0
    while place < len(text):
        if text[place] in _BLANK:
            place += 1
            continue
        try:
            document, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = text.find("\n", place)
            end = len(text) if end < 0 else end
            yield text[place:end].strip(_BLANK).encode("utf-8", "surrogateescape")
        else:
            if _is_envelope(document):
                yield text[place:end].encode("utf-8", "surrogateescape")
            else:
                found = list(_inside(document))
                yield from map(_written, found or [document])
        place = end


def _is_envelope(document: Any) -> bool:
    return type(document) is dict and "entry" in document


def _inside(document: Any) -> Iterator[dict[str, Any]]:
    """Webhooks in a document that is none itself: a list, named samples, a proxy's wrapping, or a part of a webhook."""
    if type(document) is list:
        for item in document:
            yield from _inside(item)
    elif type(document) is dict:
        if "entry" in document:
            yield document
        elif type(document.get("changes")) is list:
            yield {"entry": [document]}
        elif type(document.get("field")) is str and "value" in document:
            # The samples in the app dashboard look like this.
            yield {"entry": [{"changes": [document]}]}
        elif _is_value(document):
            yield {"entry": [{"changes": [{"field": "messages", "value": document}]}]}
        else:
            for item in document.values():
                yield from _inside(item)


def _is_value(document: dict[str, Any]) -> bool:
    """The inside of a change, which the on-premises API sent as it is."""
    if any(type(document.get(name)) is list for name in _CONTENT) and any(sign in document for sign in _SIGNS):
        return True
    statuses = document.get("statuses")
    return type(statuses) is list and all(type(one) is dict and "id" in one and "status" in one for one in statuses)


def _written(document: Any) -> bytes:
    try:
        return json.dumps(document).encode()
    except RecursionError:
        return b"[nested too deeply]"
