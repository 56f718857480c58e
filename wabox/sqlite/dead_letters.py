"""Elements of webhooks that nobody could read."""

from __future__ import annotations

import sqlite3

from wabox.core.message import DeadLetter

STEP = 500


def add(connection: sqlite3.Connection, letter: DeadLetter, now: int) -> None:
    connection.execute("INSERT INTO dead_letters (at, reason, raw) VALUES (?, ?, ?)", (now, letter.reason, letter.raw))


def prune(connection: sqlite3.Connection, before: int, after: int) -> int | None:
    """Delete some that came before; None when none is left."""
    # Rows are in order of time, so the oldest ones are all there is to look at.
    oldest = connection.execute("SELECT key, at FROM dead_letters ORDER BY key LIMIT ?", (STEP,)).fetchall()
    old = [(key,) for key, at in oldest if at < before]
    connection.executemany("DELETE FROM dead_letters WHERE key = ?", old)
    return 0 if len(old) == STEP else None


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0])
