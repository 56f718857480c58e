"""The ledger of what customers agreed to, line by line (promise P11). What holds now is in the conversation, which has the
entries that are here folded into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from wabox.cluster.records.words import kept
from wabox.core.consent import ConsentEntry
from wabox.core.portableledger import Line, Named

EVERY = 1000


async def add(connection: Any, conversation_id: str, entries: Sequence[ConsentEntry]) -> None:
    """Write what was said in a conversation."""
    await write(connection, [Line(conversation_id=conversation_id, entry=one) for one in entries])


async def write(connection: Any, lines: Sequence[Line]) -> None:
    await connection.executemany(
        'INSERT INTO consents (conversation, at, what, channel, words, number_id, ref, "by")'
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (
                line.conversation_id,
                line.entry.at,
                line.entry.what,
                line.entry.channel,
                kept(line.entry.words),
                kept(line.entry.number_id),
                kept(line.entry.ref),
                kept(line.entry.by),
            )
            for line in lines
        ],
    )


async def entries(connection: Any, conversation_ids: Sequence[str]) -> list[ConsentEntry]:
    """The ledger of these conversations, in the order in which it came here."""
    rows = await connection.fetch(
        'SELECT at, what, channel, words, number_id, ref, "by" FROM consents WHERE conversation = ANY($1) ORDER BY key',
        list(conversation_ids),
    )
    return [msgspec.convert(dict(row), ConsentEntry) for row in rows]


async def all_of(connection: Any, conversation_ids: Sequence[str]) -> dict[str, list[ConsentEntry]]:
    """Every line of these, in the order in which they came here; whoever has none is not in it."""
    rows = await connection.fetch(
        'SELECT conversation, at, what, channel, words, number_id, ref, "by" FROM consents'
        " WHERE conversation = ANY($1) ORDER BY key",
        list(conversation_ids),
    )
    found: dict[str, list[ConsentEntry]] = {}
    for row in rows:
        line = dict(row)
        found.setdefault(line.pop("conversation"), []).append(msgspec.convert(line, ConsentEntry))
    return found


async def lines(connection: Any) -> AsyncIterator[Line]:
    """All of the ledger, in the order in which it came here."""
    query = 'SELECT conversation, at, what, channel, words, number_id, ref, "by" FROM consents ORDER BY key'
    async for row in connection.cursor(query, prefetch=EVERY):
        line = dict(row)
        yield Line(conversation_id=line.pop("conversation"), entry=msgspec.convert(line, ConsentEntry))


async def digests(connection: Any) -> set[str]:
    """Of every line."""
    named = Named()
    return {named.digest(line) async for line in lines(connection)}
