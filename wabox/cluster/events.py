"""Delivery statuses, and what else a webhook brings that is about no conversation: unordered, in batches, beside the lanes.

Three quarters of all that Meta sends are statuses. They go into the record store; only one that ends a doubt, or tells of a
failure, touches its conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from wabox.cluster.broker import BROKEN, Broker, cancelled, close, reason
from wabox.cluster.ending import end
from wabox.cluster.records import statuses
from wabox.cluster.records.database import Database
from wabox.cluster.records.statuses import Consequence
from wabox.cluster.sessions import RedisSessions
from wabox.cluster.topology import Topology
from wabox.core.message import Arrival, OtherChange
from wabox.core.ports import Clock
from wabox.errors import StorageError, Unavailable

log = structlog.get_logger(__name__)

AT_ONCE = 200
"""Unacknowledged webhooks of statuses."""
TRIES = 3
"""Of statuses whose storing fails though PostgreSQL is there."""
AGAIN = 0.5
"""s before the record store or the broker is tried again."""

_arrivals = msgspec.json.Decoder(Arrival)


async def _nobody(_: Sequence[OtherChange]) -> None: ...


class Events:
    """Reads the queue of statuses."""

    def __init__(
        self, broker: Broker, topology: Topology, database: Database, sessions: RedisSessions, clock: Clock
    ) -> None:
        self._broker = broker
        self._topology = topology
        self._database = database
        self._sessions = sessions
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.heard: Callable[[Sequence[OtherChange]], Awaitable[None]] = _nobody
        """Told of changes about no conversation, once they are stored. Raises StorageError."""
        self.taken = 0
        """Webhooks read since the start."""

    def run(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._supervise())

    async def stop(self) -> None:
        self._stopping = True
        await end(self._task)

    async def _supervise(self) -> None:
        while not self._stopping:
            try:
                await self._consume()
            except asyncio.CancelledError:
                if cancelled():
                    raise
                self._broker.lost("the connection is gone")
            except (Unavailable, *BROKEN) as error:
                self._broker.lost(reason(error))
            except Exception as error:  # the next connection may do better, and must come
                log.error("cluster.broker_failed", exc_info=error)
            await asyncio.sleep(AGAIN)

    async def _consume(self) -> None:
        """Until the connection is gone."""
        channel = await self._broker.channel()

        async def received(delivered: DeliveredMessage) -> None:
            await self._received(channel, delivered)

        try:
            await channel.basic_qos(prefetch_count=AT_ONCE)
            await channel.basic_consume(self._topology.status, received)
            await asyncio.wait([channel.closing])
        finally:
            await close(channel)

    async def _received(self, channel: AbstractChannel, delivered: DeliveredMessage) -> None:
        tag = delivered.delivery_tag
        assert tag is not None  # noqa: S101 - it was delivered
        try:
            arrival = _arrivals.decode(delivered.body)
        except msgspec.DecodeError as error:
            log.error("inbox.unreadable", messages=1, reason=str(error))
            await channel.basic_reject(tag, requeue=False)
            return
        tries = 0
        while True:
            try:
                await self.take(arrival)
                break
            except Unavailable:
                await asyncio.sleep(AGAIN)
            except Exception as error:
                # What cannot be stored at all must not stay in the way.
                tries += 1
                log.error("statuses.failed", tries=tries, exc_info=error)
                if tries == TRIES:
                    with contextlib.suppress(*BROKEN):
                        await channel.basic_reject(tag, requeue=False)  # to the dead
                    return
                await asyncio.sleep(AGAIN)
        self.taken += 1
        if arrival.others:
            with contextlib.suppress(StorageError):  # the change is stored; the next look at the account says the same
                await self.heard(arrival.others)
        with contextlib.suppress(*BROKEN):
            await channel.basic_ack(tag)

    async def take(self, arrival: Arrival) -> None:
        """Store it. Raises Unavailable, and then it may be done again from the start: that changes nothing."""
        now = self._clock()
        found: list[Consequence] = []
        async with self._database.transaction() as connection:
            # In one order: two workers that meet at the same messages must not wait for each other in a circle.
            for status in sorted(arrival.statuses, key=lambda one: one.outbound_id or one.wamid):
                found += await statuses.fold(connection, status, now)
            for letter in arrival.dead:
                await connection.execute(
                    "INSERT INTO dead_letters (at, reason, raw) VALUES ($1, $2, $3)", now, letter.reason, letter.raw
                )
            for change in arrival.others:
                await connection.execute(
                    "INSERT INTO other_changes (at, field, number_id, raw) VALUES ($1, $2, $3, $4)",
                    now,
                    change.field,
                    change.number_id,
                    change.raw,
                )
            # Before it is committed: who comes again after a crash must find it undone.
            await self.follow(found)

    async def follow(self, found: Sequence[Consequence]) -> None:
        """What statuses mean for their conversations."""
        for one in found:
            if one.again is not None:
                await self._sessions.put_back(one.conversation_id, one.again)
            else:
                await self._sessions.fold(one.conversation_id, one.status, one.outbound_id)
