"""Rows and files of media together: the port ``MediaLibrary``.

A file belongs to every row with its hash. Files come and go under one lock, and whether one may go is asked of the database
there: a file that a new message needs is not deleted with the last one that had it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from functools import partial

from wabox.core.media import InboundMedia, Transcript
from wabox.core.ports import Clock
from wabox.files.mediafolder import MediaFolder, Part
from wabox.files.receiving import Receiving, stored
from wabox.sqlite import media as rows
from wabox.sqlite import uploads
from wabox.sqlite.reader import Reader
from wabox.sqlite.writer import Writer

STEP = 200


class SqliteMedia:
    def __init__(self, files: MediaFolder, writer: Writer, reader: Reader, clock: Clock) -> None:
        self._files = files
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._lock = asyncio.Lock()

    async def prepare(self) -> None:
        await asyncio.to_thread(self._files.prepare)

    async def due(self, now: int, limit: int, without: Collection[str] = ()) -> Sequence[InboundMedia]:
        found = self._reader.read(rows.due, now, limit + len(without))
        return [media for media in found if media.message_id not in without][:limit]

    async def find(self, message_id: str) -> InboundMedia | None:
        return self._reader.read(rows.find, message_id)

    async def of_conversation(self, conversation_id: str) -> Sequence[InboundMedia]:
        return self._reader.read(rows.list_, conversation_id)

    def path(self, sha256: str) -> str:
        return str(self._files.path(sha256))

    @contextlib.asynccontextmanager
    async def receiving(self) -> AsyncIterator[Receiving]:
        # Not in a thread: who is cancelled meanwhile would leave an open file behind, and neither takes long.
        part = self._files.begin()
        try:
            yield Receiving(self, part)
        finally:
            part.drop()

    async def known(self, media: InboundMedia) -> InboundMedia | None:
        if media.sha256 is None:
            return None
        async with self._lock:
            size = await asyncio.to_thread(self._files.size, media.sha256)
            if size is None:
                return None
            head = await asyncio.to_thread(self._files.head, media.sha256)
            return await self._settled(stored(media, media.sha256, size, head))

    async def held(self, sha256: str) -> tuple[int, bytes] | None:
        async with self._lock:
            size = await asyncio.to_thread(self._files.size, sha256)
            return None if size is None else (size, await asyncio.to_thread(self._files.head, sha256))

    async def enter(self, media: InboundMedia) -> None:
        await self._writer.submit(partial(rows.insert, media=media))

    async def settle(self, media: InboundMedia, due_at: int = 0) -> None:
        await self._writer.submit(partial(rows.settle, media=media, due_at=due_at))

    async def erase(self, conversation_ids: Sequence[str]) -> int:
        erased = await self._writer.submit(partial(rows.erase, conversation_ids=conversation_ids))
        await self.clear()
        return erased

    async def erase_before(self, before: int) -> int:
        erased = 0
        while some := await self._writer.submit(partial(rows.erase_before, before=before)):
            erased += some
            await self.clear()
        return erased

    async def clear(self) -> int:
        cleared = 0
        while found := self._reader.read(rows.erased, STEP):
            async with self._lock:
                # The files first: a row that outlives them is met again.
                await self._unlink([sha256 for _, sha256 in found if sha256 is not None])
                await self._writer.submit(partial(rows.delete, message_ids=[message_id for message_id, _ in found]))
            cleared += len(found)
        return cleared

    async def heard(self, message_id: str) -> Transcript | None:
        return self._reader.read(rows.heard, message_id)

    async def hear(self, message_id: str, transcript: Transcript) -> None:
        await self._writer.submit(partial(rows.hear, message_id=message_id, transcript=transcript))

    async def uploaded(self, number_id: str, sha256: str) -> str | None:
        return self._reader.read(uploads.find, number_id, sha256, self._clock())

    async def keep_upload(self, number_id: str, sha256: str, media_id: str) -> None:
        operation = partial(uploads.save, number_id=number_id, sha256=sha256, media_id=media_id, now=self._clock())
        await self._writer.submit(operation)

    async def forget_upload(self, number_id: str, sha256: str) -> None:
        await self._writer.submit(partial(uploads.delete, number_id=number_id, sha256=sha256))

    async def keep(self, media: InboundMedia, part: Part) -> InboundMedia | None:
        async with self._lock:
            await asyncio.to_thread(part.keep)
            return await self._settled(stored(media, part.sha256, part.size, part.head))

    async def _settled(self, media: InboundMedia) -> InboundMedia | None:
        """Under the lock."""
        if await self._writer.submit(partial(rows.settle, media=media, due_at=0)):
            return media
        if media.sha256 is not None:
            await self._unlink([media.sha256])
        return None

    async def _unlink(self, hashes: Sequence[str]) -> None:
        """Under the lock: whether one may go is asked here, because a file may have come for a new message."""
        orphans = await self._writer.submit(partial(rows.orphans, hashes=hashes))
        await asyncio.to_thread(self._files.delete, orphans)
