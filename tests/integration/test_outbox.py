"""The sender: in order, once, and never lost (promise P5). On the real store, with a virtual clock and a scripted Meta."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, FakeMessenger, VirtualClock
from wabox.core.contact import Contact
from wabox.core.conversation import UnitOfWork
from wabox.core.delivery import Attempt, DeliveryStatus, OutboundMessage, Policy, StatusUpdate, outbound_id
from wabox.core.message import Arrival, InboundMessage
from wabox.core.ports import SendResult
from wabox.core.window import closes
from wabox.errors import Unavailable
from wabox.services.outbox import Outbox
from wabox.services.sending import CHAIN
from wabox.sqlite.store import SqliteStore, open_store

ANA = Contact(user_id="MX.1", wa_id="5215550002222")
CONVERSATION = "200:MX.1"
RETRY = SendResult(verdict="retry", reason="429: slow down", wait=1.0)
EXPIRED = SendResult(verdict="retry", reason="190: expired", wait=300.0, code=190, scope="number", alert=True)
UNKNOWN = SendResult(verdict="unknown", reason="taken")
LOST = SendResult(verdict="unknown", reason="500")


class World:
    """A store, a sender and a scripted Meta."""

    def __init__(self, store: SqliteStore, clock: VirtualClock, messenger: FakeMessenger) -> None:
        self.store, self.clock, self.messenger = store, clock, messenger
        self.outbox = Outbox(store, messenger, clock, jitter=lambda: 0.0, sleep=clock.sleep)
        self.turns = 0

    async def say(
        self, *texts: str, policy: Policy = "repeat", deliver: bool = True, **more: Any
    ) -> list[OutboundMessage]:
        """Commit a unit of work that says these, as the services do. ``more`` is said of each message."""
        self.turns += 1
        inbound = f"wamid.IN{self.turns}"
        await self.store.put(
            Arrival(
                messages=(
                    InboundMessage(
                        message_id=inbound,
                        number_id="200",
                        conversation_id=CONVERSATION,
                        timestamp=self.clock(),
                        type="text",
                        text="hi",
                        contact=ANA,
                    ),
                )
            )
        )
        session = await self.store.open(CONVERSATION)
        first = DeliveryStatus.SENDING if self.outbox.idle(CONVERSATION, "200") else DeliveryStatus.QUEUED
        opened_at = self.clock()
        sends = [
            OutboundMessage(
                id=outbound_id(inbound, index),
                conversation_id=CONVERSATION,
                number_id="200",
                body=more.pop("body", None) or {"type": "text", "text": {"body": text}},
                created_at=self.clock(),
                policy=policy,
                status=first if index == 0 else DeliveryStatus.QUEUED,
                attempted_at=self.clock() if index == 0 else None,
                closes_at=closes(opened_at),
                **more,
            )
            for index, text in enumerate(texts)
        ]
        unit = UnitOfWork(
            conversation_id=CONVERSATION,
            number_id="200",
            contact=ANA,
            expected=session.sequence,
            handled=(inbound,),
            snapshot=b"{}",
            at=self.clock(),
            sends=tuple(sends),
            opened_at=opened_at,
        )
        assert await self.store.commit(unit) == "committed"
        if deliver:
            self.outbox.deliver(CONVERSATION, sends)
        return sends

    async def quiet(self) -> None:
        """Until the sender has nothing to do."""
        for _ in range(10_000):
            if self.outbox.idle(CONVERSATION, "200"):
                return
            await asyncio.sleep(0.001)  # the writer is a thread: no virtual clock can turn it
        raise AssertionError("the sender did not come to rest")

    async def rest(self) -> None:
        """Until what is due has left and all of it is written."""
        while await self.store.unsent():
            await self.outbox.look()
            await self.quiet()
            await asyncio.sleep(0.001)

    async def late(self, message: OutboundMessage, **more: Any) -> None:
        """Meta reports that the message failed, and what that leads to happens."""
        await self.status(message, DeliveryStatus.FAILED, **more)
        await self.rest()

    def texts(self, messages: list[OutboundMessage] | None = None) -> list[str]:
        return [message.body["text"]["body"] for message in (self.messenger.taken if messages is None else messages)]

    async def status(self, message: OutboundMessage, status: DeliveryStatus, **more: Any) -> None:
        update = StatusUpdate(
            wamid=f"wamid.OUT-{message.id}",
            number_id="200",
            status=status,
            timestamp=self.clock(),
            outbound_id=message.id,
            **more,
        )
        await self.store.put(Arrival(statuses=(update,)))
        await self.outbox.hear([update])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock = VirtualClock(NOW)
    store = await open_store(tmp_path, clock)
    world = World(store, clock, FakeMessenger())
    yield world
    await world.outbox.stop()
    await store.close()


async def test_messages_leave_in_the_order_they_were_said(world: World) -> None:
    """Two bubbles of one turn and one of the next leave in that order, and nothing stays pending."""
    world.messenger.gate.clear()
    await world.say("one", "two")
    await world.say("three")
    world.messenger.gate.set()
    await world.quiet()
    assert world.texts() == ["one", "two", "three"]
    assert await world.store.pending(CONVERSATION, 10) == []


async def test_what_meta_refuses_for_now_waits_and_holds_back_the_rest(world: World) -> None:
    """A 429 is tried again after growing pauses; what follows does not overtake it, and nothing is doubled."""
    world.messenger.results = [RETRY, RETRY, RETRY]
    await world.say("one", "two")
    await world.quiet()
    assert world.texts() == ["one", "two"]
    assert world.clock.slept == sorted(world.clock.slept)
    assert len(world.clock.slept) == 3


async def test_an_unknown_outcome_is_settled_by_its_delivery_status(world: World) -> None:
    """After a 5xx nobody knows; the status webhook says it was sent, so it is not sent again."""
    world.messenger.results = [UNKNOWN]
    asked = await world.say("one", "two")
    await world.status(asked[0], DeliveryStatus.SENT)
    await world.quiet()
    assert world.texts() == ["one", "two"]
    assert world.texts(world.messenger.tried) == ["one", "two"]


async def test_an_unknown_outcome_without_a_status_is_repeated(world: World) -> None:
    """Thirty seconds without a status, and a message that may be repeated is."""
    world.messenger.results = [LOST]
    await world.say("one", "two")
    await world.quiet()
    assert world.texts() == ["one", "two"]
    assert world.texts(world.messenger.tried) == ["one", "one", "two"]
    assert world.clock() - NOW >= 30_000


async def test_a_message_that_must_not_be_doubled_is_given_up_with_a_reason(world: World) -> None:
    """With the policy ``once`` an unknown outcome ends as failed, and the next message goes on."""
    world.messenger.results = [LOST]
    await world.say("pay 10", policy="once")
    await world.quiet()
    await world.say("next")
    await world.quiet()
    assert world.texts(world.messenger.tried) == ["pay 10", "next"]


async def test_a_refused_message_does_not_hold_back_the_next(world: World) -> None:
    """What can never be sent is failed, and the conversation goes on."""
    world.messenger.results = [SendResult(verdict="failed", reason="131026: undeliverable")]
    await world.say("one", "two")
    await world.quiet()
    assert world.texts() == ["two"]
    assert await world.store.pending(CONVERSATION, 10) == []


async def test_a_restart_sends_what_was_committed(world: World) -> None:
    """A new sender on the same store takes up what was never tried and settles what may have left."""
    sends = await world.say("one", "two", deliver=False)
    await world.status(sends[0], DeliveryStatus.DELIVERED)
    world.outbox = Outbox(world.store, world.messenger, world.clock, jitter=lambda: 0.0, sleep=world.clock.sleep)
    assert await world.outbox.recover() == 1
    await world.quiet()
    assert world.texts() == ["two"]


async def test_more_than_fits_in_memory_still_leaves_in_order(world: World) -> None:
    """A conversation with a long backlog keeps most of it in the store, in order."""
    world.messenger.gate.clear()
    expected = []
    for turn in range(CHAIN):
        texts = [f"{turn}a", f"{turn}b", f"{turn}c"]
        expected += texts
        await world.say(*texts)
    world.messenger.gate.set()
    await world.quiet()
    assert world.texts() == expected


async def test_stopping_lets_a_post_under_way_finish(world: World) -> None:
    """``stop`` waits for the POST that is out; the rest stays queued for the next start."""
    world.messenger.gate.clear()
    await world.say("one", "two")
    await asyncio.sleep(0)
    stopping = asyncio.create_task(world.outbox.stop())
    await asyncio.sleep(0)
    world.messenger.gate.set()
    await stopping
    assert world.texts() == ["one"]
    left = await world.store.pending(CONVERSATION, 10)
    assert world.texts(list(left)) == ["two"]


async def test_what_was_marked_and_did_not_leave_is_not_in_doubt_after_a_stop(world: World) -> None:
    """A restart sends it at once, also what may be sent once only: nobody doubts whether it left."""
    await world.outbox.stop()
    world.outbox = Outbox(
        world.store, world.messenger, world.clock, jitter=lambda: 0.0, sleep=world.clock.sleep, in_flight=0
    )
    await world.say("one", policy="once")
    await asyncio.sleep(0)
    await world.outbox.stop()
    assert [row.status for row in await world.store.pending(CONVERSATION, 10)] == [DeliveryStatus.QUEUED]
    world.outbox = Outbox(world.store, world.messenger, world.clock, jitter=lambda: 0.0, sleep=world.clock.sleep)
    await world.outbox.recover()
    await world.rest()
    assert world.texts() == ["one"]
    assert world.clock.slept == []


async def test_what_may_have_left_stays_in_doubt_after_a_stop(world: World) -> None:
    world.messenger.gate.clear()
    await world.say("one", policy="once")
    await asyncio.sleep(0)
    await world.outbox.stop(0.01)
    assert [row.status for row in await world.store.pending(CONVERSATION, 10)] == [DeliveryStatus.SENDING]
    world.messenger.gate.set()


async def test_a_store_that_fails_while_a_message_is_in_doubt_makes_no_more_of_the_doubt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was tried once; that nobody could look or write for a while is no reason to give it up."""
    world.messenger.results = [LOST]
    pending, settle, away = world.store.pending, world.store.settle, 9

    async def looked(conversation_id: str, limit: int) -> Sequence[OutboundMessage]:
        nonlocal away
        away -= 1
        if away > 0 and away % 2:
            raise Unavailable("the disk is slow")
        return await pending(conversation_id, limit)

    async def settled(attempts: Sequence[Attempt], *, durable: bool = True) -> frozenset[str]:
        if away > 0 and any(one.status is DeliveryStatus.SENDING for one in attempts):
            raise Unavailable("the disk is slow")
        return await settle(attempts, durable=durable)

    monkeypatch.setattr(world.store, "pending", looked)
    monkeypatch.setattr(world.store, "settle", settled)
    await world.say("one")
    await world.quiet()
    assert away <= 0
    assert world.texts() == ["one"]
    assert await world.store.deliveries(10, failed=True) == []


async def test_what_left_is_on_record_before_anything_follows(world: World, tmp_path: Path) -> None:
    """The mark of the message before is in the commit of the next one: a crash between the two leaves one in doubt, not two."""
    await world.say("one")
    await world.quiet()
    await world.say("two", deliver=False)
    with closing(sqlite3.connect(tmp_path / "wabox.db")) as database:
        assert database.execute("SELECT status FROM outbox ORDER BY key").fetchall() == [("sent",), ("sending",)]


async def test_two_in_doubt_are_both_settled(world: World) -> None:
    """After a restart with two doubtful messages, repeating the first does not lose the second."""
    await world.say("one", "two", deliver=False)
    await world.store.settle([Attempt(outbound_id=outbound_id("wamid.IN1", 1), status=DeliveryStatus.SENDING, at=NOW)])
    await world.outbox.recover()
    await world.quiet()
    assert world.texts() == ["one", "two"]
    assert await world.store.pending(CONVERSATION, 10) == []


async def test_a_restart_gives_statuses_their_time(world: World) -> None:
    """However long the server was away, what is in doubt waits from the restart on: until then no status could come."""
    await world.say("one", deliver=False)
    world.clock.now = back = NOW + 3_600_000
    await world.outbox.recover()
    await world.quiet()
    assert world.texts(world.messenger.tried) == ["one"]
    assert world.clock() - back >= 30_000


async def test_whoever_never_confirms_is_not_written_to_for_ever(world: World) -> None:
    """Three doubtful outcomes, each waited for longer, and the message is given up with a reason; the next one leaves."""
    world.messenger.results = [LOST, LOST, LOST, LOST]
    await world.say("one")
    await world.quiet()
    assert world.texts(world.messenger.tried) == ["one"] * 3
    assert world.clock() - NOW >= (30 + 120 + 480) * 1000
    lines = await world.store.transcript(CONVERSATION)
    assert [line.body["status"] for line in lines if line.kind == "status"] == ["failed"]


async def test_a_bug_in_the_channel_holds_back_the_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception out of a send leaves its message in doubt, and what follows waits behind it."""
    real, calls = world.messenger.send, 0

    async def broken(message: OutboundMessage) -> SendResult:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a bug")
        return await real(message)

    monkeypatch.setattr(world.messenger, "send", broken)
    await world.say("one", "two")
    await world.quiet()
    assert world.texts() == ["one", "two"]


def template(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": f"template: {text}"}}


async def test_what_became_late_by_waiting_is_late(world: World) -> None:
    """A token that was expired for two days: what was written for the open window leaves as its template, or not at all."""
    world.messenger.results = [EXPIRED] * 600
    await world.say("words")
    await world.say("words or template", otherwise=template("come back"))
    await world.quiet()
    assert world.texts() == ["template: come back"]
    lines = [line for line in await world.store.transcript(CONVERSATION) if line.kind == "status"]
    assert [line.body["reason"][:6] for line in lines] == ["131047"]


async def test_whoever_wrote_again_gets_the_words(world: World) -> None:
    """The window that counts is the one that is open when the message leaves."""
    world.messenger.results = [EXPIRED] * 3
    await world.say("words", otherwise=template("come back"), deliver=False)
    world.clock.now += 30 * 3_600_000
    await world.say("more", deliver=False)
    await world.outbox.recover()
    await world.quiet()
    assert world.texts() == ["words", "more"]


async def test_meta_s_clock_counts(world: World) -> None:
    """The window looks open here, Meta says that it is closed: the template leaves, once."""
    closed = SendResult(verdict="failed", reason="131047: late", code=131047, closed=True)
    world.messenger.results = [closed]
    await world.say("words", otherwise=template("come back"))
    await world.quiet()
    assert world.texts() == ["template: come back"]


async def test_a_window_that_meta_finds_closed_later(world: World) -> None:
    """Meta takes it and reports 131047 afterwards: the template leaves instead."""
    sent = await world.say("words", otherwise=template("come back"))
    await world.quiet()
    await world.late(sent[0], code=131047, reason="131047: late", closed=True)
    assert world.texts() == ["words", "template: come back"]


async def test_a_pause_of_one_message_does_not_hold_up_the_rest(world: World) -> None:
    """A template that is paused is put off; what follows leaves, and it leaves when its time has come."""
    world.messenger.results = [SendResult(verdict="retry", reason="132015: paused", wait=3600.0, later=True, tries=4)]
    await world.say("paused", "next")
    await world.quiet()
    assert world.texts() == ["next"]
    await world.outbox.look()
    await world.quiet()
    assert world.texts() == ["next"]
    world.clock.now += 3_600_000
    await world.outbox.look()
    await world.quiet()
    assert world.texts() == ["next", "paused"]


async def test_what_is_put_off_too_often_fails(world: World) -> None:
    """Four times, and it is given up with a reason."""
    world.messenger.results = [
        SendResult(verdict="retry", reason="132015: paused", wait=3600.0, later=True, tries=4)
    ] * 9
    await world.say("paused")
    for _ in range(6):
        await world.quiet()
        world.clock.now += 3_600_000
        await world.outbox.look()
    assert len(world.messenger.tried) == 4
    assert await world.store.unsent() == []


async def test_a_failure_that_passes_is_sent_again(world: World) -> None:
    """Meta took it and reports a passing fault: another try after a while, three in all, then it has failed."""
    sent = await world.say("one")
    await world.quiet()
    for tries in (2, 3):
        await world.status(sent[0], DeliveryStatus.FAILED, code=131000, reason="131000: something", again=5.0)
        world.clock.now += 5_000
        await world.rest()
        assert len(world.messenger.tried) == tries
    await world.status(sent[0], DeliveryStatus.FAILED, code=131000, reason="131000: something", again=5.0)
    assert await world.store.unsent() == []


async def test_a_number_that_is_stopped_is_tried_with_one_message(world: World) -> None:
    """An expired token: one message finds out after each pause, and when it is accepted everything leaves in order."""
    world.messenger.results = [EXPIRED] * 4
    await world.say("one", "two")
    await world.say("three")
    await world.quiet()
    assert world.texts() == ["one", "two", "three"]
    assert world.texts(world.messenger.tried) == ["one"] * 5 + ["two", "three"]
    assert world.clock() - NOW >= 4 * 300_000
    assert world.outbox.stopped == {}


async def test_a_pair_that_is_too_fast_waits_ever_longer(world: World) -> None:
    """1, 4, 16 s, as Meta wants it."""
    world.messenger.results = [SendResult(verdict="retry", reason="131056", wait=4.0, code=131056, scope="pair")] * 3
    await world.say("one", "two")
    await world.quiet()
    assert world.texts() == ["one", "two"]
    assert [pause for pause in world.clock.slept if pause > 0.1] == [1.0, 4.0, 16.0]


async def test_a_customer_gets_45_at_once_and_then_one_in_six_seconds(world: World) -> None:
    """Meta's rate for one customer is kept before it complains."""
    await world.say(*map(str, range(50)))
    await world.quiet()
    assert world.texts() == [str(n) for n in range(50)]
    assert 5 * 5_900 <= world.clock() - NOW <= 5 * 6_100


async def test_a_text_waits_for_the_media_before_it(world: World) -> None:
    """Until Meta says that the picture is on its way, or five seconds; a text does not."""
    picture = {"type": "image", "image": {"link": "https://example.com/a.jpg"}, "text": {"body": "picture"}}
    await world.say("unused", deliver=False, body=picture)
    await world.say("text", deliver=False)
    waiting = [
        Attempt(outbound_id=outbound_id(f"wamid.IN{turn}", 0), status=DeliveryStatus.QUEUED, at=NOW) for turn in (1, 2)
    ]
    await world.store.settle(waiting)
    await world.outbox.recover()
    await world.quiet()
    assert world.texts() == ["picture", "text"]
    assert world.clock() - NOW == 5_000


async def test_what_was_settled_between_deadline_and_repeat_is_not_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status comes after the last look and before the mark: the mark says so, and nothing leaves twice."""
    settle = world.store.settle

    async def late(attempts: Sequence[Attempt], *, durable: bool = True) -> frozenset[str]:
        again = [one for one in attempts if one.status is DeliveryStatus.SENDING]
        if again and len(world.messenger.tried) == 1:
            await world.status(sent[0], DeliveryStatus.DELIVERED)
        return await settle(attempts, durable=durable)

    monkeypatch.setattr(world.store, "settle", late)
    world.messenger.results = [LOST]
    sent = await world.say("one")
    await world.quiet()
    assert world.texts(world.messenger.tried) == ["one"]
