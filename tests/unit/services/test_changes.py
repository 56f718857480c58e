"""What consoles are told: many changes as one piece, written once for all of them."""

from __future__ import annotations

import asyncio
import json

from wabox.core.change import Changed
from wabox.core.delivery import DeliveryStatus
from wabox.services.changes import BEGIN, BEHIND_PIECES, Changes


def objects(piece: bytes) -> list[dict[str, object]]:
    return [json.loads(line.removeprefix(b"data: ")) for line in piece.split(b"\r\n") if line.startswith(b"data: ")]


async def test_changes_that_come_together_leave_as_one_piece() -> None:
    """The first after a rest goes at once; what follows is joined by conversation, and the same bytes go to everybody."""
    changes = Changes()
    streams = [changes.stream("marta", heartbeat=60) for _ in range(2)]
    assert [await anext(stream) for stream in streams] == [BEGIN, BEGIN]
    assert changes.there == {"marta"}
    changes.publish(Changed(conversation_id="a", at=1, kinds=("case",), case_id="h-1", status="waiting"))
    first = [await anext(stream) for stream in streams]
    assert first[0] is first[1]
    changes.publish(Changed(conversation_id="a", at=2, kinds=("message",)))
    changes.publish(Changed(conversation_id="b", at=3, kinds=("state",)))
    changes.publish(Changed(conversation_id="a", at=4, kinds=("state",)))
    changes.came("m1", DeliveryStatus.SENT)
    changes.came("m1", DeliveryStatus.READ)
    found = objects(await anext(streams[0]))
    assert [(one["conversation_id"], one["kinds"], one["status"]) for one in found] == [
        ("b", ["state"], None),
        ("a", ["message", "state"], None),
        ("", ["delivery"], "read"),
    ]
    for stream in streams:
        await stream.aclose()
    assert (changes.listeners, changes.there) == (0, frozenset())


async def test_who_falls_behind_is_let_go() -> None:
    """Its stream ends; it comes back and reads everything again. So it does when the server stops."""
    changes = Changes()
    stream = changes.stream(heartbeat=60)
    await anext(stream)
    for number in range(BEHIND_PIECES + 2):
        changes.publish(Changed(conversation_id=str(number), at=number))
        changes._flush()
    assert len([piece async for piece in stream]) == BEHIND_PIECES
    other = changes.stream(heartbeat=60)
    await anext(other)
    changes.close()
    assert [piece async for piece in other] == []
    await asyncio.sleep(0)
