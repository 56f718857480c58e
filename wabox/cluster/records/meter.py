"""Counters of delivered messages; they outlive the messages.

Every delivery of a number would change the same row, and whoever counts would wait for whoever does. So each writes a row of
its own (:func:`add`), and now and then somebody adds those up (:func:`fold`); what is not added yet counts all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wabox.cluster.records.database import Database
from wabox.cluster.records.words import kept
from wabox.core.meter import SLOT, Counted, Metered, priced

STEP: Final = 10_000
_KINDS: Final = "number_id, category, type, source, template"


async def add(connection: Any, at: int, number_id: str, pricing: Mapping[str, Any], source: str, template: str) -> None:
    """One more was delivered; ``at`` in ms. In the caller's transaction."""
    category, type_ = priced(pricing)
    await connection.execute(
        f"INSERT INTO meter_news (slot, {_KINDS}) VALUES ($1, $2, $3, $4, $5, $6)",  # noqa: S608 - ours
        *(at // SLOT, number_id, kept(category), kept(type_), kept(source), kept(template)),
    )


async def fold(database: Database) -> None:
    """Add up what is new. Raises Unavailable."""
    while True:
        async with database.transaction() as connection:
            done = await connection.fetchval(
                "WITH gone AS (DELETE FROM meter_news WHERE key IN (SELECT key FROM meter_news ORDER BY key LIMIT $1"  # noqa: S608
                f" FOR UPDATE SKIP LOCKED) RETURNING slot, {_KINDS}), added AS (INSERT INTO meter (slot, {_KINDS}, delivered)"
                f" SELECT slot, {_KINDS}, count(*) FROM gone GROUP BY slot, {_KINDS}"
                f" ON CONFLICT (slot, {_KINDS}) DO UPDATE SET delivered = meter.delivered + excluded.delivered RETURNING 1)"
                " SELECT (SELECT count(*) FROM gone)",
                STEP,
            )
        if done < STEP:
            return


async def total(connection: Any, begin: int, end: int) -> list[Metered]:
    """What was delivered from ``begin`` to before ``end``, ms, most first."""
    rows = await connection.fetch(
        f"SELECT {_KINDS}, sum(delivered)::bigint AS n FROM (SELECT slot, {_KINDS}, delivered FROM meter UNION ALL"  # noqa: S608
        f" SELECT slot, {_KINDS}, 1 FROM meter_news) every WHERE slot >= $1 AND slot < $2"
        f" GROUP BY {_KINDS} ORDER BY number_id, n DESC, category, source, template",
        -(-begin // SLOT),
        -(-end // SLOT),
    )
    return [
        Metered(
            number_id=row["number_id"],
            category=row["category"],
            type=row["type"],
            source=row["source"],
            template=row["template"],
            delivered=row["n"],
        )
        for row in rows
    ]


async def rows(database: Database) -> Counted:
    """All that was added up (:func:`fold`). Raises Unavailable."""
    async with database.transaction() as connection:
        found = await connection.fetch(f"SELECT slot, {_KINDS}, delivered FROM meter")  # noqa: S608 - ours
    return {tuple(row)[:6]: row["delivered"] for row in found}


async def raise_to(database: Database, came: Counted) -> None:
    """What another store counted, where it is more. Raises Unavailable."""
    async with database.transaction() as connection:
        await connection.executemany(
            f"INSERT INTO meter AS m (slot, {_KINDS}, delivered) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608 - ours
            f" ON CONFLICT (slot, {_KINDS}) DO UPDATE SET delivered = greatest(m.delivered, excluded.delivered)",
            sorted((*kind, n) for kind, n in came.items()),
        )
