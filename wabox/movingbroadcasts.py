"""Part of :mod:`wabox.moving`: broadcasts and whom they are for, from one machine to a cluster and back. It may be done again:
of what both sides say of a recipient, the further counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Final

import msgspec

from wabox.cluster.records import portablebroadcasts as there
from wabox.cluster.records.database import Database
from wabox.cluster.records.outgoing import PostgresOutgoing
from wabox.core.contact import Contact, conversation_id
from wabox.core.phone import spellings
from wabox.core.portable import Part, together
from wabox.core.portablebroadcast import PortableBroadcast, PortableRecipient, digests
from wabox.sqlite import portablebroadcasts as here
from wabox.sqlite.portable import Departure
from wabox.sqlite.store import SqliteStore

STEP: Final = 5_000
"""Recipients that are held at once."""
FIRST, LAST = 0, 1 << 62

_contacts = msgspec.json.Decoder(Contact)


@dataclass(slots=True)
class Carried:
    """What became of the broadcasts."""

    strays: set[int] = field(default_factory=set)
    """Recipients, by number, of those that did not move."""
    behind: list[str] = field(default_factory=list)
    """Names of those."""
    moved: list[PortableBroadcast] = field(default_factory=list)
    brought: int = 0
    here: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)

    @property
    def parts(self) -> tuple[Part, ...]:
        if not self.moved:
            return ()
        here, arrived = together(self.here), together(self.there)
        return (Part(name="broadcasts", count=len(self.moved), brought=self.brought, here=here, there=arrived),)

    def leave(self, broadcast: PortableBroadcast, rows: Sequence[PortableRecipient]) -> None:
        self.behind.append(broadcast.broadcast.name)
        self.strays.update(row.key for row in rows)

    def see(
        self, broadcast: PortableBroadcast, came: Sequence[PortableRecipient], arrived: Sequence[PortableRecipient]
    ) -> None:
        ours, theirs = digests(broadcast, came, arrived)
        self.here += ours
        self.there += theirs


async def broadcasts_to_cluster(leaving: Departure, database: Database) -> Carried:
    """Before the conversations, whose messages name recipients. Raises Unavailable."""
    carried = Carried()
    for broadcast in leaving.broadcasts():
        rows = leaving.recipients(broadcast.key)
        async with database.transaction() as connection:
            if not await there.fits(connection, broadcast, *_span(rows)):
                carried.leave(broadcast, rows)
                continue
            carried.brought += await there.begin(connection, broadcast)
            carried.moved.append(broadcast)
            for some in _steps(rows):
                carried.see(broadcast, some, await there.arrive(connection, broadcast.key, some))
            await there.end(connection)
    return carried


async def placed(carried: Carried, database: Database) -> None:
    """After the conversations: whoever is known under an id that their broadcast does not name is written to there."""
    outgoing = PostgresOutgoing(database)
    for broadcast in carried.moved:
        after = FIRST
        while True:
            async with database.transaction() as connection:
                rows = await there.unplaced(connection, broadcast.key, after, STEP)
            if not rows:
                break
            after = rows[-1].key
            contacts = [(row.key, _contacts.decode(row.contact)) for row in rows]
            ids = [("wa_id", one) for _, contact in contacts if contact.wa_id for one in spellings(contact.wa_id)]
            ids += [("user_id", contact.user_id) for _, contact in contacts if contact.user_id]
            handles = await outgoing.recognise(ids)
            number = broadcast.broadcast.number_id
            talks = [
                (key, _talk(number, contact, handles)) for key, contact in contacts if contact.user_id or contact.wa_id
            ]
            async with database.transaction() as connection:
                await there.place(connection, talks)


async def broadcasts_to_sqlite(database: Database, target: SqliteStore, *, copied: bool = False) -> Carried:
    """Before the conversations; ``copied``: after them, from a cluster that goes on. Raises Unavailable, StorageError."""
    carried, submit = Carried(), target.writer.submit
    async with database.transaction() as connection:
        found = await there.leave(connection)
    for broadcast in found:
        rows = await _recipients(database, broadcast.key)
        low, high = _span(rows)
        if not await submit(partial(here.fits, came=broadcast, low=low, high=high)):
            carried.leave(broadcast, rows)
            continue
        carried.brought += await submit(partial(here.begin, came=broadcast))
        carried.moved.append(broadcast)
        for some in _steps(rows):
            arrived = await submit(partial(here.arrive, broadcast=broadcast.key, came=some))
            carried.see(broadcast, some, arrived)
    if copied:
        await submit(here.settle)
    return carried


async def _recipients(database: Database, broadcast: int) -> list[PortableRecipient]:
    rows: list[PortableRecipient] = []
    while True:
        async with database.transaction() as connection:
            more = await there.page(connection, broadcast, rows[-1].key if rows else FIRST, STEP)
        rows += more
        if len(more) < STEP:
            return rows


def _talk(number_id: str, contact: Contact, handles: Mapping[str, str]) -> str:
    known = next((one for one in (contact.key, *spellings(contact.wa_id or "")) if one in handles), None)
    return conversation_id(number_id, contact) if known is None else f"{number_id}:{handles[known]}"


def _span(rows: Sequence[PortableRecipient]) -> tuple[int, int]:
    return (rows[0].key, rows[-1].key) if rows else (LAST, LAST)


def _steps(rows: Sequence[PortableRecipient]) -> list[Sequence[PortableRecipient]]:
    return [rows[begin:end] for begin, end in pairwise([*range(0, len(rows), STEP), len(rows)])]
