"""Alerts: rows from the unit of work that opens a case until somebody was told, and as long after as the outbox is kept.

One process tells; for a moment two may. Ids are derived and what was accepted stays so, hence the worst is a second word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from wabox.cluster.records.database import Database
from wabox.cluster.records.words import kept, sought
from wabox.core.alert import Alert, Told

KEEP: Final = 35 * 86_400_000
"""ms."""
PATIENCE: Final = 120_000
"""ms in which somebody should have been told of a case."""
_encode = msgspec.json.Encoder().encode


class PostgresAlerts:
    """What :class:`wabox.sqlite.alerts.SqliteAlerts` is on one machine. Every method raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: int, limit: int, *, console: bool) -> Sequence[tuple[Alert, str | None]]:
        """Those to look at now, each with the status of its case; oldest first. Without ``console`` nobody looks there."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(
                "SELECT a.*, h.status AS case_status FROM alerts a LEFT JOIN handoffs h ON h.id = a.case_id"
                " WHERE a.status IN ('waiting', 'sent') AND a.due_at <= $1 AND ($3 OR a.address <> 'console')"
                " ORDER BY a.due_at, a.key LIMIT $2",
                now,
                limit,
                console,
            )
        return [(_alert(row), row["case_status"]) for row in rows]

    async def settle(self, ids: Sequence[str], told: Told, now: int, due_at: int) -> None:
        """Write what became of a try, of all these alike. One that waits on is due then."""
        over = told.status not in ("waiting", "sent")
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE alerts SET status = $2, reason = $3, due_at = $4, ref = coalesce($5, ref), settled_at = $6,"
                " attempts = attempts + CASE WHEN status = 'waiting' AND $2 <> 'stale' THEN 1 ELSE 0 END"
                " WHERE id = ANY($1) AND (status <> 'accepted' OR $2 = 'accepted')",
                list(ids),
                told.status,
                kept(told.reason),
                due_at,
                told.ref,
                now if over else None,
            )

    async def of_case(self, case: str) -> Sequence[Alert]:
        """Oldest first."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch("SELECT * FROM alerts WHERE case_id = $1 ORDER BY key", sought(case))
        return [_alert(row) for row in rows]

    async def heard(self, cases: Sequence[str]) -> frozenset[str]:
        """Which of these cases somebody was told of."""
        query = "SELECT DISTINCT case_id FROM alerts WHERE case_id = ANY($1) AND status = 'accepted'"
        async with self._database.transaction() as connection:
            return frozenset(row["case_id"] for row in await connection.fetch(query, list(cases)))

    async def by_card(self, wamid: str) -> Sequence[Alert]:
        """The alerts that a WhatsApp message told of, oldest first; nothing when it was none of ours."""
        query = "SELECT a.* FROM alerts a JOIN outbox o ON o.id = a.ref WHERE o.wamid = $1 ORDER BY a.key"
        async with self._database.transaction() as connection:
            return [_alert(row) for row in await connection.fetch(query, sought(wamid))]

    async def untold(self, before: int) -> int:
        """Cases that have waited since before then and that nobody was told of."""
        query = (
            "SELECT count(*) FROM handoffs h WHERE h.status = 'waiting' AND h.opened_at < $1"
            " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.case_id = h.id AND a.status = 'accepted')"
            " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.case_id = h.id AND a.status = 'waiting' AND a.attempts = 0"
            "  AND a.due_at > h.opened_at)"  # the queue is closed: it is told when it opens
        )
        async with self._database.transaction() as connection:
            return int(await connection.fetchval(query, before))

    async def prune(self, now: int) -> None:
        """Delete those that are over for long."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM alerts WHERE created_at < $1", now - KEEP)


async def add(connection: Any, alerts: Iterable[Alert]) -> None:
    """As they are; one that is there already stays as it is."""
    await connection.executemany(
        "INSERT INTO alerts (id, conversation, case_id, address, what, body, created_at, due_at, status, attempts, reason,"
        " ref, settled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING",
        [
            (
                *(one.id, one.conversation_id, one.case, one.to, one.what, _encode(one.body)),
                *(one.created_at, one.due_at, one.status, one.attempts, kept(one.reason), one.ref, one.settled_at),
            )
            for one in alerts
        ],
    )


async def drop(connection: Any, case: str, *, over: bool, at: int) -> None:
    """Somebody has the case, or it is closed: who was not told yet need not be."""
    await connection.execute(
        "UPDATE alerts SET status = 'stale', settled_at = $2 WHERE case_id = $1 AND status = 'waiting'"
        " AND ($3 OR what <> 'wrote')",
        case,
        at,
        over,
    )


async def of_conversation(connection: Any, conversation_id: str) -> list[Alert]:
    """All of them, oldest first."""
    query = "SELECT * FROM alerts WHERE conversation = $1 ORDER BY key"
    return [_alert(row) for row in await connection.fetch(query, conversation_id)]


def _alert(row: Any) -> Alert:
    return Alert(
        id=row["id"],
        conversation_id=row["conversation"],
        case=row["case_id"],
        to=row["address"],
        what=row["what"],
        body=msgspec.json.decode(row["body"]),
        created_at=row["created_at"],
        due_at=row["due_at"],
        status=row["status"],
        attempts=row["attempts"],
        reason=row["reason"],
        ref=row["ref"],
        settled_at=row["settled_at"],
    )
