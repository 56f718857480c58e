"""Delivery statuses of messages that we do not know.

A status can overtake the answer to the POST of its own message; if it does not carry our id either, only that answer can tell
whose it is. It waits here until then. Most strays are never claimed: another system sends from the same number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from wabox.core.delivery import EVIDENCE, StatusUpdate, later
from wabox.core.meter import ELSEWHERE
from wabox.sqlite import meter

KEPT = 86_400_000
STEP = 500

_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(StatusUpdate)


def add(connection: sqlite3.Connection, status: StatusUpdate, now: int) -> None:
    """Keep it, unless a later one of the same message is here."""
    known = connection.execute("SELECT body FROM stray_statuses WHERE wamid = ?", (status.wamid,)).fetchone()
    if known is not None:
        old = _decoder.decode(known[0])
        if later(old.status, status.status) is old.status:
            return
        status = replace(status, pricing=status.pricing or old.pricing)
    connection.execute(
        "INSERT OR REPLACE INTO stray_statuses (wamid, at, body) VALUES (?, ?, ?)",
        (status.wamid, now, _encode(replace(status, raw={}))),
    )


def find(connection: sqlite3.Connection, wamids: Iterable[str | None]) -> list[str]:
    """Which of these wait here."""
    query = "SELECT wamid FROM stray_statuses WHERE wamid IN (SELECT value FROM json_each(?))"
    return [row[0] for row in connection.execute(query, (_encode(list(wamids)),))]


def take(connection: sqlite3.Connection, wamid: str) -> StatusUpdate | None:
    row = connection.execute("SELECT body FROM stray_statuses WHERE wamid = ?", (wamid,)).fetchone()
    if row is None:
        return None
    connection.execute("DELETE FROM stray_statuses WHERE wamid = ?", (wamid,))
    return _decoder.decode(row[0])


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Delete some that nobody claimed; None when none is left. What they cost counts: it is this number's bill."""
    old = connection.execute(
        "SELECT wamid, body FROM stray_statuses WHERE at < ? LIMIT ?", (now - KEPT, STEP)
    ).fetchall()
    for wamid, body in old:
        status = _decoder.decode(body)
        if status.pricing is not None and status.status in EVIDENCE:
            meter.add(connection, status.timestamp, status.number_id, status.pricing, ELSEWHERE, "")
        connection.execute("DELETE FROM stray_statuses WHERE wamid = ?", (wamid,))
    return 0 if len(old) == STEP else None
