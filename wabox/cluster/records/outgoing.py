"""What our own side begins: templates, what messages cost, broadcasts, and who may be written to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec

from wabox.cluster.records import broadcasts, meter, recipients
from wabox.cluster.records.broadcasts import Row
from wabox.cluster.records.database import Database
from wabox.cluster.records.words import kept
from wabox.core.broadcast import Broadcast, BroadcastStatus, Outcome, Progress, Recipient
from wabox.core.consent import NEVER_ASKED, Consent
from wabox.core.meter import Metered
from wabox.core.template import StoredTemplate

Drop = Callable[[Sequence[tuple[str, str]]], Awaitable[None]]
"""Takes messages (conversation and id) out that wait to be sent. Raises Unavailable."""

STEP: Final = 5_000
"""Recipients of a transaction."""
_consents = msgspec.json.Decoder(Consent)
_templates = msgspec.json.Decoder(StoredTemplate)
_encode = msgspec.json.Encoder().encode


async def _nowhere(_: Sequence[tuple[str, str]]) -> None:
    """Who only looks takes nothing out."""


class PostgresOutgoing:
    """Every method raises Unavailable."""

    def __init__(self, database: Database, drop: Drop = _nowhere) -> None:
        self._database = database
        self._drop = drop

    # ---- templates and prices ----------------------------------------------------------------------------------------------

    async def templates(self, name: str | None = None) -> Sequence[StoredTemplate]:
        """As WhatsApp has them, by name and language; all, or every language of one."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT body FROM templates WHERE $1::text IS NULL OR name = $1 ORDER BY name, language", name
            )
        return [_templates.decode(row["body"]) for row in rows]

    async def save_templates(self, changed: Sequence[StoredTemplate]) -> None:
        async with self._database.transaction() as connection:
            await connection.executemany(
                "INSERT INTO templates (name, language, body) VALUES ($1, $2, $3)"
                " ON CONFLICT (name, language) DO UPDATE SET body = excluded.body",
                sorted((kept(one.name), kept(one.language), _encode(one)) for one in changed),
            )

    async def replace_templates(self, every: Sequence[StoredTemplate]) -> None:
        """These are all that there are now."""
        async with self._database.alone("templates"):
            keys = [f"{kept(one.name)} {kept(one.language)}" for one in every]
            async with self._database.transaction() as connection:
                await connection.execute("DELETE FROM templates WHERE NOT name || ' ' || language = ANY($1)", keys)
            await self.save_templates(every)

    async def metered(self, begin: int, end: int) -> Sequence[Metered]:
        """What was delivered from ``begin`` to before ``end``, ms."""
        async with self._database.transaction() as connection:
            return await meter.total(connection, begin, end)

    # ---- who -----------------------------------------------------------------------------------------------------------

    async def numbers(self) -> Sequence[str]:
        """Ids of the business numbers that there are conversations with."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "WITH RECURSIVE known AS (SELECT min(number_id) AS id FROM conversations UNION ALL"
                " SELECT (SELECT min(number_id) FROM conversations WHERE number_id > known.id) FROM known"
                " WHERE known.id IS NOT NULL) SELECT id FROM known WHERE id IS NOT NULL"
            )
        return [row["id"] for row in rows]

    async def recognise(self, ids: Sequence[tuple[str, str]]) -> Mapping[str, str]:
        """Which of these ids (``user_id`` or ``wa_id``, and the value) somebody has now, and the handle of who has it: of two
        that had it, whoever was heard of last."""
        users = [value for kind, value in ids if kind == "user_id"]
        phones = [value for kind, value in ids if kind == "wa_id"]
        names = [f"{number}:{value}" for number in await self.numbers() for _, value in ids]
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT id, user_id, wa_id FROM conversations WHERE id = ANY($1) OR user_id = ANY($2) OR wa_id = ANY($3)"
                " ORDER BY updated_at, key",
                *(names, users, phones),
            )
        asked = {value for _, value in ids}
        found: dict[str, str] = {}
        for row in rows:
            handle = row["id"].partition(":")[2]
            found.update((value, handle) for value in (handle, row["user_id"], row["wa_id"]) if value in asked)
        return found

    async def consents(self, conversation_ids: Sequence[str]) -> Sequence[Consent]:
        """What holds for each of these."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT id, consent FROM conversations WHERE id = ANY($1)", list(conversation_ids)
            )
        known = {row["id"]: _consents.decode(row["consent"]) for row in rows if row["consent"] is not None}
        return [known.get(one, NEVER_ASKED) for one in conversation_ids]

    # ---- broadcasts ----------------------------------------------------------------------------------------------------

    async def add_broadcast(self, broadcast: Broadcast, recipients_: Sequence[Recipient]) -> bool:
        """Keep it with its recipients, and let it run; False when there is one of this name. One that is interrupted never
        runs, and makes room for its repetition."""
        async with self._database.transaction() as connection:
            key = await broadcasts.add(connection, broadcast)
        if key is None:
            return False
        for begin in range(0, len(recipients_), STEP):
            async with self._database.transaction() as connection:
                await recipients.add(connection, key, recipients_[begin : begin + STEP])
        await self.change_broadcast(broadcast.name, "running", ("loading",), "")
        return True

    async def broadcasts(self, status: str | None = None) -> Sequence[Row]:
        """The newest first."""
        async with self._database.transaction() as connection:
            return await broadcasts.every(connection, status)

    async def broadcast(self, name: str) -> Row | None:
        async with self._database.transaction() as connection:
            return await broadcasts.find(connection, name)

    async def change_broadcast(
        self, name: str, wanted: BroadcastStatus, before: Sequence[str], reason: str, daily: int | None = None
    ) -> Broadcast | None:
        """Make it ``wanted`` if it is one of ``before``; as it is then. ``daily``: a limit that is known by now."""
        async with self._database.transaction() as connection:
            return await broadcasts.change(connection, name, wanted, before, reason, daily)

    async def recall_broadcast(self, key: int, now: int) -> None:
        """Take its messages out that wait to be sent."""
        async with self._database.transaction() as connection:
            waiting = await recipients.unsent(connection, key)
        await self._drop(waiting)

    async def progress(self, key: int) -> Progress:
        async with self._database.transaction() as connection:
            return await recipients.progress(connection, key)

    async def entered_since(self, since: int) -> int:
        """How many customers broadcasts wrote to since then."""
        async with self._database.transaction() as connection:
            query = "SELECT count(*) FROM recipients WHERE entered_at > $1"
            return int(await connection.fetchval(query, since))

    async def recipients(self, key: int, limit: int, status: str | None = None) -> Sequence[Outcome]:
        """In the order of the file."""
        async with self._database.transaction() as connection:
            return await recipients.outcomes(connection, key, limit, status)
