"""The port Records, and the register of versions, read from PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import msgspec

from wabox.cluster.bus import say
from wabox.cluster.records import handoffs, transcript
from wabox.cluster.records.database import Database
from wabox.cluster.records.statuses import messages
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.conversation import ConversationSummary, Record
from wabox.core.delivery import Delivery, DeliveryStatus, OutboundMessage
from wabox.core.handoff import Handoff
from wabox.core.version import Version

_contacts = msgspec.json.Decoder(Contact)
PAGE = 1000
PUBLISHED = "published"
"""The kind of the note that another version is live; its body is the bot's name."""


class PostgresRecords:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, conversation_id: str, records: Sequence[Record]) -> None:
        async with self._database.transaction() as connection:
            await transcript.add(connection, conversation_id, records)

    async def transcript(self, conversation_id: str, limit: int = 200) -> Sequence[Record]:
        async with self._database.transaction() as connection:
            return await transcript.newest(connection, conversation_id, limit)

    async def conversations(self, limit: int = 100) -> Sequence[ConversationSummary]:
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT * FROM conversations WHERE contact IS NOT NULL ORDER BY updated_at DESC LIMIT $1", limit
            )
        return [
            ConversationSummary(
                conversation_id=row["id"],
                contact=_contacts.decode(row["contact"]),
                sequence=row["sequence"],
                updated_at=row["updated_at"],
                snapshot=row["snapshot"],
            )
            for row in rows
        ]

    async def handoffs(self, limit: int = 100) -> Sequence[Handoff]:
        async with self._database.transaction() as connection:
            return await handoffs.list_open(connection, limit)

    async def deliveries(self, limit: int = 100, *, failed: bool = False) -> Sequence[Delivery]:
        where = "status = 'failed' ORDER BY key DESC" if failed else "pending ORDER BY key"
        async with self._database.transaction() as connection:
            rows = await connection.fetch(f"SELECT * FROM outbox WHERE {where} LIMIT $1", limit)  # noqa: S608 - ours
        return [_delivery(row) for row in rows]

    async def delivery(self, outbound_id: str) -> tuple[Delivery, OutboundMessage] | None:
        """One message of the outbox, and as it was committed."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow("SELECT * FROM outbox WHERE id = $1", outbound_id)
        return None if row is None else (_delivery(row), messages.decode(row["message"]))

    async def queued(self, outbound_id: str) -> None:
        """It waits again."""
        query = "UPDATE outbox SET status = 'queued', pending = true, wamid = NULL, reason = NULL, code = NULL WHERE id = $1"
        async with self._database.transaction() as connection:
            await connection.execute(query, outbound_id)

    async def ours(self, wamid: str) -> bool:
        """Whether a message of the outbox has this id at Meta."""
        async with self._database.transaction() as connection:
            return await connection.fetchval("SELECT 1 FROM outbox WHERE wamid = $1", wamid) is not None

    async def counts(self) -> tuple[int, int, int, int]:
        """Conversations, messages that still have to leave, cases that wait, dead letters."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT (SELECT count(*) FROM conversations WHERE contact IS NOT NULL),"
                " (SELECT count(*) FROM outbox WHERE pending),"
                " (SELECT count(*) FROM handoffs WHERE status = 'waiting'), (SELECT count(*) FROM dead_letters)"
            )
        return tuple(row)

    async def scan(self, look: Callable[[str, bytes], None]) -> None:
        after = ""
        while True:
            async with self._database.transaction() as connection:
                rows = await connection.fetch(
                    "SELECT id, snapshot FROM conversations WHERE id > $1 AND snapshot IS NOT NULL ORDER BY id LIMIT $2",
                    after,
                    PAGE,
                )
            for row in rows:
                look(row["id"], row["snapshot"])
            if len(rows) < PAGE:
                return
            after = rows[-1]["id"]

    # ---- versions ------------------------------------------------------------------------------------------------------

    async def versions(self, bot: str) -> Sequence[Version]:
        async with self._database.transaction() as connection:
            rows = await connection.fetch("SELECT * FROM versions WHERE bot = $1 ORDER BY number", bot)
        return [Version(**{**dict(row), "charts": tuple(row["charts"])}) for row in rows]

    async def make_live(self, version: Version, expected: str | None) -> Version | None:
        try:
            async with self._database.transaction() as connection:
                # Where none is live yet there is no row to lock: two that begin at once would both go on.
                lock = "SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext($1))"
                await connection.execute(lock, f"live {version.bot}")
                query = "SELECT id FROM versions WHERE bot = $1 AND live_until IS NULL FOR UPDATE"
                if await connection.fetchval(query, version.bot) != expected:
                    return None
                number = await connection.fetchval(
                    "SELECT coalesce((SELECT number FROM versions WHERE bot = $1 AND id = $2),"
                    " (SELECT coalesce(max(number), 0) + 1 FROM versions WHERE bot = $1))",
                    version.bot,
                    version.id,
                )
                await connection.execute(
                    "UPDATE versions SET live_until = $2 WHERE bot = $1 AND live_until IS NULL",
                    version.bot,
                    version.live_from,
                )
                await connection.execute(
                    "INSERT INTO versions (bot, id, number, charts, live_from, live_until, choice, model)"
                    " VALUES ($1, $2, $3, $4, $5, NULL, $6, $7) ON CONFLICT (bot, id)"
                    " DO UPDATE SET charts = $4, live_from = $5, live_until = NULL, choice = $6, model = $7",
                    version.bot,
                    version.id,
                    number,
                    list(version.charts),
                    version.live_from,
                    version.choice,
                    version.model,
                )
                await say(connection, self._database.channel, PUBLISHED, version.bot.encode())
        except asyncpg.UniqueViolationError:
            return None  # two first ones at once
        return changed(version, number=number, live_until=None)

    async def bring_versions(self, came: Sequence[Version]) -> int:
        """Take in those of another store; how many were not here. One that is live here stays so."""
        async with self._database.transaction() as connection:
            brought = 0
            for row in came:
                live = "SELECT live_from FROM versions WHERE bot = $1 AND live_until IS NULL"
                until = row.live_until
                if until is None and (since := await connection.fetchval(live, row.bot)) is not None:
                    until = since
                said = await connection.execute(
                    "INSERT INTO versions (bot, id, number, charts, live_from, live_until, choice, model)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                    row.bot,
                    row.id,
                    row.number,
                    list(row.charts),
                    row.live_from,
                    until,
                    row.choice,
                    row.model,
                )
                brought += said == "INSERT 0 1"
            for bot in {row.bot for row in came}:
                await say(connection, self._database.channel, PUBLISHED, bot.encode())
        return brought

    async def every_version(self) -> Sequence[Version]:
        """Of all bots."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch("SELECT * FROM versions ORDER BY bot, number")
        return [Version(**{**dict(row), "charts": tuple(row["charts"])}) for row in rows]

    async def forget_version(self, bot: str, id_: str) -> bool:
        query = "DELETE FROM versions WHERE bot = $1 AND id = $2 AND live_until IS NOT NULL RETURNING id"
        async with self._database.transaction() as connection:
            return await connection.fetchval(query, bot, id_) is not None


def _delivery(row: Any) -> Delivery:
    message = messages.decode(row["message"])
    return Delivery(
        id=row["id"],
        conversation_id=row["conversation"],
        number_id=message.number_id,
        status=DeliveryStatus(row["status"]),
        attempts=row["attempts"],
        created_at=row["created_at"],
        attempted_at=row["attempted_at"],
        due_at=message.due_at,
        code=row["code"],
        reason=row["reason"],
        wamid=row["wamid"],
        policy=message.policy,
        body=message.body,
    )
