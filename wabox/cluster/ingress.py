"""The port Ingress on RabbitMQ: published, confirmed, acknowledged.

The webhook needs nothing but the broker: while Redis or PostgreSQL is away, messages wait in its lanes, on disk. What is not
confirmed within the deadline is refused, Meta delivers it again, and the copy that was confirmed late is known by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from aiormq.abc import AbstractChannel
from aiormq.exceptions import DeliveryError
from pamqp.commands import Basic

from wabox.cluster.broker import BROKEN, Broker, cancelled
from wabox.cluster.partition import partition_of
from wabox.cluster.topology import Topology
from wabox.core.message import Arrival, DeadLetter, InboundMessage
from wabox.errors import Unavailable

DEADLINE = 0.15
"""s for a confirm: a webhook is to be answered in 200 ms."""
OWN = 5.0
"""s for what comes from ourselves (timers, results): nobody waits at the door for it."""
_PERSISTENT = Basic.Properties(delivery_mode=2, content_type="application/json")
_UNWRITABLE = (UnicodeEncodeError, OverflowError, TypeError, msgspec.MsgspecError)

encode = msgspec.json.Encoder().encode


class RabbitIngress:
    """Lives on one event loop; one channel, so that what was put first is first in its lane."""

    def __init__(self, broker: Broker, topology: Topology, deadline: float = DEADLINE) -> None:
        self._broker = broker
        self._topology = topology
        self._deadline = deadline
        self._channel: AbstractChannel | None = None
        self._opening: asyncio.Task[AbstractChannel] | None = None
        self._under_way = 0

    @property
    def crowded(self) -> bool:
        """So many publishes wait for their confirm that the next would miss its deadline."""
        return self._under_way > 1000

    async def put(self, arrival: Arrival) -> None:
        bodies: list[tuple[str, bytes]] = []
        dead = list(arrival.dead)
        for message in arrival.messages:
            try:
                bodies.append((self._lane(message), encode(message)))
            except _UNWRITABLE as error:
                raw = repr(message).encode("utf-8", "backslashreplace")
                dead.append(DeadLetter(reason=f"it cannot be stored: {error!r}", raw=raw))
        if arrival.statuses or arrival.others or dead:
            rest = Arrival(statuses=arrival.statuses, others=arrival.others, dead=tuple(dead))
            bodies.append((self._topology.status, encode(rest)))
        await self._publish(bodies, self._deadline)

    async def publish(self, messages: Sequence[InboundMessage]) -> None:
        """Messages of our own: timers, results of calls, failures."""
        await self._publish([(self._lane(message), encode(message)) for message in messages], OWN)

    def _lane(self, message: InboundMessage) -> str:
        return self._topology.lane(partition_of(message.conversation_id, self._topology.partitions))

    async def _publish(self, bodies: Sequence[tuple[str, bytes]], deadline: float) -> None:
        if not bodies:
            return
        self._under_way += len(bodies)
        try:
            async with asyncio.timeout(deadline):
                channel = await self._open()
                await asyncio.gather(*(self._send(channel, queue, body) for queue, body in bodies))
        except DeliveryError as error:
            if isinstance(error.frame, Basic.Return):
                raise Unavailable(f"RabbitMQ has no queue {error.frame.routing_key}: run wabox cluster init") from error
            raise Unavailable(f"RabbitMQ refused a message: {error}") from error
        except asyncio.CancelledError as error:
            if cancelled():
                raise
            # aiormq ends the confirms of a connection that is lost like this.
            self._channel = None
            raise Unavailable("RabbitMQ went away before it confirmed") from error
        except BROKEN as error:
            if not isinstance(error, TimeoutError):
                self._channel = None
            raise Unavailable(f"RabbitMQ did not confirm: {error or type(error).__name__}") from error
        finally:
            self._under_way -= len(bodies)

    @staticmethod
    async def _send(channel: AbstractChannel, queue: str, body: bytes) -> Any:
        # `mandatory`: a lane that nobody declared must not swallow messages.
        return await channel.basic_publish(body, routing_key=queue, properties=_PERSISTENT, mandatory=True)

    async def _open(self) -> AbstractChannel:
        """Connecting may take longer than a webhook may wait: it goes on, for the next one. Raises Unavailable."""
        if self._channel is not None and not self._channel.is_closed:
            return self._channel
        if self._opening is None or self._opening.done():
            self._opening = asyncio.get_running_loop().create_task(self._broker.channel(confirms=True))
            self._opening.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._channel = await asyncio.shield(self._opening)
        return self._channel
