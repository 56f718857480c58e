"""What every storage adapter promises (``wabox/core/ports.py``). An adapter joins by an entry in ``storage.ADAPTERS``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration.storage import (
    ADAPTERS,
    DAY,
    Adapter,
    Handler,
    Storage,
    arrival,
    attempt,
    contact,
    conversation,
    message,
    outbound,
    status,
    unit,
)
from wabox.core.changed import changed
from wabox.core.conversation import Archive, Record, Session, Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.handoff import Handoff
from wabox.core.message import Arrival, DeadLetter, InboundMessage, OtherChange
from wabox.core.version import Version
from wabox.errors import ConversationError, Unavailable

SENDING, SENT, FAILED = DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.FAILED
QUEUED, UNKNOWN = DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN
DELIVERED, READ = DeliveryStatus.DELIVERED, DeliveryStatus.READ


@pytest.fixture(params=sorted(ADAPTERS))
async def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adapter]:
    made = ADAPTERS[request.param](tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def storage(adapter: Adapter) -> Storage:
    return await adapter.open()


async def waiting(storage: Storage, name: str = "ana") -> list[str]:
    """The texts that still have to leave."""
    return [row.body["text"]["body"] for row in await storage.pending(conversation(name), 100)]


async def everything(storage: Storage) -> list[str]:
    """What is handled of all that was put: a last message says when that is over."""
    handler = Handler(storage)
    storage.lanes.run(handler)
    await storage.put(arrival(message("the last")))
    while "the last" not in handler.handled:
        await handler.until(len(handler.handled) + 1)
    return handler.handled[:-1]


# ---- once, and in order --------------------------------------------------------------------------------------------------


async def test_a_message_put_twice_is_handled_once(storage: Storage) -> None:
    """A redelivery is dropped while the first copy waits, and after it was handled."""
    await storage.put(arrival(message("m1")))
    await storage.put(arrival(message("m1")))
    handler = Handler(storage)
    storage.lanes.run(handler)
    await handler.until(1)
    await storage.put(arrival(message("m1"), message("m2")))
    assert await handler.until(2) == ["m1", "m2"]
    assert (await storage.open(conversation())).snapshot == b"m1 m2"


async def test_a_message_put_twice_across_a_crash_is_handled_once(adapter: Adapter, storage: Storage) -> None:
    """What was handled before a crash is still known after it."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1"))
    storage = await adapter.crash()
    await storage.put(arrival(message("m1"), message("m2")))
    handler = Handler(storage)
    storage.lanes.run(handler)
    assert await handler.until(1) == ["m2"]


async def test_a_message_twice_in_one_webhook_is_handled_once(storage: Storage) -> None:
    """One batch may repeat itself."""
    await storage.put(arrival(message("m1"), message("m1"), message("m2")))
    assert await everything(storage) == ["m1", "m2"]


async def test_concurrent_copies_are_one_message(storage: Storage) -> None:
    """Twenty requests that bring the same message at once store it once."""
    await asyncio.gather(*(storage.put(arrival(message("m1"))) for _ in range(20)))
    assert await everything(storage) == ["m1"]


async def test_an_id_is_unique_per_number(storage: Storage) -> None:
    """The same id at another business number is another message."""
    await storage.put(arrival(message("m1"), message("m1", number_id="200000000000003")))
    assert await everything(storage) == ["m1", "m1"]


async def test_an_id_is_remembered_for_eight_days(adapter: Adapter, storage: Storage) -> None:
    """Meta's redelivery after seven days is a duplicate, however old the message itself was when it first came."""
    sent = {
        "fresh": NOW,
        "yesterday": NOW - DAY,
        "delayed": NOW - 3 * DAY,
        "late": NOW - 6 * DAY,
        "absurd": 0,
        "negative": -1,
        "soon": NOW + DAY,
        "ahead": NOW + 3 * DAY,
    }
    webhook = arrival(*(message(id_, at=at) for id_, at in sent.items()))
    await storage.put(webhook)
    handler = Handler(storage)
    storage.lanes.run(handler)
    await handler.until(len(sent))
    for day in range(1, 9):
        adapter.clock.now = NOW + day * DAY
        await storage.prune(adapter.clock.now)
        await storage.put(webhook)
        await storage.put(arrival(message(f"day {day}", at=adapter.clock.now)))
        handled = await handler.until(len(sent) + day)
        assert handled == [*sent, *(f"day {n}" for n in range(1, day + 1))], f"after {day} days"


async def test_messages_of_a_conversation_are_handled_one_at_a_time_in_order(storage: Storage) -> None:
    """However the handling is delayed, a conversation has one order and no two steps overlap."""
    under_way: set[str] = set()

    async def before(arrived: InboundMessage) -> None:
        assert arrived.conversation_id not in under_way
        under_way.add(arrived.conversation_id)
        for _ in range(len(arrived.message_id) % 3):
            await asyncio.sleep(0)
        under_way.discard(arrived.conversation_id)

    handler = Handler(storage, before)
    storage.lanes.run(handler)
    names = ["ana", "bob", "cy"]
    for number in range(30):
        await storage.put(arrival(*(message(f"{name}{number}", name) for name in names)))
    await handler.until(90)
    for name in names:
        assert (await storage.open(conversation(name))).snapshot == " ".join(f"{name}{n}" for n in range(30)).encode()


async def test_conversations_do_not_wait_for_each_other(storage: Storage) -> None:
    """One that takes for ever holds up nobody else."""
    stuck = asyncio.Event()

    async def before(arrived: InboundMessage) -> None:
        if arrived.message_id == "slow":
            await stuck.wait()

    handler = Handler(storage, before)
    storage.lanes.run(handler)
    await storage.put(arrival(message("slow", "ana"), message("b1", "bob")))
    assert await handler.until(1) == ["b1"]
    stuck.set()
    assert await handler.until(2) == ["b1", "slow"]


async def test_what_fails_is_tried_again_and_the_rest_of_its_conversation_waits(
    adapter: Adapter, storage: Storage
) -> None:
    """A failing handler is called again after growing pauses; what follows keeps its place, other conversations go on."""
    failures = 8

    async def before(arrived: InboundMessage) -> None:
        nonlocal failures
        if arrived.message_id == "a1" and failures:
            failures -= 1
            raise RuntimeError("the flow's own Python is wrong")

    handler = Handler(storage, before)
    storage.lanes.run(handler)
    await storage.put(arrival(message("a1"), message("a2"), message("b1", "bob")))
    handled = await handler.until(3)
    assert handled.index("a1") < handled.index("a2")
    assert (await storage.open(conversation())).snapshot == b"a1 a2"
    assert adapter.clock.slept == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_a_flood_is_handled_in_order(storage: Storage) -> None:
    """A conversation with more messages than a lane holds loses none and keeps its order, also while more arrive."""
    handler = Handler(storage)
    await storage.put(arrival(*(message(f"m{number}") for number in range(150))))
    storage.lanes.run(handler)
    for number in range(150, 300):
        await storage.put(arrival(message(f"m{number}")))
    assert await handler.until(300) == [f"m{number}" for number in range(300)]
    assert (await storage.stats()).inbox == 0


async def test_unhandled_messages_come_back_in_order(adapter: Adapter, storage: Storage) -> None:
    """After a crash every message that no unit named is delivered again, in order, before what is new."""
    await storage.put(arrival(*(message(f"m{number}") for number in range(5))))
    await storage.put(arrival(message("b1", "bob")))
    await storage.commit(unit("m0", snapshot=b"m0"))
    storage = await adapter.crash()
    handler = Handler(storage)
    storage.lanes.run(handler)
    await storage.put(arrival(message("m5")))
    await handler.until(6)
    assert (await storage.open(conversation())).snapshot == b"m0 m1 m2 m3 m4 m5"
    assert (await storage.open(conversation("bob"))).snapshot == b"b1"


async def test_drain_finishes_what_was_begun_and_nothing_more(adapter: Adapter, storage: Storage) -> None:
    """After a drain no handler runs; what it did not begin is there at the next start."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def before(_: InboundMessage) -> None:
        begun.set()
        await go_on.wait()

    handler = Handler(storage, before)
    storage.lanes.run(handler)
    await storage.put(arrival(message("m1"), message("m2")))
    await begun.wait()
    draining = asyncio.create_task(storage.lanes.drain(5))
    await asyncio.sleep(0)
    go_on.set()
    await draining
    assert handler.handled == ["m1"]
    await storage.put(arrival(message("m3")))
    await storage.close()
    storage = await adapter.open()
    handler = Handler(storage)
    storage.lanes.run(handler)
    assert await handler.until(2) == ["m2", "m3"]


async def test_drain_does_not_wait_for_ever(storage: Storage) -> None:
    """A handler that does not end is cancelled; its message stays."""
    begun = asyncio.Event()

    async def never(_: InboundMessage) -> None:
        begun.set()
        await asyncio.Event().wait()

    storage.lanes.run(never)
    await storage.put(arrival(message("m1")))
    await begun.wait()
    await storage.lanes.drain(0.01)
    assert storage.lanes.backlog == 0
    assert (await storage.stats()).inbox == 1


# ---- the unit of work ----------------------------------------------------------------------------------------------------


async def test_a_unit_is_all_there_or_not(storage: Storage) -> None:
    """State, sends, timers, cases, transcript and the handled mark arrive together."""
    await storage.put(arrival(message("m1")))
    case = Handoff(id="h1", conversation_id=conversation(), status="waiting", at=NOW, opened_at=NOW, reason="asked")
    work = unit(
        "m1",
        snapshot=b"{1}",
        sends=[outbound("m1", 0), outbound("m1", 1)],
        arm=[Timer(name="soft", due_at=NOW + 1, armed=1)],
        handoffs=[case],
        case=case,
        records=[Record(at=NOW, kind="in", ref="m1", body={"text": "hola"})],
    )
    assert await storage.commit(work) == "committed"
    assert await storage.open(conversation()) == Session(
        conversation_id=conversation(),
        sequence=1,
        snapshot=b"{1}",
        contact=contact(),
        number_id=work.number_id,
        updated_at=NOW,
        case=case,
    )
    assert await storage.pending(conversation(), 10) == list(work.sends)
    assert await storage.transcript(conversation()) == list(work.records)
    assert await storage.handoffs() == list(work.handoffs)
    assert await storage.sweep(NOW + 1, 10) == 1


async def test_only_one_of_two_openers_commits(storage: Storage) -> None:
    """Who computed from a session that moved on is told so, and nothing of its unit is stored."""
    await storage.put(arrival(message("m1"), message("m2")))
    assert await storage.commit(unit("m1", expected=0)) == "committed"
    late = unit(
        "m2", expected=0, snapshot=b"late", sends=[outbound("m2")], records=[Record(at=NOW, kind="in", body={})]
    )
    assert await storage.commit(late) == "conflict"
    assert (await storage.open(conversation())).snapshot == b"{}"
    assert await waiting(storage) == []
    assert await storage.transcript(conversation()) == []
    assert await storage.commit(unit("m2", expected=1)) == "committed"


async def test_a_unit_committed_twice_is_a_duplicate(storage: Storage) -> None:
    """Whoever repeats a unit after losing the answer changes nothing, at the old sequence or the new."""
    await storage.put(arrival(message("m1")))
    work = unit("m1", sends=[outbound("m1")])
    assert await storage.commit(work) == "committed"
    assert await storage.commit(work) == "duplicate"
    assert await storage.commit(unit("m1", expected=1, snapshot=b"again")) == "duplicate"
    assert await waiting(storage) == ["m1 0"]
    assert (await storage.open(conversation())).sequence == 1


async def test_concurrent_units_of_one_message_commit_once(storage: Storage) -> None:
    """Of units that race for one message, one wins, whatever commits they share."""
    await storage.put(arrival(message("m1")))
    results = await asyncio.gather(*(storage.commit(unit("m1", sends=[outbound("m1")])) for _ in range(10)))
    assert sorted(results) == ["committed"] + 9 * ["duplicate"]
    assert await waiting(storage) == ["m1 0"]
    await storage.put(arrival(message("m2")))
    both = (storage.commit(unit("m2", expected=1)), storage.commit(unit("m2", expected=2, snapshot=b"again")))
    assert await asyncio.gather(*both) == ["committed", "duplicate"]
    assert (await storage.open(conversation())).snapshot == b"{}"


async def test_a_unit_may_handle_several_messages(storage: Storage) -> None:
    """Messages that arrived in pieces are settled by one unit."""
    await storage.put(arrival(message("m1"), message("m2"), message("m3")))
    assert await storage.commit(unit("m1", "m2", "m3")) == "committed"
    assert await everything(storage) == []


async def test_a_unit_may_handle_no_message(storage: Storage) -> None:
    """A conversation can be moved without one; the sequence number still guards it."""
    assert await storage.commit(unit(snapshot=b"moved")) == "committed"
    assert await storage.commit(unit(snapshot=b"again")) == "conflict"
    assert (await storage.open(conversation())).snapshot == b"moved"


async def test_a_conversation_that_ended_begins_anew(adapter: Adapter, storage: Storage) -> None:
    """After the end there is no snapshot and no timer, the customer is still known, and the sequence never repeats."""
    await storage.put(arrival(message("m1"), message("m2")))
    await storage.commit(unit("m1", arm=[Timer(name="hard", due_at=NOW + 1, armed=1)]))
    await storage.commit(unit("m2", expected=1, snapshot=None))
    storage = await adapter.crash()
    session = await storage.open(conversation())
    assert (session.snapshot, session.sequence, session.contact) == (None, 2, contact())
    assert await storage.sweep(NOW + DAY, 10) == 0
    await storage.put(arrival(message("m3")))
    assert await storage.commit(unit("m3", expected=2, snapshot=b"new")) == "committed"


async def test_an_unknown_conversation_is_empty(storage: Storage) -> None:
    """Opening what nobody wrote to gives sequence 0 and nothing else."""
    assert await storage.open("nobody") == Session(conversation_id="nobody")


async def test_a_snapshot_over_a_megabyte_is_refused(storage: Storage) -> None:
    """A state that grows without end is an error of its conversation, and nothing of the unit is stored."""
    await storage.put(arrival(message("m1")))
    with pytest.raises(ConversationError, match="1048577 bytes"):
        await storage.commit(unit("m1", snapshot=b"x" * (1024 * 1024 + 1)))
    assert (await storage.stats()).inbox == 1
    assert await storage.commit(unit("m1", snapshot=b"x" * 1024 * 1024)) == "committed"


async def test_a_crash_between_any_two_verbs_loses_nothing(adapter: Adapter, storage: Storage) -> None:
    """After each verb the process may die: what the verb returned from is there, and nothing is there twice."""
    await storage.put(arrival(message("m1")))
    storage = await adapter.crash()
    await storage.put(arrival(message("m1")))

    session = await storage.open(conversation())
    storage = await adapter.crash()
    work = unit("m1", expected=session.sequence, sends=[outbound("m1", 0), outbound("m1", 1)])
    assert await storage.commit(work) == "committed"
    storage = await adapter.crash()
    assert await storage.commit(work) == "duplicate"
    assert list(await storage.unsent()) == [conversation()]
    assert await waiting(storage) == ["m1 0", "m1 1"]

    await storage.settle([attempt("m1", SENDING)])
    storage = await adapter.crash()
    (doubtful, behind) = await storage.pending(conversation(), 10)
    assert (doubtful.status, doubtful.attempts, doubtful.attempted_at) == (SENDING, 1, NOW)
    assert behind.status is QUEUED

    await storage.settle([attempt("m1", SENT, wamid="w1")])
    storage = await adapter.crash()
    assert await waiting(storage) == ["m1 1"]
    await storage.settle([attempt("m1", SENDING, 1), attempt("m1", SENT, 1, wamid="w2")])
    storage = await adapter.crash()
    assert list(await storage.unsent()) == []
    assert await everything(storage) == []


# ---- sending -------------------------------------------------------------------------------------------------------------


async def test_sends_keep_their_order_over_units(storage: Storage) -> None:
    """Three units, two bubbles each: they leave in the order of the units, and of each unit's own list."""
    for number in range(3):
        await storage.put(arrival(message(f"m{number}")))
        sends = [outbound(f"m{number}", 0), outbound(f"m{number}", 1)]
        await storage.commit(unit(f"m{number}", expected=number, sends=sends))
    assert await waiting(storage) == ["m0 0", "m0 1", "m1 0", "m1 1", "m2 0", "m2 1"]
    assert len(await storage.pending(conversation(), 2)) == 2


async def test_a_retry_keeps_its_place(storage: Storage) -> None:
    """A message that goes back to `queued` is still before those that were behind it."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1", 0), outbound("m1", 1)]))
    await storage.settle([attempt("m1", SENDING)])
    await storage.settle([attempt("m1", QUEUED, reason="429")])
    assert await waiting(storage) == ["m1 0", "m1 1"]
    await storage.settle([attempt("m1", SENDING)])
    assert (await storage.pending(conversation(), 1))[0].attempts == 2


async def test_a_unit_may_say_that_its_first_message_is_on_its_way(storage: Storage) -> None:
    """A send that begins as `sending` counts as attempted."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1", status=SENDING, attempted_at=NOW)]))
    (row,) = await storage.pending(conversation(), 10)
    assert (row.status, row.attempts, row.attempted_at) == (SENDING, 1, NOW)


@pytest.mark.parametrize("said", [SENT, DELIVERED, READ, FAILED])
async def test_a_status_settles_a_message_of_unknown_outcome(storage: Storage, said: DeliveryStatus) -> None:
    """Our own id in a delivery status ends the doubt, whether the message left or not."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1")]))
    await storage.settle([attempt("m1", SENDING)])
    await storage.settle([attempt("m1", UNKNOWN, reason="timeout")])
    assert await waiting(storage) == ["m1 0"]
    await storage.put(status("w1", said, "m1"))
    assert await waiting(storage) == []


async def test_the_sender_does_not_overwrite_a_status_that_came_first(storage: Storage) -> None:
    """A status may overtake the answer to its own POST; what it said stands, whatever the sender then learns."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1")]))
    await storage.settle([attempt("m1", SENDING)])
    await storage.put(status("w1", DELIVERED, "m1"))
    for late in (UNKNOWN, QUEUED, SENDING, SENT, FAILED):
        await storage.settle([attempt("m1", late)])
        assert await waiting(storage) == []


async def test_whoever_is_late_hears_of_it(storage: Storage) -> None:
    """A mark that would send a settled message says so: nothing may leave twice between a look and its mark."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1")]))
    assert await storage.settle([attempt("m1", SENDING)]) == frozenset()
    await storage.put(status("w1", DELIVERED, "m1"))
    assert await storage.settle([attempt("m1", SENDING)]) == {outbound("m1").id}


async def test_what_the_bot_said_is_withdrawn_when_a_person_takes_over(storage: Storage) -> None:
    """What is queued does not leave, what is in doubt is not repeated; people's words and reminders stay."""
    reminder = changed(outbound("m1", 2), body={"type": "template", "template": {"name": "reminder"}})
    advert = changed(outbound("m1", 3), body=reminder.body, purpose="marketing")
    typed = changed(outbound("m1", 4), purpose="person")
    sends = [outbound("m1", status=SENDING, attempted_at=NOW), outbound("m1", 1), reminder, advert, typed]
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=sends))
    await storage.put(arrival(message("m2")))
    await storage.commit(changed(unit("m2", expected=1), withdraw="a person answered"))
    left = await storage.pending(conversation(), 10)
    assert [(row.id, row.policy) for row in left] == [
        (outbound("m1", 0).id, "once"),
        (reminder.id, "repeat"),
        (typed.id, "repeat"),
    ]
    assert await storage.settle([attempt("m1", SENDING, index=1)]) == {outbound("m1", 1).id}
    failed = await storage.deliveries(10, failed=True)
    assert {(row.id, row.reason) for row in failed} == {
        (outbound("m1", 1).id, "a person answered"),
        (advert.id, "a person answered"),
    }
    assert await storage.tell(10) == 0


async def test_what_is_put_off_is_not_pending_until_then(storage: Storage, adapter: Adapter) -> None:
    """It is due at its time, also after a restart, and until then what follows goes first."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1", 0), outbound("m1", 1)]))
    later = changed(attempt("m1", QUEUED), due_at=NOW + 60_000)
    await storage.settle([attempt("m1", SENDING)])
    await storage.settle([later])
    assert await waiting(storage) == ["m1 1"]
    storage = await adapter.crash()
    adapter.clock.now = NOW + 60_000
    assert list(await storage.due(adapter.clock())) == [conversation()]
    assert await waiting(storage) == ["m1 0", "m1 1"]


async def test_a_failure_is_told_once(storage: Storage, adapter: Adapter) -> None:
    """As a message of its conversation, also when the process ends before; one about a failure is not told."""
    await storage.put(arrival(message("m1")))
    sends = [outbound("m1", 0), outbound("m1", 1, tells=False)]
    await storage.commit(unit("m1", sends=sends))
    for index in (0, 1):
        await storage.settle([attempt("m1", SENDING, index)])
        await storage.settle([changed(attempt("m1", FAILED, index, reason="131026: no"), code=131026)])
    storage = await adapter.crash()
    assert await storage.tell(10) == 1
    assert await storage.tell(10) == 0
    assert await everything(storage) == [f"failed:{outbound('m1').id}"]


async def test_a_message_of_the_outbox_can_be_sent_again_or_taken_out(storage: Storage) -> None:
    """One that failed or waits; one that may have left stays as it is."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1", index) for index in range(3)]))
    await storage.settle([attempt("m1", FAILED, 0, reason="no")])
    await storage.settle([attempt("m1", SENDING, 1)])
    ids = [outbound("m1", index).id for index in range(3)]
    assert [one.id for one in await storage.deliveries(failed=True)] == ids[:1]
    again = [await storage.send_again(id_) for id_ in ids[:2]]
    assert [one.status for one in again if one is not None] == [QUEUED, SENDING]
    dropped = await storage.drop(ids[2])
    assert dropped is not None
    assert dropped.status is FAILED
    assert await waiting(storage) == ["m1 0", "m1 1"]
    assert await storage.tell(10) == 0
    assert await storage.drop("nobody") is None


async def test_a_status_without_our_id_is_matched_by_the_wamid(storage: Storage) -> None:
    """Also one that came before we knew the wamid; a failure is on the transcript."""
    await storage.put(arrival(message("m1"), message("m2")))
    await storage.commit(unit("m1", sends=[outbound("m1")]))
    await storage.commit(unit("m2", expected=1, sends=[outbound("m2")]))
    await storage.settle([attempt("m1", SENDING), attempt("m1", SENT, wamid="w1"), attempt("m2", SENDING)])
    errors = ({"code": 131047, "title": "Re-engagement message", "error_data": {"details": "More than 24 hours"}},)
    await storage.put(status("w1", FAILED, errors=errors))
    await storage.put(status("w2", FAILED, errors=errors))
    assert [line.ref for line in await storage.transcript(conversation())] == [outbound("m1").id]
    await storage.settle([attempt("m2", SENT, wamid="w2")])
    lines = await storage.transcript(conversation())
    assert [(line.kind, line.ref, line.body["reason"]) for line in lines] == [
        ("status", outbound("m1").id, "131047 More than 24 hours"),
        ("status", outbound("m2").id, "131047 More than 24 hours"),
    ]


async def test_statuses_may_repeat_and_come_in_any_order(storage: Storage) -> None:
    """One failure makes one line, however often it is told, and evidence of delivery overrules it."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1")]))
    for said in (FAILED, FAILED, DELIVERED, FAILED, SENT):
        await storage.put(status("w1", said, "m1"))
    assert len(await storage.transcript(conversation())) == 1


async def test_a_status_of_a_stranger_is_no_error(storage: Storage) -> None:
    """Another system may send from the same number."""
    await storage.put(status("w9", DELIVERED))
    await storage.put(status("w9", SENT))
    assert await storage.unsent() == []


async def test_a_lagging_mark_counts_at_once_and_is_written_in_time(adapter: Adapter, storage: Storage) -> None:
    """A settled message is not pending, though its mark may wait; closing writes it."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1"), outbound("m1", 1)]))
    await storage.settle([attempt("m1", SENDING)])
    await storage.settle([attempt("m1", SENT, wamid="w1")], durable=False)
    assert await waiting(storage) == ["m1 1"]
    await storage.close()
    storage = await adapter.open()
    assert await waiting(storage) == ["m1 1"]


async def test_an_attempt_is_durable_even_when_its_caller_does_not_insist(adapter: Adapter, storage: Storage) -> None:
    """`sending` must survive a crash, or a message could leave twice."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1")]))
    await storage.settle([attempt("m1", SENDING)], durable=False)
    storage = await adapter.crash()
    assert (await storage.pending(conversation(), 1))[0].status is SENDING


# ---- timers --------------------------------------------------------------------------------------------------------------


async def armed(storage: Storage, *timers: Timer, name: str = "ana", expected: int = 0) -> None:
    await storage.commit(unit(name=name, expected=expected, arm=timers))


async def test_a_due_timer_becomes_a_message_once(adapter: Adapter, storage: Storage) -> None:
    """It waits its turn in its own conversation, names what set it, and survives a crash on the way."""
    await armed(storage, Timer(name="soft", due_at=NOW + 1000, armed=7))
    assert await storage.sweep(NOW + 999, 10) == 0
    await storage.put(arrival(message("m1")))
    assert await storage.sweep(NOW + 1000, 10) == 1
    storage = await adapter.crash()
    assert await storage.sweep(NOW + 1000, 10) == 0
    seen: list[InboundMessage] = []

    async def before(arrived: InboundMessage) -> None:
        seen.append(arrived)

    handler = Handler(storage, before)
    storage.lanes.run(handler)
    assert await handler.until(2) == ["m1", f"timer:{conversation()}:soft:7:{NOW + 1000}"]
    fired = seen[1]
    assert (fired.channel, fired.type, fired.payload) == (
        "timer",
        "timer",
        {"name": "soft", "armed": 7, "due_at": NOW + 1000},
    )
    assert (fired.conversation_id, fired.contact, fired.timestamp) == (conversation(), contact(), NOW + 1000)


async def test_a_timer_is_replaced_by_name(storage: Storage) -> None:
    """Armed again, it is due when it was armed to last, be that later or sooner."""
    await armed(storage, Timer(name="soft", due_at=NOW + 10, armed=1), Timer(name="hard", due_at=NOW + 100, armed=1))
    await armed(storage, Timer(name="soft", due_at=NOW + 50, armed=2), expected=1)
    assert await storage.sweep(NOW + 49, 10) == 0
    await armed(storage, Timer(name="hard", due_at=NOW + 20, armed=3), expected=2)
    assert await storage.sweep(NOW + 20, 10) == 1
    assert await storage.sweep(NOW + 50, 10) == 1
    assert await storage.sweep(NOW + 1000, 10) == 0
    fired: list[str] = []

    async def before(arrived: InboundMessage) -> None:
        fired.append(arrived.message_id.rpartition("ana:")[2])

    handler = Handler(storage, before)
    storage.lanes.run(handler)
    await handler.until(2)
    assert fired == [f"hard:3:{NOW + 20}", f"soft:2:{NOW + 50}"]


async def test_a_timer_armed_and_disarmed_in_one_unit_is_off(storage: Storage) -> None:
    """Disarming is the last word."""
    await storage.commit(unit(arm=[Timer(name="soft", due_at=NOW, armed=1)], disarm=["soft", "never set"]))
    assert await storage.sweep(NOW + DAY, 10) == 0


async def test_a_sweep_moves_no_more_than_asked(storage: Storage) -> None:
    """The earliest come first; the others wait for the next sweep."""
    for number in range(5):
        await armed(storage, Timer(name="soft", due_at=NOW + number, armed=1), name=f"c{number}")
    assert await storage.sweep(NOW + 10, 3) == 3
    assert await storage.sweep(NOW + 10, 3) == 2
    assert await storage.sweep(NOW + 10, 3) == 0


async def test_a_sweep_looks_past_timers_that_were_pushed_back(storage: Storage) -> None:
    """However many were armed again for later, those that are due are found in the same sweep."""
    for number in range(7):
        await armed(storage, Timer(name="soft", due_at=NOW + 1, armed=1), name=f"c{number}")
        await armed(storage, Timer(name="soft", due_at=NOW + 500, armed=2), name=f"c{number}", expected=1)
    await armed(storage, Timer(name="soft", due_at=NOW + 2, armed=1), name="due")
    assert await storage.sweep(NOW + 10, 2) == 1
    assert await storage.sweep(NOW + 500, 100) == 7


# ---- refusing ------------------------------------------------------------------------------------------------------------


async def test_a_store_that_cannot_write_says_so_and_recovers(adapter: Adapter, storage: Storage) -> None:
    """While nothing can be written nothing is acknowledged or half there; afterwards everything goes on by itself."""
    handler = Handler(storage)
    storage.lanes.run(handler)
    await storage.put(arrival(message("m0")))
    await handler.until(1)

    await adapter.fail()
    refused = 0
    big = "x" * 2000
    for number in range(50):
        try:
            await storage.put(arrival(message(f"n{number}", text=big), message(f"o{number}", "bob", text=big)))
        except Unavailable:
            refused += 1
    assert refused > 40 or adapter.accepts_alone
    stuck = unit("m0", name="cy", snapshot=big.encode() * 10, sends=[outbound("m0", name="cy")])
    stuck = unit(name="cy", snapshot=stuck.snapshot, sends=stuck.sends)
    with pytest.raises(Unavailable):
        await storage.commit(stuck)
    await adapter.mend()
    assert (await storage.open(conversation("cy"))).sequence == 0
    assert await waiting(storage, "cy") == []

    assert await storage.commit(stuck) == "committed"
    assert await waiting(storage, "cy") == ["m0 0"]
    for number in range(50):
        await storage.put(arrival(message(f"n{number}", text=big), message(f"o{number}", "bob", text=big)))
    await handler.until(101)
    assert (await storage.open(conversation())).snapshot == b"m0 " + b" ".join(b"n%d" % n for n in range(50))
    assert (await storage.open(conversation("bob"))).snapshot == b" ".join(b"o%d" % n for n in range(50))


async def test_a_closed_store_refuses(storage: Storage) -> None:
    """After closing nothing is acknowledged and nothing can be read."""
    await storage.close()
    with pytest.raises(Unavailable):
        await storage.put(arrival(message("m1")))
    with pytest.raises(Unavailable):
        await storage.open(conversation("bob"))
    with pytest.raises(Unavailable):
        await storage.stats()


# ---- records -------------------------------------------------------------------------------------------------------------


async def test_the_transcript_gives_the_newest_lines_oldest_first(storage: Storage) -> None:
    """Also of a conversation that nothing but a line is known of."""
    lines = [Record(at=NOW + number, kind="event", body={"n": number}) for number in range(5)]
    await storage.append(conversation(), lines)
    assert await storage.transcript(conversation()) == lines
    assert await storage.transcript(conversation(), 2) == lines[3:]
    assert await storage.transcript("nobody") == []
    assert await storage.conversations() == []
    assert await storage.commit(unit()) == "committed"
    assert [found.conversation_id for found in await storage.conversations()] == [conversation()]


async def test_conversations_are_listed_by_last_activity(storage: Storage) -> None:
    """The most recent first, be it by milliseconds or days."""
    for name, at in {"old": NOW - DAY, "b": NOW + 2, "c": NOW + 1, "new": NOW + DAY}.items():
        await storage.commit(unit(name=name, at=at))
    await storage.commit(unit(name="c", expected=1, at=NOW + 3))
    found = [summary.conversation_id.rpartition(".")[2] for summary in await storage.conversations()]
    assert found == ["new", "c", "b", "old"]
    assert len(await storage.conversations(2)) == 2


async def test_a_conversation_has_one_open_case(storage: Storage) -> None:
    """A case is what the last unit of work says; the conversation knows its open one; closing ends it; the next one is new."""

    def case(id_: str, name: str = "ana", **more: Any) -> Handoff:
        facts = {"status": "waiting", "at": NOW, "opened_at": NOW, **more}
        return Handoff(id=id_, conversation_id=conversation(name), **facts)

    asked = case("h1", reason="asked")
    await storage.commit(unit(handoffs=[asked], case=asked))
    angry = changed(asked, status="claimed", priority=2, agent="marta", agent_name="Marta", claimed_at=NOW, at=NOW + 5)
    await storage.commit(unit(expected=1, handoffs=[asked, angry], case=angry))
    assert await storage.handoffs() == [angry]
    assert (await storage.open(conversation())).case == angry
    assert (await storage.stats()).handoffs_waiting == 0
    over = changed(angry, status="closed", closed_at=NOW + 6, outcome="solved", rating=5)
    await storage.commit(unit(expected=2, handoffs=[over]))
    assert await storage.handoffs() == []
    assert (await storage.open(conversation())).case is None
    await storage.commit(unit(expected=3, handoffs=[case("h3", opened_at=NOW + 9)]))
    await storage.commit(unit(name="bob", handoffs=[case("h4", "bob", opened_at=NOW + 7)]))
    assert [found.id for found in await storage.handoffs()] == ["h4", "h3"]
    assert (await storage.stats()).handoffs_waiting == 2


async def test_the_rest_of_a_webhook_is_kept(storage: Storage) -> None:
    """Dead letters and changes of other kinds are stored with the messages; an element that cannot be stored joins them."""
    broken = message("half", text="half a pair: \ud83d")
    await storage.put(
        Arrival(
            messages=(broken, message("m1")),
            others=(OtherChange(field="account_update", number_id=None, raw=b"{}"),),
            dead=(DeadLetter(reason="no id", raw=b"[]"),),
        )
    )
    found = await storage.stats()
    assert (found.inbox, found.dead_letters, found.conversations, found.outbox) == (1, 2, 0, 0)


async def test_old_sends_are_forgotten_unless_they_never_left(adapter: Adapter, storage: Storage) -> None:
    """Settled messages go after 35 days; one that still has to leave stays."""
    await storage.put(arrival(message("m1")))
    await storage.commit(unit("m1", sends=[outbound("m1", 0), outbound("m1", 1)]))
    await storage.settle([attempt("m1", SENT, wamid="w1")])
    await storage.prune(NOW + 34 * DAY)
    await storage.put(status("w1", FAILED))
    assert len(await storage.transcript(conversation())) == 1
    await storage.prune(NOW + 36 * DAY)
    await storage.put(status("w1", READ))
    await storage.put(status("w1", FAILED))
    assert len(await storage.transcript(conversation())) == 1
    assert await waiting(storage) == ["m1 1"]


# ---- versions ------------------------------------------------------------------------------------------------------------


def version(id_: str, at: int, **more: Any) -> Version:
    return Version(bot="shop", id=id_, number=0, charts=("shop@0123456789ab", "faq@ba9876543210"), live_from=at, **more)


async def test_one_version_is_live(adapter: Adapter, storage: Storage) -> None:
    """Making one live ends the one before, keeps the numbers, and survives a crash; bots do not know each other."""
    one = await storage.make_live(version("a", 5, choice="keep"), None)
    assert one == Version(bot="shop", id="a", number=1, charts=one.charts if one else (), live_from=5, choice="keep")
    assert await storage.make_live(version("b", 7), "a") is not None
    storage = await adapter.crash()
    rows = await storage.versions("shop")
    assert [(row.id, row.number, row.live_from, row.live_until, row.choice) for row in rows] == [
        ("a", 1, 5, 7, "keep"),
        ("b", 2, 7, None, None),
    ]
    again = await storage.make_live(version("a", 9, choice="move"), "b")
    assert again is not None
    assert (again.number, again.charts) == (1, ("shop@0123456789ab", "faq@ba9876543210"))
    assert [(row.id, row.live_until, row.choice) for row in await storage.versions("shop")] == [
        ("a", None, "move"),
        ("b", 9, None),
    ]
    assert await storage.versions("clinic") == []


async def test_of_many_that_publish_the_first_version_one_wins(storage: Storage) -> None:
    """Nothing is live yet, so there is nothing that they could wait for each other at."""
    won = await asyncio.gather(*(storage.make_live(version(str(number), 5), None) for number in range(8)))
    assert [one for one in won if one is not None] == list(await storage.versions("shop"))


async def test_a_version_is_made_live_by_one_only(storage: Storage) -> None:
    """Who expects another live version than there is changes nothing: of two at once, one wins."""
    assert await storage.make_live(version("a", 5), None) is not None
    won = await asyncio.gather(storage.make_live(version("b", 6), "a"), storage.make_live(version("c", 6), "a"))
    assert [row is not None for row in won] == [True, False]
    assert await storage.make_live(version("d", 7), None) is None
    assert [row.id for row in await storage.versions("shop")] == ["a", "b"]


async def test_a_version_is_forgotten(storage: Storage) -> None:
    """Only one that is not live can be taken out; its number is not given to another while a later one is there."""
    await storage.make_live(version("a", 5), None)
    assert not await storage.forget_version("shop", "a")
    await storage.make_live(version("b", 6), "a")
    assert await storage.forget_version("shop", "a")
    assert not await storage.forget_version("shop", "a")
    made = await storage.make_live(version("c", 7), "b")
    assert made is not None
    assert made.number == 3


async def test_every_conversation_under_way_is_looked_at(storage: Storage) -> None:
    """The scan brings each stored snapshot once, and none of a conversation that is over."""
    for name in ("ana", "bea", "eva"):
        await storage.put(arrival(message(f"m-{name}", name)))
        await storage.commit(unit(f"m-{name}", name=name, snapshot=name.encode() if name != "eva" else None))
    found: list[tuple[str, bytes]] = []
    await storage.scan(lambda id_, snapshot: found.append((id_, snapshot)))
    assert sorted(found) == [(conversation("ana"), b"ana"), (conversation("bea"), b"bea")]


# ---- what is over --------------------------------------------------------------------------------------------------------


async def test_an_archive_is_found_when_nothing_else_is(storage: Storage) -> None:
    """The newest one, once, and only as long as no conversation is under way."""
    first = Archive(at=NOW, reason="expired", snapshot=b'{"v":1}')
    second = Archive(at=NOW + 5, reason="done", snapshot=b'{"v":2}')
    await storage.commit(changed(unit(), snapshot=None, archive=first))
    await storage.commit(changed(unit(expected=1), snapshot=None, archive=first))
    assert (await storage.open(conversation("ana"))).archived == first
    await storage.commit(changed(unit(expected=2), snapshot=b"{}"))
    assert (await storage.open(conversation("ana"))).archived is None
    await storage.commit(changed(unit(expected=3), snapshot=None, archive=second))
    assert (await storage.open(conversation("ana"))).archived == second
