"""What was uploaded to Meta, so that a picture travels once and not for every customer.

Not ``diskcache``: its last release is of 2023, and it unpickles whatever row of its database says so, also below its
``JSONDisk`` (CVE-2025-69872, not fixed). A table has neither trouble, and is backed up with the rest.
"""

from __future__ import annotations

import sqlite3

from wabox.core.media import UPLOADED

STEP = 500


def find(connection: sqlite3.Connection, number_id: str, sha256: str, now: int) -> str | None:
    """Meta's id of the file, while it surely lives."""
    row = connection.execute(
        "SELECT media_id FROM uploads WHERE number_id = ? AND sha256 = ? AND at > ?",
        (number_id, sha256, now - UPLOADED),
    ).fetchone()
    return None if row is None else str(row[0])


def save(connection: sqlite3.Connection, number_id: str, sha256: str, media_id: str, now: int) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO uploads (number_id, sha256, media_id, at) VALUES (?, ?, ?, ?)",
        (number_id, sha256, media_id, now),
    )


def delete(connection: sqlite3.Connection, number_id: str, sha256: str) -> None:
    """Meta does not have it any more."""
    connection.execute("DELETE FROM uploads WHERE number_id = ? AND sha256 = ?", (number_id, sha256))


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Forget those that are too old to use; None when nothing is left to forget. A table of one row per picture and number."""
    connection.execute("DELETE FROM uploads WHERE at <= ?", (now - UPLOADED,))
    return None
