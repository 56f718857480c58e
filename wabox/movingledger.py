"""Part of :mod:`wabox.moving`: what customers said about being written to, from one machine to a cluster and back.

It may be done again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial

from wabox.cluster.records import consents as there
from wabox.cluster.records.database import Database
from wabox.core.consent import NEVER_ASKED
from wabox.core.contact import handle_of
from wabox.core.portable import Part, Portable
from wabox.core.portableledger import Ledger, Line, Said, in_order
from wabox.sqlite import portableledger as here
from wabox.sqlite.portable import Departure
from wabox.sqlite.store import SqliteStore

STEP = 200


async def ledger_to_cluster(leaving: Departure, database: Database) -> tuple[Part, ...]:
    """All in one transaction. Raises Unavailable."""
    async with database.transaction() as connection:
        ledger = Ledger(await there.digests(connection))
        some: list[Line] = []
        for line in leaving.ledger():
            if ledger.new(line) and not line.conversation_id.startswith(":"):
                some.append(line)
            if len(some) == STEP:
                await there.write(connection, some)
                some.clear()
        await there.write(connection, some)
        return ledger.parts(await there.digests(connection))


def heard(conversation: Portable) -> Iterator[Said]:
    """What came of a conversation, if anything was said in it."""
    session = conversation.session
    if conversation.said or session.consent != NEVER_ASKED:
        yield Said(
            conversation_id=session.conversation_id,
            sequence=session.sequence,
            at=session.updated_at,
            consent=session.consent,
            entries=conversation.said,
        )


async def ledger_to_sqlite(target: SqliteStore, said: Sequence[Said]) -> tuple[Part, ...]:
    """After the conversations: somebody may have spoken in several."""
    people: dict[str, list[Said]] = {}
    for one in said:
        people.setdefault(handle_of(one.conversation_id), []).append(one)
    ledger = Ledger(await target.writer.submit(here.digests))
    some: list[asyncio.Future[None]] = []
    for handle, theirs in people.items():
        new = [line.entry for line in in_order(theirs) if ledger.new(line)]
        some.append(target.writer.submit(partial(here.arrive, handle=handle, said=theirs, new=new)))
        if len(some) == STEP:
            await asyncio.gather(*some)
            some.clear()
    await asyncio.gather(*some)
    return ledger.parts(await target.writer.submit(here.digests))
