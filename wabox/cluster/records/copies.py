"""A conversation as the last unit of work that arrived here left it: for people, who read; turns are computed from Redis."""

from __future__ import annotations

from typing import Any

import msgspec

from wabox.cluster.records import handoffs
from wabox.cluster.records.database import Database
from wabox.cluster.records.words import sought
from wabox.core.consent import NEVER_ASKED, Consent
from wabox.core.contact import Contact
from wabox.core.conversation import Archive, Session

_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_contacts = msgspec.json.Decoder(Contact)
_consents = msgspec.json.Decoder(Consent)
_archives = msgspec.msgpack.Decoder(Archive)


async def save(connection: Any, session: Session) -> None:
    """The conversation as it is now, without its case."""
    await connection.execute(
        "INSERT INTO conversations"
        " (id, number_id, contact, sequence, snapshot, updated_at, opened_at, quiet_until, consent, archived, user_id, wa_id)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO UPDATE SET number_id = $2,"
        " contact = $3, sequence = $4, snapshot = $5, updated_at = $6, opened_at = $7, quiet_until = $8, consent = $9,"
        " archived = $10, user_id = $11, wa_id = $12",
        session.conversation_id,
        session.number_id,
        None if session.contact is None else _encode(session.contact),
        session.sequence,
        session.snapshot,
        session.updated_at,
        session.opened_at,
        session.quiet_until,
        None if session.consent == NEVER_ASKED else _encode(session.consent),
        None if session.archived is None else _pack(session.archived),
        None if session.contact is None else session.contact.user_id,
        None if session.contact is None else session.contact.wa_id,
    )


async def load(connection: Any, conversation_id: str) -> Session:
    """Empty when no unit of work came over."""
    row = await connection.fetchrow("SELECT * FROM conversations WHERE id = $1", conversation_id)
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
        archived=None if row["archived"] is None or row["snapshot"] is not None else _archives.decode(row["archived"]),
        case=await handoffs.current(connection, conversation_id),
    )


async def session(database: Database, conversation_id: str) -> Session:
    """Raises Unavailable."""
    async with database.transaction() as connection:
        return await load(connection, sought(conversation_id))
