"""Open cases whose clock does not run: they were opened by a release, or under settings, that set none.

A case whose wait is over has no clock either, but its transcript says that nobody took it; and one whose clock has just gone
off waits in the inbox.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from wabox.core.conversation import Timer
from wabox.core.handoff import Handoff
from wabox.sqlite import handoffs, timers


def unclocked(connection: sqlite3.Connection, waiting: str, claimed: str) -> list[Handoff]:
    """Those without the timer that their status asks for; ``waiting`` and ``claimed`` are the timers' names."""
    rows = connection.execute(
        "SELECT c.id, h.conversation, h.id FROM handoffs h JOIN conversations c ON c.key = h.conversation"
        " WHERE h.status <> 'closed'"
        " AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.conversation = h.conversation"
        "   AND t.name = CASE h.status WHEN 'waiting' THEN ?1 ELSE ?2 END)"
        " AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.seq > 0 AND i.conversation_id = c.id"
        "   AND i.message_id GLOB 'timer:*:desk:*')"
        " AND NOT EXISTS (SELECT 1 FROM transcript l WHERE l.conversation = h.conversation AND l.kind = 'event'"
        "   AND json_extract(CAST(l.body AS TEXT), '$.nobody_took') = h.id)",
        (waiting, claimed),
    ).fetchall()
    found = (handoffs.current(connection, key, conversation_id) for conversation_id, key, _ in rows)
    return [case for case in found if case is not None]


def set_clocks(connection: sqlite3.Connection, clocks: Sequence[tuple[Handoff, Timer]]) -> int:
    """Of those cases that are as they were; how many."""
    done = 0
    for case, timer in clocks:
        row = connection.execute(
            "SELECT conversation FROM handoffs WHERE id = ? AND status = ? AND changed_at = ?"
            " AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.conversation = handoffs.conversation AND t.name = ?)",
            (case.id, case.status, case.at, timer.name),
        ).fetchone()
        if row is not None:
            timers.save(connection, row[0], timer, first=True)
            done += 1
    return done
