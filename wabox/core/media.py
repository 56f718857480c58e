"""Files of messages: what a customer sent and where it is kept, what the bot sends and what WhatsApp takes.

A file is known by its SHA-256, never by a name that a customer gave it. Its *reference*, ``ab/ab34…``, is where it lies below
``media/`` of the data folder. Meta says the hash in the webhook, so a flow knows the reference before the file is there.

Sources: Meta, "Media" (June 2026): ids of what customers sent live 7 days, uploads 30; sizes and types per kind.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

LIFE: Final = 7 * 86_400_000
"""ms for which Meta keeps what a customer sent."""
UPLOADED: Final = 25 * 86_400_000
"""ms for which an upload is used again; Meta keeps it for 30 days."""
LARGEST: Final = 100 * 1024 * 1024
"""Bytes of what a customer can send."""
HEAD: Final = 64
"""Bytes at the beginning that tell the type."""


class MediaStatus(StrEnum):
    WAITING = "waiting"
    STORED = "stored"
    LOST = "lost"
    ERASED = "erased"
    """Nobody may see it any more; row and file go at the next look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMedia:
    """The file of one message."""

    message_id: str
    conversation_id: str
    number_id: str
    media_id: str
    """Meta's; of an agent's file what stands in a message until it is uploaded (:data:`PREFIX`)."""
    type: str
    """The message's: image video audio voice document sticker."""
    mime_type: str | None = None
    """What Meta says it is."""
    sha256: str | None = None
    """Hex; Meta's word until the file is stored, then what it has."""
    at: int
    """When the customer sent it, ms since the epoch."""
    status: MediaStatus = MediaStatus.WAITING
    attempts: int = 0
    content_type: str | None = None
    """What its first bytes say; None: nothing that is known here."""
    size: int | None = None
    reason: str | None = None
    """Why it is not there yet, or lost."""

    @property
    def reference(self) -> str | None:
        return None if self.sha256 is None else reference(self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What somebody said in a voice message."""

    text: str
    confidence: float | None = None
    """0 to 1; None: whoever listened did not say."""


class Unheard(Exception):
    """Nobody could write down what is said; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What one try to fetch or to upload a file brought."""

    reason: str | None = None
    """Why not, for a person; None: it went well."""
    media_id: str | None = None
    """Of an upload."""
    sha256: str | None = None
    """Hex, of the bytes that came."""
    size: int = 0
    head: bytes = b""
    """The first bytes that came."""
    again: bool = False
    """Another try may help."""
    wait: float | None = None
    """s that make sense before that."""
    tries: int | None = None
    """More than so many are no use; None: as long as Meta has it."""
    code: int | None = None
    """Meta's."""
    number: bool = False
    """Nothing goes from or to this business number until somebody acts."""


def reference(sha256: str) -> str:
    """Where a file lies below ``media/``."""
    return f"{sha256[:2]}/{sha256}"


def digest(written: Any) -> str | None:
    """A SHA-256 in hex, from hex or base64 (Meta writes both); None for anything else."""
    if not isinstance(written, str):
        return None
    if len(written) == 64 and all(sign in "0123456789abcdefABCDEF" for sign in written):
        return written.lower()
    try:
        # Some of Meta's are of the alphabet for addresses, some lost their padding.
        raw = base64.b64decode(written.strip().replace("-", "+").replace("_", "/").rstrip("=") + "=", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 32 else None


_STARTS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0", "application/x-ole-storage"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"MZ", "application/x-executable"),
)
_FAMILIES: Final = {
    # One container, several types: what is inside does not show at the beginning.
    "video/mp4": ("video/mp4", "audio/mp4", "video/3gpp", "video/quicktime", "audio/3gpp"),
    "video/3gpp": ("video/3gpp", "video/mp4", "audio/3gpp"),
    "audio/mp4": ("audio/mp4", "video/mp4", "audio/aac", "audio/x-m4a"),
    "audio/aac": ("audio/aac", "audio/mp4"),
    "audio/mpeg": ("audio/mpeg", "audio/mp3"),
}
_PACKED: Final = ("application/vnd.", "application/zip", "application/epub", "application/java", "application/x-zip")


def sniff(head: bytes) -> str | None:
    """The type that the first bytes of a file show; None when they show none that is known here."""
    for place, sign, type_ in _STARTS:
        if head[place : place + len(sign)] == sign:
            return type_
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6):
        return "audio/mpeg"
    return None


def content_type(head: bytes, declared: str | None) -> str | None:
    """What the file is, by its first bytes; the declared type where that is a closer word for the same."""
    found = sniff(head)
    said = (declared or "").partition(";")[0].strip().lower()
    if found is None or said in _FAMILIES.get(found, ()):
        return said or None if found is not None else None
    if found in ("application/zip", "application/x-ole-storage") and said.startswith((*_PACKED, "application/ms")):
        return said
    return found


# What bots send. -------------------------------------------------------------------------------------------------------

_MB: Final = 1024 * 1024
SIZES: Final[Mapping[str, int]] = {
    "image": 5 * _MB,
    "video": 16 * _MB,
    "audio": 16 * _MB,
    "document": 100 * _MB,
    "sticker": 500 * 1024,
}
"""Bytes that WhatsApp takes."""
STILL: Final = 100 * 1024
"""Of a sticker that does not move."""
_OOXML: Final = "application/vnd.openxmlformats-officedocument"
TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "image": {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"},
    "video": {"mp4": "video/mp4", "3gp": "video/3gpp"},
    "audio": {
        "aac": "audio/aac",
        "amr": "audio/amr",
        "mp3": "audio/mpeg",
        "m4a": "audio/mp4",
        "ogg": "audio/ogg",
        "opus": "audio/ogg",
    },
    "document": {
        "txt": "text/plain",
        "pdf": "application/pdf",
        "doc": "application/msword",
        "xls": "application/vnd.ms-excel",
        "ppt": "application/vnd.ms-powerpoint",
        "docx": f"{_OOXML}.wordprocessingml.document",
        "xlsx": f"{_OOXML}.spreadsheetml.sheet",
        "pptx": f"{_OOXML}.presentationml.presentation",
    },
    "sticker": {"webp": "image/webp"},
}
"""By kind of message: suffix to type."""
SUFFIXES: Final = frozenset(suffix for kinds in TYPES.values() for suffix in kinds)
PREFIX: Final = "file:"
"""Begins, in an outbound message, the id of a file that is still to be uploaded: ``file:<sha256>:<path>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file of a bot's folder that can be sent."""

    path: str
    """Below the bot's folder, with slashes."""
    sha256: str
    size: int
    head: bytes = b""

    @property
    def id(self) -> str:
        """What stands in an outbound message until it is uploaded."""
        return f"{PREFIX}{self.sha256}:{self.path}"

    @property
    def suffix(self) -> str:
        return self.path.rpartition(".")[2].lower()

    def most(self, kind: str) -> int:
        """Bytes that WhatsApp takes of it as this kind of message."""
        animated = self.head[12:16] == b"VP8X" and len(self.head) > 20 and bool(self.head[20] & 2)
        return STILL if kind == "sticker" and not animated else SIZES[kind]

    def type_as(self, kind: str) -> str | None:
        """Its type when it is sent as this kind of message; None when WhatsApp does not take it so."""
        wanted = TYPES.get(kind, {}).get(self.suffix)
        if wanted is None:
            return None
        found = content_type(self.head, wanted)
        if wanted == "text/plain":
            return wanted if found is None else None
        return wanted if found == wanted else None


def local(id_: str) -> tuple[str, str] | None:
    """The hash and the path of a file that is to be uploaded; None for any other id."""
    if not id_.startswith(PREFIX):
        return None
    sha256, _, path = id_.removeprefix(PREFIX).partition(":")
    return sha256, path
