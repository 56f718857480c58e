"""Files that the bot uploads: ``POST /{phone_number_id}/media``, and whether a message names one that is there.

Sizes and types stand here a second time on purpose: this is the other side of the wire. Source: Meta, "Media" (June 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wabox.demo.refusal import Refused

MB = 1024 * 1024
LARGEST: Mapping[str, int] = {
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * MB),
    "image/webp": 500 * 1024,
    **dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MB),
    **dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB),
}
"""Bytes by type; any other is a document."""
DOCUMENT = 100 * MB
KINDS = frozenset({"image", "video", "audio", "document", "sticker"})


def upload(fields: Mapping[str, Any], file_type: str | None, size: int) -> str:
    """The type of an upload that Meta would take; raises Refused."""
    if fields.get("messaging_product") != "whatsapp":
        raise Refused(100, "(#100) The parameter messaging_product is required.")
    if file_type is None:
        raise Refused(100, "(#100) The parameter file is required.")
    kind = str(fields.get("type") or file_type)
    if size == 0 or size > LARGEST.get(kind, DOCUMENT):
        raise Refused(
            100, f"(#100) Param file must be a file with one of the allowed sizes, and has {size} bytes as {kind}."
        )
    return kind


def named(part: Any, kind: str = "") -> Iterator[tuple[str, str]]:
    """Kind and id of every upload that a message names, wherever it stands."""
    if isinstance(part, Mapping):
        if kind in KINDS and isinstance(part.get("id"), str):
            yield kind, part["id"]
        for key, inner in part.items():
            yield from named(inner, key)
    elif isinstance(part, list):
        for inner in part:
            yield from named(inner)


def must_be_there(body: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raises Refused for a message with a file that was never uploaded, or too long ago."""
    for kind, id_ in named(body):
        if id_ not in known:
            sentence = f"(#100) Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            raise Refused(100, sentence)
