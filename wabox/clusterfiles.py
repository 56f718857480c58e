"""Files in a process of a cluster: part of the composition of :mod:`wabox.clusterapp`.

Any worker fetches what customers sent; any process has a file at hand when it needs one (:mod:`wabox.cluster.medialibrary`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import OrderedDict
from typing import Final

import structlog

from wabox.adapters import hearing_of
from wabox.cluster.ending import end
from wabox.cluster.medialibrary import ClusterMedia
from wabox.cluster.store import ClusterStore
from wabox.core.media import MediaStatus
from wabox.core.message import InboundMessage
from wabox.core.ports import Clock, Handle, MediaSource
from wabox.core.slot import MEDIA
from wabox.errors import StorageError
from wabox.files.mediafolder import MediaFolder
from wabox.services.downloads import Downloads
from wabox.services.hearing import Hearing
from wabox.settings import Settings

log = structlog.get_logger(__name__)

COPIES: Final = "copies"
"""Below the data folder."""
EVERY: Final = 5.0
"""s between two looks for files to fetch, where nothing says that one has come."""
SOON: Final = 0.5
"""s between two looks at most."""
PATIENCE: Final = 10.0
"""s that a task of the bot waits for the files that its conversation has just sent."""
QUICK: Final = 2.0
"""s that it waits to learn whether there are any, while PostgreSQL may be away."""
NEWEST: Final = 20
"""Files of a conversation that a task finds on the disk."""
REMEMBERED: Final = 4096
"""Conversations that have just sent a file."""


class Filework:
    """Of one process."""

    def __init__(self, settings: Settings, store: ClusterStore, source: MediaSource | None, clock: Clock) -> None:
        """``source`` None: this process fetches nothing."""
        self._store = store
        self._settings = settings
        self._clock = clock
        self.folder = MediaFolder(settings.data / COPIES)
        self.library = ClusterMedia(store.database, self.folder, clock)
        self.downloads = Downloads(self.library, source, clock, jitter=random.random)
        self._fresh: OrderedDict[str, None] = OrderedDict()
        self._looking: asyncio.Task[None] | None = None

    def hearing(self) -> Hearing | None:
        """Who writes down what is said in recordings; None: nobody is to."""
        return hearing_of(self._settings, self.library, self.downloads, self._clock)

    def noting(self, handle: Handle) -> Handle:
        """``handle``, which is to know of a recording before it is heard."""
        listens = self._settings.speech is not None

        async def noted(message: InboundMessage) -> None:
            if message.type in MEDIA:
                self._fresh[message.conversation_id] = None
                while len(self._fresh) > REMEMBERED:
                    self._fresh.popitem(last=False)
                if listens and message.type == "voice":
                    await self._announced(message)
            await handle(message)

        return noted

    async def settled(self, conversation_id: str) -> None:
        """Have the files of a conversation on this disk, also those that it has just sent, if that is possible in a moment."""
        try:
            async with asyncio.timeout(QUICK):
                if conversation_id in self._fresh:
                    await self._store.brought(conversation_id)
                found = await self.library.of_conversation(conversation_id)
            async with asyncio.timeout(PATIENCE):
                for media in [one for one in found if one.status is not MediaStatus.LOST][-NEWEST:]:
                    await self.downloads.wait(media.message_id)
            self._fresh.pop(conversation_id, None)
        except (StorageError, TimeoutError) as error:
            log.warning(
                "media.not_at_hand", conversation=conversation_id, reason=str(error) or "PostgreSQL or WhatsApp is slow"
            )

    def run(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._look_for_ever())

    async def stop(self) -> None:
        await end(self._looking)
        await self.downloads.stop()

    async def _announced(self, message: InboundMessage) -> None:
        try:
            async with asyncio.timeout(QUICK):
                await self.library.announce(message)
        except (StorageError, TimeoutError) as error:
            log.warning("voice.later", reason=str(error) or "PostgreSQL is slow")

    async def _look_for_ever(self) -> None:
        while True:
            self._store.recorded.clear()
            try:
                await self.downloads.look()
            except StorageError as error:
                log.warning("media.later", reason=str(error))
            except Exception as error:  # the next look may do better, and must come
                log.error("media.failed", exc_info=error)
            await asyncio.sleep(SOON)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._store.recorded.wait()
