"""Part of :mod:`wabox.moving`: files of customers and counters, from one machine to a cluster and back. It may be done again.

Counters only grow, so of two that count the same hour the larger one is right; in the hour of the move itself some are missing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from wabox.cluster.records import media as there
from wabox.cluster.records import meter as meter_there
from wabox.cluster.records import tallies as counted_there
from wabox.cluster.records.database import Database
from wabox.cluster.records.outgoing import PostgresOutgoing
from wabox.core.media import InboundMedia, MediaStatus
from wabox.core.meter import Counted
from wabox.core.portable import Part, together
from wabox.core.ports import Clock
from wabox.core.tally import Counts
from wabox.errors import StorageError
from wabox.files.mediafolder import MediaFolder
from wabox.sqlite import media as here
from wabox.sqlite import meter as meter_here
from wabox.sqlite import tallies as counted_here
from wabox.sqlite.portable import Departure
from wabox.sqlite.store import SqliteStore

STEP = 500
Row = tuple[InboundMedia, int, str | None, float | None]
"""With the time of the next try, ms, and what was heard in it, how surely."""


# ---- files -------------------------------------------------------------------------------------------------------------


async def files_to_cluster(leaving: Departure, folder: Path, database: Database, clock: Clock) -> tuple[Part, ...]:
    """Raises Unavailable, StorageError for a file that cannot be read."""
    files = MediaFolder(folder)
    came: list[str] = []
    brought = 0
    names: list[str] = []
    for found, due_at, heard, confidence in leaving.media():
        media = await _there(files, found)
        came.append(_digest(media, heard))
        names.append(media.message_id)
        async with database.transaction() as connection:
            known = await there.find(connection, media.message_id)
            if known is not None and (known.status is MediaStatus.STORED or media.status is not MediaStatus.STORED):
                continue
            if media.status is MediaStatus.STORED:
                await _put(connection, files, media, clock)
            await there.arrive(connection, media, due_at, heard, confidence)
            brought += 1
    arrived: list[str] = []
    for start in range(0, len(names), STEP):
        async with database.transaction() as connection:
            rows = await there.rows(connection, names[start : start + STEP])
            arrived += [_digest(media, heard) for media, _, heard, _ in rows]
    return _part("files of messages", came, arrived, brought)


async def _there(files: MediaFolder, media: InboundMedia) -> InboundMedia:
    """It is lost, if its file is not there any more."""
    if media.status is not MediaStatus.STORED or await asyncio.to_thread(files.size, media.sha256 or "") is not None:
        return media
    return replace(media, status=MediaStatus.LOST, reason="its file was not in the data folder when that moved")


async def _put(connection: Any, files: MediaFolder, media: InboundMedia, clock: Clock) -> None:
    """Its bytes, where they are not there yet. Raises StorageError when they are not what they should be."""
    sha256 = media.sha256 or ""
    head = await asyncio.to_thread(files.head, sha256)
    if not await there.begin(connection, sha256, media.size or 0, head, clock()):
        return
    digest, number = hashlib.sha256(), 0
    try:
        with files.path(sha256).open("rb") as file:
            while body := await asyncio.to_thread(file.read, there.PART):
                digest.update(body)
                await there.put(connection, sha256, number, body)
                number += 1
    except OSError as error:
        raise StorageError(f"{files.path(sha256)} cannot be read: {error.strerror or error}") from error
    if digest.hexdigest() != sha256:
        raise StorageError(f"{files.path(sha256)} is damaged: put it back from a backup, or delete it, and begin again")


async def files_to_sqlite(database: Database, folder: Path, target: SqliteStore) -> tuple[Part, ...]:
    """Raises Unavailable, StorageError."""
    files = MediaFolder(folder)
    files.prepare()
    came: dict[str, str] = {}
    brought = 0
    async for some in _pages(database):
        came |= {media.message_id: _digest(media, heard) for media, _, heard, _ in some}
        for media, *_ in some:
            if media.status is MediaStatus.STORED and media.sha256 is not None:
                await _fetched(database, files, media.sha256)
        brought += await target.writer.submit(partial(here.arrive, came=some))
    found = {media.message_id: _digest(media, heard) for media, _, heard, _ in await target.writer.submit(here.leave)}
    return _part("files of messages", list(came.values()), [found[name] for name in came if name in found], brought)


async def _fetched(database: Database, files: MediaFolder, sha256: str) -> None:
    async with database.transaction() as connection:
        found = await there.file(connection, sha256)
        if found is None or await asyncio.to_thread(files.size, sha256) == found[0]:
            return
        part = files.begin()
        try:
            async for body in there.parts(connection, sha256):
                await asyncio.to_thread(part.write, body)
            if part.sha256 != sha256:
                raise StorageError(f"the file {sha256} is damaged in PostgreSQL (tables files, file_parts)")
            await asyncio.to_thread(part.keep)
        finally:
            part.drop()


async def _pages(database: Database) -> AsyncIterator[Sequence[Row]]:
    after = 0
    while True:
        async with database.transaction() as connection:
            after, rows = await there.page(connection, after, STEP)
        if not rows:
            return
        yield rows


def _digest(media: InboundMedia, heard: str | None) -> str:
    """What must be the same on both sides."""
    said = (media.message_id, media.conversation_id, media.type, media.status, media.sha256, media.size, heard)
    return hashlib.blake2b(msgspec.json.encode(said), digest_size=16).hexdigest()


# ---- counters ----------------------------------------------------------------------------------------------------------


async def counters_to_cluster(leaving: Departure, database: Database) -> tuple[Part, ...]:
    came = leaving.tallies()
    known = await counted_there.PostgresTallies(database).sum(0, 1 << 53)
    await counted_there.raise_to(database, came)
    after = await counted_there.PostgresTallies(database).sum(0, 1 << 53)
    return _counters(came, known, after)


async def counters_to_sqlite(database: Database, target: SqliteStore) -> tuple[Part, ...]:
    """After the conversations: their lines are counted already. Where nothing is, whoever serves the folder counts them."""
    came = await counted_there.PostgresTallies(database).sum(0, 1 << 53)
    if not came:
        return ()
    await target.writer.submit(counted_here.leave_out)
    known = await target.writer.submit(counted_here.every)
    await target.writer.submit(partial(counted_here.raise_to, counts=came))
    return _counters(came, known, await target.writer.submit(counted_here.every))


# ---- what messages cost, and templates -----------------------------------------------------------------------------------


async def prices_to_cluster(leaving: Departure, database: Database) -> tuple[Part, ...]:
    """The meter and the templates as WhatsApp has them."""
    outgoing = PostgresOutgoing(database)
    known = {one.key for one in await outgoing.templates()}
    await outgoing.save_templates([one for one in leaving.templates() if one.key not in known])
    await meter_there.fold(database)
    came = leaving.metered()
    before = await meter_there.rows(database)
    await meter_there.raise_to(database, came)
    return _metered(came, before, await meter_there.rows(database))


async def prices_to_sqlite(database: Database, target: SqliteStore) -> tuple[Part, ...]:
    known = {one.key for one in await target.outgoing.templates()}
    came = await PostgresOutgoing(database).templates()
    await target.outgoing.save_templates([one for one in came if one.key not in known])
    await meter_there.fold(database)
    counts = await meter_there.rows(database)
    before = await target.writer.submit(meter_here.rows)
    await target.writer.submit(partial(meter_here.raise_to, came=counts))
    return _metered(counts, before, await target.writer.submit(meter_here.rows))


def _metered(came: Counted, before: Counted, after: Counted) -> tuple[Part, ...]:
    new = sum(n > before.get(kind, 0) for kind, n in came.items())
    arrived = [_counter(kind, min(n, after.get(kind, 0))) for kind, n in came.items()]
    return _part("rows of the meter", [_counter(*row) for row in came.items()], arrived, new)


def _counters(came: Counts, before: Counts, after: Counts) -> tuple[Part, ...]:
    rows = [(hour, tally, n) for hour, found in came.items() for tally, n in found.items()]
    new = sum(n > before.get(hour, {}).get(tally, 0.0) for hour, tally, n in rows)
    arrived = [(hour, tally, min(n, after.get(hour, {}).get(tally, 0.0))) for hour, tally, n in rows]
    return _part("counters", [_counter(*row) for row in rows], [_counter(*row) for row in arrived], new)


def _counter(*what: object) -> str:
    return hashlib.blake2b(repr(what).encode(), digest_size=16).hexdigest()


def _part(name: str, came: Sequence[str], arrived: Sequence[str], brought: int) -> tuple[Part, ...]:
    if not came:
        return ()
    return (Part(name=name, count=len(came), brought=brought, here=together(came), there=together(arrived)),)
