"""What customers wrote, and what was made of it, out of all transcripts: for ``wabox learn``."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from wabox.core.contact import Contact
from wabox.core.heard import heard, read
from wabox.core.learning import NO_MORE, Heard

PAGE: Final = 5_000
"""Lines read at a time."""
_contacts = msgspec.json.Decoder(Contact)


async def newest(connection: Any, since: int, limit: int) -> list[Heard]:
    """The newest ``limit`` lines after ``since`` (ms), in the order in which they came over."""
    rows = await connection.fetch(
        "SELECT conversation, opened_at FROM handoffs WHERE opened_at >= $1"
        " AND convert_from(handoff, 'UTF8')::json ->> 'reason' = $2",
        since,
        NO_MORE,
    )
    over = {(row["conversation"], row["opened_at"]) for row in rows}
    found: list[Heard] = []
    contacts: dict[str, Contact | None] = {}
    below = 1 << 62
    while len(found) < limit:
        page = await connection.fetch(
            "SELECT key, conversation, at, body FROM transcript WHERE key < $1 AND kind = 'in' ORDER BY key DESC LIMIT $2",
            below,
            PAGE,
        )
        # Lines of several workers come over side by side, so a little out of order.
        fresh = [row for row in page if row["at"] >= since]
        if not fresh:
            break
        below = page[-1]["key"]
        await _learn(connection, contacts, {row["conversation"] for row in fresh})
        for row in fresh:
            line, contact = read(row["body"]), contacts[row["conversation"]]
            if line is not None and contact is not None:
                handed_off = (row["conversation"], row["at"]) in over
                found.append(heard(row["conversation"], contact, row["at"], line, handed_off=handed_off))
    return found[:limit][::-1]


async def _learn(connection: Any, contacts: dict[str, Contact | None], ids: set[str]) -> None:
    """Who they are, where that is not known yet."""
    new = ids - contacts.keys()
    contacts.update(dict.fromkeys(new))
    rows = await connection.fetch("SELECT id, contact FROM conversations WHERE id = ANY($1)", list(new))
    contacts.update({row["id"]: _contacts.decode(row["contact"]) for row in rows if row["contact"] is not None})
