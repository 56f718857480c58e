"""What is particular to the SQLite adapter: overload, memory, clean-up, rows that cannot be read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration.storage import (
    DAY,
    Handler,
    SqliteAdapter,
    arrival,
    attempt,
    conversation,
    message,
    outbound,
    status,
    unit,
)
from wabox.core.changed import changed
from wabox.core.conversation import Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.message import InboundMessage
from wabox.errors import Unavailable
from wabox.sqlite import lanes as lanes_module
from wabox.sqlite.admission import Limits
from wabox.sqlite.lanes import AGED, BURST, HELD, PACE, STARTS, SqliteLanes
from wabox.sqlite.store import SqliteStore, open_store


class Monotonic:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
async def store(tmp_path: Path, clock: VirtualClock, monotonic: Monotonic) -> AsyncIterator[SqliteStore]:
    opened = await open_store(
        tmp_path, clock, limits=Limits(waiting=3, backlog=HELD + 1), monotonic=monotonic, sleep=clock.sleep
    )
    yield opened
    await opened.close()


async def ask(store: SqliteStore, query: str, *parameters: object) -> list[tuple[object, ...]]:
    return await store.writer.submit(lambda connection: connection.execute(query, parameters).fetchall())


class Busy:
    """While it lasts, the disk takes nothing."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._began, self._go_on = threading.Event(), threading.Event()

    def _wait(self, statement: str) -> None:
        if statement == "COMMIT":
            self._began.set()
            self._go_on.wait()

    async def __aenter__(self) -> None:
        self._future = self._store.writer.submit(lambda connection: connection.set_trace_callback(self._wait))
        await asyncio.to_thread(self._began.wait)

    async def __aexit__(self, *_: object) -> None:
        self._go_on.set()
        await self._future


async def test_a_slow_disk_is_reported_at_once(store: SqliteStore, monotonic: Monotonic) -> None:
    """When a write has waited for more than 150 ms, the next webhook is refused instead of queued."""
    async with Busy(store):
        monotonic.now += 0.149
        first = asyncio.create_task(store.put(arrival(message("m1"))))
        await asyncio.sleep(0)
        monotonic.now += 0.002
        with pytest.raises(Unavailable, match="has waited for 151 ms"):
            await store.put(arrival(message("m2")))
    await first
    await store.put(arrival(message("m2")))
    assert (await store.stats()).inbox == 2


async def test_too_many_uncommitted_writes_are_refused(store: SqliteStore) -> None:
    """The queue before the disk is bounded."""
    async with Busy(store):
        puts = [asyncio.create_task(store.put(arrival(message(f"m{n}")))) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="4 writes wait"):
            await store.put(arrival(message("m9")))
    await asyncio.gather(*puts)


async def test_a_cancelled_put_is_still_handled(store: SqliteStore) -> None:
    """A client that hangs up has brought its message all the same."""
    handler = Handler(store)
    store.lanes.run(handler)
    async with Busy(store):
        put = asyncio.create_task(store.put(arrival(message("m1"))))
        await asyncio.sleep(0)
        put.cancel()
        await asyncio.gather(put, return_exceptions=True)
    assert await handler.until(1) == ["m1"]


async def test_a_flooding_conversation_does_not_fill_the_memory(store: SqliteStore) -> None:
    """What one conversation has beyond its share stays on disk, and does not count against everybody else's messages."""
    stuck = asyncio.Event()

    async def before(arrived: InboundMessage) -> None:
        if arrived.message_id == "m0":
            await stuck.wait()

    handler = Handler(store, before)
    store.lanes.run(handler)
    await store.put(arrival(*(message(f"m{n}") for n in range(3 * HELD + 5))))
    assert store.lanes.backlog == HELD
    await store.put(arrival(message("b1", "bob")))
    assert await handler.until(1) == ["b1"]
    stuck.set()
    assert (await handler.until(3 * HELD + 6))[1:] == [f"m{n}" for n in range(3 * HELD + 5)]
    assert store.lanes.backlog == 0


async def test_a_customer_who_writes_too_fast_is_handled_in_time_and_hurts_nobody(tmp_path: Path) -> None:
    """A thousand messages at once: the first ones as they come, then so many a second, in order, one held in memory."""
    clock, monotonic = VirtualClock(), Monotonic()
    seconds: list[float] = []
    most = 0

    async def sleep(pause: float) -> None:
        nonlocal most
        seconds.append(pause)
        monotonic.now += pause
        most = max(most, store.lanes.backlog)
        if len(seconds) == 3:
            await store.put(arrival(message("b1", "bob")))
            await handler.until(len(handler.handled) + 1)
            bob.append(handler.handled.index("b1"))
        await asyncio.sleep(0)

    bob: list[int] = []
    store = await open_store(tmp_path, clock, limits=Limits(age=1e9), monotonic=monotonic, sleep=sleep)
    handler = Handler(store)
    store.lanes.run(handler)
    for hundred in range(10):
        await store.put(arrival(*(message(f"m{hundred * 100 + n}") for n in range(100))))
    assert [one for one in await handler.until(1001) if one != "b1"] == [f"m{n}" for n in range(1000)]
    assert bob == [pytest.approx(BURST + 3, abs=1)]
    assert sum(seconds) == pytest.approx((1000 - BURST) / PACE, abs=2)
    assert most <= 2
    await store.close()


def test_who_was_quiet_since_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many customers write, only those of the last seconds are remembered."""
    monkeypatch.setattr(lanes_module, "PACED", 10)
    monotonic = Monotonic()
    lanes = SqliteLanes(lambda *_: [], monotonic=monotonic)
    lanes._most_paces = 10
    for n in range(1000):
        monotonic.now += 0.1
        assert lanes._too_fast(lanes_module._Lane(f"c{n}")) <= 0
    assert len(lanes._paces) <= 10


async def test_a_failing_conversation_holds_one_message(tmp_path: Path, clock: VirtualClock) -> None:
    """While it is stuck its other messages wait on disk, those that arrive meanwhile too; then all come in order."""
    go_on = asyncio.Event()

    async def sleep(_: float) -> None:
        await go_on.wait()

    store = await open_store(tmp_path, clock, sleep=sleep)
    failing = True

    async def before(_: InboundMessage) -> None:
        if failing:
            raise RuntimeError("not now")

    handler = Handler(store, before)
    store.lanes.run(handler)
    await store.put(arrival(message("m0"), *(message(f"b{n}", "bob") for n in range(5))))
    await asyncio.sleep(0)
    await store.put(arrival(*(message(f"m{n}") for n in range(1, 5)), message("b5", "bob")))
    assert store.lanes.backlog == 2
    failing = False
    go_on.set()
    handled = await handler.until(11)
    assert [id_ for id_ in handled if id_.startswith("m")] == [f"m{n}" for n in range(5)]
    assert [id_ for id_ in handled if id_.startswith("b")] == [f"b{n}" for n in range(6)]
    await store.close()


async def test_lanes_start_a_few_at_a_time_and_customers_first(store: SqliteStore) -> None:
    """Timers that come due by the hundred neither block the event loop nor overtake a customer's message."""
    for n in range(3 * STARTS):
        await store.commit(unit(name=f"c{n}", arm=[Timer(name="soft", due_at=NOW, armed=1)]))
    began: list[str] = []
    stuck, all_began = asyncio.Event(), asyncio.Event()

    async def before(arrived: InboundMessage) -> None:
        began.append(arrived.channel)
        if len(began) == 3 * STARTS + 1:
            all_began.set()
        await stuck.wait()

    handler = Handler(store, before)
    store.lanes.run(handler)
    async with Busy(store):
        sweep = asyncio.create_task(store.sweep(NOW, 500))
        put = asyncio.create_task(store.put(arrival(message("a1"))))
        await asyncio.sleep(0)
    assert await sweep == 3 * STARTS
    await put
    await all_began.wait()
    assert began.index("whatsapp") == STARTS
    assert (store.lanes.backlog, store.lanes.due) == (3 * STARTS + 1, 3 * STARTS)
    stuck.set()
    await handler.until(3 * STARTS + 1)
    assert (store.lanes.backlog, store.lanes.due) == (0, 0)


async def test_drain_does_not_wait_for_a_pause() -> None:
    """A conversation that waits for its next try is let go at once; its message is in the inbox."""
    failed = asyncio.Event()

    async def handle(_: InboundMessage) -> None:
        raise RuntimeError("not now")

    async def sleep(seconds: float) -> None:
        failed.set()
        await never(seconds)

    lanes = SqliteLanes(lambda *_: [], sleep=sleep)
    lanes.run(handle)
    lanes.feed([(1, message("m1"))])
    await failed.wait()
    await lanes.drain(1e9)
    assert lanes.backlog == 0


async def test_no_lane_starts_while_the_store_is_busy() -> None:
    """What came waits, and is handled when there is room again."""
    busy = True
    began = asyncio.Event()

    async def handle(_: InboundMessage) -> None:
        began.set()

    lanes = SqliteLanes(lambda *_: [], busy=lambda: busy)
    lanes.run(handle)
    lanes.feed([(1, message("m1"))])
    for _ in range(5):
        await asyncio.sleep(0)
    assert (began.is_set(), lanes.backlog) == (False, 1)
    busy = False
    await began.wait()
    await lanes.drain(1)


async def test_a_timer_starts_only_while_hardly_a_write_waits() -> None:
    """A customer's message goes on meanwhile."""
    handled: list[str] = []
    begun = {"customer": asyncio.Event(), "timer": asyncio.Event()}
    calm = False

    async def handle(arrived: InboundMessage) -> None:
        handled.append(arrived.message_id)
        begun[arrived.message_id].set()

    lanes = SqliteLanes(lambda *_: [], calm=lambda: calm, monotonic=lambda: 0.0)
    lanes.run(handle)
    lanes.feed([(1, changed(message("timer", "bob"), channel="timer")), (2, message("customer"))])
    await begun["customer"].wait()
    assert handled == ["customer"]
    calm = True
    await begun["timer"].wait()
    await lanes.drain(1)


async def test_timers_start_one_by_one_where_it_is_never_calm() -> None:
    """Late is allowed; never is not."""
    now = 0.0
    handled: list[str] = []
    begun = asyncio.Event()

    async def handle(arrived: InboundMessage) -> None:
        handled.append(arrived.message_id)
        begun.set()

    lanes = SqliteLanes(lambda *_: [], calm=lambda: False, monotonic=lambda: now)
    lanes.run(handle)
    lanes.feed([(n, changed(message(f"t{n}", f"c{n}"), channel="timer")) for n in (1, 2)])
    for step in (1, 2):
        assert len(handled) == step - 1
        now += AGED
        await asyncio.wait_for(begun.wait(), 5)
        begun.clear()
    assert handled == ["t1", "t2"]
    await lanes.drain(1)


async def test_a_message_that_cannot_be_read_back_is_buried(tmp_path: Path, clock: VirtualClock) -> None:
    """A row that no version of ours wrote does not stand in the way of those that can be read."""
    store = await open_store(tmp_path, clock)
    await store.put(arrival(*(message(f"m{n}") for n in range(HELD + 3))))
    for seq, body in {1: "{", HELD: '{"message_id": 7}', HELD + 2: "[]"}.items():
        await ask(store, "UPDATE inbox SET body = CAST(? AS BLOB) WHERE seq = ?", body, seq)
    await store.close()
    store = await open_store(tmp_path, clock)
    handler = Handler(store)
    store.lanes.run(handler)
    await handler.until(HELD)
    found = await store.stats()
    assert (found.inbox, found.dead_letters) == (0, 3)
    await store.close()


async def test_an_unreadable_message_does_not_cut_a_lane_short(store: SqliteStore) -> None:
    """A lane that reads on finds what lies behind a row that cannot be read."""
    stuck = asyncio.Event()

    async def before(_: InboundMessage) -> None:
        await stuck.wait()

    handler = Handler(store, before)
    store.lanes.run(handler)
    await store.put(arrival(*(message(f"m{n}") for n in range(1, 3 * HELD + 1))))
    await ask(store, "UPDATE inbox SET body = CAST('?' AS BLOB) WHERE seq = ?", HELD + 2)
    stuck.set()
    assert len(await handler.until(3 * HELD - 1)) == 3 * HELD - 1
    assert (await store.stats()).dead_letters == 1


async def test_a_lane_that_read_ahead_knows_what_it_is_fed_late() -> None:
    """The inbox may show a message to a lane before the event loop hears of its commit; it is handled once."""
    rows = [(n, message(f"m{n}")) for n in range(1, HELD + 4)]
    handled: list[str] = []
    turn, all_held = asyncio.Semaphore(0), asyncio.Event()

    async def handle(arrived: InboundMessage) -> None:
        await turn.acquire()
        handled.append(arrived.message_id)
        if len(handled) == HELD:
            all_held.set()

    def load(conversation_id: str, after: int, limit: int) -> list[tuple[int, InboundMessage]]:
        return [row for row in rows if row[0] > after][:limit]

    lanes = SqliteLanes(load)
    lanes.run(handle)
    lanes.feed(rows[: HELD + 1])  # one more than it holds: it will read on, and find the last two as well
    for _ in range(HELD):
        turn.release()
    await all_held.wait()
    lanes.feed(rows[HELD + 1 :])
    for _ in range(9):
        turn.release()
        await asyncio.sleep(0)
    assert handled == [row[1].message_id for row in rows]
    assert lanes.backlog == 0


async def test_a_handled_message_gives_its_row_to_the_next(store: SqliteStore) -> None:
    """The inbox is as long as its longest backlog, duplicates and refusals included, and the next start shortens it."""
    handler = Handler(store)
    store.lanes.run(handler)
    for n in range(100):
        await store.put(arrival(message(f"m{n}")))
        await store.put(arrival(message(f"m{n}")))
        await handler.until(n + 1)
    await store.put(arrival(message("last", "bob"), message("very last", "cy")))
    await handler.until(102)
    assert await ask(store, "SELECT max(slot) <= 3 FROM inbox") == [(1,)]
    assert await ask(store, "SELECT count(*) FROM inbox WHERE seq > 0") == [(0,)]


async def test_a_start_holds_no_message_and_comes_to_each_in_the_order_of_arrival(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """Rows were taken over in another order than messages came, and what comes during the start is read as well."""
    store = await open_store(tmp_path, clock)
    for number in range(10):
        await store.put(arrival(message(f"u{number}", f"c{number}")))
    for number in (6, 2, 4):
        await store.commit(unit(f"u{number}", name=f"c{number}"))
    for number in range(10, 13):
        await store.put(arrival(message(f"u{number}", f"c{number}")))
    await store.close()
    store = await open_store(tmp_path, clock)
    handler = Handler(store)
    store.lanes.run(handler)
    assert (store.unhandled, store.lanes.backlog) == (10, 0)
    order = [int(id_[1:]) for id_ in await handler.until(10)]
    assert order == [0, 1, 3, 5, 7, 8, 9, 10, 11, 12]
    await store.close()


async def test_a_refused_webhook_leaves_its_rows_to_the_next(store: SqliteStore) -> None:
    """A put that failed changes nothing in memory either."""
    await ask(store, "PRAGMA max_page_count = 1")
    for n in range(20):
        with pytest.raises(Unavailable):
            await store.put(arrival(message(f"m{n}", text="x" * 100_000)))
    await ask(store, "PRAGMA max_page_count = 1000000")
    await store.put(arrival(message("m1"), message("m2")))
    assert sorted(await ask(store, "SELECT slot FROM inbox")) == [(1,), (2,)]


async def test_the_session_in_memory_is_the_one_on_disk(tmp_path: Path, clock: VirtualClock) -> None:
    """What open() answers right after a commit equals what it answers after a restart."""
    store = await open_store(tmp_path, clock)
    await store.commit(unit(snapshot=b"1"))
    await store.commit(unit(expected=1, snapshot=None, at=NOW + 5))
    remembered = await store.open(conversation())
    await store.close()
    store = await open_store(tmp_path, clock)
    assert await store.open(conversation()) == remembered
    await store.close()


async def test_a_later_deadline_does_not_touch_the_index(store: SqliteStore) -> None:
    """Arming again for later leaves `wake_at`; the sweep moves it once."""
    await store.commit(unit(arm=[Timer(name="soft", due_at=NOW + 10, armed=1)]))
    await store.commit(unit(expected=1, arm=[Timer(name="soft", due_at=NOW + 99, armed=2)]))
    assert await ask(store, "SELECT armed, due_at, wake_at FROM timers") == [(2, NOW + 99, NOW + 10)]
    assert await store.sweep(NOW + 10, 10) == 0
    assert await ask(store, "SELECT armed, due_at, wake_at FROM timers") == [(2, NOW + 99, NOW + 99)]
    await store.commit(unit(expected=2, arm=[Timer(name="soft", due_at=NOW + 20, armed=3)]))
    assert await ask(store, "SELECT armed, due_at, wake_at FROM timers") == [(3, NOW + 20, NOW + 20)]


async def test_pruning_empties_what_is_past_its_keep(store: SqliteStore, clock: VirtualClock) -> None:
    """In steps, and to the last row."""
    for batch in range(3):
        await store.put(arrival(*(message(f"m{batch}-{n}", f"c{n}") for n in range(1000))))
        await store.put(arrival(*(message(f"old{batch}-{n}", f"c{n}", at=5) for n in range(1000))))
    await store.put(status("stray", DeliveryStatus.READ))
    counts = (
        "SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM seen_undated), (SELECT count(*) FROM stray_statuses)"
    )
    assert await ask(store, counts) == [(3000, 3000, 1)]
    await store.prune(NOW + 8 * DAY)
    assert await ask(store, counts) == [(3000, 3000, 0)]
    await store.prune(NOW + 9 * DAY + 1000)
    assert await ask(store, counts) == [(0, 0, 0)]


async def test_pruning_passes_over_what_never_left(store: SqliteStore) -> None:
    """A thousand messages that were never sent do not keep the sent ones behind them."""
    sends = [outbound(f"m{n}") for n in range(1100)]
    await store.commit(unit(sends=sends))
    await store.settle([attempt(f"m{n}", DeliveryStatus.SENT) for n in range(1050, 1100)])
    await store.prune(NOW + 36 * DAY)
    assert await ask(store, "SELECT count(*), sum(pending) FROM outbox") == [(1050, 1050)]


async def test_what_became_of_a_message_is_on_its_row(store: SqliteStore) -> None:
    """Status, attempts, Meta's id, the price on delivery; the reason only of what failed or waits."""
    row = "SELECT status, pending, attempts, wamid, reason, CAST(pricing AS TEXT) FROM outbox"
    await store.commit(unit(sends=[outbound("m1")]))
    await store.settle(
        [attempt("m1", DeliveryStatus.SENDING), attempt("m1", DeliveryStatus.QUEUED, reason="429 slow down")]
    )
    assert await ask(store, row) == [("queued", 1, 1, None, "429 slow down", None)]
    await store.settle([attempt("m1", DeliveryStatus.SENDING), attempt("m1", DeliveryStatus.SENT, wamid="w1")])
    assert await ask(store, row) == [("sent", 0, 2, "w1", None, None)]
    await store.put(status("w1", DeliveryStatus.READ, pricing=None))
    await store.put(status("w1", DeliveryStatus.DELIVERED, pricing={"billable": True}))
    final = [("read", 0, 2, "w1", None, '{"billable":true}')]
    assert await ask(store, row) == final
    for late in (DeliveryStatus.SENDING, DeliveryStatus.QUEUED, DeliveryStatus.UNKNOWN, DeliveryStatus.FAILED):
        await store.settle([attempt("m1", late, wamid="w2", reason="late")])
        assert await ask(store, row) == final


async def test_the_failure_of_an_earlier_attempt_does_not_count(store: SqliteStore) -> None:
    """A repeated message that was sent stays sent when the first attempt turns out to have failed."""
    await store.commit(unit(sends=[outbound("m1")]))
    for mark in (
        attempt("m1", DeliveryStatus.UNKNOWN),
        attempt("m1", DeliveryStatus.SENDING),
        attempt("m1", DeliveryStatus.SENT, wamid="second"),
    ):
        await store.settle([mark])
    await store.put(status("first", DeliveryStatus.FAILED, "m1"))
    assert await ask(store, "SELECT status FROM outbox") == [("sent",)]


async def never(_: float) -> None:
    await asyncio.Event().wait()


async def test_closing_writes_the_marks_that_lag(tmp_path: Path, clock: VirtualClock) -> None:
    """However little time they had."""
    store = await open_store(tmp_path, clock, sleep=never)
    await store.commit(unit(sends=[outbound("m1")]))
    await store.settle([attempt("m1", DeliveryStatus.SENT)], durable=False)
    await store.close()
    store = await open_store(tmp_path, clock)
    assert await store.unsent() == []
    await store.close()


async def test_what_follows_in_a_conversation_takes_its_marks_along(tmp_path: Path, clock: VirtualClock) -> None:
    """Its own, and those that nobody claims; the others go their way, or each commit under load would write all of them."""
    store = await open_store(tmp_path, clock, sleep=never)
    for name in ("ana", "bea", "cai"):
        await store.commit(unit(name=name, sends=[outbound(f"{name}1", name=name)]))
    for name, whose in (("ana", conversation("ana")), ("bea", conversation("bea")), ("cai", None)):
        sent = attempt(f"{name}1", DeliveryStatus.SENT, conversation_id=whose)
        await store.settle([sent], durable=False)
    await store.commit(unit(expected=1, sends=[outbound("ana2")]))
    assert [status for (status,) in await ask(store, "SELECT status FROM outbox ORDER BY key")] == [
        *("sent", "queued", "sent"),
        "queued",
    ]
    await store.close()


async def test_what_is_about_to_leave_is_marked_after_what_has_left(tmp_path: Path, clock: VirtualClock) -> None:
    """After a crash the first would be in doubt, and might be repeated behind the second."""
    store = await open_store(tmp_path, clock, sleep=never)
    await store.commit(unit(sends=[outbound("m1"), outbound("m1", 1)]))
    first, second = (attempt("m1", DeliveryStatus.SENDING, place, conversation_id=conversation()) for place in (0, 1))
    await store.settle([first])
    await store.settle([changed(first, status=DeliveryStatus.SENT, wamid="w1")], durable=False)
    assert await store.settle([second]) == frozenset()
    assert await ask(store, "SELECT status FROM outbox ORDER BY key") == [("sent",), ("sending",)]
    await store.close()


async def test_a_mark_that_lags_is_written_before_a_later_one(tmp_path: Path, clock: VirtualClock) -> None:
    """Also when the write of the later one fails at first: none of them is forgotten."""
    store = await open_store(tmp_path, clock, sleep=never)
    await store.commit(unit(sends=[outbound("m1")]))
    await store.settle([attempt("m1", DeliveryStatus.SENT, wamid="w1")], durable=False)
    await ask(store, "PRAGMA max_page_count = 1")
    late = attempt("m1", DeliveryStatus.FAILED, reason="x" * 100_000)
    with pytest.raises(Unavailable):
        await store.settle([late])
    assert await ask(store, "SELECT status FROM outbox") == [("queued",)]
    assert await store.pending(conversation(), 9) == []
    await ask(store, "PRAGMA max_page_count = 1000000")
    await store.settle([late])
    assert await ask(store, "SELECT status, wamid FROM outbox") == [("failed", "w1")]
    await store.close()


async def test_a_stray_status_that_came_late_does_not_win(store: SqliteStore) -> None:
    """Of statuses that wait for their message the furthest is kept."""
    await store.commit(unit(sends=[outbound("m1")]))
    for said in (DeliveryStatus.SENT, DeliveryStatus.READ, DeliveryStatus.DELIVERED):
        await store.put(status("w1", said))
    await store.settle([attempt("m1", DeliveryStatus.SENT, wamid="w1")])
    assert await ask(store, "SELECT status FROM outbox") == [("read",)]
    assert await ask(store, "SELECT count(*) FROM stray_statuses") == [(0,)]


async def test_lagging_marks_survive_a_disk_that_is_full_for_a_while(store: SqliteStore) -> None:
    """They are tried again until they are written."""
    await store.commit(unit(sends=[outbound("m1"), outbound("m1", 1)]))
    await ask(store, "PRAGMA max_page_count = 1")
    long = "x" * 100_000
    await store.settle([attempt("m1", DeliveryStatus.FAILED, reason=long)], durable=False)
    with pytest.raises(Unavailable):
        await store.settle([attempt("m1", DeliveryStatus.FAILED, 1, reason=long)])
    assert [row.id for row in await store.pending(conversation(), 9)] == [outbound("m1", 1).id]
    await ask(store, "PRAGMA max_page_count = 1000000")
    failed = 0
    while failed != 1:
        ((failed,),) = await ask(store, "SELECT count(*) FROM outbox WHERE status = 'failed'")


async def test_what_a_crash_left_over_turns_nobody_away(tmp_path: Path, clock: VirtualClock) -> None:
    """However many messages were not handled, the next start takes new ones at once; those count as ever."""
    store = await open_store(tmp_path, clock)
    for number in range(6):
        await store.put(arrival(message(f"m{number}", f"c{number}")))
    await store.close()
    store = await open_store(tmp_path, clock, limits=Limits(backlog=3), sleep=never)

    async def handle(_: InboundMessage) -> None:
        await asyncio.Event().wait()

    store.lanes.run(handle)
    assert not store.crowded
    for number in range(4):
        await store.put(arrival(message(f"n{number}", f"d{number}")))
    with pytest.raises(Unavailable, match="4 messages wait"):
        await store.put(arrival(message("n9", "d9")))
    await store.close()


async def test_messages_are_refused_when_too_many_wait(tmp_path: Path) -> None:
    """Customers' messages beyond the limit are refused at once; delivery statuses and timers still go through."""
    adapter = SqliteAdapter(tmp_path)
    storage = await adapter.open(backlog=3)
    stuck = asyncio.Event()

    async def before(_: InboundMessage) -> None:
        await stuck.wait()

    handler = Handler(storage, before)
    storage.lanes.run(handler)
    for number in range(5):
        await storage.commit(unit(name=f"t{number}", arm=[Timer(name="soft", due_at=NOW, armed=1)]))
    assert await storage.sweep(NOW, 4) == 4
    for number in range(4):
        await storage.put(arrival(message(f"m{number}", f"c{number}")))
    with pytest.raises(Unavailable, match="4 messages wait"):
        await storage.put(arrival(message("m9")))
    await storage.put(status("w1", DeliveryStatus.DELIVERED))
    assert await storage.sweep(NOW, 4) == 1
    stuck.set()
    await handler.until(9)
    await storage.put(arrival(message("m9")))
    assert len(await handler.until(10)) == 10
    await adapter.aclose()


async def test_a_customer_is_not_kept_among_the_timers() -> None:
    """Timers stand back while writes wait; whoever writes meanwhile in a conversation of which one is due does not."""
    handled: list[str] = []
    done = asyncio.Event()

    async def handle(arrived: InboundMessage) -> None:
        handled.append(arrived.message_id)
        if len(handled) == 2:
            done.set()

    lanes = SqliteLanes(lambda *_: [], calm=lambda: False, monotonic=lambda: 0.0)
    lanes.run(handle)
    lanes.feed([(1, changed(message("t1"), channel="timer")), (2, changed(message("t2", "bob"), channel="timer"))])
    await asyncio.sleep(0)
    assert handled == []
    lanes.feed([(3, message("m1"))])
    await asyncio.wait_for(done.wait(), 5)
    assert handled == ["t1", "m1"]
    await lanes.drain(0)


async def test_a_start_takes_a_conversation_with_a_customers_message_before_timers(store: SqliteStore) -> None:
    """Whether its timer came first or not."""
    for name in ("a", "b"):
        await store.commit(unit(name=name, arm=[Timer(name="soft", due_at=NOW, armed=1)]))
    await store.sweep(NOW, 10)
    await store.put(arrival(message("m1", "a")))
    assert [one.timer for one in store._inbox.waiting()] == [False, True]


async def test_a_read_that_fails_after_an_unreadable_row_leaves_nothing_behind(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is buried stays in memory until the next start: the next try finds fewer rows than it asked for, not the end."""
    store = await open_store(tmp_path, clock)
    for n in range(HELD + 6):
        await store.put(arrival(message(f"m{n}")))
    await ask(store, "UPDATE inbox SET body = x'00' WHERE message_id = 'm3'")
    await store.close()

    async def sleep(_: float) -> None:
        await store.writer.submit(lambda connection: None)  # until what is buried is

    store = await open_store(tmp_path, clock, sleep=sleep)
    read, calls = store._reader.read, 0

    def fails_once(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("not now")
        return read(*arguments)

    monkeypatch.setattr(store._reader, "read", fails_once)
    handler = Handler(store)
    store.lanes.run(handler)
    handled = await asyncio.wait_for(handler.until(HELD + 5), 10)
    assert handled == [f"m{n}" for n in range(HELD + 6) if n != 3]
    await store.close()
