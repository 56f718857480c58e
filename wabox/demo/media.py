"""Files: what customers sent and the bot uploaded (``POST /{phone_number_id}/media``), and for how long they can be had.

An id of a customer's file lives 7 days, one of an upload 30; the address to download it from dies after five minutes.

Sizes and types stand here a second time on purpose: this is the other side of the wire. Source: Meta, "Media" (June 2026).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
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
DAY = 24 * 60 * 60 * 1000
"""ms."""
RECEIVED, UPLOADED = 7, 30
"""Days."""
ADDRESS = 5 * 60 * 1000
"""ms that the address of a download can be used."""
KEPT = 20
KINDS = frozenset({"image", "video", "audio", "document", "sticker"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that a customer sent, or the bot uploaded."""

    id: str
    mime_type: str
    data: bytes
    until: int
    """When its id dies, ms since the epoch."""

    @property
    def sha256(self) -> str:
        """Base64, as in webhooks."""
        return base64.b64encode(hashlib.sha256(self.data).digest()).decode()


def keep(files: dict[str, Media], media: Media) -> None:
    """The newest ones are kept: a demo may run for long."""
    files[media.id] = media
    for old in list(files)[:-KEPT]:
        del files[old]


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


def must_be_there(body: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises Refused for a message with a file that was never uploaded, or too long ago."""
    for kind, id_ in named(body):
        if id_ not in known:
            sentence = f"(#100) Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            raise Refused(100, sentence)
