"""What is kept for how long (``[keep]``): a little is deleted at a time, so that no worker waits long for its records. What
:mod:`wabox.sqlite.retention` is for one machine. Two may do it at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from wabox.cluster.records import consents, meter, people, recipients
from wabox.cluster.records.database import Database
from wabox.core.delivery import EVIDENCE, StatusUpdate
from wabox.core.keep import DAY, Keep
from wabox.core.meter import ELSEWHERE
from wabox.core.person import Person

_strays = msgspec.json.Decoder(StatusUpdate)

STEP: Final = 500
"""Rows of a transaction."""
UNCLAIMED: Final = DAY
"""ms after which a delivery status that is about no message of ours goes: another system sent it."""
_OLD: Final = {
    "outbox": "SELECT key FROM outbox WHERE NOT pending AND created_at < $1 LIMIT $2",
    "dead_letters": "SELECT key FROM dead_letters WHERE at < $1 LIMIT $2",
    "other_changes": "SELECT key FROM other_changes WHERE at < $1 LIMIT $2",
    # Lines are in the order in which they came over, so the oldest ones are all there is to look at.
    "transcript": "SELECT key FROM (SELECT key, at FROM transcript ORDER BY key LIMIT $2) oldest WHERE at < $1",
    # An open case stays, however old.
    "handoffs": "SELECT key FROM handoffs WHERE status = 'closed' AND opened_at < $1"
    " AND (convert_from(handoff, 'UTF8')::json ->> 'at')::bigint < $1 LIMIT $2",
}
"""By kind: rows that were written, or closed, before a time."""


async def prune(database: Database, keep: Keep, now: int) -> None:
    """Delete what is past its keep, but for idle customers. Raises Unavailable."""
    for kind, query in _OLD.items():
        before = keep.before(kind, now)
        if before is not None:
            await _emptied(database, f"DELETE FROM {kind} WHERE key IN ({query})", before)  # noqa: S608 - ours
    before = keep.before("transcript", now)
    if before is not None:
        over = (
            "SELECT key FROM conversations WHERE archived IS NOT NULL AND snapshot IS NULL AND updated_at < $1 LIMIT $2"
        )
        await _emptied(database, f"UPDATE conversations SET archived = NULL WHERE key IN ({over})", before)  # noqa: S608
    before = keep.before("outbox", now)
    while before is not None:
        async with database.transaction() as connection:
            if await recipients.forget(connection, before) < recipients.STEP:
                break
    while await _unclaimed(database, now - UNCLAIMED) == STEP:
        pass


async def _unclaimed(database: Database, before: int) -> int:
    """Delete some strays, and how many. What they cost counts: it is this number's bill."""
    async with database.transaction() as connection:
        rows = await connection.fetch(
            "DELETE FROM stray_statuses WHERE wamid IN (SELECT wamid FROM stray_statuses WHERE at < $1 LIMIT $2)"
            " RETURNING body",
            before,
            STEP,
        )
        for row in rows:
            status = _strays.decode(row["body"])
            if status.pricing is not None and status.status in EVIDENCE:
                await meter.add(connection, status.timestamp, status.number_id, status.pricing, ELSEWHERE, "")
    return len(rows)


async def idle(database: Database, before: int) -> AsyncIterator[Person]:
    """Customers of whom nothing was heard since ``before``, ms since the epoch, and who may be erased.

    A wish is kept: to have said yes or no to being written to is what the ledger is for. So is who waits for a person, and what
    has not left yet.
    """
    after = 0
    query = (
        "SELECT key FROM conversations c WHERE key > $1 AND updated_at < $2 AND consent IS NULL"
        " AND NOT EXISTS (SELECT FROM outbox o WHERE o.pending AND o.conversation = c.id)"
        " AND NOT EXISTS (SELECT FROM handoffs h WHERE h.status <> 'closed' AND h.conversation = c.id)"
        " ORDER BY key LIMIT $3"
    )
    while True:
        async with database.transaction() as connection:
            rows = await connection.fetch(query, after, before, STEP)
            found = await people.of_conversations(connection, [row["key"] for row in rows])
            ledgers = [await consents.entries(connection, person.conversations) for person in found]
        for person, ledger in zip(found, ledgers, strict=True):
            if person.last_seen < before and person.consent.since is None and not ledger:
                yield person
        if len(rows) < STEP:
            return
        after = rows[-1]["key"]


async def _emptied(database: Database, query: str, before: int) -> None:
    while True:
        async with database.transaction() as connection:
            done = await connection.execute(query, before, STEP)
        if int(done.rpartition(" ")[2]) < STEP:
            return
