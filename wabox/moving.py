"""From one machine to a cluster and back: what reads the one and writes the other, and the proof that nothing was lost."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wabox.cluster.bus import say as tell
from wabox.cluster.leases import HELD
from wabox.cluster.moving import bring, leave
from wabox.cluster.moving import copy as copied
from wabox.cluster.records import portableaccounts as elsewhere
from wabox.cluster.records import stones
from wabox.cluster.records.accounts import NOTE
from wabox.cluster.store import ClusterStore
from wabox.core.message import Arrival
from wabox.core.portable import Part, Portable, digest, together
from wabox.core.portableaccount import Log, PortableAccount, account_digest
from wabox.core.portableledger import Said
from wabox.core.ports import Clock
from wabox.core.version import Version
from wabox.errors import StorageError
from wabox.movingbeside import (
    counters_to_cluster,
    counters_to_sqlite,
    files_to_cluster,
    files_to_sqlite,
    prices_to_cluster,
    prices_to_sqlite,
)
from wabox.movingbroadcasts import broadcasts_to_cluster, broadcasts_to_sqlite, placed
from wabox.movingledger import heard, ledger_to_cluster, ledger_to_sqlite
from wabox.movingpurse import purse_to_cluster, purse_to_sqlite
from wabox.services.carrying import give, take
from wabox.sqlite import portableaccounts as at_home
from wabox.sqlite import tombstones, versions
from wabox.sqlite.folder import FolderLock
from wabox.sqlite.portable import Departure, arrive, ready
from wabox.sqlite.store import SqliteStore, open_store

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

    parts: tuple[Part, ...] = ()
    forgotten: int = 0
    """People who were erased on the side that they left, because the other knows that they asked for it."""
    broadcasts: tuple[str, ...] = ()
    """Names of those that stay behind: the other side has others of the same names or numbers."""

    @property
    def equal(self) -> bool:
        return self.here == self.there and all(part.here == part.there for part in self.parts)


async def to_cluster(folder: Path, store: ClusterStore, say: Say, *, models: Path, clock: Clock) -> Moved:
    """Bring every conversation of a data folder over. ``models``: where those are that ``wabox train`` makes.

    Raises DataFolderBusy while a server uses it, Unavailable, StorageError.

    Webhooks may come in meanwhile (``wabox serve --role web``): they wait in their lanes.
    """
    ready(folder)
    forgotten = await _bury(folder, store, clock)
    lock = FolderLock(folder)
    try:
        here: list[str] = []
        brought = waiting = 0
        with Departure(folder) as leaving:
            # First of all: no worker may meet a conversation whose version nobody has.
            versioned = await _versions_to_cluster(leaving, folder, store, models, clock)
            carried = await broadcasts_to_cluster(leaving, store.database)
            leaving.strays = carried.strays
            counters = await counters_to_cluster(leaving, store.database)
            prices = await prices_to_cluster(leaving, store.database)
            ledger = await ledger_to_cluster(leaving, store.database)
            purse = await purse_to_cluster(leaving, store.database, clock)
            parts = (*await _people_to_cluster(leaving, store), *ledger, *versioned, *counters, *prices, *purse)
            total = leaving.count
            for conversation in leaving.conversations():
                here.append(digest(conversation))
                brought += await bring(store, conversation) == "brought"
                if len(here) % STEP == 0:
                    say(len(here), total)
            await placed(carried, store.database)
            parts = (*parts, *carried.parts, *await files_to_cluster(leaving, folder, store.database, clock))
            for message in leaving.waiting():
                await store.put(Arrival(messages=(message,)))
                waiting += 1
        say(len(here), len(here))
        there = [digest(conversation) async for conversation in leave(store)]
        return Moved(
            conversations=len(here),
            brought=brought,
            waiting=waiting,
            here=together(here),
            there=together(there),
            parts=parts,
            forgotten=forgotten,
            broadcasts=tuple(carried.behind),
        )
    finally:
        lock.release()


async def to_sqlite(store: ClusterStore, folder: Path, clock: Clock, say: Say) -> Moved:
    """Bring every conversation of a cluster into a data folder. No worker may run: what waits in the lanes stays there.

    Raises StorageError when workers run or messages wait, DataFolderBusy, Unavailable.
    """
    if await store.leases.others():
        await asyncio.sleep(HELD / 1000)  # one that was killed is forgotten by then
        if workers := await store.leases.others():
            raise StorageError(
                f"workers still run ({', '.join(workers)}), and what they did from now on would be missing. Stop them and"
                " begin again."
            )
    await store.settled()
    waiting = await store.waiting()
    if waiting:
        raise StorageError(
            f"{waiting} messages wait in the lanes. Let a worker handle them, then stop it and begin again."
        )
    target = await open_store(folder, clock)
    try:
        parts = await _beside(store, folder, target, clock)
        carried = await broadcasts_to_sqlite(store.database, target)
        said: list[Said] = []
        here, brought = await _arrive(target, leave(store, carried.strays), said, say)
        parts = (
            *parts,
            *carried.parts,
            *await ledger_to_sqlite(target, said),
            *await _after(store, folder, target, clock),
        )
    finally:
        await target.close()
    with Departure(folder) as leaving:
        there = [digest(conversation) for conversation in leaving.conversations()]
    return Moved(
        conversations=len(here),
        brought=brought,
        waiting=0,
        here=together(here),
        there=together(there),
        parts=parts,
        broadcasts=tuple(carried.behind),
    )


async def copy(store: ClusterStore, folder: Path, clock: Clock, say: Say) -> int:
    """Write what a cluster has into a data folder that is not there yet, while its workers go on and lose nothing; how many
    conversations. Each is as it was at a moment of the copy; messages that wait in the lanes are not in it.

    Raises StorageError when not all of it arrived, Unavailable.
    """
    target = await open_store(folder, clock)
    try:
        said: list[Said] = []
        here, _ = await _arrive(target, copied(store), said, say)
        ledger = await ledger_to_sqlite(target, said)
        with Departure(folder) as leaving:
            there = [digest(conversation) for conversation in leaving.conversations()]
        # After the conversations: whoever was forgotten meanwhile, and the version that one of them went over to, are in it.
        parts = (*ledger, *await _beside(store, folder, target, clock), *await _after(store, folder, target, clock))
        parts = (*parts, *(await broadcasts_to_sqlite(store.database, target, copied=True)).parts)
    finally:
        await target.close()
    wrong = [part.name for part in parts if part.here != part.there]
    wrong += ["conversations"] if together(here) != together(there) else []
    if wrong:
        raise StorageError(f"the copy of the cluster is not what was read: {', '.join(wrong)}")
    return len(here)


async def _beside(store: ClusterStore, folder: Path, target: SqliteStore, clock: Clock) -> tuple[Part, ...]:
    """From a cluster into a data folder: everything that is not a conversation's. What is added here is also in backups."""
    tombstones.learn(folder, await stones.lists(store.database))
    await target.register.bury()
    versioned = await _versions_to_sqlite(store, folder, target, clock)
    return (*await _people_to_sqlite(store, target), *versioned)


async def _after(store: ClusterStore, folder: Path, target: SqliteStore, clock: Clock) -> tuple[Part, ...]:
    """The same, of what belongs to conversations that are there."""
    files = await files_to_sqlite(store.database, folder, target)
    counters = await counters_to_sqlite(store.database, target)
    prices = await prices_to_sqlite(store.database, target)
    return (*files, *counters, *prices, *await purse_to_sqlite(store.database, target, clock))


async def _arrive(
    target: SqliteStore, conversations: AsyncIterator[Portable], said: list[Said], say: Say
) -> tuple[list[str], int]:
    """Their digests, and how many the folder did not have; ``said`` has then what they said about being written to."""
    here: list[str] = []
    brought = 0
    some: list[asyncio.Future[bool]] = []

    async def stored() -> int:
        done = await asyncio.gather(*some)
        some.clear()
        say(len(here), len(here))
        return sum(done)

    async for conversation in conversations:
        here.append(digest(conversation))
        said += heard(conversation)
        # They share a commit: each waits for the disk once.
        some.append(target.writer.submit(partial(arrive, conversation=conversation)))
        if len(some) == STEP:
            brought += await stored()
    return here, brought + await stored()


# ---- who was forgotten -------------------------------------------------------------------------------------------------


async def _bury(folder: Path, store: ClusterStore, clock: Clock) -> int:
    """Each side learns whom the other has forgotten; of how many that are in the folder. A cluster of another name in the same
    database may be the one that a backup is of, and know more than it."""
    ours = dict(tombstones.read(folder).lists)
    for known in (await stones.lists(store.database), await stones.kin(store.database, ours)):
        ours = dict(tombstones.learn(folder, known).lists)
    await stones.learn(store.database, ours)
    if not any(ours.values()):
        return 0
    target = await open_store(folder, clock)
    try:
        return await target.register.bury()
    finally:
        await target.close()


# ---- published versions ------------------------------------------------------------------------------------------------


async def _versions_to_cluster(
    leaving: Departure, folder: Path, store: ClusterStore, models: Path, clock: Clock
) -> tuple[Part, ...]:
    rows = leaving.versions()
    given = await give(rows, folder, models, store.bundles, clock)
    brought = await store.bring_versions(given)
    return _versions(rows, await store.every_version(), brought)


async def _versions_to_sqlite(store: ClusterStore, folder: Path, target: SqliteStore, clock: Clock) -> tuple[Part, ...]:
    rows = await store.every_version()
    taken = await take(rows, folder, store.bundles, clock)
    brought = await target.writer.submit(partial(versions.arrive, came=taken))
    return _versions(rows, await target.writer.submit(versions.every), brought)


def _versions(came: Sequence[Version], there: Sequence[Version], brought: int) -> tuple[Part, ...]:
    if not came:
        return ()
    ids = {(row.bot, row.id) for row in came}
    found = Part(
        name="published versions",
        count=len(came),
        brought=brought,
        here=together(_named(row) for row in came),
        there=together(_named(row) for row in there if (row.bot, row.id) in ids),
    )
    return (found,)


def _named(row: Version) -> str:
    """What conversations know it by."""
    return hashlib.blake2b(" ".join((row.bot, row.id, *row.charts)).encode(), digest_size=16).hexdigest()


# ---- accounts, and the log of what was done ----------------------------------------------------------------------------


async def _people_to_cluster(leaving: Departure, store: ClusterStore) -> tuple[Part, ...]:
    """All in one transaction."""
    came = leaving.accounts()
    async with store.database.transaction() as connection:
        brought = [await elsewhere.arrive(connection, account) for account in came]
        accounts = _accounts(came, await elsewhere.leave(connection), sum(brought))
        log = Log(await elsewhere.digests(connection))
        for act in leaving.acts():
            if log.new(act) and len(log.lines) == STEP:
                await elsewhere.write(connection, log.take())
        await elsewhere.write(connection, log.rest())
        there = await elsewhere.digests(connection)
        await tell(connection, store.database.channel, NOTE)
    return accounts, log.part(there)


async def _people_to_sqlite(store: ClusterStore, target: SqliteStore) -> tuple[Part, ...]:
    submit = target.writer.submit
    async with store.database.transaction() as connection:
        came = await elsewhere.leave(connection)
        brought = [await submit(partial(at_home.arrive, came=account)) for account in came]
        accounts = _accounts(came, await submit(at_home.leave), sum(brought))
        log = Log(await submit(at_home.digests))
        async for act in elsewhere.acts(connection):
            if log.new(act) and len(log.lines) == STEP:
                await submit(partial(at_home.write, lines=log.take()))
        await submit(partial(at_home.write, lines=log.rest()))
    return accounts, log.part(await submit(at_home.digests))


def _accounts(came: Sequence[PortableAccount], there: Sequence[PortableAccount], brought: int) -> Part:
    ids = {account.agent.id for account in came}
    return Part(
        name="accounts",
        count=len(came),
        brought=brought,
        here=together(account_digest(account) for account in came),
        there=together(account_digest(account) for account in there if account.agent.id in ids),
    )
