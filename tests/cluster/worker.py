"""One worker of the fault harness: ``python -m tests.cluster.worker PLACE NAME SINK``.

Its handler is the smallest that can be judged: the message's number is appended to the conversation's snapshot, and one message
is sent. "Sent" is one byte-exact line in the file SINK, which outlives the worker.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec

from wabox.cluster.store import ClusterStore, Place, open_cluster
from wabox.core.conversation import UnitOfWork
from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage, outbound_id
from wabox.core.message import InboundMessage
from wabox.errors import Unavailable

LOOK = 1.0
"""s between two looks for what another worker has left behind."""
_encode = msgspec.json.encode


def now() -> int:
    return time.time_ns() // 1_000_000


class Worker:
    def __init__(self, store: ClusterStore, sink: Path, name: str) -> None:
        self.store = store
        self._name = name
        self._sink = os.open(sink, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._sending: dict[str, asyncio.Lock] = {}

    async def handle(self, message: InboundMessage) -> None:
        """Raises Unavailable, and then nothing of it was acknowledged."""
        id_ = message.conversation_id
        said: str = "conflict"
        while said == "conflict":
            session = await self.store.open(id_)
            seen = [] if session.snapshot is None else msgspec.json.decode(session.snapshot)
            reply = OutboundMessage(
                id=outbound_id(message.message_id, 0),
                conversation_id=id_,
                number_id=message.number_id,
                body={"n": message.payload["n"]},
                created_at=now(),
            )
            unit = UnitOfWork(
                conversation_id=id_,
                number_id=message.number_id,
                contact=message.contact,
                expected=session.sequence,
                handled=(message.message_id,),
                snapshot=_encode([*seen, message.payload["n"]]),
                at=now(),
                sends=(reply,),
            )
            said = await self.store.commit(unit)
        await self.send(id_)

    async def send(self, conversation_id: str) -> None:
        """What waits there, in order, each announced before it leaves."""
        async with self._sending.setdefault(conversation_id, asyncio.Lock()):
            for row in await self.store.pending(conversation_id, 10):
                if await self._settle(row, DeliveryStatus.SENDING):
                    continue
                line = {"id": row.id, "conversation": row.conversation_id, **row.body, "at": now(), "by": self._name}
                os.write(self._sink, _encode(line) + b"\n")
                await self._settle(row, DeliveryStatus.SENT)

    async def _settle(self, row: OutboundMessage, status: DeliveryStatus) -> bool:
        """Whether it is not ours to send any more."""
        wamid = f"wamid.{row.id}" if status is DeliveryStatus.SENT else None
        attempt = Attempt(outbound_id=row.id, status=status, at=now(), conversation_id=row.conversation_id, wamid=wamid)
        return row.id in await self.store.settle([attempt], durable=status is not DeliveryStatus.SENDING)

    async def look(self) -> None:
        """For ever: what was committed and did not leave, because its worker died or the answer was lost."""
        before: set[str] = set()
        while True:
            await asyncio.sleep(LOOK)
            found = set(await self.store.due(now()))
            for id_ in found & before:  # what came since the last look is somebody's who is at it
                try:
                    await self.send(id_)
                except Unavailable as error:
                    print("waits", error, file=sys.stderr)
            before = found


async def main(place: bytes, name: str, sink: Path) -> None:
    store = await open_cluster(msgspec.json.decode(place, type=Place), now, name)
    worker = Worker(store, sink, name)
    await store.begin()
    store.lanes.run(worker.handle)
    await store.lanes.ready.wait()
    print("ready", flush=True)
    await worker.look()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1].encode(), sys.argv[2], Path(sys.argv[3])))
