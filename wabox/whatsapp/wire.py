"""JSON as Meta's webhooks carry it: read in slices, so that one bad element does not take the others with it.

An envelope is opened level by level. Each level yields its parts as raw slices of the body (``msgspec.Raw``), and only the
slice that somebody needs is decoded; so a slice that is wrong is put aside exactly as it came.

Two things are legal in JSON and poison further on, so they are taken out of the *bytes*, before decoding:

* ``\\u0000``, which customers can type: it cuts strings in C code and PostgreSQL refuses it. Dropped.
* Half of a surrogate pair (``\\ud83d`` alone, an emoji cut in two): no UTF-8 exists for it, and msgspec refuses the whole
  body. It becomes U+FFFD, as bytes that are not UTF-8 do.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw

T = TypeVar("T")

DEEPEST: Final = 64
"""Nothing of Meta's is nested deeper than a dozen levels. What is might decode here
and exhaust the stack of whoever stores it."""

_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_ARRAY: Final = msgspec.json.Decoder(list[Raw])
_ANY: Final = msgspec.json.Decoder()


class Malformed(Exception):
    """An element cannot be understood; the message is the reason kept with it."""


def objects(data: bytes | Raw) -> dict[str, Raw]:
    """The members of a JSON object, still encoded. Raises Malformed."""
    return _decode(_OBJECT, data)


def items(data: bytes | Raw) -> list[Raw]:
    """The items of a JSON array, still encoded. Raises Malformed."""
    return _decode(_ARRAY, data)


def value(data: bytes | Raw) -> Any:
    """The decoded value, free of lone surrogates. Raises Malformed."""
    return _decode(_ANY, data)


def clean(body: bytes) -> bytes:
    """The body without U+0000: for nearly all, the same object. (Lone surrogates are noticed when decoding.)"""
    return repair(body) if b"\\u0000" in body else body


def envelope(body: bytes) -> dict[str, Raw]:
    """The members of a webhook's body, its strings mended if they must be. Raises Malformed."""
    try:
        return objects(body)
    except Malformed:
        # Half a surrogate pair anywhere is enough to come here; for what is not JSON at all it is no use, and no harm.
        return objects(repair(body))


def inner_value(written: str) -> Any:
    """JSON that came inside a JSON string: what was escaped twice comes to light only now. Raises Malformed."""
    inner = repair(written.encode())
    if too_deep(inner):
        raise Malformed(f"nested deeper than {DEEPEST} levels")
    return value(inner)


def text(parent: dict[str, Any], key: str) -> str | None:
    """A string, or nothing. Raises Malformed for anything else."""
    found = parent.get(key)
    if found is None or type(found) is str:
        return found
    raise Malformed(f"{key} is not text")


def members(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """An object, empty when it is missing. Raises Malformed for anything else."""
    found = parent.get(key)
    if found is None:
        return {}
    if type(found) is dict:
        return found
    raise Malformed(f"{key} is not an object")


def flag(parent: dict[str, Any], key: str) -> bool:
    """True or false, false when it is missing. Raises Malformed for anything else."""
    found = parent.get(key)
    if found is None or type(found) is bool:
        return bool(found)
    raise Malformed(f"{key} is neither true nor false")


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | Raw) -> T:
    try:
        return decoder.decode(data)
    except UnicodeDecodeError:
        # Not UTF-8: msgspec notices only when it makes the string, so the rest of the batch never sees this.
        data = repair(bytes(data))
    except msgspec.DecodeError as error:
        raise Malformed(f"not the JSON expected here: {error}") from None
    except RecursionError:
        raise Malformed("nested too deeply") from None
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not the JSON expected here: {error}") from None


_ESCAPE: Final = re.compile(
    rb"\\(?:(?P<nul>u0000)"
    rb"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|.)",
    re.DOTALL,
)
"""Every escape of a JSON text, left to right: in ``\\\\u0000`` the backslash is escaped and the rest is text."""


def repair(data: bytes) -> bytes:
    """The same JSON without U+0000, lone surrogates, a byte-order mark, and bytes that are not UTF-8."""
    data = data.decode("utf-8-sig", "replace").encode()
    return _ESCAPE.sub(_repaired, data)


def _repaired(match: re.Match[bytes]) -> bytes:
    if match["nul"]:
        return b""
    return b"\\ufffd" if match["half"] else match[0]


_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPEN, _CLOSE = b"{[", b"}]"


def crowded(data: bytes) -> bool:
    """A quick look: false if nothing in it *can* be nested too deeply."""
    return data.count(b"{") + data.count(b"[") > DEEPEST


def too_deep(data: bytes | Raw) -> bool:
    """Whether a JSON text is nested deeper than :data:`DEEPEST`."""
    data = bytes(data)
    if not crowded(data):
        return False
    depth = 0
    for byte in _STRING.sub(b"", data):
        if byte in _OPEN:
            depth += 1
            if depth > DEEPEST:
                return True
        elif byte in _CLOSE:
            depth -= 1
    return False
