"""From one machine to a cluster and back: what reads the one and writes the other, and the proof that nothing was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wabox.cluster.moving import bring, leave
from wabox.cluster.store import ClusterStore
from wabox.core.message import Arrival
from wabox.core.portable import digest, together
from wabox.core.ports import Clock
from wabox.errors import StorageError
from wabox.sqlite.folder import FolderLock
from wabox.sqlite.portable import Departure, arrive
from wabox.sqlite.store import open_store

STEP = 200
"""Conversations in one transaction."""
Say = Callable[[int, int], None]
"""Told how many of how many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    conversations: int
    brought: int
    """The others were there already, as far or further."""
    waiting: int
    """Messages that nobody had handled, put into their lanes."""
    here: str
    """The digest of what goes on, on the side that they left."""
    there: str
    """The same on the other side; equal unless a conversation there had gone on."""

    @property
    def equal(self) -> bool:
        return self.here == self.there


async def to_cluster(folder: Path, store: ClusterStore, say: Say) -> Moved:
    """Bring every conversation of a data folder over. Raises DataFolderBusy while a server uses it, Unavailable, StorageError.

    Webhooks may come in meanwhile (``wabox serve --role web``): they wait in their lanes.
    """
    lock = FolderLock(folder)
    try:
        here: list[str] = []
        brought = waiting = 0
        with Departure(folder) as leaving:
            total = leaving.count
            for conversation in leaving.conversations():
                here.append(digest(conversation))
                brought += await bring(store, conversation) == "brought"
                if len(here) % STEP == 0:
                    say(len(here), total)
            for message in leaving.waiting():
                await store.put(Arrival(messages=(message,)))
                waiting += 1
        say(len(here), len(here))
        there = [digest(conversation) async for conversation in leave(store)]
        return Moved(
            conversations=len(here), brought=brought, waiting=waiting, here=together(here), there=together(there)
        )
    finally:
        lock.release()


async def to_sqlite(store: ClusterStore, folder: Path, clock: Clock, say: Say) -> Moved:
    """Bring every conversation of a cluster into a data folder. No worker may run: what waits in the lanes stays there.

    Raises StorageError when messages wait, DataFolderBusy, Unavailable.
    """
    await store.settled()
    waiting = await store.waiting()
    if waiting:
        raise StorageError(
            f"{waiting} messages wait in the lanes. Let a worker handle them, then stop it and begin again."
        )
    target = await open_store(folder, clock)
    here: list[str] = []
    brought = 0
    try:
        async for conversation in leave(store):
            here.append(digest(conversation))
            brought += await target.writer.submit(partial(arrive, conversation=conversation))
            if len(here) % STEP == 0:
                say(len(here), len(here))
    finally:
        await target.close()
    say(len(here), len(here))
    with Departure(folder) as leaving:
        there = [digest(conversation) for conversation in leaving.conversations()]
    return Moved(conversations=len(here), brought=brought, waiting=0, here=together(here), there=together(there))
