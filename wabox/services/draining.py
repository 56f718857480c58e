"""Older versions run empty: who may leave them does, and what nobody needs any more is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Ingress, Sessions
from wabox.core.version import Standing, Version, VersionReport
from wabox.services.survey import Survey
from wabox.services.versions import Strange, Versions, has

KEPT = 5
"""Versions that are kept for a rollback, the live one not counted."""
REST = 3_600_000
"""ms that a version is kept at least after it was live: turns that began on it are then long over."""
RELEASED = 500
"""Conversations looked at in one batch, to be let go."""
EVERY = 5_000
"""ms from one batch to the next: customers of today come first."""


class Store(Ingress, Sessions, Protocol):
    """What draining needs of the storage."""


def retained(past: Sequence[Version], survey: Survey, on: Versions, now: int) -> tuple[set[str], set[str]]:
    """Of the versions that are not live any more: the ids of those to run, and of those to keep."""
    away = [charts for charts in survey.charts() if not has(on.live.bot, charts)]
    running = {
        row.id
        for row in past
        if now - (row.live_until or 0) < REST or any(set(charts) <= set(row.charts) for charts in away)
    }
    newest = sorted(past, key=lambda row: -(row.live_until or 0))[:KEPT]
    return running, running | {row.id for row in newest}


def drained(count: int, begins: int) -> int:
    """When the last of so many conversations is let go, if the first is at ``begins``. ms since the epoch."""
    return begins + -(-count // RELEASED) * EVERY


def reported(rows: Sequence[Version], standings: Sequence[Standing], pin: int, now: int) -> Sequence[VersionReport]:
    """Every version, the newest first, with the conversations on it. ``pin``: ms that one may stay on an older version."""
    reports = []
    for row in reversed(rows):
        own = tuple(one for one in standings if one.version == row.number)
        count = sum(one.conversations for one in own)
        leaves = row.live_until is not None and count
        reports.append(
            VersionReport(
                version=row,
                status="live" if row.live_until is None else "draining" if count else "retired",
                standings=own,
                conversations=count,
                until=drained(count, max((row.live_until or 0) + pin, now)) if leaves else None,
            )
        )
    return reports


async def release(store: Store, on: Versions, ids: Iterable[str], now: int) -> None:
    """Give conversations that were silent for all of their pin an occasion to leave their version.

    It is a message of their own queue like any other; most of them are silent for good, and nothing is said to them.
    """
    for conversation_id in ids:
        await asyncio.sleep(0)  # whether one may leave is computed here, in the loop: others have their turn in between
        session = await store.open(conversation_id)
        if session.contact is None or session.number_id is None:
            continue
        message = InboundMessage(
            message_id=f"pin:{conversation_id}:{session.sequence}",
            number_id=session.number_id,
            conversation_id=conversation_id,
            timestamp=now,
            channel="timer",
            type="timer",
            payload={"name": "max_pin", "armed": 0, "due_at": 0},
            contact=session.contact,
        )
        try:
            leaves = on.take_up(session, message, now)[1] is not None
        except Strange:
            continue  # it is on a version that was published a moment ago
        if leaves:
            await store.put(Arrival(messages=(message,)))
