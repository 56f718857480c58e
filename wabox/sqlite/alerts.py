"""Alerts: rows from the unit of work that opens a case until somebody was told, and as long after as the outbox is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from wabox.core.alert import Alert, Told
from wabox.sqlite.reader import PeoplesReader
from wabox.sqlite.writer import Writer

KEEP: Final = 35 * 86_400_000
"""ms."""
STEP: Final = 500
PATIENCE: Final = 120_000
"""ms in which somebody should have been told of a case."""
_COLUMNS: Final = "a.id, a.case_id, a.address, a.what, a.body, a.created_at, a.due_at, a.status, a.attempts, a.reason, a.ref, a.settled_at"  # noqa: E501
_OF: Final = f"SELECT c.id, {_COLUMNS} FROM alerts a JOIN conversations c ON c.key = a.conversation"  # noqa: S608 - ours
_encode = msgspec.json.Encoder().encode


class SqliteAlerts:
    """Part of the store; use it through :attr:`SqliteStore.alerts`."""

    def __init__(self, writer: Writer, people: PeoplesReader) -> None:
        self._writer = writer
        self._people = people

    async def due(self, now: int, limit: int, *, console: bool) -> Sequence[tuple[Alert, str | None]]:
        """Those to look at now, each with the status of its case; oldest first. Without ``console`` nobody looks there."""
        return await self._people.read(due, now, limit, console=console)

    async def settle(self, ids: Sequence[str], told: Told, now: int, due_at: int) -> None:
        """Write what became of a try, of all these alike. One that waits on is due then."""
        await self._writer.submit(partial(settle, ids=ids, told=told, now=now, due_at=due_at))

    async def of_case(self, case: str) -> Sequence[Alert]:
        """Oldest first."""
        return await self._people.read(of_case, case)

    async def heard(self, cases: Sequence[str]) -> frozenset[str]:
        """Which of these cases somebody was told of."""
        return await self._people.read(heard, list(cases))

    async def by_card(self, wamid: str) -> Sequence[Alert]:
        """The alerts that a WhatsApp message told of, oldest first; nothing when it was none of ours."""
        return await self._people.read(by_card, wamid)


def add(connection: sqlite3.Connection, conversation: int, alerts: Iterable[Alert]) -> None:
    """As they are; one that is there already stays as it is."""
    connection.executemany(
        "INSERT INTO alerts (id, conversation, case_id, address, what, body, created_at, due_at, status, attempts, reason,"
        " ref, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        [
            (
                *(one.id, conversation, one.case, one.to, one.what, _encode(one.body)),
                *(one.created_at, one.due_at, one.status, one.attempts, one.reason, one.ref, one.settled_at),
            )
            for one in alerts
        ],
    )


def due(connection: sqlite3.Connection, now: int, limit: int, *, console: bool) -> list[tuple[Alert, str | None]]:
    but = "" if console else " AND a.address <> 'console'"
    rows = connection.execute(
        f"SELECT c.id, {_COLUMNS}, h.status FROM alerts a JOIN conversations c ON c.key = a.conversation"  # noqa: S608
        " LEFT JOIN handoffs h ON h.id = a.case_id"
        f" WHERE a.status IN ('waiting', 'sent') AND a.due_at <= ?{but} ORDER BY a.due_at, a.key LIMIT ?",
        (now, limit),
    )
    return [(_alert(row[:-1]), row[-1]) for row in rows]


def settle(connection: sqlite3.Connection, ids: Sequence[str], told: Told, now: int, due_at: int) -> None:
    over = told.status not in ("waiting", "sent")
    connection.executemany(
        "UPDATE alerts SET status = ?, reason = ?, due_at = ?, ref = coalesce(?, ref), settled_at = ?,"
        " attempts = attempts + (status = 'waiting' AND ? <> 'stale') WHERE id = ?",
        [(told.status, told.reason, due_at, told.ref, now if over else None, told.status, id_) for id_ in ids],
    )


def drop(connection: sqlite3.Connection, case: str, *, over: bool, at: int) -> None:
    """Somebody has the case, or it is closed: who was not told yet need not be."""
    which = "" if over else " AND what <> 'wrote'"
    connection.execute(
        "UPDATE alerts SET status = 'stale', settled_at = ? WHERE case_id = ? AND status = 'waiting'" + which,  # noqa: S608
        (at, case),
    )


def of_case(connection: sqlite3.Connection, case: str) -> list[Alert]:
    return [_alert(row) for row in connection.execute(f"{_OF} WHERE a.case_id = ? ORDER BY a.key", (case,))]


def of_conversation(connection: sqlite3.Connection, conversation: int) -> list[Alert]:
    """All of them, oldest first."""
    return [
        _alert(row) for row in connection.execute(f"{_OF} WHERE a.conversation = ? ORDER BY a.key", (conversation,))
    ]


def heard(connection: sqlite3.Connection, cases: list[str]) -> frozenset[str]:
    marks = ", ".join("?" * len(cases))
    query = f"SELECT DISTINCT case_id FROM alerts WHERE case_id IN ({marks}) AND status = 'accepted'"  # noqa: S608 - ours
    return frozenset(row[0] for row in connection.execute(query, cases))


def by_card(connection: sqlite3.Connection, wamid: str) -> list[Alert]:
    query = f"{_OF} JOIN outbox o ON o.id = a.ref WHERE o.wamid = ? ORDER BY a.key"
    return [_alert(row) for row in connection.execute(query, (wamid,))]


def untold(connection: sqlite3.Connection, before: int) -> int:
    """Cases that have waited since before then and that nobody was told of."""
    query = (
        "SELECT count(*) FROM handoffs h WHERE h.status <> 'closed' AND h.status = 'waiting' AND h.opened_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.case_id = h.id AND a.status = 'accepted')"
        " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.case_id = h.id AND a.status = 'waiting' AND a.attempts = 0"
        "  AND a.due_at > h.opened_at)"  # the queue is closed: it is told when it opens
    )
    return int(connection.execute(query, (before,)).fetchone()[0])


def prune(connection: sqlite3.Connection, now: int, after: int) -> int | None:
    """Delete some that are over for long."""
    rows = connection.execute(
        "SELECT key, created_at FROM alerts WHERE key > ? ORDER BY key LIMIT ?", (after, STEP)
    ).fetchall()
    old = [(key,) for key, created_at in rows if created_at < now - KEEP]
    connection.executemany("DELETE FROM alerts WHERE key = ?", old)
    return rows[-1][0] if len(rows) == STEP else None


def _alert(row: Sequence[Any]) -> Alert:
    conversation_id, id_, case, to, what, body, created_at, due_at, status, attempts, reason, ref, settled_at = row
    return Alert(
        id=id_,
        conversation_id=conversation_id,
        case=case,
        to=to,
        what=what,
        body=msgspec.json.decode(body),
        created_at=created_at,
        due_at=due_at,
        status=status,
        attempts=attempts,
        reason=reason,
        ref=ref,
        settled_at=settled_at,
    )
