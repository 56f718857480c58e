"""A unit of work, as one operation of the writer (promise P2)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from wabox.core.conversation import CommitResult, UnitOfWork
from wabox.core.delivery import Attempt
from wabox.sqlite import (
    alerts,
    archives,
    consents,
    conversations,
    handoffs,
    inbox,
    invocations,
    media,
    outbox,
    timers,
    transcript,
    withdrawals,
)
from wabox.sqlite.marks import write as write_marks


def commit(
    connection: sqlite3.Connection, unit: UnitOfWork, places: Sequence[inbox.Place], marks: Sequence[Attempt] = ()
) -> CommitResult:
    """All of it, or nothing and the reason. ``places``: where the messages that it handles wait.

    ``marks`` are what the sender learnt about earlier messages; they are written whatever becomes of the unit.
    """
    write_marks(connection, marks)
    settled = inbox.settle(connection, places)
    if unit.handled and not settled:
        return "duplicate"
    key = conversations.save(connection, unit)
    if key is None:
        inbox.restore(connection, settled)
        return "conflict"
    # First: it takes out what was written before, not what confirms it.
    consents.add(connection, unit.conversation_id, unit.consents, unit.at)
    if unit.withdraw is not None:
        withdrawals.withdraw(connection, key, unit.withdraw, unit.at)
    outbox.add(connection, key, unit.sends)
    for timer in unit.arm:
        timers.save(connection, key, timer, first=unit.expected == 0)
    for name in unit.disarm:
        timers.delete(connection, key, name)
    if unit.snapshot is None:
        timers.clear(connection, key)
        invocations.clear(connection, key)
        if unit.archive is not None:
            archives.add(connection, key, unit.archive)
    for chart, id_ in unit.revoke:
        invocations.delete(connection, key, chart, id_)
    for invocation in unit.invoke:
        invocations.add(connection, key, invocation)
    for handoff in unit.handoffs:
        handoffs.save(connection, key, handoff)
        if handoff.status != "waiting":
            alerts.drop(connection, handoff.id, over=not handoff.open, at=unit.at)
    if unit.alerts:
        alerts.add(connection, key, unit.alerts)
    if unit.rated is not None:
        handoffs.rate(connection, key, *unit.rated)
    transcript.add(connection, key, unit.records)
    for amendment in unit.amend:
        transcript.amend(connection, key, amendment)
        if amendment.deleted:
            media.erase_message(connection, amendment.ref)
    return "committed"
