"""What is kept for how long: a little is deleted at a time, so that no webhook waits long for its own write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from wabox.core.keep import Keep
from wabox.core.person import Person
from wabox.sqlite import (
    alerts,
    consents,
    dead_letters,
    other_changes,
    outbox,
    people,
    purse,
    recipients,
    seen,
    stray_statuses,
    tallies,
    uploads,
)

STEP: Final = 500
"""Rows per transaction: some 5 ms."""


Step = Callable[..., int | None]
"""Deletes some rows of a table after a place; where to go on, None at the end."""


def steps(keep: Keep, now: int) -> Iterator[Step]:
    """One for each table that something of may have to go."""
    for fixed in (seen, stray_statuses, uploads, purse, tallies, alerts):
        yield partial(fixed.prune, now=now)
    tables: tuple[tuple[str, Step], ...] = (
        *(("outbox", outbox.prune), ("other_changes", other_changes.prune), ("dead_letters", dead_letters.prune)),
        ("outbox", recipients.prune),
        *(("transcript", partial(oldest, table="transcript")), ("transcript", partial(oldest, table="archives"))),
        ("handoffs", handoffs),
    )
    for kind, prune in tables:
        before = keep.before(kind, now)
        if before is not None:
            yield partial(prune, before=before)


def oldest(connection: sqlite3.Connection, before: int, after: int, table: str) -> int | None:
    """Delete some rows that were written before: lines of the transcript, conversations that are over."""
    # Rows are in order of time, so the oldest ones are all there is to look at.
    rows = connection.execute(f"SELECT key, at FROM {table} ORDER BY key LIMIT ?", (STEP,)).fetchall()  # noqa: S608 - ours
    old = [(key,) for key, at in rows if at < before]
    connection.executemany(f"DELETE FROM {table} WHERE key = ?", old)  # noqa: S608 - ours
    return 0 if len(old) == STEP else None


def handoffs(connection: sqlite3.Connection, before: int, after: int) -> int | None:
    """Delete some cases that were closed before. An open one stays, however old."""
    rows = connection.execute(
        "SELECT key, changed_at, status FROM handoffs WHERE key > ? ORDER BY key LIMIT ?", (after, STEP)
    ).fetchall()
    old = [(key,) for key, changed_at, status in rows if changed_at < before and status == "closed"]
    connection.executemany("DELETE FROM handoffs WHERE key = ?", old)
    return rows[-1][0] if len(rows) == STEP else None


def idle(connection: sqlite3.Connection, before: int, after: int, limit: int) -> tuple[list[Person], int]:
    """Who of the next ``limit`` contacts was not heard of since then and may be erased; where to go on, 0 at the end.

    A wish is kept: to have said yes or no to being written to is what the ledger is for. So is who waits for a person, and
    what has not left yet.
    """
    rows = connection.execute(
        "SELECT key, created_at, consent FROM contacts WHERE key > ? AND merged_into IS NULL ORDER BY key LIMIT ?",
        (after, limit),
    ).fetchall()
    found = []
    for key, created_at, consent in rows:
        if created_at >= before or consent is not None:
            continue
        person = people.load(connection, key)
        if person.last_seen < before and not consents.entries(connection, key) and not _busy(connection, person):
            found.append(person)
    return found, rows[-1][0] if len(rows) == limit else 0


def _busy(connection: sqlite3.Connection, person: Person) -> bool:
    query = (
        "SELECT 1 FROM conversations c WHERE c.id = ? AND (EXISTS (SELECT 1 FROM outbox o WHERE o.conversation = c.key"
        " AND o.pending = 1) OR EXISTS (SELECT 1 FROM handoffs h WHERE h.conversation = c.key AND h.status <> 'closed'))"
    )
    return any(connection.execute(query, (id_,)).fetchone() for id_ in person.conversations)
