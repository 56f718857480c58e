"""A process of a cluster begins and replies while PostgreSQL is away. On real servers of the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fakes import VirtualClock
from tests.integration.clustered import FOLDER, NAME, ClusterAdapter, place
from tests.integration.storage import arrival, conversation, message, outbound, unit
from wabox.cluster.broker import Broker
from wabox.cluster.bus import Bus
from wabox.cluster.making import AGREED, known, known_token, one_bot, renew_token, token
from wabox.cluster.records.database import Database
from wabox.cluster.router import Router
from wabox.cluster.store import open_cluster
from wabox.core.message import InboundMessage
from wabox.errors import SettingsError, Unavailable

pytestmark = pytest.mark.skipif(FOLDER is None, reason="WABOX_TEST_CLUSTER names no servers; see packaging/cluster/up")

NOBODY = "postgresql://wabox@127.0.0.1:9/wabox"


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[ClusterAdapter]:
    made = ClusterAdapter(tmp_path)
    await made.open()
    yield made
    await made.aclose()


async def test_what_all_agree_on_is_copied_to_redis(adapter: ClusterAdapter) -> None:
    here = place(NAME)
    router = Router.of(here.redis)
    there, away = Database(here.postgres, here.name), Database(NOBODY, here.name)
    try:
        with pytest.raises(Unavailable, match="PostgreSQL"):
            await known(away, router, here.name)
        await there.agree({"partitions": str(here.partitions), **AGREED})
        assert await known(there, router, here.name) == here.partitions
        assert await known(away, router, here.name) == here.partitions
    finally:
        await there.aclose()
        await router.aclose()


async def test_the_token_of_the_command_line_is_drawn_once_and_copied_to_redis(adapter: ClusterAdapter) -> None:
    """A cluster that an older wabox made has none: whoever asks first draws it."""
    here = place(NAME)
    router = Router.of(here.redis)
    there, away = Database(here.postgres, here.name), Database(NOBODY, here.name)
    try:
        with pytest.raises(SettingsError, match="wabox cluster init"):
            await token(there)
        await there.agree({"partitions": str(here.partitions), **AGREED})
        drawn = await asyncio.gather(*(token(there) for _ in range(3)))
        assert len(drawn[0]) > 40
        assert {*drawn, await known_token(there, router, here.name)} == {drawn[0]}
        assert await known_token(away, router, here.name) == drawn[0]
        await renew_token(there)
        another = await token(there)
        assert another not in drawn
        assert await known_token(away, router, here.name) == drawn[0], "until a process begins that reaches PostgreSQL"
        assert [await known_token(where, router, here.name) for where in (there, away)] == [another] * 2
    finally:
        await there.aclose()
        await router.aclose()


async def test_another_bot_needs_another_name(adapter: ClusterAdapter) -> None:
    """A settings file that was copied: half of the customers met the other bot."""
    there, away = Database(place(NAME).postgres, NAME), Database(NOBODY, NAME)
    try:
        await one_bot(there, "bakery")
        async with there.transaction() as connection:
            row = "INSERT INTO versions (bot, number, id, charts, live_from) VALUES ($1, 1, 'a1', '{}', 1)"
            await connection.execute(row, "shop")
        with pytest.raises(
            SettingsError, match="serves the bot 'shop', and 'bakery' was never published in it: another bot"
        ):
            await one_bot(there, "bakery")
        await one_bot(there, "shop")
        await one_bot(away, "bakery")
    finally:
        await there.aclose()


async def test_a_worker_takes_and_commits_without_postgresql(adapter: ClusterAdapter) -> None:
    store = await open_cluster(replace(place(NAME), postgres=NOBODY), VirtualClock(), "alone")
    handled = asyncio.Event()

    async def handle(message: InboundMessage) -> None:
        assert await store.commit(unit(message.message_id, sends=[outbound(message.message_id)])) == "committed"
        handled.set()

    try:
        await store.begin()
        store.lanes.run(handle)
        await store.put(arrival(message("a")))
        async with asyncio.timeout(30):
            await handled.wait()
        assert [row.id for row in await store.pending(conversation(), 10)] == [outbound("a").id]
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "wabox@",
            "stranger@",
            r"at 127.0.0.1:\d+/wabox refuses: role \"stranger\" does not exist; see \[cluster\] postgres",
        ),
        ("/wabox", "/nowhere", r"at 127.0.0.1:\d+/nowhere refuses: database \"nowhere\" does not exist; see"),
    ],
)
async def test_postgresql_that_refuses_is_named_with_the_reason(old: str, new: str, said: str) -> None:
    """On both kinds of connections: those that are shared, and those of one's own."""
    database = Database(new.join(place(NAME).postgres.rsplit(old, 1)), NAME)
    with pytest.raises(Unavailable, match=said):
        await database.agreed()
    with pytest.raises(Unavailable, match=said):
        async with database.own():
            pass


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "guest:guest@",
            "guest:secret@",
            r"127.0.0.1:\d+ refuses the user 'guest' or the password; see \[cluster\] rabbit",
        ),
        ("/", "/nowhere", r"127.0.0.1:\d+ has no virtual host 'nowhere', or not for the user 'guest'; see \[cluster\]"),
    ],
)
async def test_rabbitmq_that_refuses_is_named_with_the_reason(old: str, new: str, said: str) -> None:
    broker = Broker([new.join(place(NAME).rabbitmq[0].rsplit(old, 1))])
    with pytest.raises(Unavailable, match=said):
        await broker.reach()


async def test_queues_that_are_not_there_are_to_be_made(adapter: ClusterAdapter) -> None:
    """A cluster that was half made, or a RabbitMQ that lost its disk: for whoever puts, and whoever waits for messages."""
    store = await open_cluster(place(f"{NAME}_half"), VirtualClock(), "alone")

    async def handle(message: InboundMessage) -> None:
        """None comes."""

    try:
        with pytest.raises(Unavailable, match=r"no queue test\w+_half.in.\d: run wabox cluster init"):
            await store.put(arrival(message("a")))
        with capture_logs() as told:
            store.lanes.run(handle)
            async with asyncio.timeout(30):
                while not told:  # noqa: ASYNC110 - the log tells nobody
                    await asyncio.sleep(0.01)
        assert told[0]["reason"].endswith("in vhost '/': run wabox cluster init")
    finally:
        await store.close()


async def test_what_answers_and_is_no_redis_is_named() -> None:
    router = Router.of([place(NAME).rabbitmq[0].replace("amqp://guest:guest@", "redis://")])
    with pytest.raises(Unavailable, match="Redis at 127.0.0.1:"):
        await router.start()
    await router.aclose()


async def test_an_engine_that_stays_away_is_told_of_once(adapter: ClusterAdapter) -> None:
    """Whoever waits asks twice a second, and several do. That it is back is told, too."""
    there = place(NAME).rabbitmq[0]
    broker = Broker(["amqp://127.0.0.1:9/"])
    bus = Bus(Database(NOBODY, NAME), sleep=lambda _: asyncio.sleep(0))
    with capture_logs() as told:
        listening = asyncio.create_task(bus.run())
        for _ in range(5):
            with pytest.raises(Unavailable, match="nobody listens at 127.0.0.1:9") as away:
                await broker.reach()
            broker.lost(str(away.value))
        broker._urls = (there,)
        await broker.reach()
        bus._database = Database(place(NAME).postgres, NAME)
        async with asyncio.timeout(30):
            await bus.listening.wait()
        await bus.aclose()
        await broker.aclose()
    assert listening.done()
    assert sorted(line["event"].partition(".")[2] for line in told) == [
        "broker_found",
        "broker_lost",
        "bus_hears",
        "bus_waits",
    ]
