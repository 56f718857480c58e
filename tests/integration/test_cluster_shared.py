"""What several processes of a cluster know together: changes, answers, who is there, who leads. On real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration.clustered import FOLDER, NAME, ClusterAdapter, place
from tests.integration.storage import conversation, outbound, unit
from wabox.cluster import broker
from wabox.cluster.broker import close
from wabox.cluster.bus import Bus
from wabox.cluster.leader import Leader
from wabox.cluster.records.copies import session
from wabox.cluster.records.database import Database
from wabox.cluster.records.drain import drain
from wabox.cluster.store import ClusterStore
from wabox.clusteroutbox import SharedRates
from wabox.core.act import Act
from wabox.core.change import Changed
from wabox.core.changed import changed
from wabox.core.consent import Consent
from wabox.core.contact import Contact
from wabox.core.conversation import Record, Session
from wabox.core.delivery import DeliveryStatus
from wabox.core.handoff import Handoff, Outcome
from wabox.core.message import InboundMessage, OtherChange
from wabox.services.rates import CHANGED
from wabox.services.shared import FRESH, SharedAnswers, SharedChanges
from wabox.settings import Settings

pytestmark = pytest.mark.skipif(FOLDER is None, reason="WABOX_TEST_CLUSTER names no servers; see packaging/cluster/up")

ANA = conversation()
CASE = Handoff(id="h-1", conversation_id=ANA, status="waiting", at=NOW, opened_at=NOW, queue="orders")


class Process:
    def __init__(self, number: int) -> None:
        self.now = 0
        self.database = Database(place(NAME).postgres, NAME)
        self.bus = Bus(self.database)
        self.changes = SharedChanges(self.bus, f"p{number}", lambda: NOW, lambda: self.now)
        self.settled: list[str] = []
        self.answers = SharedAnswers(self.bus, self._settle)
        self.notes = asyncio.Event()
        self.bus.hear("there", lambda _: self.notes.set())
        self._task = asyncio.get_running_loop().create_task(self.bus.run())

    async def _settle(self, conversation_id: str) -> None:
        self.settled.append(conversation_id)

    async def sees(self, agents: set[str]) -> None:
        """Until these are there."""
        async with asyncio.timeout(20):
            while self.changes.there != agents:
                self.notes.clear()
                await self.notes.wait()

    async def aclose(self) -> None:
        await self.changes.stop()
        await self.answers.stop(1)
        await self.bus.aclose()
        await self.database.aclose()


@asynccontextmanager
async def processes(count: int) -> AsyncIterator[list[Process]]:
    made = [Process(number) for number in range(count)]
    try:
        async with asyncio.timeout(20):
            for one in made:
                await one.bus.listening.wait()
        yield made
    finally:
        for one in made:
            await one.aclose()


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[ClusterAdapter]:
    made = ClusterAdapter(tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def store(adapter: ClusterAdapter) -> ClusterStore:
    return (await adapter.open()).store


async def first(changes: SharedChanges, agent: str | None = None) -> tuple[Any, asyncio.Task[Changed]]:
    """Somebody who listens, and the next that they hear."""
    heard = changes.listen(agent)
    task = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    assert changes.listeners
    return heard, task


async def got(task: asyncio.Task[Changed]) -> Changed:
    async with asyncio.timeout(20):
        return await task


async def test_a_commit_is_heard_by_every_process_once_postgresql_has_it(store: ClusterStore) -> None:
    async with processes(2) as (one, other):
        listening = [await first(process.changes) for process in (one, other)]
        await store.commit(changed(unit("a", sends=[outbound("a")]), handoffs=(CASE,), case=CASE))
        await store.commit(changed(unit("b", expected=1), case=CASE))
        await store.settled()
        for heard, task in listening:
            change = await got(task)
            assert (change.conversation_id, change.case_id, change.queue) == (ANA, "h-1", "orders")
            assert "case" in change.kinds
            assert await store.handoffs() == [CASE]
            await heard.aclose()


async def test_what_this_process_commits_is_not_told_twice() -> None:
    async with processes(1) as (one,):
        heard, task = await first(one.changes)
        one.changes.publish(Changed(conversation_id="mine", at=1))
        await one.bus.tell("changed", b'[{"conversation_id": "told", "at": 2}]')
        assert (await got(task)).conversation_id == "told"
        await heard.aclose()


async def test_whoever_missed_notes_reads_everything_again() -> None:
    async with processes(2) as (one, other):
        heard, task = await first(other.changes)
        async with one.database.transaction() as connection:
            await connection.execute("SELECT pg_terminate_backend($1)", other.bus.backend)
        with pytest.raises(StopAsyncIteration):
            await got(task)
        await other.bus.listening.wait()
        heard, task = await first(other.changes)
        await one.bus.tell("changed")  # more than a note can hold
        with pytest.raises(StopAsyncIteration):
            await got(task)
        await heard.aclose()


async def test_what_became_of_messages_is_told_while_somebody_listens() -> None:
    async with processes(2) as (one, other):
        one.changes.came("a", DeliveryStatus.SENT)
        assert one.changes._telling is None, "nobody listens"
        heard, task = await first(other.changes, "marta")
        await one.sees({"marta"})
        one.changes.came("a", DeliveryStatus.SENT)
        one.changes.came("a", DeliveryStatus.DELIVERED)
        told = await got(task)
        assert (told.outbound_id, told.status, told.kinds) == ("a", "delivered", ("delivery",))
        await heard.aclose()


async def test_everybody_knows_who_is_there_until_they_go() -> None:
    async with processes(3) as (one, other, third):
        heard, task = await first(one.changes, "marta")
        also, waits = await first(other.changes, "ben")
        await third.sees({"ben", "marta"})
        await one.sees({"ben", "marta"})
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        await also.aclose()
        await third.sees({"marta"})
        third.now += FRESH + 1
        assert third.changes.there == set(), "its process may be dead"
        one.changes._say_there()  # as it does every few seconds
        await third.sees({"marta"})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await heard.aclose()


def act(kind: Any, **more: Any) -> InboundMessage:
    return changed(
        Act(id="1", kind=kind, case="h-1", agent="marta", by="Marta").message(NOW, "n", ANA, Contact(wa_id="1")), **more
    )


async def test_what_became_of_an_act_is_told_where_somebody_waits() -> None:
    async with processes(2) as (worker, web):
        with web.answers.expected("agent:1") as answer:
            worker.answers.acted(act("claim", message_id="agent:0", type="offer"), None)  # nobody waits for that
            worker.answers.acted(act("claim"), Outcome(refusal="Ben has it"))
            async with asyncio.timeout(20):
                assert await answer == Outcome(refusal="Ben has it")
        assert worker.settled == [ANA], "it is in the records before it is told"
        with web.answers.expected("agent:1") as answer:
            worker.answers.acted(act("claim"), Outcome())
            async with asyncio.timeout(20):
                assert (await answer).done
        with web.answers.expected("agent:1") as answer:
            worker.answers.acted(act("claim"), None)
            async with asyncio.timeout(20):
                assert "the bot failed" in str((await answer).refusal)


async def test_one_worker_leads_and_another_takes_over() -> None:
    database = Database(place(NAME).postgres, NAME)
    looked: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

    def sleep(number: int) -> Callable[[float], Any]:
        async def slept(_: float) -> None:
            looked[number].set()
            await asyncio.sleep(0.01)

        return slept

    first_, second = (Leader(database, sleep=sleep(number)) for number in range(2))
    try:
        async with asyncio.timeout(20):
            first_.run()
            await first_.leads.wait()
            second.run()
            for _ in range(3):
                looked[1].clear()
                await looked[1].wait()
            assert not second.leads.is_set()
            async with database.transaction() as connection:
                await connection.execute("SELECT pg_terminate_backend($1)", first_.backend)
            await second.leads.wait()
            # It hears of its end when it next looks: for a moment two may lead.
            while first_.leads.is_set():  # noqa: ASYNC110 - there is no event for what was cleared
                await asyncio.sleep(0)
            await second.aclose()
            assert not second.leads.is_set()
            await first_.leads.wait()  # it came back, and waited
    finally:
        await first_.aclose()
        await second.aclose()
        await database.aclose()


async def test_a_leader_that_says_nothing_leads_no_more() -> None:
    """A process that was stopped keeps its connection: the server must end it."""
    database = Database(place(NAME).postgres, NAME)
    try:
        async with database.own(silent=1) as connection:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda _: gone.set())
            assert await database.take(connection, "leader")
            async with asyncio.timeout(20), database.own() as other:
                await other.execute("SET statement_timeout = 0")
                assert not await database.take(other, "leader")
                await gone.wait()
                assert await database.take(other, "leader")
    finally:
        await database.aclose()


async def test_one_of_a_name_at_a_time_is_alone() -> None:
    databases = [Database(place(NAME).postgres, NAME) for _ in range(2)]
    order: list[str] = []
    inside, leave = asyncio.Event(), asyncio.Event()

    async def enter(number: int, what: str) -> None:
        async with databases[number].alone(what):
            order.append(f"{number} in")
            inside.set()
            await leave.wait()
            order.append(f"{number} out")

    try:
        one = asyncio.ensure_future(enter(0, "marta"))
        async with asyncio.timeout(20):
            await inside.wait()
            other = asyncio.ensure_future(enter(1, "marta"))
            async with databases[1].alone("ben"):  # nobody waits for somebody else's
                assert order == ["0 in"]
            leave.set()
            await asyncio.gather(one, other)
        assert order == ["0 in", "0 out", "1 in", "1 out"]
    finally:
        for database in databases:
            await database.aclose()


async def test_a_process_without_redis_reads_the_copy_of_a_conversation(store: ClusterStore) -> None:
    assert await session(store.database, ANA) == Session(conversation_id=ANA)
    done = changed(
        unit("a"),
        handoffs=(CASE,),
        case=CASE,
        opened_at=NOW,
        quiet_until=NOW + 5,
        consent=Consent(stopped=True, since=NOW, words="stop"),
    )
    await store.commit(done)
    await store.settled()
    assert await session(store.database, ANA) == await store.open(ANA)


async def test_who_reads_late_stores_nothing_twice(store: ClusterStore) -> None:
    """One drained a batch and another the next while this one was about to: what it wants to store is long stored."""
    partition, came, go_on = store.shards.partition(ANA), asyncio.Event(), asyncio.Event()

    class Late:
        """Its transactions begin when they may."""

        channel = store.database.channel

        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Any]:
            came.set()
            await go_on.wait()
            async with store.database.transaction() as connection:
                yield connection

    async def follow(_: Any) -> None: ...

    line = Record(at=NOW, kind="in", body={"text": "hello"})
    await store.commit(changed(unit("a"), records=(line,)))
    late = asyncio.ensure_future(drain(store.shards, Late(), partition, follow))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        await came.wait()
        await store.settled()
        await store.commit(unit("b", expected=1))
        await store.settled()
        go_on.set()
        await late
    assert await store.transcript(ANA) == [line]
    assert (await session(store.database, ANA)).sequence == 2


async def test_a_broker_that_says_nothing_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and stands still: the next one is asked; the one that was lost is asked last."""
    monkeypatch.setattr(broker, "DEADLINE", 0.5)
    asked: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: asked.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    (real,) = place(NAME).rabbitmq
    found = broker.Broker((f"amqp://127.0.0.1:{port}/", real))
    await close(await found.channel())
    assert len(asked) == 1
    await found.aclose()
    again = broker.Broker((real, f"amqp://127.0.0.1:{port}/"))
    await close(await again.channel())
    assert len(asked) == 1
    await again.aclose()
    for writer in asked:
        writer.close()
    silent.close()


class Upgraded:
    """A number of 80 a second that Meta raises to 1,000; and a worker's outbox."""

    numbers = ("1",)

    def __init__(self) -> None:
        self.level = "STANDARD"
        self.limits: list[float] = []

    async def get(self, *_: object) -> dict[str, object]:
        return {"throughput": {"level": self.level}}

    def limit(self, _: str, rate: float) -> None:
        self.limits.append(rate)


async def test_a_number_that_meta_upgrades_is_quicker_in_every_worker() -> None:
    """The webhook comes to one of them."""
    async with processes(2) as made:
        workers: list[Any] = [Upgraded(), Upgraded()]
        rates = [
            SharedRates(Settings(root=Path(), data=Path()), worker, worker, process.bus)
            for worker, process in zip(workers, made, strict=True)
        ]
        heard = asyncio.Event()
        made[1].bus.hear("numbers", lambda _: heard.set())
        for one in rates:
            await one.look()
        workers[0].level = workers[1].level = "HIGH"
        await rates[0].spread([OtherChange(field="account_update", number_id=None, raw=b"{}")])
        await rates[0].spread([OtherChange(field=CHANGED, number_id=None, raw=b"{}")])
        async with asyncio.timeout(20):
            await heard.wait()
        for one in rates:
            await one.look()
        assert [worker.limits for worker in workers] == [[80.0, 1000.0]] * 2
