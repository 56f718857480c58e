"""What the broker is asked for, once: the promises of a lane are its arguments."""

from __future__ import annotations

from typing import Any

from wabox.cluster.topology import DELIVERIES, Topology


class Channel:
    def __init__(self) -> None:
        self.declared: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []

    async def queue_declare(self, name: str, *, durable: bool, arguments: dict[str, Any]) -> None:
        assert durable
        self.declared[name] = arguments

    async def queue_delete(self, name: str) -> None:
        self.deleted.append(name)


async def test_a_lane_has_one_consumer_and_gives_up_what_kills_it() -> None:
    channel: Any = Channel()
    topology = Topology(3, "bot")
    await topology.declare(channel)
    assert list(channel.declared) == ["bot.dead", "bot.status", "bot.in.0", "bot.in.1", "bot.in.2"]
    assert all(arguments["x-queue-type"] == "quorum" for arguments in channel.declared.values())
    for partition in range(3):
        lane = channel.declared[topology.lane(partition)]
        assert lane["x-single-active-consumer"] is True
        assert lane["x-delivery-limit"] == DELIVERIES
        assert (lane["x-dead-letter-exchange"], lane["x-dead-letter-routing-key"]) == ("", topology.dead)
        assert lane["x-dead-letter-strategy"] == "at-least-once"
        assert lane["x-overflow"] == "reject-publish", "at-least-once dead letters need it"
    assert "x-single-active-consumer" not in channel.declared[topology.status], "statuses have no order"
    assert "x-delivery-limit" not in channel.declared[topology.dead], "nothing leaves the dead by itself"


async def test_all_that_is_declared_is_deleted() -> None:
    channel: Any = Channel()
    topology = Topology(3)
    await topology.declare(channel)
    await topology.delete(channel)
    assert set(channel.deleted) == set(channel.declared)
