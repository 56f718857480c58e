"""Who was forgotten, so that no backup brings them back (promise P11): what ``forgotten.jsonl`` is in a data folder.

It is asked by hash alone. A cluster that was lost with its list has the one of its last backup.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from wabox.cluster.records.database import Database
from wabox.core.forgotten import Lists

KEY: Final = "forgotten"


async def key(database: Database) -> bytes:
    """Of our own list; drawn where there is none. Raises Unavailable."""
    found = await database.agreed()
    if KEY not in found:
        await database.agree({KEY: secrets.token_hex(32)})
        found = await database.agreed()
    return bytes.fromhex(found[KEY])


async def lists(database: Database) -> Lists:
    """All, ours among them, and empty if need be. Raises Unavailable."""
    found: dict[bytes, dict[str, int]] = {await key(database): {}}
    async with database.transaction() as connection:
        _add(found, await connection.fetch("SELECT list, hash, at FROM forgotten"))
    return found


async def kin(database: Database, known: Iterable[bytes]) -> Lists:
    """What lists with these keys say, here or under another name in the same database: a cluster that is restored gets a new
    name, and the old one's list may know more than the backup. Raises Unavailable."""
    found: dict[bytes, dict[str, int]] = {}
    wanted = [one.hex() for one in known]
    async with database.transaction() as connection:
        schemas = await connection.fetch(
            "SELECT table_schema AS name FROM information_schema.columns"
            " WHERE table_name = 'forgotten' AND column_name IN ('list', 'hash', 'at') GROUP BY 1 HAVING count(*) = 3"
        )
        for schema in schemas:
            table = await connection.fetchval("SELECT format('%I.forgotten', $1::text)", schema["name"])
            if not await connection.fetchval("SELECT has_table_privilege($1, 'SELECT')", table):
                continue
            query = f"SELECT list, hash, at FROM {table} WHERE list = ANY($1)"  # noqa: S608 - quoted by PostgreSQL
            _add(found, await connection.fetch(query, wanted))
    return found


async def learn(database: Database, other: Lists) -> None:
    """Take over what these have and ours has not. Raises Unavailable."""
    rows = [(list_.hex(), hash_, at) for list_, stones in other.items() for hash_, at in stones.items()]
    async with database.transaction() as connection:
        await connection.executemany(
            "INSERT INTO forgotten (list, hash, at) VALUES ($1, $2, $3)"
            " ON CONFLICT (list, hash) DO UPDATE SET at = greatest(forgotten.at, excluded.at)",
            rows,
        )


def _add(found: dict[bytes, dict[str, int]], rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        stones = found.setdefault(bytes.fromhex(row["list"]), {})
        stones[row["hash"]] = max(row["at"], stones.get(row["hash"], 0))
