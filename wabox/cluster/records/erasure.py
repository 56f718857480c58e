"""Erasing a person from every table, in small steps (promise P11). What :mod:`wabox.sqlite.erasure` is for one machine.

What belongs to a conversation is found by its name; what only mentions a person (dead letters, changes that nobody acted on,
delivery statuses of unknown messages) is searched for their ids, as whole words. ``audit`` names conversations by a number that
says nothing once they are gone.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from wabox.cluster.records import media
from wabox.cluster.records.database import Database
from wabox.core.forgotten import mentions
from wabox.core.person import Person
from wabox.core.phone import spellings

BY_CONVERSATION: Final = ("transcript", "handoffs", "alerts", "consents", "llm_spending", "earlier_ids")
MENTIONED: Final = {
    "dead_letters": ("key", "raw"),
    "other_changes": ("key", "raw"),
    "recipients": ("key", "contact"),
    "stray_statuses": ("wamid", "body"),
}
"""Table → what names a row, and where an id may stand."""
UNSPOKEN: Final = frozenset(
    {
        "audit",
        "bundle_parts",
        "bundles",
        "cluster",
        "file_parts",
        "files",
        "forgotten",
        "login_key",
        "login_turns",
        "uploads",
    }
)
"""No customer's id is in them, and some are large."""
STEP: Final = 500
"""Rows that one statement deletes."""
LOOKED_AT: Final = 100_000
"""Rows that one statement looks at, where no index helps: a second, perhaps."""


async def conversations(database: Database, person: Person) -> list[str]:
    """All of theirs: those that are known as one person's, and those with other numbers of the business, or under an older id.
    A phone number alone proves nothing where the other has another user id: it may have changed hands."""
    now = [one for one in person.identities if one.replaced_at is None]
    users = [one.value for one in now if one.kind == "user_id"]
    phones = sorted({other for one in now if one.kind == "wa_id" for other in spellings(one.value)})
    query = (
        "SELECT id FROM conversations WHERE id = ANY($1) OR substr(id, strpos(id, ':') + 1) = ANY($2) OR user_id = ANY($2)"
        " OR wa_id = ANY($3) AND (user_id IS NULL OR cardinality($2) = 0) ORDER BY key"
    )
    async with database.transaction() as connection:
        rows = await connection.fetch(query, list(person.conversations), users, phones)
    return list(dict.fromkeys([*person.conversations, *(row["id"] for row in rows)]))


async def erase(database: Database, person: Person, ids: Sequence[str]) -> dict[str, int]:
    """Delete what is here of these conversations and what mentions the person; how many rows, by table. Raises Unavailable."""
    gone: dict[str, int] = {}
    for table in BY_CONVERSATION:
        some = f"SELECT key FROM {table} WHERE conversation = ANY($1) LIMIT {STEP}"  # noqa: S608 - ours
        gone[table] = 0
        while count := await _deleted(database, f"DELETE FROM {table} WHERE key IN ({some})", list(ids)):  # noqa: S608
            gone[table] += count
    gone["media"] = await media.erase(database, ids)
    async for first, last in _steps(database, "outbox"):
        query = "DELETE FROM outbox WHERE key >= $1 AND key <= $2 AND conversation = ANY($3)"
        gone["outbox"] = gone.get("outbox", 0) + await _deleted(database, query, first, last, list(ids))
    pattern = mentions(theirs(person))
    for table, (name, column) in MENTIONED.items():
        if pattern is not None:
            gone[table] = await _unmentioned(database, table, name, column, pattern)
    # Last: whoever was interrupted finds the person again.
    gone["conversations"] = await _deleted(database, "DELETE FROM conversations WHERE id = ANY($1)", list(ids))
    return {table: count for table, count in sorted(gone.items()) if count}


async def left(database: Database, person: Person) -> int:
    """How many rows of any table still have an id of theirs somewhere: in what others wrote, say. Raises Unavailable."""
    ids = [one.encode() for one in theirs(person)]
    async with database.transaction() as connection:
        tables = await connection.fetch(
            "SELECT table_name AS name, bool_or(column_name = 'key' AND data_type = 'bigint') AS numbered, string_agg("
            " format(CASE data_type WHEN 'text' THEN 'position(one IN convert_to(%1$I, ''UTF8'')) > 0'"
            " ELSE 'position(one IN %1$I) > 0' END, column_name), ' OR ') FILTER (WHERE data_type IN ('text', 'bytea'))"
            " AS said FROM information_schema.columns WHERE table_schema = current_schema() GROUP BY 1"
        )
    found = 0
    for table in tables:
        name, said = table["name"], table["said"]
        if name in UNSPOKEN or said is None:
            continue
        query = f"SELECT count(*) FROM {name} WHERE EXISTS (SELECT FROM unnest($1::bytea[]) one WHERE {said})"  # noqa: S608
        if table["numbered"]:
            async for first, last in _steps(database, name):
                found += await _count(database, f"{query} AND key >= $2 AND key <= $3", ids, first, last)
        else:
            found += await _count(database, query, ids)
    return found


def theirs(person: Person) -> set[str]:
    """Their ids, in any spelling."""
    values = {one.value for one in person.identities} | {person.handle}
    return values | {other for value in values if value.isdecimal() for other in spellings(value)}


async def _unmentioned(database: Database, table: str, name: str, column: str, pattern: re.Pattern[bytes]) -> int:
    async with database.transaction() as connection:
        found: list[Any] = []
        async for row in connection.cursor(f"SELECT {name} AS name, {column} AS said FROM {table}"):  # noqa: S608 - ours
            if pattern.search(row["said"]):
                found.append(row["name"])
    count = 0
    for start in range(0, len(found), STEP):
        query = f"DELETE FROM {table} WHERE {name} = ANY($1)"  # noqa: S608 - ours
        count += await _deleted(database, query, found[start : start + STEP])
    return count


async def _steps(database: Database, table: str) -> AsyncIterator[tuple[int, int]]:
    """Keys, first and last, of all that is in the table now."""
    async with database.transaction() as connection:
        row = await connection.fetchrow(f"SELECT min(key) AS first, max(key) AS last FROM {table}")  # noqa: S608 - ours
    if row["first"] is not None:
        for first in range(row["first"], row["last"] + 1, LOOKED_AT):
            yield first, first + LOOKED_AT - 1


async def _deleted(database: Database, query: str, *values: Any) -> int:
    async with database.transaction() as connection:
        return int((await connection.execute(query, *values)).rpartition(" ")[2])


async def _count(database: Database, query: str, *values: Any) -> int:
    async with database.transaction() as connection:
        return int(await connection.fetchval(query, *values))
