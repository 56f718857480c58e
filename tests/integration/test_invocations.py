"""The runner of calls on the real store: tries, pauses, keys, and what a crash leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration.storage import arrival, conversation, message, unit
from wabox.core.changed import changed
from wabox.core.invocation import Invocation, Outcome
from wabox.core.message import InboundMessage
from wabox.services.invocations import Invocations
from wabox.sqlite.store import SqliteStore, open_store

AGAIN, DOWN = Outcome(error="later", again=True), Outcome(error="no")


def call(**changes: Any) -> Invocation:
    made = Invocation(
        id="k1",
        conversation_id=conversation(),
        chart="shop",
        name="stock",
        armed=2,
        request={"action": "check", "input": None},
        timeout=1000,
        retries=2,
        created_at=NOW,
    )
    return changed(made, **changes)


class World:
    """Answers from a list; keeps what was asked."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.keys: list[str] = []

    async def call(self, invocation: Invocation) -> Outcome:
        self.keys.append(invocation.id)
        return self.outcomes.pop(0)

    async def aclose(self) -> None:
        pass


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = await open_store(tmp_path, VirtualClock())
    yield made
    await made.close()


async def asked(store: SqliteStore, invocation: Invocation) -> list[InboundMessage]:
    """Commit the wish for a call; what then comes out of the conversation's lane, in a list that grows."""
    heard: list[InboundMessage] = []

    async def handle(given: InboundMessage) -> None:
        heard.append(given)
        more = {"invoke": (invocation,)} if given.channel == "whatsapp" else {}
        await store.commit(
            changed(unit(given.message_id), expected=len(heard) - 1, handled=(given.message_id,), **more)
        )
        done.set()

    done = asyncio.Event()
    store.lanes.run(handle)
    await store.put(arrival(message("m1")))
    await done.wait()
    heard.clear()
    return heard


async def finished(runner: Invocations) -> None:
    while runner._tasks:
        await asyncio.gather(*runner._tasks)


async def test_it_is_tried_again_with_the_same_key_and_growing_pauses(store: SqliteStore) -> None:
    clock, world = VirtualClock(), World(AGAIN, AGAIN, Outcome(output={"free": 1}))
    heard = await asked(store, call())
    runner = Invocations(store, world, jitter=lambda: 0.5, sleep=clock.sleep)
    runner.run([call()])
    await finished(runner)
    await store.lanes.drain(5)
    assert world.keys == ["k1"] * 3
    assert clock.slept == [1.0, 2.0]
    assert [(one.channel, one.type, one.payload["data"]) for one in heard] == [
        ("action", "done.invoke.stock", {"output": {"free": 1}})
    ]
    assert await store.calls() == []


@pytest.mark.parametrize(("outcomes", "tries"), [((DOWN,), 1), ((AGAIN, AGAIN, AGAIN), 3)])
async def test_at_last_the_conversation_is_told(store: SqliteStore, outcomes: tuple[Outcome, ...], tries: int) -> None:
    world = World(*outcomes)
    heard = await asked(store, call())
    runner = Invocations(store, world, jitter=lambda: 0.0, sleep=VirtualClock().sleep)
    runner.run([call()])
    await finished(runner)
    await store.lanes.drain(5)
    assert len(world.keys) == tries
    assert [one.type for one in heard] == ["error.invoke.stock"]


class Broken(World):
    async def call(self, invocation: Invocation) -> Outcome:
        raise RecursionError("deep")


class Unwritable(World):
    async def call(self, invocation: Invocation) -> Outcome:
        return Outcome(output="half \ud83d")


@pytest.mark.parametrize("world", [Broken(), Unwritable()], ids=["raises", "unwritable"])
async def test_a_world_that_breaks_is_an_error_like_others(store: SqliteStore, world: World) -> None:
    """Whatever is raised, the conversation gets a result, and the call is not made again at every start."""
    heard = await asked(store, call())
    runner = Invocations(store, world, jitter=lambda: 0.0, sleep=VirtualClock().sleep)
    runner.run([call()])
    await finished(runner)
    await store.lanes.drain(5)
    assert [one.type for one in heard] == ["error.invoke.stock"]
    assert await store.calls() == []


async def test_a_dead_host_does_not_hold_up_the_others(store: SqliteStore) -> None:
    """Eight calls to one that does not answer; a ninth waits for it, one to another host does not."""
    gate, answered = asyncio.Event(), asyncio.Event()

    class Dead(World):
        async def call(self, invocation: Invocation) -> Outcome:
            if "dead" in invocation.request["http"]["url"]:
                await gate.wait()
            self.keys.append(invocation.request["http"]["url"])
            answered.set()
            return Outcome(output=1)

    def to(host: str, number: int) -> Invocation:
        return call(
            id=f"{host}{number}", name=f"n{number}", request={"http": {"url": f"https://{host}/", "idempotency": True}}
        )

    calls = [*(to("dead", number) for number in range(9)), to("alive", 9)]
    await asked(store, calls[0])
    await store.commit(changed(unit("m2"), expected=1, handled=(), invoke=tuple(calls[1:])))
    world = Dead()
    runner = Invocations(store, world, jitter=lambda: 0.0, sleep=VirtualClock().sleep, in_flight=10)
    runner.run(calls)
    await answered.wait()
    assert world.keys == ["https://alive/"]
    gate.set()
    await finished(runner)


async def test_calls_end_with_their_conversation(store: SqliteStore) -> None:
    await asked(store, call())
    await store.commit(changed(unit("m2"), expected=1, handled=(), snapshot=None))
    assert await store.calls() == []


async def test_the_first_result_counts(store: SqliteStore) -> None:
    heard = await asked(store, call())
    await store.answer(call(), Outcome(output=1))
    await store.answer(call(), Outcome(output=2))
    await store.lanes.drain(5)
    assert [one.payload["data"] for one in heard] == [{"output": 1}]


async def test_what_is_revoked_is_not_begun(store: SqliteStore) -> None:
    await asked(store, call())
    await store.commit(changed(unit("m2"), expected=1, handled=(), revoke=(("shop", "stock"),)))
    world = World()
    runner = Invocations(store, world, jitter=lambda: 0.0, sleep=VirtualClock().sleep)
    runner.run([call()])
    await finished(runner)
    assert world.keys == []


async def test_a_restart_takes_up_what_has_no_result(store: SqliteStore) -> None:
    await asked(store, call())
    await store.began("k1")
    world = World(Outcome(output=1))
    runner = Invocations(store, world, jitter=lambda: 0.0, sleep=VirtualClock().sleep)
    assert await runner.recover() == 1
    await finished(runner)
    assert world.keys == ["k1"]


@pytest.mark.parametrize("request_", [{"http": {"idempotency": False}}, {"action": "charge", "idempotency": False}])
async def test_what_must_not_be_repeated_is_not_repeated_after_a_crash(
    store: SqliteStore, request_: dict[str, Any]
) -> None:
    """`idempotency: false`: nobody knows whether the call of before the crash was received."""
    once = call(request=request_)
    heard = await asked(store, once)
    await store.began("k1")
    world = World()
    runner = Invocations(store, world, jitter=lambda: 0.0, sleep=VirtualClock().sleep)
    await runner.recover()
    await finished(runner)
    await store.lanes.drain(5)
    assert world.keys == []
    assert "nobody knows" in heard[0].payload["data"]["error"]


async def test_a_call_that_always_kills_wabox_is_given_up(store: SqliteStore) -> None:
    heard = await asked(store, call(retries=0))
    for _ in range(4):
        await store.began("k1")
    runner = Invocations(store, World(), jitter=lambda: 0.0, sleep=VirtualClock().sleep)
    await runner.recover()
    await finished(runner)
    await store.lanes.drain(5)
    assert "given up after 4 tries" in heard[0].payload["data"]["error"]
