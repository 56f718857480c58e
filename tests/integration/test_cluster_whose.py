"""A customer who is known by a phone number goes on in that conversation when WhatsApp names them by a user id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.storage import NUMBER, Handler, arrival, message, outbound, unit
from wabox.core.changed import changed
from wabox.core.contact import Contact, conversation_id
from wabox.core.message import InboundMessage

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.store import ClusterStore
from wabox.cluster.whose import REST

PHONE = "5215550001111"
KNOWN = f"{NUMBER}:{PHONE}"
ANA = Contact(user_id="MX.ana", wa_id=PHONE, name="Ana")


@pytest.fixture
async def adapter(tmp_path: Path) -> AsyncIterator[clustered.ClusterAdapter]:
    made = clustered.ClusterAdapter(tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def cluster(adapter: clustered.ClusterAdapter) -> ClusterStore:
    """A reminder was sent to a number of a list."""
    store: ClusterStore = (await adapter.open()).store
    await store.leases.look()
    await begun(store, KNOWN, Contact(wa_id=PHONE))
    return store


async def begun(store: ClusterStore, conversation: str, contact: Contact) -> None:
    sent = changed(outbound(conversation), conversation_id=conversation)
    first = changed(unit(f"first {conversation}", sends=[sent]), conversation_id=conversation, contact=contact)
    assert await store.commit(first) == "committed"
    await store.settled()


def said(id_: str, contact: Contact = ANA) -> InboundMessage:
    return changed(message(id_), contact=contact, conversation_id=conversation_id(NUMBER, contact))


class Heard:
    """Where each message was handled, in order."""

    def __init__(self, store: ClusterStore) -> None:
        self.where: list[tuple[str, str]] = []
        self._handler = Handler(store, self._note)
        store.run(self._handler)

    async def _note(self, message: InboundMessage) -> None:
        self.where.append((message.message_id, message.conversation_id))

    async def all(self, count: int) -> Sequence[tuple[str, str]]:
        async with asyncio.timeout(30):
            await self._handler.until(count)
        return self.where


async def test_the_reply_of_somebody_who_is_known_by_the_phone(cluster: ClusterStore) -> None:
    """In order, each once though it comes twice, and later without the number, too."""
    heard = Heard(cluster)
    await cluster.put(arrival(said("a"), said("b"), said("a"), said("c")))
    assert list(dict.fromkeys(await heard.all(3))) == [(id_, KNOWN) for id_ in "abc"]
    await cluster.put(arrival(said("d", Contact(user_id="MX.ana", username="ana"))))
    assert (await heard.all(4))[-1] == ("d", KNOWN)
    session = await cluster.open(KNOWN)
    assert session.contact is not None
    assert session.contact.user_id == "MX.ana"
    assert (await cluster.open(conversation_id(NUMBER, ANA))).sequence == 0


async def test_another_spelling_of_the_number(cluster: ClusterStore) -> None:
    heard = Heard(cluster)
    await cluster.put(arrival(said("a", Contact(wa_id="525550001111"))))
    assert await heard.all(1) == [("a", KNOWN)]


async def test_whoever_has_the_number_now_is_somebody_else(cluster: ClusterStore) -> None:
    await begun(cluster, f"{NUMBER}:MX.bea", Contact(user_id="MX.bea", wa_id="5215550003333"))
    heard = Heard(cluster)
    carl = Contact(user_id="MX.carl", wa_id="5215550003333")
    await cluster.put(arrival(said("a", carl)))
    assert await heard.all(1) == [("a", f"{NUMBER}:MX.carl")]


async def test_whoever_changed_the_number_goes_on(cluster: ClusterStore) -> None:
    """WhatsApp gives a new user id with it, and names both once."""
    await begun(cluster, f"{NUMBER}:MX.old", Contact(user_id="MX.old", wa_id="5215550003333"))
    heard = Heard(cluster)
    new = Contact(user_id="MX.new", wa_id="5215550004444")
    payload = {"type": "user_changed_number", "previous_user_id": "MX.old", "user_id": "MX.new", "wa_id": new.wa_id}
    told = changed(said("a", new), type="system", payload=payload)
    await cluster.put(arrival(told, said("b", new)))
    assert await heard.all(2) == [(id_, f"{NUMBER}:MX.old") for id_ in "ab"]


async def test_without_postgresql_a_new_customer_is_answered(
    adapter: clustered.ClusterAdapter, cluster: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever is known in Redis goes on."""
    heard = Heard(cluster)
    await cluster.put(arrival(said("a")))
    await heard.all(1)
    asked = 0

    def away(self: object) -> object:
        nonlocal asked
        asked += 1
        raise TimeoutError

    monkeypatch.setattr(type(cluster.database), "transaction", away)
    others = [Contact(user_id=f"MX.{number}") for number in range(3)]
    await cluster.put(arrival(said("b"), *(said(f"n{number}", who) for number, who in enumerate(others))))
    where = dict(await heard.all(5))
    assert where == {"a": KNOWN, "b": KNOWN} | {f"n{number}": f"{NUMBER}:MX.{number}" for number in range(3)}
    assert asked == 1, "it rests"
    adapter.clock.now += REST
    monkeypatch.undo()


async def test_forgotten(cluster: ClusterStore) -> None:
    """No key has the other name any more, and what was written before under it does not begin a conversation."""
    heard = Heard(cluster)
    await cluster.put(arrival(said("a")))
    await heard.all(1)
    await cluster.settled()
    (ana,) = await cluster.register.find("MX.ana")
    await cluster.register.forget(ana)
    await cluster.put(arrival(changed(said("late"), timestamp=NOW - 1), said("bye", Contact(user_id="MX.bea"))))
    assert (await heard.all(2))[1:] == [("bye", f"{NUMBER}:MX.bea")]
    partition = cluster.shards.partition(conversation_id(NUMBER, ANA))
    named = cluster.shards.key(partition, f"w:{conversation_id(NUMBER, ANA)}")
    assert await cluster.shards.run(partition, ("EXISTS", named)) == [0]
