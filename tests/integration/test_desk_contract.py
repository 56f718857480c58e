"""What people's desks are told, by every adapter alike: cases, alerts, pages of what was said. All of it comes from units of
work; on a cluster they are committed in Redis and brought over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration.storage import ADAPTERS, DAY, NUMBER, Adapter, attempt, contact, conversation, outbound, unit
from wabox.core.alert import Alert, Told
from wabox.core.changed import changed
from wabox.core.consent import Consent
from wabox.core.conversation import Archive, Record, Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.handoff import Handoff, claimed, closed
from wabox.core.wait import Past
from wabox.sqlite import alerts as sqlite_alerts

WAIT, IDLE = "desk:wait", "desk:idle"


@pytest.fixture(params=sorted(ADAPTERS))
async def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adapter]:
    made = ADAPTERS[request.param](tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def storage(adapter: Adapter) -> Any:
    return await adapter.open()


async def commit(storage: Any, *units: Any) -> None:
    """All of them, and what they tell can be read."""
    for one in units:
        assert await storage.commit(one) == "committed"
    await storage.stats()  # on a cluster it waits until the records are there


async def session_of(storage: Any, conversation_id: str) -> Any:
    """As whoever has only the records reads it."""
    desk = storage.desk
    return await (desk.session(conversation_id) if hasattr(desk, "session") else storage.open(conversation_id))


def case(id_: str, name: str = "ana", **more: Any) -> Handoff:
    facts = {"status": "waiting", "at": NOW, "opened_at": NOW, "waiting_since": NOW, **more}
    return Handoff(id=id_, conversation_id=conversation(name), **facts)


def opening(one: Handoff, name: str = "ana", *, expected: int = 0, alerts: tuple[Alert, ...] = (), **more: Any) -> Any:
    """The unit of work that makes the case as it is."""
    made = unit(name=name, expected=expected, handoffs=[one], case=one if one.open else None, **more)
    return changed(made, alerts=alerts)


def alert(id_: str, one: Handoff, to: str = "mailto:marta@example.com", **more: Any) -> Alert:
    facts = {
        "what": "opened",
        "created_at": NOW,
        "due_at": NOW,
        "body": {"reason": "¿dónde está?", "number_id": NUMBER},
    }
    return Alert(id=id_, conversation_id=one.conversation_id, case=one.id, to=to, **{**facts, **more})


# ---- cases ---------------------------------------------------------------------------------------------------------------


async def test_cases_are_found_with_all_that_is_known_of_them(storage: Any) -> None:
    """Every field comes back: by the whole id with number and customer, by its beginning, by its conversation."""
    first = case("h-aa01", reason="refund 😀", brief="wants money\0back", priority=2, queue="billing", told="1:2:3:4")
    offered = changed(first, offered="luis", offered_name="Luis", offered_until=NOW + 9, passed="marta")
    await commit(storage, opening(first), opening(offered, expected=1))
    desk = storage.desk
    assert await desk.find("h-aa01") == (offered, NUMBER, contact())
    assert await desk.find("h-aa") is None
    assert await desk.find("h-aa01\0") is None
    assert await desk.named("h-aa") == ["h-aa01"]
    assert await desk.named("h-b") == []
    over = changed(closed(claimed(offered, "marta", "Marta", NOW + 3), NOW + 8, "solved"))
    second = case("h-aa02", at=NOW + 20, opened_at=NOW + 20)
    await commit(storage, opening(over, expected=2), opening(second, expected=3))
    assert await desk.of_conversation(conversation(), 10) == [second, over]
    assert await desk.of_conversation(conversation(), 1) == [second]
    assert await desk.named("h-aa") == ["h-aa02", "h-aa01"]
    await commit(storage, changed(unit(expected=4, case=second), rated=("h-aa01", 4)))
    assert (await desk.find("h-aa01"))[0] == changed(over, rating=4)


async def test_open_and_closed_cases_are_listed_apart(storage: Any) -> None:
    """Open ones the longest waiting first, closed ones the newest first; and who the customers are."""
    await commit(
        storage,
        opening(case("h-1", opened_at=NOW + 5)),
        opening(case("h-2", "bob", opened_at=NOW + 3), "bob"),
        opening(closed(case("h-3", "eva"), NOW + 1, "x"), "eva"),
        opening(closed(case("h-4", "eva"), NOW + 2, "y"), "eva", expected=1),
    )
    desk = storage.desk
    assert [one.id for one in await desk.open_cases(9)] == ["h-2", "h-1"]
    assert [one.id for one in await desk.open_cases(1)] == ["h-2"]
    assert [one.id for one in await desk.closed_cases(9)] == ["h-4", "h-3"]
    whose = await desk.contacts([conversation(), conversation("bob"), "nobody"])
    assert whose == {conversation(): contact(), conversation("bob"): contact("bob")}


async def test_a_queue_knows_its_history(storage: Any) -> None:
    """Cases that somebody took since then, whatever became of them; the newest first, of one queue."""
    taken = [changed(case(f"h-{n}", f"c{n}"), queue="q", claimed_at=NOW + n, agent=f"a{n}") for n in range(1, 4)]
    taken[2] = closed(taken[2], NOW + 9, "done")
    await commit(storage, *(opening(one, f"c{n}") for n, one in enumerate(taken, 1)), opening(case("h-9", queue="q")))
    found = await storage.desk.history("q", NOW + 1, 10)
    assert found == [Past(NOW, NOW + 3, "a3"), Past(NOW, NOW + 2, "a2")]
    assert await storage.desk.history("q", NOW, 1) == found[:1]
    assert await storage.desk.history("other", 0, 10) == []


async def test_a_transcript_is_read_page_by_page(storage: Any) -> None:
    """The newest lines first, then those before a key; each line once, and how far its message has come."""
    lines = [Record(at=NOW + n, kind="event", body={"n": n}) for n in range(4)]
    said = Record(at=NOW + 9, kind="out", ref=outbound("m", 0).id, body={"type": "text"})
    await commit(storage, unit(records=lines), unit(expected=1, sends=[outbound("m", 0)], records=[said]))
    newest = await storage.desk.page(conversation(), 2, None)
    assert [record for _, record in newest] == [lines[3], said]
    before = await storage.desk.page(conversation(), 9, newest[0][0])
    assert [record for _, record in before] == lines[:3]
    assert await storage.desk.page("nobody\0", 9, None) == []
    ids = [outbound("m", 0).id, "nothing"]
    assert await storage.desk.deliveries(ids) == {ids[0]: ("queued", None)}
    await storage.settle([attempt("m", DeliveryStatus.FAILED, reason="no\0such number")])
    await storage.stats()
    ((status, reason),) = (await storage.desk.deliveries(ids)).values()
    assert (status, (reason or "").replace("\0", "")) == ("failed", "nosuch number")


async def test_a_conversation_is_read_without_its_owner(storage: Any) -> None:
    """Snapshot, window, quiet, consent, open case and, when it is over, its archive: as the last unit of work left it."""
    assert (await session_of(storage, conversation())).sequence == 0
    holds = Consent(marketing=True, stopped=True, since=NOW, words="STOP", channel="message")
    one = case("h-1")
    # The ledger is another part's: here it is only that the copy says what the unit says.
    await commit(storage, changed(opening(one, snapshot=b'{"v":1}'), opened_at=NOW - 5, quiet_until=NOW + 5))
    assert await session_of(storage, conversation()) == await storage.open(conversation())
    found = await session_of(storage, conversation())
    assert (found.opened_at, found.quiet_until, found.snapshot, found.case) == (NOW - 5, NOW + 5, b'{"v":1}', one)
    over = Archive(at=NOW, reason="done", snapshot=b'{"v":2}')
    await commit(storage, changed(unit(expected=1, snapshot=None, handoffs=[closed(one, NOW, "x")]), archive=over))
    found = await session_of(storage, conversation())
    assert (found.archived, found.case, found.opened_at, found.sequence) == (over, None, None, 2)
    if hasattr(storage.desk, "session"):
        await commit(storage, changed(unit(expected=2), consent=holds))
        assert (await session_of(storage, conversation())).consent == holds


# ---- alerts --------------------------------------------------------------------------------------------------------------


async def test_an_alert_is_due_until_somebody_was_told(storage: Any) -> None:
    """In order, with the status of its case; a try that failed comes again later, one that was accepted never."""
    one = case("h-1")
    early, late, shown = (
        alert("a1", one),
        alert("a2", one, due_at=NOW + 50),
        alert("a3", one, "console", due_at=NOW + 1),
    )
    await commit(storage, opening(one, alerts=(early, late, shown)))
    alerts = storage.alerts
    assert await alerts.due(NOW + 5, 9, console=True) == [(early, "waiting"), (shown, "waiting")]
    assert await alerts.due(NOW + 5, 9, console=False) == [(early, "waiting")]
    assert await alerts.due(NOW + 99, 1, console=True) == [(early, "waiting")]
    await alerts.settle(["a1"], Told(status="waiting", reason="451 later"), NOW + 6, NOW + 60)
    assert [found.id for found, _ in await alerts.due(NOW + 59, 9, console=False)] == ["a2"]
    assert await alerts.heard(["h-1", "h-2"]) == frozenset()
    await alerts.settle(["a1"], Told(status="accepted"), NOW + 61, NOW + 61)
    await alerts.settle(["a3"], Told(status="stale"), NOW + 62, NOW + 62)
    assert await alerts.heard(["h-1", "h-2"]) == {"h-1"}
    told, waits, stale = await alerts.of_case("h-1")
    assert told == changed(early, status="accepted", due_at=NOW + 61, attempts=2, settled_at=NOW + 61)
    assert waits == late
    assert (stale.status, stale.attempts, stale.settled_at) == ("stale", 0, NOW + 62)
    await commit(storage, changed(unit(expected=1, case=one), alerts=(early,)))  # a turn that is repeated
    assert [found.id for found, _ in await alerts.due(NOW + 99, 9, console=True)] == ["a2"]


async def test_who_was_not_told_yet_need_not_be_when_somebody_has_the_case(storage: Any) -> None:
    """A claim ends what was to be told of the case, not what the customer writes to whoever has it; a close ends all."""
    one = case("h-1")
    mine = claimed(one, "marta", "Marta", NOW + 1)
    wrote = alert("a2", mine, "whatsapp:+34600111222", what="wrote", body={"text": "hello?"})
    await commit(storage, opening(one, alerts=(alert("a1", one),)), opening(mine, expected=1, alerts=(wrote,)))
    assert [found.status for found in await storage.alerts.of_case("h-1")] == ["stale", "waiting"]
    assert await storage.alerts.due(NOW, 9, console=True) == [(wrote, "claimed")]
    await commit(storage, opening(changed(mine, at=NOW + 2), expected=2))
    assert [found.status for found in await storage.alerts.of_case("h-1")] == ["stale", "waiting"]
    await commit(storage, opening(closed(mine, NOW + 3, "x"), expected=3, at=NOW + 3))
    assert [found.settled_at for found in await storage.alerts.of_case("h-1")] == [NOW, NOW + 3]
    assert await storage.alerts.due(NOW + DAY, 9, console=True) == []


async def test_a_card_names_its_alerts(storage: Any) -> None:
    """By the id that WhatsApp gave the message that told of them."""
    one, card = case("h-1"), outbound("card", 0, "marta")
    await commit(storage, opening(one, alerts=(alert("a1", one), alert("a2", one))), unit(name="marta", sends=[card]))
    await storage.alerts.settle(["a2"], Told(status="sent", ref=card.id), NOW, NOW + 3000)
    sent = attempt("card", DeliveryStatus.SENT, wamid="wamid.card", conversation_id=conversation("marta"))
    await storage.settle([sent])
    await storage.stats()
    assert [found.id for found in await storage.alerts.by_card("wamid.card")] == ["a2"]
    assert await storage.alerts.by_card("wamid.other") == []
    await storage.alerts.settle(["a2"], Told(status="accepted"), NOW + 9, NOW + 9)
    assert [(found.attempts, found.ref) for found in await storage.alerts.by_card("wamid.card")] == [(1, card.id)]
    assert await storage.alerts.due(NOW + 9999, 9, console=True) == [
        ((await storage.alerts.of_case("h-1"))[0], "waiting")
    ]


async def untold(storage: Any, before: int) -> int:
    """Cases that have waited since before then and that nobody was told of."""
    if hasattr(storage.alerts, "untold"):
        return int(await storage.alerts.untold(before))
    return int(await storage.writer.submit(partial(sqlite_alerts.untold, before=before)))


async def test_cases_that_nobody_was_told_of_are_counted(storage: Any) -> None:
    """Not those that somebody was told of, nor those whose queue is closed and is told when it opens, nor new ones."""
    alone, told, closed_queue = case("h-1"), case("h-2", "bob"), case("h-3", "eva")
    tomorrow = alert("a3", closed_queue, due_at=NOW + DAY)
    await commit(
        storage,
        opening(alone, alerts=(alert("a1", alone),)),
        opening(told, "bob", alerts=(alert("a2", told),)),
        opening(closed_queue, "eva", alerts=(tomorrow,)),
        opening(claimed(case("h-4", "leo"), "marta", "Marta", NOW), "leo"),
    )
    assert await untold(storage, NOW) == 0
    assert await untold(storage, NOW + 1) == 2
    await storage.alerts.settle(["a2"], Told(status="accepted"), NOW, NOW)
    assert await untold(storage, NOW + 1) == 1


# ---- clocks --------------------------------------------------------------------------------------------------------------


async def test_cases_without_a_clock_get_one(adapter: Adapter, storage: Any) -> None:
    """Not those whose clock runs, nor those whose wait is over; only while they are as they were; and it rings."""
    bare, mine = case("h-1"), claimed(case("h-2", "bob"), "marta", "Marta", NOW)
    wound, late = case("h-3", "eva"), case("h-4", "leo")
    over = Record(at=NOW, kind="event", body={"nobody_took": "h-4", "queue": "default"})
    await commit(
        storage,
        opening(bare),
        opening(mine, "bob"),
        opening(wound, "eva", arm=[Timer(name=WAIT, due_at=NOW + 900, armed=1)]),
        opening(late, "leo", records=[over]),
        opening(closed(case("h-5", "tom"), NOW, "x"), "tom"),
    )
    desk = storage.desk
    assert {one.id: one for one in await desk.unclocked(WAIT, IDLE)} == {"h-1": bare, "h-2": mine}
    moved = changed(mine, at=NOW + 1)
    await commit(storage, opening(moved, "bob", expected=1))
    clocks = [(bare, Timer(name=WAIT, due_at=NOW + 60, armed=0)), (mine, Timer(name=IDLE, due_at=NOW + 70, armed=0))]
    assert await desk.set_clocks(clocks) == 1
    assert await desk.set_clocks(clocks) == 0
    assert [one.id for one in await desk.unclocked(WAIT, IDLE)] == ["h-2"]
    assert await storage.sweep(NOW + 59, 10) == 0
    assert await storage.sweep(NOW + 60, 10) == 1
