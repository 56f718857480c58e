"""The port MediaLibrary on a cluster: rows and bytes in PostgreSQL, and copies on the disk of whoever needs a file just now.

A copy is made when somebody asks for the file, and deleted some minutes after it was last used: the disk of a machine holds
what is being sent, looked at or listened to, and never the only copy of anything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final

import structlog

from wabox.cluster.alone import Alone
from wabox.cluster.records import media as rows
from wabox.cluster.records.database import Database
from wabox.core.media import UPLOADED, InboundMedia, MediaStatus, Transcript
from wabox.core.message import InboundMessage
from wabox.core.ports import Clock
from wabox.errors import StorageError, Unavailable
from wabox.files.mediafolder import MediaFolder, Part
from wabox.files.receiving import Receiving, stored

log = structlog.get_logger(__name__)

CLAIMED: Final = 20_000
"""ms for which a file is one worker's to fetch; it says so again with every look. If it dies, another begins then."""
USED: Final = 600_000
"""ms for which a copy stays after it was last asked for."""
CLEARED: Final = 60_000
"""ms between two looks for copies that may go."""
KNOWN: Final = 4096
"""Uploads remembered here: PostgreSQL need not be there for a picture that was sent a moment ago."""
PATIENCE: Final = 2.0
"""s that a message waits to learn whether its picture was uploaded before."""


class ClusterMedia:
    def __init__(self, database: Database, copies: MediaFolder, clock: Clock) -> None:
        self._database = database
        self._copies = copies
        self._clock = clock
        self._alone = Alone()
        """Of each hash."""
        self._cleared_at = 0
        self._uploads: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()

    async def prepare(self) -> None:
        """Nothing: other processes of this machine may share the folder."""

    # ---- what came ---------------------------------------------------------------------------------------------------------

    async def announce(self, message: InboundMessage) -> None:
        """A message with a file is about to be handled; usually its record says so, half a second later. Raises Unavailable."""
        line = rows.spoken(message)
        if line is not None:
            async with self._database.transaction() as connection:
                await rows.add(connection, [line])

    async def due(self, now: int, limit: int, without: Collection[str] = ()) -> Sequence[InboundMedia]:
        if limit <= 0 and not without:
            return []
        async with self._database.transaction() as connection:
            await rows.claim_again(connection, now + CLAIMED, without)
            return await rows.claim(connection, now, limit, now + CLAIMED, without)

    async def find(self, message_id: str) -> InboundMedia | None:
        """With its file on this machine's disk, if it is stored."""
        async with self._database.transaction() as connection:
            found = await rows.find(connection, message_id)
        if found is None or found.status is not MediaStatus.STORED or found.sha256 is None:
            return found
        return found if await self._at_hand(found.sha256) is not None else None

    async def of_conversation(self, conversation_id: str) -> Sequence[InboundMedia]:
        async with self._database.transaction() as connection:
            return await rows.of_conversation(connection, conversation_id)

    async def enter(self, media: InboundMedia) -> None:
        async with self._database.transaction() as connection:
            await rows.add(connection, [media])

    async def settle(self, media: InboundMedia, due_at: int = 0) -> None:
        async with self._database.transaction() as connection:
            await rows.settle(connection, media, due_at)

    async def heard(self, message_id: str) -> Transcript | None:
        async with self._database.transaction() as connection:
            return await rows.heard(connection, message_id)

    async def hear(self, message_id: str, transcript: Transcript) -> None:
        async with self._database.transaction() as connection:
            await rows.hear(connection, message_id, transcript)

    # ---- files -------------------------------------------------------------------------------------------------------------

    def path(self, sha256: str) -> str:
        return str(self._copies.path(sha256))

    async def held(self, sha256: str) -> tuple[int, bytes] | None:
        return await self._at_hand(sha256)

    async def known(self, media: InboundMedia) -> InboundMedia | None:
        if media.sha256 is None:
            return None
        async with self._database.transaction() as connection:
            found = await rows.file(connection, media.sha256)
            if found is None:
                return None
            settled = stored(media, media.sha256, *found)
            return settled if await rows.settle(connection, settled) else None

    @contextlib.asynccontextmanager
    async def receiving(self) -> AsyncIterator[Receiving]:
        part = self._copies.begin()
        try:
            yield Receiving(self, part)
        finally:
            part.drop()

    async def keep(self, media: InboundMedia, part: Part) -> InboundMedia | None:
        """Raises Unavailable; then it is fetched once more."""
        async with self._alone(part.sha256):
            await asyncio.to_thread(part.keep)
            await self._used(part.sha256)
            found = stored(media, part.sha256, part.size, part.head)
            try:
                async with self._database.transaction() as connection:
                    if await rows.begin(connection, part.sha256, part.size, part.head, self._clock()):
                        await self._put(connection, part.sha256)
                    if not await rows.settle(connection, found):
                        raise _Erased
            except _Erased:
                await self._uncopied([part.sha256])
                return None
            return found

    async def erase(self, conversation_ids: Sequence[str]) -> int:
        return await rows.erase(self._database, conversation_ids)

    async def erase_before(self, before: int) -> int:
        return await rows.erase_before(self._database, before)

    async def clear(self) -> int:
        """Copies on this disk that nobody has used for a while; how many."""
        now = self._clock()
        if now - self._cleared_at < CLEARED:
            return 0
        self._cleared_at = now
        old = await asyncio.to_thread(self._copies.unused, now - USED)
        return await self._uncopied(old)

    # ---- what was uploaded to Meta -----------------------------------------------------------------------------------------

    async def uploaded(self, number_id: str, sha256: str) -> str | None:
        """None also while PostgreSQL is away: it is uploaded once more, which costs time and nothing else."""
        found = self._uploads.get((number_id, sha256))
        if found is not None:
            return found[0] if found[1] > self._clock() - UPLOADED else None
        try:
            async with asyncio.timeout(PATIENCE), self._database.transaction() as connection:
                query = "SELECT media_id, at FROM uploads WHERE number_id = $1 AND sha256 = $2 AND at > $3"
                row = await connection.fetchrow(query, number_id, sha256, self._clock() - UPLOADED)
        except (StorageError, TimeoutError):
            return None
        if row is None:
            return None
        self._remember(number_id, sha256, row["media_id"], row["at"])
        return str(row["media_id"])

    async def keep_upload(self, number_id: str, sha256: str, media_id: str) -> None:
        now = self._clock()
        self._remember(number_id, sha256, media_id, now)
        await self._noted(
            "INSERT INTO uploads (number_id, sha256, media_id, at) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (number_id, sha256) DO UPDATE SET media_id = $3, at = $4",
            *(number_id, sha256, media_id, now),
        )

    async def forget_upload(self, number_id: str, sha256: str) -> None:
        self._uploads.pop((number_id, sha256), None)
        await self._noted("DELETE FROM uploads WHERE number_id = $1 AND sha256 = $2", number_id, sha256)

    def _remember(self, number_id: str, sha256: str, media_id: str, at: int) -> None:
        self._uploads[number_id, sha256] = (media_id, at)
        self._uploads.move_to_end((number_id, sha256))
        while len(self._uploads) > KNOWN:
            self._uploads.popitem(last=False)

    async def _noted(self, query: str, *values: Any) -> None:
        try:
            async with asyncio.timeout(PATIENCE), self._database.transaction() as connection:
                await connection.execute(query, *values)
        except (StorageError, TimeoutError) as error:
            log.warning("media.upload_not_noted", reason=str(error) or "PostgreSQL takes too long")

    # ---- copies ------------------------------------------------------------------------------------------------------------

    async def _at_hand(self, sha256: str) -> tuple[int, bytes] | None:
        """Size and first bytes of a file, which is on this disk then. Raises Unavailable."""
        async with self._alone(sha256):
            async with self._database.transaction() as connection:
                found = await rows.file(connection, sha256)
                if found is None:
                    return None
                if await asyncio.to_thread(self._copies.size, sha256) != found[0]:
                    await self._copied(connection, sha256)
            await self._used(sha256)
            return found

    async def _copied(self, connection: Any, sha256: str) -> None:
        try:
            part = self._copies.begin()
            try:
                async for body in rows.parts(connection, sha256):
                    await asyncio.to_thread(part.write, body)
                if part.sha256 != sha256:
                    raise Unavailable(f"the file {sha256} is damaged in PostgreSQL (tables files, file_parts)")
                await asyncio.to_thread(part.keep)
            finally:
                part.drop()
        except OSError as error:
            raise Unavailable(f"a file cannot be written: {error.strerror or error}") from error

    async def _put(self, connection: Any, sha256: str) -> None:
        number = 0
        with self._copies.path(sha256).open("rb") as file:
            while body := await asyncio.to_thread(file.read, rows.PART):
                await rows.put(connection, sha256, number, body)
                number += 1

    async def _used(self, sha256: str) -> None:
        await asyncio.to_thread(self._copies.used, sha256, self._clock())

    async def _uncopied(self, hashes: Sequence[str]) -> int:
        return await asyncio.to_thread(self._copies.delete, hashes)


class _Erased(Exception):
    """Nobody wants the file any more."""
