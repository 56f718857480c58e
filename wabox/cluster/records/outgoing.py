"""What single messages that our own side begins need to know: cards for agents, templates as replies."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wabox.cluster.records.database import Database
from wabox.core.consent import NEVER_ASKED, Consent
from wabox.core.template import StoredTemplate

_consents = msgspec.json.Decoder(Consent)


class PostgresOutgoing:
    """Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def templates(self, name: str | None = None) -> Sequence[StoredTemplate]:
        """None: WhatsApp is not asked, so ``templates.yaml`` alone counts."""
        return ()

    async def numbers(self) -> Sequence[str]:
        """Ids of the business numbers that there are conversations with."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "WITH RECURSIVE known AS (SELECT min(number_id) AS id FROM conversations UNION ALL"
                " SELECT (SELECT min(number_id) FROM conversations WHERE number_id > known.id) FROM known"
                " WHERE known.id IS NOT NULL) SELECT id FROM known WHERE id IS NOT NULL"
            )
        return [row["id"] for row in rows]

    async def recognise(self, ids: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Which of these ids (``user_id`` or ``wa_id``, and the value) have a conversation, and the handle in its name."""
        names = {f"{number}:{value}": value for number in await self.numbers() for _, value in ids}
        async with self._database.transaction() as connection:
            rows = await connection.fetch("SELECT id FROM conversations WHERE id = ANY($1)", list(names))
        return {names[row["id"]]: names[row["id"]] for row in rows}

    async def consents(self, conversation_ids: Sequence[str]) -> Sequence[Consent]:
        """What holds for each of these."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT id, consent FROM conversations WHERE id = ANY($1)", list(conversation_ids)
            )
        known = {row["id"]: _consents.decode(row["consent"]) for row in rows if row["consent"] is not None}
        return [known.get(one, NEVER_ASKED) for one in conversation_ids]
