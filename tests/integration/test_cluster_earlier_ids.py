"""Ids that a customer had before, on a cluster: found by them and forgotten with them, unless somebody else has them now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.storage import unit
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.person import Identity

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.records import stones
from wabox.cluster.store import ClusterStore
from wabox.core.forgotten import forgotten_at

OLD, NEW = "5215550001111", "5215550002222"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    """Ana, who changed her phone and goes on under her user id."""
    adapter = clustered.ClusterAdapter(tmp_path)
    store = (await adapter.open()).store
    await store.database.prepare()  # an upgrade: init is run again
    for number, phone in enumerate((OLD, OLD, NEW)):
        done = changed(
            unit(expected=number, at=NOW + number), contact=Contact(user_id="MX.ana", wa_id=phone, name="Ana")
        )
        assert await store.commit(done) == "committed"
    await store.settled()
    async with store.database.transaction() as connection:
        letter = b'{"from": "%s", "odd": 1}' % OLD.encode()
        await connection.execute("INSERT INTO dead_letters (at, reason, raw) VALUES (1, 'odd', $1)", letter)
    yield store
    await adapter.aclose()


async def letters(store: ClusterStore) -> int:
    async with store.database.transaction() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM dead_letters"))


async def test_found_and_forgotten(cluster: ClusterStore) -> None:
    """By the number that she had, and with it, also what only mentions that."""
    (ana,) = await cluster.register.find("+52 1 555 000 1111")
    assert ana.ids == ("MX.ana", NEW)
    assert [one for one in ana.identities if one.replaced_at] == [
        Identity(kind="wa_id", value=OLD, first_seen=NOW + 2, last_seen=NOW + 2, replaced_at=NOW + 2)
    ]
    assert len((await cluster.register.export(ana.key))["person"]["identities"]) == 3
    certificate = await cluster.register.forget(ana)
    assert (certificate.left, certificate.rows["earlier_ids"], await letters(cluster)) == (0, 1, 0)
    assert forgotten_at(await stones.lists(cluster.database), OLD) is not None
    assert await cluster.register.find(OLD) == []


async def test_a_number_that_is_in_other_hands(cluster: ClusterStore) -> None:
    """Whoever has it now is found by it, and is not forgotten with her."""
    cy = Contact(user_id="MX.cy", wa_id=OLD, name="Cy")
    assert await cluster.commit(changed(unit(name="cy"), contact=cy)) == "committed"
    await cluster.settled()
    assert [person.name for person in await cluster.register.find(OLD)] == ["Cy"]
    (ana,) = await cluster.register.find("MX.ana")
    assert [one.value for one in ana.identities] == ["MX.ana", NEW]
    await cluster.register.forget(ana)
    assert [person.name for person in await cluster.register.find(OLD)] == ["Cy"]
    assert forgotten_at(await stones.lists(cluster.database), OLD) is None
    assert await letters(cluster) == 1


async def test_a_number_that_comes_back(cluster: ClusterStore) -> None:
    """It is theirs again, and not twice."""
    done = changed(unit(expected=3, at=NOW + 9), contact=Contact(user_id="MX.ana", wa_id=OLD, name="Ana"))
    assert await cluster.commit(done) == "committed"
    await cluster.settled()
    (ana,) = await cluster.register.find(OLD)
    assert [(one.value, one.replaced_at) for one in ana.identities] == [
        ("MX.ana", None),
        (OLD, None),
        (NEW, NOW + 9),
    ]
