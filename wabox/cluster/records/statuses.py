"""Messages that left, and what their delivery statuses say; in any order, through :func:`wabox.core.delivery.later`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from wabox.cluster.document import PENDING, Mark
from wabox.cluster.records import meter, recipients
from wabox.cluster.records.transcript import add
from wabox.cluster.records.words import kept
from wabox.core.changed import changed
from wabox.core.conversation import Record
from wabox.core.delivery import EVIDENCE, DeliveryStatus, OutboundMessage, StatusUpdate, later

_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
messages = msgspec.msgpack.Decoder(OutboundMessage)
_strays = msgspec.json.Decoder(StatusUpdate)

FAILED = DeliveryStatus.FAILED


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a status means for the conversation itself, which is not here."""

    conversation_id: str
    outbound_id: str
    status: StatusUpdate
    again: OutboundMessage | None = None
    """It is to leave once more, as this."""


async def save(connection: Any, rows: Iterable[OutboundMessage], now: int) -> list[Consequence]:
    """Messages of a unit, and what statuses that overtook it mean. One that is there already stays as it is."""
    found: list[Consequence] = []
    for row in rows:
        added = await connection.execute(
            "INSERT INTO outbox (id, conversation, status, pending, attempts, created_at, attempted_at, reason, code, message,"
            " recipient) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING",
            row.id,
            row.conversation_id,
            row.status.value,
            row.status in PENDING,
            max(row.attempts, 1) if row.status is DeliveryStatus.SENDING else row.attempts,
            row.created_at,
            row.attempted_at,
            kept(row.reason),
            row.code,
            _pack(row),
            row.recipient,
        )
        if row.recipient is not None and added.endswith(" 1"):
            await recipients.begun(connection, row.recipient, row.id, row.status.value, row.reason, row.code)
        query = "DELETE FROM stray_statuses WHERE outbound_id = $1 RETURNING body"
        for stray in await connection.fetch(query, row.id):
            found += await fold(connection, _strays.decode(stray["body"]), now)
    return found


async def lock(connection: Any, ids: Sequence[str]) -> None:
    """Nobody else writes these before the transaction ends. In the order in which whoever reads statuses takes them: two that
    meet at the same messages must not wait for each other."""
    if ids:
        query = 'SELECT FROM outbox WHERE id = ANY($1) ORDER BY id COLLATE "C" FOR UPDATE'
        await connection.execute(query, list(ids))


async def mark(connection: Any, conversation_id: str, given: Mark) -> list[Consequence]:
    """What the sender learnt; and what a status that overtook it means."""
    found = await connection.fetchrow("SELECT * FROM outbox WHERE id = $1 FOR UPDATE", given.id)
    if found is None:
        return []
    old = DeliveryStatus(found["status"])
    new = later(old, given.status)
    await connection.execute(
        "UPDATE outbox SET status = $2, pending = $3, wamid = coalesce(wamid, $4), attempts = greatest(attempts, $5),"
        " reason = CASE WHEN $2 = 'failed' OR $3 THEN coalesce($6, reason) END, code = coalesce($7, code) WHERE id = $1",
        given.id,
        new.value,
        new in PENDING,
        given.wamid,
        given.attempts,
        kept(given.reason),
        given.code,
    )
    await _learnt(connection, found, old)
    if new is FAILED and old is not FAILED:
        body = {"status": new.value, "reason": given.reason}
        await add(connection, conversation_id, [Record(at=given.at, kind="status", ref=given.id, body=body)])
    if given.wamid is None:
        return []
    stray = await connection.fetchval("DELETE FROM stray_statuses WHERE wamid = $1 RETURNING body", given.wamid)
    return [] if stray is None else await fold(connection, _strays.decode(stray), given.at)


async def fold(connection: Any, status: StatusUpdate, now: int) -> list[Consequence]:
    """What a delivery status says."""
    found = None
    if status.outbound_id is not None:
        found = await connection.fetchrow("SELECT * FROM outbox WHERE id = $1 FOR UPDATE", status.outbound_id)
    if found is None:
        found = await connection.fetchrow("SELECT * FROM outbox WHERE wamid = $1 FOR UPDATE", status.wamid)
    if found is None:
        await _keep(connection, status, now)
        return []
    failed = status.status is FAILED
    if failed and found["wamid"] not in (None, status.wamid):
        return []  # the first attempt of one that was repeated; the second counts
    old = DeliveryStatus(found["status"])
    new = later(old, status.status)
    reason = kept(status.reason or _reason(status)) if failed else None
    status = changed(status, reason=reason)
    doubtful = old in PENDING and new not in PENDING
    again = (
        _once_more(messages.decode(found["message"]), found["attempts"], status, now)
        if new is FAILED is not old
        else None
    )
    if again is not None:
        await connection.execute(
            "UPDATE outbox SET status = 'queued', pending = true, wamid = NULL, reason = $2, code = $3 WHERE id = $1",
            found["id"],
            reason,
            status.code,
        )
        await _learnt(connection, found, old)
        return [Consequence(found["conversation"], found["id"], status, again)]
    priced = status.pricing is not None and status.status in EVIDENCE
    await connection.execute(
        "UPDATE outbox SET status = $2, pending = $3, wamid = coalesce(wamid, $4), reason = CASE WHEN $2 = 'failed'"
        " THEN coalesce($5, reason) END, code = coalesce($6, code), pricing = coalesce(pricing, $7) WHERE id = $1",
        found["id"],
        new.value,
        new in PENDING,
        status.wamid,
        reason,
        status.code if failed else None,
        _encode(status.pricing) if priced else None,
    )
    await _learnt(connection, found, old)
    if priced and status.pricing is not None and found["pricing"] is None:
        message = messages.decode(found["message"])
        template = str(message.body["template"]["name"]) if message.body.get("type") == "template" else ""
        await meter.add(connection, status.timestamp, message.number_id, status.pricing, message.source, template)
    if failed and new is not old:
        body = {"status": new.value, "wamid": status.wamid, "reason": reason, "errors": status.errors}
        line = Record(at=status.timestamp, kind="status", ref=found["id"], body=body)
        await add(connection, found["conversation"], [line])
    if doubtful or (failed and new is not old):
        return [Consequence(found["conversation"], found["id"], status)]
    return []


async def _learnt(connection: Any, found: Any, before: DeliveryStatus) -> None:
    """The recipient of a broadcast learns it."""
    if found["recipient"] is not None:
        await recipients.followed(connection, found["id"], before.value)


def _once_more(message: OutboundMessage, attempts: int, status: StatusUpdate, now: int) -> OutboundMessage | None:
    """The message again, when Meta took it, did not deliver it, and another try is worth it."""
    queued = changed(message, status=DeliveryStatus.QUEUED, attempts=attempts, reason=status.reason, code=status.code)
    if status.closed and message.otherwise is not None:
        return changed(queued, body=message.otherwise, otherwise=None, closes_at=None, due_at=now)
    if status.again is not None and attempts < status.tries:
        return changed(queued, due_at=now + round(status.again * 1000))
    return None


async def _keep(connection: Any, status: StatusUpdate, now: int) -> None:
    """Nobody knows it yet: it may have overtaken the answer to its own POST."""
    query = "SELECT body FROM stray_statuses WHERE wamid = $1 FOR UPDATE"
    known = await connection.fetchval(query, status.wamid)
    if known is not None:
        old = _strays.decode(known)
        if later(old.status, status.status) is old.status:
            return
    await connection.execute(
        "INSERT INTO stray_statuses (wamid, at, body, outbound_id) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (wamid) DO UPDATE SET body = $3",
        status.wamid,
        now,
        _encode(changed(status, raw={})),
        status.outbound_id,
    )


def _reason(status: StatusUpdate) -> str | None:
    """For a person: Meta's code and words."""
    if not status.errors:
        return None
    error = status.errors[0]
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    said = details or error.get("message") or error.get("title")
    return " ".join(str(part) for part in (error.get("code"), said) if part is not None) or None
