"""Webhook changes that are neither message nor status."""

from __future__ import annotations

import sqlite3

from wabox.core.message import OtherChange

STEP = 500


def add(connection: sqlite3.Connection, change: OtherChange, now: int) -> None:
    connection.execute(
        "INSERT INTO other_changes (at, field, number_id, raw) VALUES (?, ?, ?, ?)",
        (now, change.field, change.number_id, change.raw),
    )


def prune(connection: sqlite3.Connection, before: int, after: int) -> int | None:
    """Delete some that came before; None when none is left."""
    # Rows are in order of time, so the oldest ones are all there is to look at.
    oldest = connection.execute("SELECT key, at FROM other_changes ORDER BY key LIMIT ?", (STEP,)).fetchall()
    old = [(key,) for key, at in oldest if at < before]
    connection.executemany("DELETE FROM other_changes WHERE key = ?", old)
    return 0 if len(old) == STEP else None
