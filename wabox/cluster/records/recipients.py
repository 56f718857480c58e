"""The recipients of broadcasts: rows that outlive their messages, and learn what became of them. *Skipped* is what was refused
here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from wabox.cluster.records.words import kept
from wabox.core.broadcast import Broadcast, Outcome, Progress, Recipient
from wabox.core.contact import Contact
from wabox.core.dispatch import Dispatch
from wabox.core.message import InboundMessage

STEP: Final = 500
NOBODY: Final = b"{}"

_encode = msgspec.json.Encoder().encode
_contacts = msgspec.json.Decoder(Contact)


async def add(connection: Any, broadcast: int, recipients: Sequence[Recipient]) -> None:
    await connection.executemany(
        "INSERT INTO recipients (broadcast, line, contact, conversation, body, status)"
        " VALUES ($1, $2, $3, $4, $5, 'waiting')",
        [(broadcast, one.line, _encode(one.contact), one.conversation_id, _encode(one.body)) for one in recipients],
    )


async def waiting(
    connection: Any, key: int, broadcast: Broadcast, now: int, limit: int
) -> list[tuple[int, InboundMessage]]:
    """The next ones, each with what is to be put into their lane. The same one is said once, however often it is put."""
    rows = await connection.fetch(
        "SELECT key, contact, conversation, body FROM recipients WHERE broadcast = $1 AND status = 'waiting'"
        " ORDER BY key LIMIT $2",
        key,
        limit,
    )
    return [
        (
            row["key"],
            Dispatch(
                id=f"{broadcast.by}:{broadcast.created_at}:{row['key']}",
                number_id=broadcast.number_id,
                contact=_contacts.decode(row["contact"]),
                body=msgspec.json.decode(row["body"]),
                purpose=broadcast.purpose,
                by=broadcast.by,
                recipient=row["key"],
                conversation_id=row["conversation"],
            ).message(now),
        )
        for row in rows
    ]


async def entered(connection: Any, keys: Sequence[int], now: int) -> None:
    """They were put into their lanes. What a worker has said of them meanwhile stays."""
    await connection.execute("UPDATE recipients SET entered_at = $2 WHERE key = ANY($1)", list(keys), now)
    await connection.execute(
        "UPDATE recipients SET status = 'entered' WHERE key = ANY($1) AND status = 'waiting'", list(keys)
    )


async def begun(
    connection: Any, recipient: int, outbound_id: str, status: str, reason: str | None, code: int | None
) -> None:
    """Their message is in the records now."""
    await connection.execute(
        "UPDATE recipients SET outbound_id = $2, status = CASE $3 WHEN 'failed' THEN 'skipped' ELSE $3 END,"
        " reason = $4, code = $5 WHERE key = $1",
        recipient,
        outbound_id,
        status,
        kept(reason),
        code,
    )


async def followed(connection: Any, outbound_id: str, before: str) -> None:
    """What their message has become, which was ``before``. One that failed while it waited, or untried, was refused here."""
    await connection.execute(
        "UPDATE recipients r SET reason = o.reason,"
        " code = CASE WHEN o.status = 'queued' OR (o.status = 'failed' AND $2 <> 'queued') THEN o.code END,"
        " status = CASE WHEN o.status = 'failed' AND (o.attempts = 0 OR $2 = 'queued') THEN 'skipped' ELSE o.status END"
        " FROM outbox o WHERE o.id = $1 AND r.key = o.recipient",
        outbound_id,
        before,
    )


async def progress(connection: Any, broadcast: int) -> Progress:
    rows = await connection.fetch(
        "SELECT status, code, count(*) AS n FROM recipients WHERE broadcast = $1 GROUP BY status, code", broadcast
    )
    statuses: dict[str, int] = {}
    codes: dict[int, int] = {}
    later = 0
    for row in rows:
        status, code, count = row["status"], row["code"], row["n"]
        statuses[status] = statuses.get(status, 0) + count
        if code is not None:
            codes[code] = codes.get(code, 0) + count
            later += count if status == "queued" else 0
    return Progress(statuses=statuses, codes=codes, later=later)


async def outcomes(connection: Any, broadcast: int, limit: int, status: str | None = None) -> list[Outcome]:
    """In the order of the file; those of one status only, if one is given."""
    rows = await connection.fetch(
        "SELECT line, contact, status, code, reason, outbound_id FROM recipients"
        " WHERE broadcast = $1 AND ($2::text IS NULL OR status = $2) ORDER BY key LIMIT $3",
        *(broadcast, status, limit),
    )
    found = []
    for row in rows:
        contact = _contacts.decode(row["contact"])
        found.append(
            Outcome(
                line=row["line"],
                to=contact.wa_id or contact.user_id or "",
                status=row["status"],
                code=row["code"],
                reason=row["reason"],
                outbound_id=row["outbound_id"],
            )
        )
    return found


async def unsent(connection: Any, broadcast: int) -> list[tuple[str, str]]:
    """Conversation and message of those that wait to be sent."""
    rows = await connection.fetch(
        "SELECT o.conversation, o.id FROM recipients r JOIN outbox o ON o.id = r.outbound_id"
        " WHERE r.broadcast = $1 AND r.status = 'queued'",
        broadcast,
    )
    return [(row["conversation"], row["id"]) for row in rows]


async def forget(connection: Any, before: int) -> int:
    """Who some were that were written to before then, ms: how many there were of each outcome stays. How many it were now."""
    done = await connection.execute(
        "UPDATE recipients SET contact = $1, body = $1, conversation = NULL, reason = NULL WHERE key IN"
        " (SELECT key FROM recipients WHERE entered_at < $2 AND length(contact) > 2 LIMIT $3)",
        *(NOBODY, before, STEP),
    )
    return int(done.rpartition(" ")[2])
