"""What the records tell the people who work on cases: what :class:`wabox.sqlite.desk.SqliteDesk` tells on one machine.

Records come a moment after what they tell of. Whoever acts on a case hands the act to its conversation, which knows better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from wabox.cluster.records import copies, handoffs, transcript
from wabox.cluster.records.database import Database
from wabox.cluster.records.words import sought
from wabox.core.contact import Contact
from wabox.core.conversation import Record, Session
from wabox.core.handoff import Handoff
from wabox.core.wait import Past

FAR: Final = 1 << 62
"""Later than every key."""


class PostgresDesk:
    """Every method raises Unavailable while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def session(self, conversation_id: str) -> Session:
        """The copy of a conversation, for whoever has no Redis."""
        return await copies.session(self._database, conversation_id)

    async def find(self, id_: str) -> tuple[Handoff, str, Contact] | None:
        """A case, its business number and its customer."""
        async with self._database.transaction() as connection:
            return await handoffs.find(connection, sought(id_))

    async def named(self, beginning: str) -> Sequence[str]:
        """Ids of cases that begin so."""
        async with self._database.transaction() as connection:
            return await handoffs.named(connection, sought(beginning))

    async def open_cases(self, limit: int) -> Sequence[Handoff]:
        """Longest waiting first."""
        async with self._database.transaction() as connection:
            return await handoffs.list_open(connection, limit)

    async def closed_cases(self, limit: int) -> Sequence[Handoff]:
        """The newest first."""
        async with self._database.transaction() as connection:
            return await handoffs.list_closed(connection, limit)

    async def of_conversation(self, conversation_id: str, limit: int) -> Sequence[Handoff]:
        """The newest first."""
        async with self._database.transaction() as connection:
            return await handoffs.of_conversation(connection, sought(conversation_id), limit)

    async def contacts(self, conversation_ids: Sequence[str]) -> Mapping[str, Contact]:
        async with self._database.transaction() as connection:
            return await handoffs.contacts(connection, conversation_ids)

    async def history(self, queue: str, since: int, limit: int) -> Sequence[Past]:
        """The newest cases of a queue that were claimed after ``since``."""
        async with self._database.transaction() as connection:
            return await handoffs.history(connection, sought(queue), since, limit)

    async def page(self, conversation_id: str, limit: int, before: int | None) -> Sequence[tuple[int, Record]]:
        """The newest lines of a transcript (before a key), oldest first, each with its key."""
        newest = FAR if before is None else max(0, min(before, FAR))
        async with self._database.transaction() as connection:
            return await transcript.page(connection, sought(conversation_id), limit, newest)

    async def deliveries(self, ids: Sequence[str]) -> Mapping[str, tuple[str, str | None]]:
        """Status and reason of outbound messages, by id."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch("SELECT id, status, reason FROM outbox WHERE id = ANY($1)", list(ids))
        return {row["id"]: (row["status"], row["reason"]) for row in rows}
