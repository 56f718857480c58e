"""How much of everything there is now. For people and monitors: counts, on a thread, never on the reply path."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import msgspec

from wabox.core.figure import Sample
from wabox.core.ports import StoreStats
from wabox.sqlite import alerts, conversations, dead_letters, handoffs, inbox, outbox
from wabox.sqlite.reader import PeoplesReader

WEEK = 7 * 86_400_000
NEWEST = 50_000
"""Conversations whose states are counted."""


class Levels:
    """For whoever has the store open."""

    def __init__(self, people: PeoplesReader) -> None:
        self._people = people

    async def samples(self, now: int) -> list[Sample]:
        return await self._people.read(levels, now)


def stats(connection: sqlite3.Connection) -> StoreStats:
    return StoreStats(
        conversations=conversations.count(connection),
        inbox=inbox.count(connection),
        outbox=outbox.count_pending(connection),
        handoffs_waiting=handoffs.count_waiting(connection),
        dead_letters=dead_letters.count(connection),
    )


def levels(connection: sqlite3.Connection, now: int) -> list[Sample]:
    """The gauges that the database knows; ``now`` in ms."""
    late = _oldest(connection, "outbox WHERE pending = 1 AND (due_at IS NULL OR due_at <= :now)", "created_at", now)
    waits = _oldest(connection, "handoffs WHERE status = 'waiting'", "opened_at", now)
    return [
        Sample(name="inbox_messages", value=inbox.count(connection)),
        Sample(name="outbox_messages", value=outbox.count_pending(connection)),
        Sample(name="outbox_oldest_seconds", value=late),
        Sample(name="conversations", value=conversations.count(connection)),
        Sample(name="handoffs_waiting", value=handoffs.count_waiting(connection)),
        Sample(name="handoffs_oldest_seconds", value=waits),
        Sample(name="handoffs_untold", value=alerts.untold(connection, now - alerts.PATIENCE)),
        Sample(name="dead_letters", value=dead_letters.count(connection)),
        *_states(connection, now),
    ]


def _oldest(connection: sqlite3.Connection, rows: str, column: str, now: int) -> float:
    """Age in seconds, 0 without any."""
    [at] = connection.execute(f"SELECT min({column}) FROM {rows}", {"now": now}).fetchone()  # noqa: S608 - ours
    return 0.0 if at is None else max(0, now - at) / 1000


def _states(connection: sqlite3.Connection, now: int) -> list[Sample]:
    rows = connection.execute(
        "SELECT json_extract(said, '$.chart'), json_extract(said, '$.leaves'), count(*) FROM"
        " (SELECT CAST(snapshot AS TEXT) AS said FROM conversations WHERE active_at > ? AND snapshot IS NOT NULL"
        "  ORDER BY active_at DESC LIMIT ?) WHERE json_valid(said) GROUP BY 1, 2",
        (now - WEEK, NEWEST),
    )
    found: Counter[tuple[str, str]] = Counter()
    for chart, leaves, count in rows:
        flow = str(chart).partition("@")[0]
        for leaf in _names(leaves):
            found[flow, leaf] += count
    return [Sample(name="conversations_in_state", labels=key, value=count) for key, count in sorted(found.items())]


def _names(leaves: Any) -> list[str]:
    try:
        return msgspec.json.decode(leaves or "[]", type=list[str])
    except msgspec.MsgspecError:
        return []  # whoever reads that snapshot says so
