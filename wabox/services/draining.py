"""Older versions run empty: who may leave them does, and what nobody needs any more is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import Ingress, Sessions
from wabox.core.version import Version
from wabox.services.survey import Survey
from wabox.services.versions import Versions, has

KEPT = 5
"""Versions that are kept for a rollback, the live one not counted."""
REST = 3_600_000
"""ms that a version is kept at least after it was live: turns that began on it are then long over."""
RELEASED = 500
"""Conversations let go at once."""


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


async def release(store: Store, on: Versions, survey: Survey, now: int) -> None:
    """Give conversations that were silent for all of their pin an occasion to leave their version.

    It is a message of their own queue like any other; most of them are silent for good, and nothing is said to them.
    """
    pin = on.live.bot.charts[on.live.bot.main].versioning.max_pin
    released = 0
    for conversation_id in survey.over(on, now - pin):
        if released >= RELEASED:
            return
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
        if on.take_up(session, message, now)[1] is not None:
            await store.put(Arrival(messages=(message,)))
            released += 1
