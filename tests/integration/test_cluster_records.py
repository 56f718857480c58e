"""What a worker brings from the streams into PostgreSQL, when PostgreSQL does not take it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.storage import attempt, conversation, outbound, status, unit
from wabox.core.changed import changed
from wabox.core.consent import Consent
from wabox.core.conversation import Record, Timer
from wabox.core.delivery import DeliveryStatus
from wabox.core.handoff import Handoff
from wabox.core.message import Arrival
from wabox.errors import Unavailable

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.document import KEPT, LASTING
from wabox.cluster.store import ClusterStore, open_cluster


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = clustered.ClusterAdapter(tmp_path)
    yield (await adapter.open()).store
    await adapter.aclose()


async def letters(store: ClusterStore) -> list[tuple[str, bytes]]:
    async with store.database.transaction() as connection:
        rows = await connection.fetch("SELECT reason, raw FROM dead_letters ORDER BY key")
    return [(row["reason"], row["raw"]) for row in rows]


def said(text: str) -> list[Record]:
    return [Record(at=NOW, kind="in", ref="m", body={"text": text})]


async def lines(store: ClusterStore) -> list[str]:
    return [line.body["text"] for line in await store.transcript(conversation()) if line.kind == "in"]


async def test_a_record_that_is_refused_is_put_aside(store: ClusterStore) -> None:
    """What came before it and after it in its partition arrives; the one, whole and with the reason, is a dead letter."""
    case = Handoff(id="h-1", conversation_id=conversation(), status="waiting", at=NOW, opened_at=NOW, queue="bil\0ling")
    await store.commit(unit(records=said("before")))
    await store.commit(unit(expected=1, records=said("refused"), handoffs=[case], case=case))
    await store.commit(unit(expected=2, records=said("after"), snapshot=b"{3}"))
    await store.settled()
    assert await lines(store) == ["before", "after"]
    ((reason, raw),) = await letters(store)
    assert "CharacterNotInRepertoireError" in reason
    assert b"refused" in raw
    assert (await store.desk.session(conversation())).snapshot == b"{3}"
    await store.commit(unit(expected=3, records=said("later")))
    await store.settled()
    assert await lines(store) == ["before", "after", "later"]
    assert (await store.stats()).dead_letters == 1


async def test_a_number_that_is_too_large_is_refused_and_not_waited_for(store: ClusterStore) -> None:
    """The client's library cannot write it: that is no PostgreSQL that does not answer."""
    await store.commit(changed(unit(records=said("refused")), opened_at=2**63))
    await store.commit(unit(expected=1, records=said("after")))
    await store.settled()
    assert await lines(store) == ["after"]
    assert "int64" in (await letters(store))[0][0]


async def test_an_entry_that_nobody_can_read_is_kept(store: ClusterStore) -> None:
    """As it is, among the dead letters."""
    await store.commit(unit(records=said("before")))
    partition = store.shards.partition(conversation())
    await store.shards.run(partition, ("XADD", store.shards.key(partition, "r"), "*", "e", b"\xc1 junk"))
    await store.commit(unit(expected=1, records=said("after")))
    await store.settled()
    assert await lines(store) == ["before", "after"]
    assert [raw for _, raw in await letters(store)] == [b"\xc1 junk"]


async def test_words_with_nul_in_them_are_no_reason_to_refuse(store: ClusterStore) -> None:
    """Bodies keep it, reasons go without it."""
    send = changed(outbound("m"), body={"type": "text", "text": {"body": "a\0b"}}, reason="no\0w")
    case = Handoff(id="h-1", conversation_id=conversation(), status="waiting", at=NOW, opened_at=NOW, reason="a\0b")
    await store.commit(unit(records=said("a\0b"), sends=[send], handoffs=[case], case=case))
    await store.settle([attempt("m", DeliveryStatus.FAILED, reason="gone\0")])
    await store.settled()
    assert await lines(store) == ["a\0b"]
    (delivery,) = await store.deliveries(failed=True)
    assert (delivery.reason, delivery.body) == ("gone", send.body)
    assert [found.reason for found in await store.desk.open_cases(9)] == ["a\0b"]
    assert await letters(store) == []


async def test_a_conversation_that_cannot_be_read_holds_up_no_records(store: ClusterStore) -> None:
    """A status that waited for a message means something for a conversation that is damaged: the others go on."""
    await store.put(status("w1", DeliveryStatus.FAILED, "m"))
    while store.events.taken < 1:  # noqa: ASYNC110 - it is another connection's
        await asyncio.sleep(0.002)
    await store.commit(unit(sends=[outbound("m")], records=said("first")))
    partition = store.shards.partition(conversation())
    await store.shards.run(partition, ("HSET", store.shards.key(partition, f"s:{conversation()}"), "b", b"?"))
    store._sessions.forget()
    await store.settled()
    assert await lines(store) == ["first"]
    assert [found.status for found in await store.deliveries(failed=True)] == [DeliveryStatus.FAILED]


async def test_who_said_stop_is_known_for_years(store: ClusterStore) -> None:
    """Redis forgets others after 35 days; the next customer of that name would be nobody who ever said stop."""
    partition = store.shards.partition(conversation())
    key = store.shards.key(partition, f"s:{conversation()}")
    await store.commit(unit())
    assert await store.shards.run(partition, ("PTTL", key)) == [pytest.approx(KEPT, abs=60_000)]
    await store.commit(changed(unit(expected=1), consent=Consent(stopped=True, since=NOW)))
    assert await store.shards.run(partition, ("PTTL", key)) == [pytest.approx(LASTING, abs=60_000)]


async def test_a_clock_is_set_by_whoever_leads_and_kept_by_whoever_owns(store: ClusterStore) -> None:
    """Another worker's write comes between two of the owner's, who had the conversation in memory: neither is lost."""
    case = Handoff(id="h-1", conversation_id=conversation(), status="waiting", at=NOW, opened_at=NOW)
    await store.commit(unit(handoffs=[case], case=case))
    await store.settled()
    leader = await open_cluster(store.place, VirtualClock(), "leader")
    timer = Timer(name="desk:wait", due_at=NOW + 60, armed=0)
    assert [one.id for one in await leader.desk.unclocked("desk:wait", "desk:idle")] == ["h-1"]
    assert await leader.desk.set_clocks([(case, timer)]) == 1
    assert await store.commit(unit(expected=1, case=case, snapshot=b"{2}")) == "committed"
    assert await leader.desk.set_clocks([(case, timer)]) == 0
    assert (await store._sessions.fresh(conversation())).work.timers == {"desk:wait": (NOW + 60, 0)}
    assert await store.sweep(NOW + 60, 10) == 1
    await leader.close()


async def test_two_that_wait_for_each_other_try_again(store: ClusterStore) -> None:
    """PostgreSQL ends one of two transactions that meet crosswise; that is no fault of what it was about to write."""
    await store.database.agree({"one": "", "two": ""})
    met = asyncio.Barrier(2)

    async def write(first: str, then: str) -> None:
        async with store.database.transaction() as connection:
            await connection.execute("UPDATE cluster SET value = 'x' WHERE name = $1", first)
            await met.wait()
            await connection.execute("UPDATE cluster SET value = 'y' WHERE name = $1", then)

    ended = await asyncio.gather(write("one", "two"), write("two", "one"), return_exceptions=True)
    (error,) = [one for one in ended if one is not None]
    assert isinstance(error, Unavailable)
    assert "deadlock" in str(error)


async def test_records_and_statuses_of_the_same_messages_do_not_wait_for_each_other(store: ClusterStore) -> None:
    """Whatever the order in which messages were sent, and in which WhatsApp tells of them."""
    texts = [f"m{number}" for number in range(60)]
    for text in texts:
        await store.commit(unit(text, name=text, sends=[outbound(text, 0, text)]))
    await store.settled()
    last_first = sorted(texts, key=lambda text: outbound(text).id, reverse=True)
    for text in last_first:
        whose = conversation(text)
        await store._sessions.settle([attempt(text, DeliveryStatus.SENDING, conversation_id=whose)])
        await store._sessions.settle([attempt(text, DeliveryStatus.SENT, conversation_id=whose, wamid=f"w.{text}")])
    told = [status(f"w.{text}", DeliveryStatus.DELIVERED, text).statuses[0] for text in texts]
    ended = await asyncio.gather(
        store.events.take(Arrival(statuses=tuple(told))),
        *(store.settle_records(partition) for partition in range(store.place.partitions)),
        return_exceptions=True,
    )
    assert [one for one in ended if isinstance(one, Exception)] == []
    await store.settled()
    async with store.database.transaction() as connection:
        found = await connection.fetch("SELECT status, count(*) AS n FROM outbox GROUP BY status")
    assert [tuple(row) for row in found] == [("delivered", 60)]
