"""What was said and done, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from wabox.cluster.records.words import kept
from wabox.core.amend import amended
from wabox.core.conversation import Amendment, Record

_encode = msgspec.json.Encoder().encode


async def add(connection: Any, conversation_id: str, records: Iterable[Record]) -> None:
    await connection.executemany(
        "INSERT INTO transcript (conversation, at, kind, ref, body) VALUES ($1, $2, $3, $4, $5)",
        [(conversation_id, record.at, record.kind, kept(record.ref), _encode(record.body)) for record in records],
    )


async def amend(connection: Any, conversation_id: str, amendment: Amendment) -> None:
    """Change the lines about a message: its own, and those of its earlier edits."""
    rows = await connection.fetch(
        "SELECT key, ref, body FROM transcript WHERE conversation = $1 AND (ref = $2 OR position($3::bytea in body) > 0)",
        conversation_id,
        amendment.ref,
        amendment.ref.encode(),
    )
    for row in rows:
        body = amended(row["ref"], msgspec.json.decode(row["body"]), amendment)
        if body is not None:
            await connection.execute("UPDATE transcript SET body = $2 WHERE key = $1", row["key"], _encode(body))


async def newest(connection: Any, conversation_id: str, limit: int) -> list[Record]:
    """The newest ``limit`` lines, oldest first."""
    return [record for _, record in await page(connection, conversation_id, limit, 1 << 62)]


async def all_of(connection: Any, conversation_ids: Sequence[str]) -> dict[str, list[Record]]:
    """Every line of these, oldest first; whoever has none is not in it."""
    rows = await connection.fetch(
        "SELECT conversation, at, kind, ref, body FROM transcript WHERE conversation = ANY($1) ORDER BY conversation, key",
        list(conversation_ids),
    )
    found: dict[str, list[Record]] = {}
    for row in rows:
        line = Record(at=row["at"], kind=row["kind"], ref=row["ref"], body=msgspec.json.decode(row["body"]))
        found.setdefault(row["conversation"], []).append(line)
    return found


async def page(connection: Any, conversation_id: str, limit: int, before: int) -> list[tuple[int, Record]]:
    """The newest lines before a key; oldest first, each with its key."""
    rows = await connection.fetch(
        "SELECT key, at, kind, ref, body FROM transcript WHERE conversation = $1 AND key < $2 ORDER BY key DESC LIMIT $3",
        conversation_id,
        before,
        limit,
    )
    return [
        (row["key"], Record(at=row["at"], kind=row["kind"], ref=row["ref"], body=msgspec.json.decode(row["body"])))
        for row in reversed(rows)
    ]


async def not_taken(connection: Any, conversation_ids: Sequence[str]) -> set[str]:
    """Ids of cases of these conversations whose wait is over: their transcript says that nobody took them."""
    rows = await connection.fetch(
        "SELECT body FROM transcript WHERE conversation = ANY($1) AND kind = 'event' AND position($2::bytea in body) > 0",
        list(conversation_ids),
        b'"nobody_took":',
    )
    bodies = [msgspec.json.decode(row["body"]) for row in rows]
    return {str(body["nobody_took"]) for body in bodies if "nobody_took" in body}
