"""Broadcasts on their way from one store to the other, with everybody they are for. Pure.

Their rows keep their numbers, for messages under way name them. What the other side has of the same numbers and is not the same
broadcast keeps it from moving; then its messages go without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from wabox.core.broadcast import Broadcast
from wabox.core.delivery import OutboundMessage
from wabox.core.message import InboundMessage

ORDER: Final = (
    *("waiting", "entered", "queued", "sending", "unknown", "sent", "delivered", "read", "played", "failed", "skipped"),
)
"""How far a recipient is."""
STATES: Final = ("loading", "running", "paused", "stopped", "done")
"""How far a broadcast is: of two words about the same one, the one that sends less counts."""


class PortableBroadcast(msgspec.Struct, frozen=True, kw_only=True):
    key: int
    next_at: int
    """When the next recipient may be entered, ms since the epoch."""
    broadcast: Broadcast

    @property
    def same(self) -> tuple[str, int]:
        """What it is known by: of one name there may be another on the other side."""
        return self.broadcast.name, self.broadcast.created_at


class PortableRecipient(msgspec.Struct, frozen=True, kw_only=True):
    key: int
    line: int
    contact: bytes
    """JSON, as both stores keep it."""
    body: bytes
    status: str
    code: int | None = None
    reason: str | None = None
    outbound_id: str | None = None
    entered_at: int | None = None


def further(came: PortableBroadcast, there: PortableBroadcast) -> PortableBroadcast:
    """What both together say of one broadcast."""
    first = max((there, came), key=lambda one: STATES.index(one.broadcast.status))
    return msgspec.structs.replace(first, next_at=max(came.next_at, there.next_at))


def new(came: Sequence[PortableRecipient], there: Sequence[PortableRecipient]) -> list[PortableRecipient]:
    """Of these rows those of which the other side knows less."""
    known = {row.key: _far(row) for row in there}
    return [row for row in came if _far(row) > known.get(row.key, -1)]


def digests(
    broadcast: PortableBroadcast, came: Sequence[PortableRecipient], there: Sequence[PortableRecipient]
) -> tuple[list[str], list[str]]:
    """Of each row that came, and of what the other side has of it: equal where that is as far, or further."""
    found = {row.key: row for row in there}
    here = [_digest(broadcast, row, _far(row)) for row in came]
    arrived = [
        _digest(broadcast, found[row.key], min(_far(row), _far(found[row.key]))) for row in came if row.key in found
    ]
    return here, arrived


def alone(message: OutboundMessage, strays: Collection[int]) -> OutboundMessage:
    """``strays``: recipients whose broadcast does not move."""
    return message if message.recipient not in strays else msgspec.structs.replace(message, recipient=None)


def alone_in(message: InboundMessage, strays: Collection[int]) -> InboundMessage:
    """The same for what waits to be handled: :meth:`wabox.core.dispatch.Dispatch.message`."""
    if message.channel != "api" or message.payload.get("recipient") not in strays:
        return message
    payload = {name: value for name, value in message.payload.items() if name != "recipient"}
    return msgspec.structs.replace(message, payload=payload)


def _far(row: PortableRecipient) -> int:
    return ORDER.index(row.status)


def _digest(broadcast: PortableBroadcast, row: PortableRecipient, far: int) -> str:
    return hashlib.blake2b(repr((broadcast.same, row.key, row.line, far)).encode(), digest_size=16).hexdigest()
