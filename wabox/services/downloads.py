"""Fetches what customers sent, before Meta forgets it: early, a few at a time, and as often as it makes sense.

The row is written with the message (:mod:`wabox.sqlite.media`), so a restart goes on where it was. A file is kept when it has
the hash and size that Meta announced. What Meta does not have any more, what is not what was announced, and what is older than
Meta keeps anything, is marked as lost, with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from wabox.core.media import LARGEST, LIFE, InboundMedia, MediaStatus, Transfer
from wabox.core.ports import Clock, MediaLibrary, MediaSource, Receiving
from wabox.errors import StorageError

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Files on their way: each may have 100 MB, and webhooks and answers share the line."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 1800.0
"""s before the second try; doubled each time."""
PATIENCE = 10.0
"""s that a task of the bot waits for the files that its conversation has just sent."""
WRONG = 3
"""Tries of a file that is not what was announced."""


class Downloads:
    """Holds nothing that a restart could lose."""

    def __init__(
        self,
        library: MediaLibrary,
        source: MediaSource | None,
        clock: Clock,
        *,
        jitter: Callable[[], float],
        at_once: int = AT_ONCE,
    ) -> None:
        """``source`` None: there is no account, and nothing is fetched. ``jitter`` returns 0 ≤ x < 1."""
        self._library = library
        self._source = source
        self._clock = clock
        self._jitter = jitter
        self._at_once = at_once
        self._under_way: dict[str, asyncio.Task[None]] = {}
        """By message."""
        self._whose: dict[str, str] = {}
        """Message to conversation, of those under way."""
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False

    async def recover(self) -> None:
        """Take up what a restart interrupted."""
        await self._library.prepare()
        await self.look()

    async def look(self) -> None:
        """Start what is due: now and then, and when a message with a file has come."""
        await self._library.clear()
        if self._source is None or self._stopping:
            return
        free = max(0, self._at_once - len(self._under_way))
        for media in await self._library.due(self._clock(), free, self._under_way.keys()):
            self._start(media, self._source)

    def wake(self) -> None:
        """A message with a file has come: look soon. Whoever brought it is acknowledged meanwhile."""
        if self._looking is None and not self._stopping:
            self._looking = asyncio.create_task(self._look_now())

    async def _look_now(self) -> None:
        try:
            await self.look()
        except StorageError as error:
            log.warning("media.later", error=str(error))  # the next look finds it
        finally:
            self._looking = None

    async def wait(self, message_id: str) -> InboundMedia | None:
        """The file of a message, fetched now, before all others; None when there is none or it was not announced."""
        media = await self._library.find(message_id)
        if (
            media is not None
            and media.status is MediaStatus.WAITING
            and self._source is not None
            and not self._stopping
        ):
            self._start(media, self._source)
        task = self._under_way.get(message_id)
        if task is None:
            return media
        await asyncio.wait([task])
        return await self._library.find(message_id)

    async def settled(self, conversation_id: str, seconds: float = PATIENCE) -> None:
        """Wait a little for the files of this conversation that are on their way."""
        tasks = [self._under_way[message] for message, whose in self._whose.items() if whose == conversation_id]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def _start(self, media: InboundMedia, source: MediaSource) -> None:
        if media.message_id not in self._under_way:
            self._whose[media.message_id] = media.conversation_id
            self._under_way[media.message_id] = asyncio.create_task(self._run(media, source))

    async def stop(self) -> None:
        """What is not finished begins anew after the next start."""
        self._stopping = True
        tasks = [*self._under_way.values(), *([self._looking] if self._looking is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._source is not None:
            await self._source.aclose()

    async def _run(self, media: InboundMedia, source: MediaSource) -> None:
        try:
            await self._one(media, source)
        except StorageError as error:
            log.warning("media.later", error=str(error))
        except Exception as error:
            log.error("media.bug", message=media.message_id, exc_info=error)
        finally:
            del self._under_way[media.message_id], self._whose[media.message_id]
        if not self._stopping:
            # The place is free for the next one.
            await self.look()

    async def _one(self, media: InboundMedia, source: MediaSource) -> None:
        now = self._clock()
        if now >= media.at + LIFE:
            await self._lost(media, media.reason or "older than the seven days that WhatsApp keeps files")
            return
        found = await self._library.known(media)
        if found is not None:
            log.info("media.known", message=media.message_id, type=media.type)
            return
        try:
            async with self._library.receiving() as receiving:
                transfer = await source.fetch(media, receiving.write)
                if transfer.reason is None:
                    transfer = await _checked(media, transfer, receiving)
                if transfer.reason is None:
                    stored = await receiving.keep(media)
                    if stored is not None:
                        self._say(stored)
                    return
        except OSError as error:
            transfer = Transfer(reason=f"it cannot be written: {error.strerror or error}", again=True, wait=60.0)
        await self._failed(media, transfer)

    async def _failed(self, media: InboundMedia, transfer: Transfer) -> None:
        attempts = media.attempts + 1
        reason = transfer.reason or ""
        if not transfer.again or (transfer.tries is not None and attempts >= transfer.tries):
            await self._lost(replace(media, attempts=attempts), reason)
            return
        pause = min(FIRST_PAUSE * 2.0 ** min(media.attempts, 16), LONGEST_PAUSE)
        pause = max(pause, transfer.wait or 0.0) * (1 + 0.25 * self._jitter())
        due_at = self._clock() + round(pause * 1000)
        log.info("media.waits", message=media.message_id, seconds=round(pause), reason=reason)
        await self._library.settle(replace(media, attempts=attempts, reason=reason), due_at)

    async def _lost(self, media: InboundMedia, reason: str) -> None:
        log.warning("media.lost", message=media.message_id, type=media.type, reason=reason)
        await self._library.settle(replace(media, status=MediaStatus.LOST, reason=reason))

    def _say(self, stored: InboundMedia) -> None:
        said = (stored.mime_type or "").partition(";")[0]
        log.info("media.stored", message=stored.message_id, type=stored.type, bytes=stored.size)
        if stored.content_type is not None and said and stored.content_type != said:
            log.warning("media.other_type", message=stored.message_id, said=said, found=stored.content_type)


async def _checked(media: InboundMedia, transfer: Transfer, receiving: Receiving) -> Transfer:
    """Whether what came is what was announced: by the webhook, and by Meta's answer."""
    sha256, size = await receiving.sha256(), receiving.size
    wrong = None
    if size == 0:
        wrong = "it came empty"
    elif size > LARGEST:
        return Transfer(reason=f"it has more than {LARGEST >> 20} MiB")
    elif transfer.size and transfer.size != size:
        wrong = f"{size} bytes came of {transfer.size}"
    elif any(said not in (None, sha256) for said in (media.sha256, transfer.sha256)):
        wrong = "what came has another hash than WhatsApp announced"
    return transfer if wrong is None else Transfer(reason=wrong, again=True, tries=WRONG)
