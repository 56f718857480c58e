"""Which messages arrived before.

Meta repeats a webhook for up to seven days, so an id is remembered for eight. The key begins with the message's own timestamp,
which a redelivery repeats: new keys then go to the end of the tree (half the CPU and a third of the bytes of a random key, and
no slower at ten million rows), and what has expired is a range at its beginning.

That holds only while the timestamp tells roughly when the message *arrived*. One that differs from our clock by more than a day
is remembered by the time of its arrival instead. Which of the two applies may change between two deliveries of one message
(it ages, the clock is set), so both are asked always. A dated key is no more than a day older than its arrival and is kept
for nine days: never less than eight since it arrived.
"""

from __future__ import annotations

import hashlib
import sqlite3

from wabox.core.message import InboundMessage

DAY = 86_400_000
KEPT = 9 * DAY
STEP = 2000
"""Keys forgotten per transaction: 0.75 ms."""


def add(connection: sqlite3.Connection, message: InboundMessage, now: int) -> bool:
    """Remember a message; False when it was here before."""
    digest = hashlib.blake2b(f"{message.number_id}\0{message.message_id}".encode(), digest_size=12).digest()
    if message.dated and abs(now - message.timestamp) <= DAY:
        insert = connection.execute(
            "INSERT OR IGNORE INTO seen (key) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM seen_undated WHERE digest = ?2)",
            (_prefix(message.timestamp) + digest, digest),
        )
        return insert.rowcount == 1
    if message.dated and 0 <= message.timestamp < 2**32 * 1000:
        dated = connection.execute("SELECT 1 FROM seen WHERE key = ?", (_prefix(message.timestamp) + digest,))
        if dated.fetchone() is not None:
            return False
    return (
        connection.execute("INSERT OR IGNORE INTO seen_undated (digest, at) VALUES (?, ?)", (digest, now)).rowcount == 1
    )


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Forget some of what is past its keep; None when nothing is left to forget."""
    before = _prefix(max(now - KEPT, 0))
    dated = connection.execute(
        "DELETE FROM seen WHERE key IN (SELECT key FROM seen WHERE key < ? LIMIT ?)", (before, STEP)
    )
    # Also what arrived in the future: the clock was wrong then.
    undated = connection.execute(
        "DELETE FROM seen_undated WHERE digest IN (SELECT digest FROM seen_undated WHERE at NOT BETWEEN ? AND ? LIMIT ?)",
        (now - KEPT, now + KEPT, STEP),
    )
    return 0 if STEP in (dated.rowcount, undated.rowcount) else None


def _prefix(at: int) -> bytes:
    return (at // 1000).to_bytes(4, "big")
