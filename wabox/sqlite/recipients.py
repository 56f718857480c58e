"""The recipients of broadcasts: rows that outlive their messages (promise P2: entered once, whatever happens).

What becomes of a message, its recipient learns by a trigger (``outbox_followed``): many hands change the outbox (the sender,
delivery statuses, a STOP, a person), and none of them must know of broadcasts. *Skipped* is what was refused here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from wabox.core.broadcast import Broadcast, Outcome, Progress, Recipient
from wabox.core.contact import Contact
from wabox.core.dispatch import Dispatch
from wabox.sqlite import contacts, inbox, seen

STEP = 500

_encode = msgspec.json.Encoder().encode
_contacts = msgspec.json.Decoder(Contact)


def add(connection: sqlite3.Connection, broadcast: int, recipients: Sequence[Recipient]) -> None:
    connection.executemany(
        "INSERT INTO recipients (broadcast, line, contact, body, status) VALUES (?, ?, ?, ?, 'waiting')",
        [(broadcast, one.line, _encode(one.contact), _encode(one.body)) for one in recipients],
    )


def enter(
    connection: sqlite3.Connection, key: int, broadcast: Broadcast, now: int, places: Sequence[inbox.Place]
) -> list[inbox.Row]:
    """Put as many as there are ``places`` into their conversations' queues, and mark them: both or neither."""
    # Who waits has no code yet; to say so lets the index give them in order, where 100,000 would be sorted each time (50 ms).
    rows = connection.execute(
        "SELECT key, contact, body FROM recipients WHERE broadcast = ? AND status = 'waiting' AND code IS NULL"
        " ORDER BY key LIMIT ?",
        (key, len(places)),
    ).fetchall()
    entered = []
    for place, (recipient, contact, body) in zip(places, rows, strict=False):
        dispatch = Dispatch(
            id=f"{broadcast.by}:{broadcast.created_at}:{recipient}",
            number_id=broadcast.number_id,
            contact=_contacts.decode(contact),
            body=msgspec.json.decode(body),
            purpose=broadcast.purpose,
            by=broadcast.by,
            recipient=recipient,
        )
        message = dispatch.message(now)
        connection.execute("UPDATE recipients SET status = 'entered', entered_at = ? WHERE key = ?", (now, recipient))
        if seen.add(connection, message, now):
            placed = contacts.place(connection, message, now, merge=False).message
            entered.append(inbox.add(connection, place, placed, inbox.encode(placed)))
    return entered


def progress(connection: sqlite3.Connection, broadcast: int) -> Progress:
    statuses: dict[str, int] = {}
    codes: dict[int, int] = {}
    later = 0
    for status, code, count in connection.execute(
        "SELECT status, code, count(*) FROM recipients WHERE broadcast = ? GROUP BY status, code", (broadcast,)
    ):
        statuses[status] = statuses.get(status, 0) + count
        if code is not None:
            codes[code] = codes.get(code, 0) + count
            later += count if status == "queued" else 0
    return Progress(statuses=statuses, codes=codes, later=later)


def entered_since(connection: sqlite3.Connection, since: int) -> int:
    """How many customers broadcasts wrote to since then."""
    return int(connection.execute("SELECT count(*) FROM recipients WHERE entered_at > ?", (since,)).fetchone()[0])


def list_(connection: sqlite3.Connection, broadcast: int, limit: int, status: str | None = None) -> list[Outcome]:
    """In the order of the file; those of one status only, if one is given."""
    rows = connection.execute(
        "SELECT line, contact, status, code, reason, outbound_id FROM recipients"
        " WHERE broadcast = ?1 AND (?2 IS NULL OR status = ?2) ORDER BY key LIMIT ?3",
        (broadcast, status, limit),
    )
    found = []
    for line, raw, status_, code, reason, outbound_id in rows:
        contact = _contacts.decode(raw)
        to = contact.wa_id or contact.user_id or ""
        found.append(Outcome(line=line, to=to, status=status_, code=code, reason=reason, outbound_id=outbound_id))
    return found


def prune(connection: sqlite3.Connection, before: int, after: int) -> int | None:
    """Forget who some recipients were that were written to before; how many there were of each outcome stays."""
    rows = connection.execute(
        "SELECT key FROM recipients WHERE entered_at < ? AND length(contact) > 2 LIMIT ?", (before, STEP)
    ).fetchall()
    nobody = [(_encode({}), _encode({}), key) for (key,) in rows]
    connection.executemany("UPDATE recipients SET contact = ?, body = ?, reason = NULL WHERE key = ?", nobody)
    return 0 if len(rows) == STEP else None
