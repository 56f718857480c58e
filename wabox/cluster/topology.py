"""The queues: one lane for each partition, one for delivery statuses, one for what nobody could handle.

They are declared once, by ``wabox cluster init``, never on the way: a quorum queue that is declared less than a second before
its broker dies was listed afterwards and could not be consumed (RabbitMQ 4.0.5, two of two).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiormq.abc import AbstractChannel

from wabox.cluster.partition import PARTITIONS

PREFETCH = 50
"""Unacknowledged messages of a lane. One constant for all workers: with 30 here and 5 there, two crashes turned 0, 1, 2, … into
5, 6, 7, … (quorum queues of 3.10 and 4.0)."""
DELIVERIES = 10
"""Times that a message is delivered before it goes to the dead: a worker that dies of it must not die for ever."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The names; the same for everybody in a cluster."""

    partitions: int = PARTITIONS
    name: str = "wabox"

    def lane(self, partition: int) -> str:
        return f"{self.name}.in.{partition}"

    @property
    def status(self) -> str:
        """Delivery statuses and whatever else is about no conversation: unordered."""
        return f"{self.name}.status"

    @property
    def dead(self) -> str:
        return f"{self.name}.dead"

    async def declare(self, channel: AbstractChannel) -> None:
        """Make what is missing. Raises aiormq's ChannelPreconditionFailed when a queue is there and made otherwise."""
        quorum: dict[str, Any] = {"x-queue-type": "quorum"}
        await channel.queue_declare(self.dead, durable=True, arguments=dict(quorum))
        limited = {
            **quorum,
            "x-delivery-limit": DELIVERIES,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.dead,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        await channel.queue_declare(self.status, durable=True, arguments=dict(limited))
        for partition in range(self.partitions):
            arguments = {**limited, "x-single-active-consumer": True}
            await channel.queue_declare(self.lane(partition), durable=True, arguments=arguments)

    async def delete(self, channel: AbstractChannel) -> None:
        """Everything in them is lost: for tests, and for whoever gives a cluster up."""
        for partition in range(self.partitions):
            await channel.queue_delete(self.lane(partition))
        await channel.queue_delete(self.status)
        await channel.queue_delete(self.dead)
