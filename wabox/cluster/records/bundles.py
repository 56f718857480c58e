"""What published versions consist of: an archive for each version and model, in parts that one statement can carry."""

from __future__ import annotations

import hashlib

from wabox.cluster.records.database import Database
from wabox.errors import StorageError

PART = 4 << 20
"""Bytes of one part: a slow line carries it within the deadline of a statement."""


class PostgresBundles:
    """The port Bundles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, bot: str, id_: str, model: str, bundle: bytes, at: int) -> None:
        """All of it, or nothing. One that is there is only wanted anew. Raises Unavailable."""
        parts = [bundle[start : start + PART] for start in range(0, len(bundle), PART)]
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO bundles (bot, id, model, sha256, parts, made_at) VALUES ($1, $2, $3, $4, $5, $6)"
                " ON CONFLICT (bot, id, model) DO UPDATE SET made_at = greatest(bundles.made_at, $6)",
                bot,
                id_,
                model,
                hashlib.sha256(bundle).hexdigest(),
                len(parts),
                at,
            )
            # Its row is ours now: nobody else adds parts meanwhile.
            query = "SELECT count(*) FROM bundle_parts WHERE (bot, id, model) = ($1, $2, $3)"
            there = await connection.fetchval(query, bot, id_, model)
            if there:
                return
            for number, part in enumerate(parts):
                await connection.execute(
                    "INSERT INTO bundle_parts (bot, id, model, part, body) VALUES ($1, $2, $3, $4, $5)",
                    bot,
                    id_,
                    model,
                    number,
                    part,
                )

    async def fetch(self, bot: str, id_: str, model: str) -> bytes | None:
        """Whole, or None when there is none. Raises Unavailable, StorageError when it is damaged."""
        which = (bot, id_, model)
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT sha256, parts FROM bundles WHERE (bot, id, model) = ($1, $2, $3) FOR KEY SHARE", *which
            )
            if row is None:
                return None
            query = "SELECT body FROM bundle_parts WHERE (bot, id, model, part) = ($1, $2, $3, $4)"
            parts = [await connection.fetchval(query, *which, number) for number in range(row["parts"])]
        found = b"".join(part or b"" for part in parts)
        if hashlib.sha256(found).hexdigest() != row["sha256"]:
            raise StorageError(
                f"version {id_} of the bot {bot!r} is damaged in PostgreSQL (tables bundles, bundle_parts): "
                "delete its rows there and publish it again, or restore a backup"
            )
        return found

    async def tidy(self, bot: str, before: int) -> int:
        """Delete those that no version names and nobody wanted since then, ms; how many."""
        query = (
            "DELETE FROM bundles WHERE bot = $1 AND made_at < $2 AND NOT EXISTS (SELECT 1 FROM versions WHERE"
            " (versions.bot, versions.id, versions.model) = (bundles.bot, bundles.id, bundles.model))"
        )
        async with self._database.transaction() as connection:
            return int((await connection.execute(query, bot, before)).rpartition(" ")[2])
