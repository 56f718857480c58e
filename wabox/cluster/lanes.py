"""The port Lanes on RabbitMQ: who owns a lane is the broker's word.

Every worker subscribes to every lane; a lane has one active consumer, and it is the one with the highest priority
(:func:`~wabox.cluster.partition.priority`), so that lanes spread over the workers and move by themselves when one comes or
goes. Needs RabbitMQ 4: before, a later and better bidder gets nothing.

A message is acknowledged when the unit of work that names it is committed; it is never given back while the connection lives
(a ``nack`` with requeue breaks the order and can wedge the queue for good, rabbitmq-server #14141). What cannot be handled now
waits here, unacknowledged, at its partition's gate, and at most :data:`~wabox.cluster.topology.PREFETCH` wait behind it.

When the connection breaks, everything that was received over it is void: its tasks are cancelled, and what they had not
committed comes again, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from aiormq.abc import AbstractChannel, DeliveredMessage

from wabox.cluster.broker import BROKEN, Broker, cancelled, close, reason
from wabox.cluster.ending import end
from wabox.cluster.gate import Gates
from wabox.cluster.partition import partition_of, priority
from wabox.cluster.topology import PREFETCH, Topology
from wabox.core.message import InboundMessage
from wabox.core.ports import Handle
from wabox.errors import Unavailable

log = structlog.get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""s before a message that failed is tried again; doubles each time."""
UNGATED = 0.2
"""s before a message is tried again that met an engine which is away and has no gate."""
RECONNECT = 0.5
"""s between two tries to reach the broker."""

_decoder = msgspec.json.Decoder(InboundMessage)
Moved = Callable[[], None]
"""Called when what this process remembers of its conversations may be old."""


@dataclass(slots=True)
class _Lane:
    """A conversation while it has something to handle."""

    waiting: deque[tuple[InboundMessage, AbstractChannel, int]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class RabbitLanes:
    def __init__(
        self,
        broker: Broker,
        topology: Topology,
        gates: Gates,
        worker: str,
        *,
        moved: Moved = lambda: None,
        given: Callable[[int], None] = lambda partition: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``worker``: a name that no other process has. ``given``: told of each partition that a message came from."""
        self._broker = broker
        self._topology = topology
        self._gates = gates
        self._worker = worker
        self._moved = moved
        self._given = given
        self._sleep = sleep
        self._handle: Handle | None = None
        self._lanes: dict[str, _Lane] = {}
        self._consuming: dict[int, tuple[AbstractChannel, str]] = {}
        self._backlog = 0
        self._draining = False
        self._supervisor: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Every lane was subscribed to."""

    @property
    def backlog(self) -> int:
        return self._backlog

    @property
    def held(self) -> int:
        """Lanes from which something was received and is not handled yet."""
        return len(self._lanes)

    def run(self, handle: Handle) -> None:
        self._handle = handle
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise())

    async def _supervise(self) -> None:
        """Subscribe; when the connection is gone, drop all and begin anew."""
        while not self._draining:
            lost = asyncio.get_running_loop().create_future()
            try:
                for partition in range(self._topology.partitions):
                    await self._subscribe(partition, lost)
                self.ready.set()
                await lost
            except asyncio.CancelledError:
                if cancelled():
                    raise
                self._broker.lost("the connection is gone")
            except (Unavailable, *BROKEN) as error:
                self._broker.lost(reason(error))
            except Exception as error:  # the next connection may do better, and must come
                log.error("cluster.broker_failed", exc_info=error)
            self.ready.clear()
            await self._void()
            if not self._draining:
                await asyncio.sleep(RECONNECT)

    async def _subscribe(self, partition: int, lost: asyncio.Future[None]) -> None:
        channel = await self._broker.channel()

        def gone(*_: Any) -> None:
            if not lost.done():
                lost.set_result(None)

        # Its exception is the news, and nobody else asks for it.
        channel.closing.add_done_callback(lambda closed: gone(closed.cancelled() or closed.exception()))
        # The broker takes a consumer away when its queue's leader is lost; the channel stays, and nothing would come any more.
        channel.on_consumer_cancel_callbacks.add(gone)
        await channel.basic_qos(prefetch_count=PREFETCH)

        async def received(delivered: DeliveredMessage) -> None:
            await self._received(channel, delivered)

        consumed = await channel.basic_consume(
            self._topology.lane(partition), received, arguments={"x-priority": priority(self._worker, partition)}
        )
        self._consuming[partition] = (channel, str(consumed.consumer_tag))

    async def _received(self, channel: AbstractChannel, delivered: DeliveredMessage) -> None:
        tag = delivered.delivery_tag
        assert tag is not None  # noqa: S101 - it was delivered
        try:
            message = _decoder.decode(delivered.body)
        except msgspec.DecodeError as error:
            log.error("inbox.unreadable", messages=1, reason=str(error))
            await channel.basic_reject(tag, requeue=False)  # to the dead, with all that it says
            return
        if self._draining:
            return
        self._given(self._partition(message.conversation_id))
        lane = self._lanes.setdefault(message.conversation_id, _Lane())
        lane.waiting.append((message, channel, tag))
        self._backlog += 1
        if lane.task is None:
            lane.task = asyncio.get_running_loop().create_task(self._work(message.conversation_id, lane))

    async def _work(self, conversation_id: str, lane: _Lane) -> None:
        assert self._handle is not None  # noqa: S101 - it runs
        pause = FIRST_PAUSE
        try:
            while lane.waiting and not self._draining:
                message, channel, tag = lane.waiting[0]
                try:
                    await self._handle(message)
                except Unavailable:
                    partition = self._partition(conversation_id)
                    if self._gates.is_open(partition):
                        # It was another engine, which has no gate, or the gate has opened meanwhile.
                        await self._sleep(UNGATED)
                    await self._gates.wait(partition)
                    continue
                except Exception as error:
                    log.error("lane.failed", conversation=conversation_id, exc_info=error)
                    await self._sleep(pause)
                    pause = min(LONGEST_PAUSE, pause * 2)
                    continue
                pause = FIRST_PAUSE
                lane.waiting.popleft()
                self._backlog -= 1
                with contextlib.suppress(*BROKEN):  # it comes again, and is known
                    await channel.basic_ack(tag)
        finally:
            if self._lanes.get(conversation_id) is lane:
                del self._lanes[conversation_id]
            self._backlog -= len(lane.waiting)

    def _partition(self, conversation_id: str) -> int:
        return partition_of(conversation_id, self._topology.partitions)

    async def _void(self) -> None:
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        channels = [channel for channel, _ in self._consuming.values()]
        self._lanes = {}
        self._consuming.clear()
        for task in tasks:
            await end(task)
        # One channel may be lost while the others live: what they were given and nobody handles would wait there for ever.
        await asyncio.gather(*(close(channel) for channel in channels))
        self._moved()

    async def drain(self, timeout: float) -> None:
        """Take nothing new; wait for what is being handled. The rest goes back to its lane, in order, as the channels close."""
        self._draining = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=timeout)
        await end(self._supervisor)
        await self._void()
