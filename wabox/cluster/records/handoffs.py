"""Cases that people have, or should have: at most one open per conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.handoff import Handoff
from wabox.core.wait import Past

_encode = msgspec.json.Encoder().encode
_handoffs = msgspec.json.Decoder(Handoff)
_contacts = msgspec.json.Decoder(Contact)


async def save(connection: Any, handoff: Handoff) -> None:
    """Write a case as it is now."""
    await connection.execute(
        "INSERT INTO handoffs (id, conversation, status, queue, opened_at, claimed_at, handoff)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (id) DO UPDATE SET status = $3, queue = $4, opened_at = $5, claimed_at = $6, handoff = $7"
        " WHERE handoffs.conversation = $2",
        handoff.id,
        handoff.conversation_id,
        handoff.status,
        handoff.queue,
        handoff.opened_at,
        handoff.claimed_at,
        _encode(handoff),
    )


async def rate(connection: Any, conversation_id: str, id_: str, mark: int) -> None:
    """What the customer of this conversation thinks of one of its cases."""
    query = "SELECT handoff FROM handoffs WHERE id = $1 AND conversation = $2"
    found = await connection.fetchval(query, id_, conversation_id)
    if found is not None:
        rated = changed(_handoffs.decode(found), rating=mark)
        await connection.execute("UPDATE handoffs SET handoff = $2 WHERE id = $1", id_, _encode(rated))


async def current(connection: Any, conversation_id: str) -> Handoff | None:
    """The open one of a conversation."""
    query = "SELECT handoff FROM handoffs WHERE conversation = $1 AND status <> 'closed' ORDER BY key DESC LIMIT 1"
    found = await connection.fetchval(query, conversation_id)
    return None if found is None else _handoffs.decode(found)


async def list_open(connection: Any, limit: int) -> list[Handoff]:
    """Longest waiting first."""
    query = "SELECT handoff FROM handoffs WHERE status <> 'closed' ORDER BY opened_at, key LIMIT $1"
    return _cases(await connection.fetch(query, limit))


async def list_closed(connection: Any, limit: int) -> list[Handoff]:
    """The newest first."""
    query = "SELECT handoff FROM handoffs WHERE status = 'closed' ORDER BY key DESC LIMIT $1"
    return _cases(await connection.fetch(query, limit))


async def of_conversation(connection: Any, conversation_id: str, limit: int) -> list[Handoff]:
    """Every case of a conversation, the newest first."""
    query = "SELECT handoff FROM handoffs WHERE conversation = $1 ORDER BY key DESC LIMIT $2"
    return _cases(await connection.fetch(query, conversation_id, limit))


async def find(connection: Any, id_: str) -> tuple[Handoff, str, Contact] | None:
    """A case, its business number and its customer."""
    row = await connection.fetchrow(
        "SELECT h.handoff, c.number_id, c.contact FROM handoffs h JOIN conversations c ON c.id = h.conversation"
        " WHERE h.id = $1 AND c.contact IS NOT NULL",
        id_,
    )
    if row is None:
        return None
    return _handoffs.decode(row["handoff"]), row["number_id"], _contacts.decode(row["contact"])


async def named(connection: Any, beginning: str, limit: int = 5) -> list[str]:
    """Ids of the newest cases that begin so."""
    query = "SELECT id FROM handoffs WHERE starts_with(id, $1) ORDER BY key DESC LIMIT $2"
    return [row["id"] for row in await connection.fetch(query, beginning, limit)]


async def contacts(connection: Any, conversation_ids: Sequence[str]) -> dict[str, Contact]:
    """Whose conversations these are."""
    query = "SELECT id, contact FROM conversations WHERE id = ANY($1) AND contact IS NOT NULL"
    rows = await connection.fetch(query, list(conversation_ids))
    return {row["id"]: _contacts.decode(row["contact"]) for row in rows}


async def history(connection: Any, queue: str, since: int, limit: int) -> list[Past]:
    """The newest cases of a queue that were claimed after ``since``; the newest first."""
    rows = await connection.fetch(
        "SELECT opened_at, claimed_at, handoff FROM handoffs WHERE queue = $1 AND claimed_at > $2"
        " AND claimed_at IS NOT NULL ORDER BY claimed_at DESC LIMIT $3",
        queue,
        since,
        limit,
    )
    return [Past(row["opened_at"], row["claimed_at"], _handoffs.decode(row["handoff"]).agent) for row in rows]


def _cases(rows: Sequence[Any]) -> list[Handoff]:
    return [_handoffs.decode(row["handoff"]) for row in rows]
