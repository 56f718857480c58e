"""What was said and done, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from wabox.core.amend import amended
from wabox.core.conversation import Amendment, Record

_encode = msgspec.json.Encoder().encode


def _text(value: str | None) -> str | None:
    """PostgreSQL has no U+0000 in text."""
    return None if value is None else value.replace("\0", "")


async def add(connection: Any, conversation_id: str, records: Iterable[Record]) -> None:
    await connection.executemany(
        "INSERT INTO transcript (conversation, at, kind, ref, body) VALUES ($1, $2, $3, $4, $5)",
        [(conversation_id, record.at, record.kind, _text(record.ref), _encode(record.body)) for record in records],
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
    rows = await connection.fetch(
        "SELECT at, kind, ref, body FROM transcript WHERE conversation = $1 ORDER BY key DESC LIMIT $2",
        conversation_id,
        limit,
    )
    return [
        Record(at=row["at"], kind=row["kind"], ref=row["ref"], body=msgspec.json.decode(row["body"]))
        for row in reversed(rows)
    ]
