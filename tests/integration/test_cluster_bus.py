"""Notes between the processes of a cluster, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.integration.clustered import FOLDER, NAME, place
from wabox.cluster.bus import LONGEST, Bus
from wabox.cluster.records.database import Database
from wabox.errors import Unavailable

pytestmark = pytest.mark.skipif(FOLDER is None, reason="WABOX_TEST_CLUSTER names no servers; see packaging/cluster/up")


class Process:
    """One that listens."""

    def __init__(self, name: str, **more: float) -> None:
        self.database = Database(place(name).postgres, name)
        self.bus = Bus(self.database, **more)
        self.notes: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.missed = 0
        for kind in ("fruit", "tree"):
            self.bus.hear(kind, lambda body, kind=kind: self.notes.put_nowait((kind, body)))
        self.bus.missed(self._missed)
        self.task = asyncio.get_running_loop().create_task(self.bus.run())

    def _missed(self) -> None:
        self.missed += 1

    async def heard(self) -> tuple[str, bytes]:
        async with asyncio.timeout(20):
            return await self.notes.get()

    async def listens(self) -> None:
        async with asyncio.timeout(20):
            await self.bus.listening.wait()

    async def aclose(self) -> None:
        await self.bus.aclose()
        await self.database.aclose()
        assert self.task.done()


@pytest.fixture
async def processes() -> AsyncIterator[tuple[Process, Process]]:
    both = Process(NAME), Process(NAME)
    for one in both:
        await one.listens()
    yield both
    for one in both:
        await one.aclose()


async def test_everybody_hears_a_note_and_whoever_said_it_too(processes: tuple[Process, Process]) -> None:
    one, other = processes
    await one.bus.tell("fruit", '["пера", " ü "]'.encode())
    for process in processes:
        assert await process.heard() == ("fruit", '["пера", " ü "]'.encode())
    await other.bus.tell("nobody listens to this")
    await other.bus.tell("tree")
    assert await one.heard() == ("tree", b"")


async def test_what_is_said_in_a_transaction_is_heard_when_it_is_committed(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    async with one.database.transaction() as connection:
        await one.bus.say(connection, "fruit", b"1")
        await other.bus.tell("fruit", b"2")
        assert await other.heard() == ("fruit", b"2")
    assert await other.heard() == ("fruit", b"1")
    with contextlib.suppress(ZeroDivisionError):
        async with one.database.transaction() as connection:
            await one.bus.say(connection, "fruit", b"3")
            raise ZeroDivisionError
    await one.bus.tell("tree", b"4")
    assert await other.heard() == ("tree", b"4")


async def test_of_a_note_that_is_too_long_the_kind_is_heard(processes: tuple[Process, Process]) -> None:
    one, other = processes
    await one.bus.tell("fruit", b"x" * LONGEST)
    await one.bus.tell("fruit", b"x" * (LONGEST + 1))
    assert await other.heard() == ("fruit", b"x" * LONGEST)
    assert await other.heard() == ("fruit", b"")


async def test_whoever_lost_its_connection_gets_another_and_is_told_to_read_again(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    assert other.missed == 1
    again = asyncio.Event()
    other.bus.missed(again.set)
    async with one.database.transaction() as connection:
        await connection.execute("SELECT pg_terminate_backend($1)", other.bus.backend)
    async with asyncio.timeout(20):
        await again.wait()
    assert other.missed == 2
    await one.bus.tell("fruit", b"after")
    assert await other.heard() == ("fruit", b"after")


async def test_a_callback_that_fails_makes_nobody_deaf(processes: tuple[Process, Process]) -> None:
    one, other = processes

    def fails(_: bytes) -> None:
        raise ZeroDivisionError

    other.bus._heard["fruit"].insert(0, fails)
    await one.bus.tell("fruit", b"1")
    assert await other.heard() == ("fruit", b"1")


async def test_a_silent_connection_is_looked_at(processes: tuple[Process, Process]) -> None:
    process = Process(NAME, every=0.001)
    try:
        await process.listens()
        await processes[0].bus.tell("fruit", b"still there")
        assert await process.heard() == ("fruit", b"still there")
        assert process.missed == 1
    finally:
        await process.aclose()


async def test_bots_of_other_names_hear_nothing(processes: tuple[Process, Process]) -> None:
    one, other = processes
    strange = Process(f"{NAME}b")
    try:
        await strange.listens()
        await strange.bus.tell("fruit", b"theirs")
        await one.bus.tell("fruit", b"ours")
        assert await strange.heard() == ("fruit", b"theirs")
        assert await other.heard() == ("fruit", b"ours")
    finally:
        await strange.aclose()


async def test_without_postgresql_it_waits_and_says_so_to_whoever_tells() -> None:
    nowhere = replace(place(NAME), postgres="postgresql://wabox@127.0.0.1:9/wabox")
    waited = asyncio.Event()

    async def sleep(_: float) -> None:
        waited.set()
        await asyncio.Event().wait()

    database = Database(nowhere.postgres, NAME)
    bus = Bus(database, sleep=sleep)
    task = asyncio.get_running_loop().create_task(bus.run())
    async with asyncio.timeout(20):
        await waited.wait()
    assert not bus.listening.is_set()
    with pytest.raises(Unavailable, match="PostgreSQL"):
        await bus.tell("fruit")
    await bus.aclose()
    assert task.cancelled()
