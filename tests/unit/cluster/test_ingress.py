"""What a webhook waits for: the confirm, the channel before it, and not a moment longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiormq.exceptions import ChannelInvalidStateError

from tests.integration.storage import arrival, message
from wabox.cluster.ingress import RabbitIngress
from wabox.cluster.topology import Topology
from wabox.errors import Unavailable


class Channel:
    is_closed = False

    def __init__(self, confirm: Any = None) -> None:
        self.confirm = confirm
        self.published: list[str] = []

    async def basic_publish(self, body: bytes, *, routing_key: str, **_: Any) -> None:
        self.published.append(routing_key)
        if self.confirm is not None:
            await self.confirm()


class Broker:
    """Opens a channel once it is told to."""

    def __init__(self, channel: Channel, *, opens: bool = True) -> None:
        self._channel = channel
        self.opened = 0
        self.may = asyncio.Event()
        if opens:
            self.may.set()

    async def channel(self, *, confirms: bool) -> Channel:
        assert confirms
        self.opened += 1
        await self.may.wait()
        return self._channel


def ingress(broker: Any, deadline: float = 10.0) -> RabbitIngress:
    return RabbitIngress(broker, Topology(4), deadline)


async def test_a_message_goes_to_its_lane() -> None:
    channel = Channel()
    made = ingress(Broker(channel))
    await made.put(arrival(message("a"), message("b")))
    assert len(set(channel.published)) == 1
    assert channel.published[0].startswith("wabox.in.")


async def test_a_broker_that_does_not_let_us_in_is_unavailable_within_the_deadline() -> None:
    broker = Broker(Channel(), opens=False)
    made = ingress(broker, deadline=0.0)
    for _ in range(3):
        with pytest.raises(Unavailable, match="did not confirm"):
            await made.put(arrival(message("a")))
    assert broker.opened == 1, "connecting goes on for the next webhook, and once for all"
    broker.may.set()
    await made.publish([message("a")])
    assert broker.opened == 1


async def test_a_connection_that_is_lost_before_the_confirm_is_unavailable() -> None:
    """aiormq cancels what waits for it."""

    async def lost() -> None:
        raise asyncio.CancelledError

    broker = Broker(Channel(lost))
    made = ingress(broker)
    for opened in (1, 2):
        with pytest.raises(Unavailable, match="went away"):
            await made.put(arrival(message("a")))
        assert broker.opened == opened, "the channel is not used again"
    assert not made.crowded


async def test_a_channel_that_was_closed_meanwhile_is_unavailable() -> None:
    """A RuntimeError of aiormq's, and no AMQPError."""

    async def closed() -> None:
        raise ChannelInvalidStateError("closed")

    with pytest.raises(Unavailable, match="did not confirm"):
        await ingress(Broker(Channel(closed))).put(arrival(message("a")))


async def test_whoever_is_cancelled_stays_cancelled() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(ingress(Broker(Channel(never))).put(arrival(message("a"))))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
