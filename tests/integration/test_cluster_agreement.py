"""What a customer said about being written to holds for the business (P11): for every number and id of theirs, on a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.storage import contact, conversation, unit
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry, ConsentWhat, fold
from wabox.core.contact import Contact
from wabox.core.conversation import UnitOfWork

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.store import ClusterStore

ANA = contact()
OTHER = "999:MX.ana"
BY_PHONE = f"999:{ANA.wa_id}"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = clustered.ClusterAdapter(tmp_path)
    yield (await adapter.open()).store
    await adapter.aclose()


def elsewhere(id_: str, message: str, who: Contact = ANA, **more: Any) -> UnitOfWork:
    """A turn with another number of the business."""
    return changed(unit(message, **more), conversation_id=id_, number_id="999", contact=who)


def said(done: UnitOfWork, what: ConsentWhat, at: int, *before: ConsentEntry) -> tuple[UnitOfWork, ConsentEntry]:
    entry = ConsentEntry(at=at, what=what, channel="message", words=what)
    return changed(done, consents=(entry,), consent=fold([*before, entry])), entry


async def test_stop_holds_with_every_number(store: ClusterStore) -> None:
    """Also where they are known by their phone alone, and where they begin to write later; their last word counts, wherever."""
    await store.commit(unit("m1"))
    await store.commit(elsewhere(OTHER, "o1"))
    await store.commit(elsewhere(BY_PHONE, "p1", Contact(wa_id=ANA.wa_id)))
    stop, entry = said(unit("m2", expected=1), "stop", NOW + 1)
    await store.commit(stop)
    await store.settled()
    for id_ in (OTHER, BY_PHONE):
        assert (await store.open(id_)).consent == fold([entry])
        assert (await store.open(id_)).snapshot == unit("o1").snapshot
    await store.commit(changed(elsewhere("888:MX.ana", "n1"), number_id="888"))
    await store.settled()
    assert (await store.open("888:MX.ana")).consent.stopped
    start, _ = said(elsewhere(OTHER, "o2", expected=2), "start", NOW + 5, entry)
    assert await store.commit(start) == "committed"
    await store.settled()
    assert not (await store.open(conversation())).consent.stopped
    assert not (await store.open("888:MX.ana")).consent.stopped
    (ana,) = await store.register.find("MX.ana")
    async with store.database.transaction() as connection:
        lines = await connection.fetch("SELECT what FROM consents ORDER BY key")
    assert [line["what"] for line in lines] == ["stop", "start"]
    assert not ana.consent.stopped


async def test_an_opt_in_undoes_no_stop(store: ClusterStore) -> None:
    """Said to another number, by somebody whose STOP that number did not know yet."""
    stop, _ = said(unit("m1"), "stop", NOW + 1)
    await store.commit(stop)
    await store.settled()
    agreed, _ = said(elsewhere(OTHER, "o1"), "opt_in", NOW + 2)
    await store.commit(agreed)
    await store.settled()
    for id_ in (OTHER, conversation()):
        held = (await store.open(id_)).consent
        assert (held.stopped, held.marketing) == (True, True)


async def test_it_is_not_somebody_else_s(store: ClusterStore) -> None:
    """A phone number that has another user id now proves nothing; nor does an older word overrule a later one."""
    await store.commit(elsewhere("999:MX.bob", "b1", Contact(user_id="MX.bob", wa_id=ANA.wa_id)))
    agreed, yes = said(elsewhere(OTHER, "o1"), "opt_in", NOW + 10)
    await store.commit(agreed)
    await store.settled()
    late, _ = said(unit("m1"), "opt_out", NOW + 2)
    await store.commit(late)
    await store.settled()
    assert (await store.open(OTHER)).consent == fold([yes])
    assert (await store.open("999:MX.bob")).consent.since is None
