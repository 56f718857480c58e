"""A conversation as the last unit of work that arrived here left it: for people, who read; turns are computed from Redis."""

from __future__ import annotations

from typing import Any

import msgspec

from wabox.cluster.records.database import Database
from wabox.core.consent import NEVER_ASKED, Consent
from wabox.core.contact import Contact
from wabox.core.conversation import Session, UnitOfWork
from wabox.core.handoff import Handoff

_encode = msgspec.json.Encoder().encode
_contacts = msgspec.json.Decoder(Contact)
_consents = msgspec.json.Decoder(Consent)
_cases = msgspec.json.Decoder(Handoff)


async def save(connection: Any, unit: UnitOfWork) -> None:
    await connection.execute(
        "INSERT INTO conversations"
        " (id, number_id, contact, sequence, snapshot, updated_at, opened_at, quiet_until, consent)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (id) DO UPDATE SET number_id = $2, contact = $3, sequence = $4, snapshot = $5, updated_at = $6,"
        " opened_at = $7, quiet_until = $8, consent = $9",
        unit.conversation_id,
        unit.number_id,
        _encode(unit.contact),
        unit.expected + 1,
        unit.snapshot,
        unit.at,
        unit.opened_at,
        unit.quiet_until,
        None if unit.consent == NEVER_ASKED else _encode(unit.consent),
    )


async def session(database: Database, conversation_id: str) -> Session:
    """Raises Unavailable."""
    async with database.transaction() as connection:
        row = await connection.fetchrow("SELECT * FROM conversations WHERE id = $1", conversation_id)
        case = await connection.fetchval(
            "SELECT handoff FROM handoffs WHERE conversation = $1 AND status <> 'closed' ORDER BY key DESC LIMIT 1",
            conversation_id,
        )
    if row is None:
        return Session(conversation_id=conversation_id)
    return Session(
        conversation_id=conversation_id,
        sequence=row["sequence"],
        snapshot=row["snapshot"],
        contact=None if row["contact"] is None else _contacts.decode(row["contact"]),
        number_id=row["number_id"],
        updated_at=row["updated_at"],
        opened_at=row["opened_at"],
        quiet_until=row["quiet_until"],
        consent=NEVER_ASKED if row["consent"] is None else _consents.decode(row["consent"]),
        case=None if case is None else _cases.decode(case),
    )
