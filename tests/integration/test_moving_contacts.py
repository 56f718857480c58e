"""Who came back from a cluster is met in the conversation that they had there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.storage import NUMBER, Handler, arrival, message, unit
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry, fold
from wabox.core.contact import Contact, conversation_id
from wabox.core.conversation import Record, UnitOfWork

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.store import ClusterStore
from wabox.moving import to_sqlite
from wabox.sqlite.store import open_store

PHONE = "5215550001111"
BEFORE = Contact(user_id="MX.z", wa_id=PHONE, name="Whoever had the number before")
NOW_HERS = Contact(user_id="MX.a", wa_id=PHONE, name="Ana")
STOP = ConsentEntry(at=NOW, what="stop", channel="message", words="STOP")


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = clustered.ClusterAdapter(tmp_path)
    settled = await adapter.open()
    yield settled.store
    await adapter.aclose()


def talk(who: Contact, at: int, number: str = NUMBER) -> UnitOfWork:
    return changed(unit(at=at), contact=who, conversation_id=conversation_id(number, who), number_id=number)


async def met(folder: Path, who: Contact, number: str = NUMBER) -> str:
    """In which conversation a message of theirs is handled."""
    store = await open_store(folder, VirtualClock())
    handler = Handler(store)
    store.lanes.run(handler)
    await store.put(arrival(changed(message("new", at=NOW + 99, number_id=number), contact=who)))
    await handler.until(1)
    (found,) = [one for one in await store.conversations(9) if one.snapshot is not None and b"new" in one.snapshot]
    await store.close()
    return found.conversation_id


@pytest.mark.parametrize("first", ["before", "after"])
async def test_a_number_that_changed_hands(tmp_path: Path, cluster: ClusterStore, first: str) -> None:
    """Her STOP holds, and the conversation goes on: both have the number in what they last wrote."""
    hers = changed(talk(NOW_HERS, NOW + 5), consents=(STOP,), consent=fold([STOP]))
    theirs = talk(BEFORE, NOW)
    for one in (theirs, hers) if first == "before" else (hers, theirs):
        await cluster.commit(one)
    back = await to_sqlite(cluster, tmp_path / "new", VirtualClock(), lambda done, of: None)
    assert back.equal
    store = await open_store(tmp_path / "new", VirtualClock())
    (ana,) = await store.register.find("+52 1 555 000 1111")
    assert (ana.handle, ana.ids, ana.consent.stopped) == ("MX.a", ("MX.a", PHONE), True)
    (other,) = await store.register.find("MX.z")
    assert not other.consent.stopped
    await store.close()
    assert await met(tmp_path / "new", NOW_HERS) == f"{NUMBER}:MX.a"


async def test_who_was_known_by_the_phone_first(tmp_path: Path, cluster: ClusterStore) -> None:
    """The newer conversation, that of the user id, goes on. An older one with another number takes nothing away."""
    await cluster.commit(talk(Contact(wa_id=PHONE), NOW))
    await cluster.commit(talk(NOW_HERS, NOW + 5))
    await cluster.commit(talk(changed(NOW_HERS, wa_id="5215550009999"), NOW + 1, "200000000000009"))
    assert (await to_sqlite(cluster, tmp_path / "new", VirtualClock(), lambda done, of: None)).equal
    assert await met(tmp_path / "new", NOW_HERS) == f"{NUMBER}:MX.a"
    store = await open_store(tmp_path / "new", VirtualClock())
    (ana,) = await store.register.find(PHONE)
    assert ana.ids == ("MX.a", PHONE)
    await store.close()


async def test_since_when_somebody_is_known_goes_along(tmp_path: Path, cluster: ClusterStore) -> None:
    """Not since they last wrote."""
    await cluster.commit(changed(talk(BEFORE, NOW), records=(Record(at=NOW, kind="in", ref="m1", body={}),)))
    await cluster.commit(changed(talk(BEFORE, NOW + 9), expected=1))
    await cluster.settled()
    assert (await to_sqlite(cluster, tmp_path / "new", VirtualClock(), lambda done, of: None)).equal
    store = await open_store(tmp_path / "new", VirtualClock())
    (found,) = await store.register.find("MX.z")
    assert found.created_at == NOW
    assert {(one.first_seen, one.last_seen) for one in found.identities} == {(NOW, NOW + 9)}
    await store.close()
