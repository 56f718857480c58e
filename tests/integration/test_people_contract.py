"""Customers for those who look after them, by every adapter alike: found, listed, and what they said about being written to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration import clustered
from tests.integration.storage import ADAPTERS, NUMBER, Adapter, arrival, conversation, message, unit
from wabox.core.changed import changed
from wabox.core.consent import NEVER_ASKED, Consent, ConsentEntry, fold
from wabox.core.conversation import Record

STOP = ConsentEntry(at=NOW, what="stop", channel="message", words="STOP", number_id=NUMBER, ref="m1")
YES = ConsentEntry(at=NOW + 1, what="opt_in", channel="button", words="sí", number_id=NUMBER, ref="m2")


@pytest.fixture(params=sorted(ADAPTERS))
async def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adapter]:
    made = ADAPTERS[request.param](tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def storage(adapter: Adapter) -> Any:
    return await adapter.open()


def register_of(storage: Any) -> Any:
    if hasattr(storage, "register"):
        return storage.register
    from wabox.cluster.records.people import PostgresPeople

    return PostgresPeople(storage.database)


async def said(storage: Any, name: str, *entries: ConsentEntry, text: str = "hola") -> None:
    """One who wrote that, and what it came to."""
    await storage.put(arrival(message(f"m-{name}", name, text=text)))
    line = Record(at=NOW, kind="in", ref=f"m-{name}", body={"type": "text", "text": text})
    one = changed(unit(f"m-{name}", name=name, records=[line]), consents=entries, consent=fold(entries))
    assert await storage.commit(one) == "committed"
    await storage.stats()  # on a cluster it waits until the records are there


async def exported(storage: Any, person: Any) -> dict[str, Any]:
    register = register_of(storage)
    found: dict[str, Any] = await register.export(person.key if hasattr(storage, "register") else person)
    return found


async def test_whoever_is_meant_is_found(storage: Any) -> None:
    """By the user id, the conversation, or a part of the name in any case; nobody by what nobody has."""
    await said(storage, "ana")
    for words in ("MX.ana", conversation(), "AN", " ana "):
        [person] = await register_of(storage).find(words)
        assert (person.handle, person.name, person.conversations) == ("MX.ana", "Ana", (conversation(),)), words
    for words in ("+52 555 000 2222", "5215550002222"):
        assert [person.handle for person in await register_of(storage).find(words)] == ["MX.ana"], words
    assert [person.ids for person in await register_of(storage).find("MX.ana")] == [("MX.ana", "5215550002222")]
    for words in ("bob", "x", "MX.an\0a", "%", "+34600111222"):
        assert list(await register_of(storage).find(words)) == [], words


async def test_the_ledger_says_what_they_said(storage: Any) -> None:
    """Every line of it, in order; and what holds."""
    await said(storage, "ana", STOP, YES)
    [person] = await register_of(storage).find("MX.ana")
    assert person.consent == Consent(
        stopped=True, marketing=True, since=NOW + 1, words="sí", channel="button", reminded=False
    )
    found = await exported(storage, person)
    kept = ("at", "what", "channel", "words", "number_id", "ref", "by")
    assert [{name: one[name] for name in kept} for one in found["consents"]] == [
        {name: getattr(one, name) for name in kept} for one in (STOP, YES)
    ]
    [one] = found["conversations"]
    assert (one["id"], [line["body"]["text"] for line in one["transcript"]]) == (conversation(), ["hola"])


async def test_lists_are_of_the_newest(storage: Any) -> None:
    """``stopped`` leaves out whoever may be written to."""
    await said(storage, "ana", STOP)
    await said(storage, "bea", YES)
    await said(storage, "cid")
    register = register_of(storage)
    assert [person.handle for person in await register.people()] == ["MX.cid", "MX.bea", "MX.ana"]
    assert [person.handle for person in await register.people(2)] == ["MX.cid", "MX.bea"]
    assert [person.handle for person in await register.people(stopped=True)] == ["MX.ana"]
    assert (await register.people(1))[0].consent == NEVER_ASKED


@pytest.mark.skipif(clustered.FOLDER is None, reason="packaging/cluster/up was not run")
async def test_a_refusal_to_one_number_is_shown_whatever_another_was_told(tmp_path: Path) -> None:
    """Each conversation of a cluster holds its own: nobody may read from a list that this one wants messages."""
    adapter = clustered.ClusterAdapter(tmp_path)
    storage = await adapter.open()
    try:
        await said(storage, "ana", STOP)
        elsewhere = changed(unit(name="ana"), conversation_id="2:MX.ana", number_id="2", consents=(YES,))
        assert await storage.commit(changed(elsewhere, consent=fold([YES]), at=NOW + 5)) == "committed"
        await storage.stats()
        [person] = await register_of(storage).find("MX.ana")
        assert person.consent.stopped
        assert person.conversations == (conversation(), "2:MX.ana")
        assert [one["what"] for one in (await exported(storage, person))["consents"]] == ["stop", "opt_in"]
        assert [one.handle for one in await register_of(storage).people(stopped=True)] == ["MX.ana"]
    finally:
        await adapter.aclose()
