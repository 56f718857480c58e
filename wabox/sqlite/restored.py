"""What waited when a backup was made must not happen again.

After the backup the server went on: what waited to be sent has most likely been sent, what a customer had just written has
been answered, a broadcast has reached more people. So in a database that comes back all that is held, with a reason, where
people see it; a delivery status of WhatsApp that still comes settles a message as always. What waits inside (timers, results
of calls) stays: without it a conversation would wait for ever.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from wabox.core.conversation import Record
from wabox.errors import StorageError
from wabox.sqlite import transcript
from wabox.sqlite.connection import open_writer
from wabox.sqlite.migrate import migrate, version

REASON: Final = "it waited in the backup of {stamp} that was restored, and may have left since"


class Held(msgspec.Struct, frozen=True):
    upgraded_from: int
    """The schema that the backup had."""
    outbox: int = 0
    """Messages that waited to leave; now failed, for people to decide."""
    inbox: int = 0
    """Messages of customers that waited to be handled; now dead letters."""
    broadcasts: int = 0
    """Now paused."""


def prepare(path: Path, now: int, stamp: str, *, resume: bool) -> Held:
    """Bring a restored database up to date; hold what waited, unless ``resume``. Raises StorageError."""
    with closing(open_writer(path)) as connection:
        before = version(connection)
        migrate(connection, str(path))
        if resume:
            return Held(before)
        try:
            connection.execute("BEGIN IMMEDIATE")
            held = _hold(connection, before, now, REASON.format(stamp=stamp))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StorageError(f"{path} cannot be prepared: {error}") from error
        return held


def _hold(connection: sqlite3.Connection, before: int, now: int, reason: str) -> Held:
    waiting = connection.execute("SELECT key, id, conversation FROM outbox WHERE pending = 1").fetchall()
    for key, id_, conversation in waiting:
        connection.execute(
            "UPDATE outbox SET status = 'failed', pending = 0, due_at = NULL, reason = ?, tell = 0 WHERE key = ?",
            (reason, key),
        )
        told = Record(at=now, kind="status", ref=id_, body={"status": "failed", "reason": reason})
        transcript.add(connection, conversation, [told])
    connection.execute(
        "INSERT INTO dead_letters (at, reason, raw) SELECT ?, ?, body FROM inbox WHERE seq > 0"
        " AND coalesce(json_extract(CAST(body AS TEXT), '$.channel'), 'whatsapp') = 'whatsapp' ORDER BY seq",
        (now, reason.replace("left", "been answered")),
    )
    unread = connection.execute(
        "UPDATE inbox SET seq = 0 WHERE seq > 0"
        " AND coalesce(json_extract(CAST(body AS TEXT), '$.channel'), 'whatsapp') = 'whatsapp'"
    ).rowcount
    paused = connection.execute(
        "UPDATE broadcasts SET status = 'paused', reason = ? WHERE status = 'running'",
        (reason.replace("it waited", "it ran").replace("left", "reached more people"),),
    ).rowcount
    # Whoever signed out since, or lost the right to be in, must not be in again.
    connection.execute("UPDATE sessions SET ended_at = ? WHERE ended_at IS NULL", (now,))
    return Held(before, len(waiting), unread, paused)
