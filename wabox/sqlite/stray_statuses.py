"""Delivery statuses of messages that we do not know.

A status can overtake the answer to the POST of its own message; if it does not carry our id either, only that answer can tell
whose it is. It waits here until then. Most strays are never claimed: another system sends from the same number.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import msgspec

from wabox.core.delivery import StatusUpdate, later

KEPT = 86_400_000
STEP = 500

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(StatusUpdate)


def add(connection: sqlite3.Connection, status: StatusUpdate, now: int) -> None:
    """Keep it, unless a later one of the same message is here."""
    known = connection.execute("SELECT body FROM stray_statuses WHERE wamid = ?", (status.wamid,)).fetchone()
    if known is not None:
        old = _decoder.decode(known[0]).status
        if later(old, status.status) is old:
            return
    connection.execute(
        "INSERT OR REPLACE INTO stray_statuses (wamid, at, body) VALUES (?, ?, ?)",
        (status.wamid, now, _encode(replace(status, raw={}))),
    )


def take(connection: sqlite3.Connection, wamid: str) -> StatusUpdate | None:
    row = connection.execute("SELECT body FROM stray_statuses WHERE wamid = ?", (wamid,)).fetchone()
    if row is None:
        return None
    connection.execute("DELETE FROM stray_statuses WHERE wamid = ?", (wamid,))
    return _decoder.decode(row[0])


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Delete some that nobody claimed; None when none is left."""
    deleted = connection.execute(
        "DELETE FROM stray_statuses WHERE wamid IN (SELECT wamid FROM stray_statuses WHERE at < ? LIMIT ?)",
        (now - KEPT, STEP),
    )
    return 0 if deleted.rowcount == STEP else None
