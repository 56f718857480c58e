"""Files that agents attach to their replies: stored and checked first, then named in a reply.

Two calls, so that a slow upload holds up nobody's act and a reply can be repeated without its bytes. The file lies where those
of customers lie, in a row of its conversation: whoever forgets the customer, or what is past its keep, forgets it with them.
Nothing but a file that was attached to the same conversation can be sent from there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final

from wabox.core.contact import Contact
from wabox.core.content import Content
from wabox.core.kind import Media, MediaType
from wabox.core.limits import breaches
from wabox.core.media import HEAD, SIZES, SUFFIXES, TYPES, InboundMedia, LocalFile, MediaStatus
from wabox.core.ports import Clock, MediaLibrary
from wabox.errors import Unavailable, WaboxError
from wabox.whatsapp.payload import request_body

LARGEST: Final = max(SIZES.values())
LONGEST_NAME: Final = 100
WITHOUT_WORDS: Final = ("audio", "sticker")


class CannotAttach(WaboxError):
    """A file that WhatsApp would not take; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that is ready to be sent, in this conversation."""

    id: str
    """What a reply names it by."""
    name: str
    kind: str
    """What it is sent as: ``image``, ``video``, ``audio``, ``document``, ``sticker``."""
    type: str
    """MIME."""
    size: int
    """Bytes."""


class Attachments:
    def __init__(self, library: MediaLibrary, clock: Clock) -> None:
        self._library = library
        self._clock = clock

    async def take(
        self, id_: str, conversation_id: str, number_id: str, name: str, content: AsyncIterator[bytes]
    ) -> Attachment:
        """Store a file and check it; ``id_`` is new. Raises CannotAttach, Unavailable (the disk)."""
        name, kind = _named(name)
        head = b""
        try:
            async with self._library.receiving() as receiving:
                async for part in content:
                    head = (head + part)[:HEAD] if len(head) < HEAD else head
                    if receiving.size + len(part) > SIZES[kind]:
                        raise CannotAttach(f"{name} has more than {SIZES[kind] / 1048576:.3g} MiB, the most of {kind}")
                    await receiving.write(part)
                sha256 = await receiving.sha256()
                file = LocalFile(path=name, sha256=sha256, size=receiving.size, head=head)
                _check(kind, file, None)
                media = InboundMedia(
                    message_id=_row(id_),
                    conversation_id=conversation_id,
                    number_id=number_id,
                    media_id=file.id,
                    type=kind,
                    mime_type=file.type_as(kind),
                    sha256=sha256,
                    at=self._clock(),
                    status=MediaStatus.LOST,  # until it is stored
                )
                await self._library.enter(media)
                await receiving.keep(replace(media, status=MediaStatus.STORED))
        except OSError as error:
            raise Unavailable(f"{name} cannot be stored: {error.strerror or error}") from error
        return Attachment(id=id_, name=name, kind=kind, type=str(media.mime_type), size=file.size)

    async def body(self, id_: str, conversation_id: str, contact: Contact, text: str | None) -> dict[str, Any]:
        """The request of a reply with the file, without addressing; ``text`` stands below it. Raises CannotAttach."""
        media = await self._library.find(_row(id_))
        if media is None or media.conversation_id != conversation_id or media.status is not MediaStatus.STORED:
            raise CannotAttach("there is no such file in this conversation: attach it again")
        held = await self._library.held(media.sha256 or "")
        if held is None:
            raise CannotAttach("the file is not here any more: attach it again")
        kind, name = _kind(media.type), media.media_id.rpartition(":")[2]
        file = LocalFile(path=name, sha256=str(media.sha256), size=held[0], head=held[1])
        content = _check(kind, file, (text or "").strip() or None)
        whole = request_body(content, contact)
        return {key: whole[key] for key in ("type", kind)}


def _row(id_: str) -> str:
    return f"upload:{id_}"


def _kind(kind: str) -> MediaType:
    known: tuple[MediaType, ...] = ("image", "video", "audio", "document", "sticker")
    return next(one for one in known if one == kind)


def _named(given: str) -> tuple[str, MediaType]:
    """The file's own name, and what it is sent as."""
    last = given.replace("\\", "/").rpartition("/")[2]
    name = "".join(sign for sign in last if sign.isprintable() and sign != ":").strip()
    stem, dot, suffix = name.rpartition(".")
    kind = next((kind for kind, suffixes in TYPES.items() if suffix.lower() in suffixes), None)
    if kind is None or not stem:
        raise CannotAttach(
            f"WhatsApp does not take {name or 'a file without a name'}: it takes {', '.join(sorted(SUFFIXES))}"
        )
    return stem[: LONGEST_NAME - len(suffix) - 1] + dot + suffix, _kind(kind)


def _check(kind: MediaType, file: LocalFile, text: str | None) -> Content:
    if text and kind in WITHOUT_WORDS:
        raise CannotAttach(f"no words stand below {file.path}: send them in a reply of their own")
    content = Content(text=text, media=Media(type=kind, link=file.path, file=file))
    found = breaches(content)
    if found:
        raise CannotAttach(f"{found[0].sentence}: {found[0].fix}")
    return content
