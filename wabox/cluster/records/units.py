"""A unit of work in the records. What goes on with the conversation (timers, calls, what has to leave) is in Redis."""

from __future__ import annotations

from typing import Any

from wabox.cluster.records import alerts, consents, copies, handoffs, media, statuses, transcript
from wabox.cluster.records.statuses import Consequence
from wabox.core.conversation import UnitOfWork, after


async def store(connection: Any, unit: UnitOfWork) -> list[Consequence]:
    """In the caller's transaction; what statuses that overtook its messages mean. What the unit withdrew comes as marks."""
    id_ = unit.conversation_id
    await copies.save(connection, after(unit))
    consequences = await statuses.save(connection, unit.sends, unit.at)
    for handoff in unit.handoffs:
        await handoffs.save(connection, handoff)
        if handoff.status != "waiting":
            await alerts.drop(connection, handoff.id, over=not handoff.open, at=unit.at)
    if unit.alerts:
        await alerts.add(connection, unit.alerts)
    if unit.consents:
        await consents.add(connection, id_, unit.consents)
    if unit.rated is not None:
        await handoffs.rate(connection, id_, *unit.rated)
    await transcript.add(connection, id_, unit.records)
    came = [found for line in unit.records if (found := media.announced(id_, unit.number_id, line)) is not None]
    if came:
        await media.add(connection, came)
    for amendment in unit.amend:
        await transcript.amend(connection, id_, amendment)
        if amendment.deleted:
            await media.erase_message(connection, amendment.ref)
    return consequences
