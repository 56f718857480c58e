"""The ledger of what customers agreed to, line by line (promise P11). What holds now is in the conversation, which has the
entries that are here folded into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wabox.cluster.records.words import kept
from wabox.core.consent import ConsentEntry


async def add(connection: Any, conversation_id: str, entries: Sequence[ConsentEntry]) -> None:
    """Write what was said in a conversation."""
    await connection.executemany(
        'INSERT INTO consents (conversation, at, what, channel, words, number_id, ref, "by")'
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            (
                conversation_id,
                one.at,
                one.what,
                one.channel,
                kept(one.words),
                kept(one.number_id),
                kept(one.ref),
                kept(one.by),
            )
            for one in entries
        ],
    )


async def entries(connection: Any, conversation_ids: Sequence[str]) -> list[ConsentEntry]:
    """The ledger of these conversations, in the order in which it came here."""
    rows = await connection.fetch(
        'SELECT at, what, channel, words, number_id, ref, "by" FROM consents WHERE conversation = ANY($1) ORDER BY key',
        list(conversation_ids),
    )
    return [msgspec.convert(dict(row), ConsentEntry) for row in rows]
