"""A file on its way in, whoever keeps it then."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from wabox.core.media import InboundMedia, MediaStatus, content_type
from wabox.files.mediafolder import Part

BUFFER = 1024 * 1024
"""Bytes gathered before they are written: each write is a trip to a thread."""


class Keeper(Protocol):
    async def keep(self, media: InboundMedia, part: Part) -> InboundMedia | None:
        """Store it, whole; None when nobody wants it any more."""


class Receiving:
    """Implements the port of that name."""

    def __init__(self, keeper: Keeper, part: Part) -> None:
        self._keeper = keeper
        self._part = part
        self._buffer = bytearray()

    @property
    def size(self) -> int:
        return self._part.size + len(self._buffer)

    async def write(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= BUFFER:
            await self._flush()

    async def sha256(self) -> str:
        await self._flush()
        return self._part.sha256

    async def keep(self, media: InboundMedia) -> InboundMedia | None:
        await self._flush()
        return await self._keeper.keep(media, self._part)

    async def _flush(self) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        if data:
            await asyncio.to_thread(self._part.write, data)


def stored(media: InboundMedia, sha256: str, size: int, head: bytes) -> InboundMedia:
    """The same, with its file: what that has counts, not what was announced."""
    return replace(
        media,
        status=MediaStatus.STORED,
        sha256=sha256,
        size=size,
        content_type=content_type(head, media.mime_type),
        reason=None,
    )
