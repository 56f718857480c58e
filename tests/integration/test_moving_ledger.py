"""Every word about being written to moves to a cluster and back, and goes into its backups: as it was said, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.storage import NUMBER, unit
from wabox.core.changed import changed
from wabox.core.consent import Consent, ConsentEntry, fold
from wabox.core.contact import Contact
from wabox.core.person import Person
from wabox.core.portableledger import MADE_UP

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cluster.store import ClusterStore
from wabox.moving import Moved, copy, to_cluster, to_sqlite
from wabox.movingledger import ledger_to_sqlite
from wabox.sqlite import consents, contacts
from wabox.sqlite.store import SqliteStore, open_store

OTHER = "200000000000009"
LATER = NOW + 1000


def said(what: Any, at: int = NOW, **more: Any) -> ConsentEntry:
    return ConsentEntry(at=at, what=what, **{"channel": "message", **more})


STOP = said("stop", words="para ya", number_id=NUMBER, ref="m1")
START = said("start", NOW + 2, words="sigue", number_id=OTHER, ref="m2")
ENTERED = said("opt_in", NOW + 3, channel="command", words="on the phone", by="marta")
IMPORTED = said("opt_in", NOW - 9, channel="import", by="people.csv")
REFUSED = said("opt_out", NOW + 4, channel="command")
ZOE = Contact(wa_id="5215550007777")


def talk(name: str, number: str = NUMBER, expected: int = 0, **more: Any) -> Any:
    done = unit(name=name, expected=expected, at=NOW + expected)
    own = Contact(user_id=f"MX.{name}")
    return changed(done, conversation_id=f"{number}:MX.{name}", number_id=number, contact=own, **more)


async def known(store: SqliteStore, *names: str) -> None:
    """What their first message does."""
    for name in names:
        await store.writer.submit(partial(contacts.enter, contact=Contact(user_id=f"MX.{name}"), now=NOW))


async def live(folder: Path) -> None:
    """Ana writes to two numbers, Ben said nothing, and Zoe never wrote."""
    store = await open_store(folder, VirtualClock())
    await known(store, "ana", "ben")
    await store.commit(talk("ana", consents=(STOP,), consent=fold([STOP])))
    await store.commit(talk("ana", OTHER, consents=(START,), consent=fold([STOP, START])))
    await store.commit(talk("ben"))
    await store.register.bring([(ZOE, IMPORTED)])
    for words, entry in (("MX.ana", ENTERED), ("+52 1 555 000 7777", REFUSED)):
        (person,) = await store.register.find(words)
        await store.register.enter(person.key, entry)
    await store.close()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    adapter = clustered.ClusterAdapter(tmp_path)
    settled = await adapter.open()
    yield settled.store
    await adapter.aclose()


def quietly(done: int, of: int) -> None:
    """Nobody looks."""


async def over(folder: Path, cluster: ClusterStore) -> Moved:
    return await to_cluster(folder, cluster, quietly, models=folder / "models", clock=VirtualClock())


def carried(moved: Moved) -> list[tuple[int, int]]:
    return [(part.count, part.brought) for part in moved.parts if "written to" in part.name]


async def whose(store: SqliteStore | ClusterStore, words: str) -> Person:
    (person,) = await store.register.find(words)
    return person


async def ledger(store: SqliteStore | ClusterStore, words: str) -> list[ConsentEntry]:
    person = await whose(store, words)
    return [ConsentEntry(**row) for row in (await store.register.export(person.key))["consents"]]


async def here(folder: Path, words: str) -> tuple[Sequence[ConsentEntry], Consent]:
    store = await open_store(folder, VirtualClock())
    try:
        return await ledger(store, words), (await whose(store, words)).consent
    finally:
        await store.close()


async def test_there_and_back(tmp_path: Path, cluster: ClusterStore) -> None:
    """Each line with its words and who entered it, once however often it is brought; also of who never wrote. What is said on
    the other side comes back, and nothing is made up."""
    await live(tmp_path / "old")
    first = await over(tmp_path / "old", cluster)
    assert (carried(first), first.equal) == ([(5, 5)], True)
    assert await ledger(cluster, "MX.ana") == [STOP, START, ENTERED]
    assert await ledger(cluster, "5215550007777") == [IMPORTED, REFUSED]
    for number in (NUMBER, OTHER):
        assert (await cluster.open(f"{number}:5215550007777")).consent == fold([IMPORTED, REFUSED])
    async with cluster.database.transaction() as connection:
        rows = await connection.fetch("SELECT conversation FROM consents WHERE conversation LIKE '%ana' ORDER BY key")
    assert [row[0] for row in rows] == [f"{NUMBER}:MX.ana", f"{OTHER}:MX.ana", f"{OTHER}:MX.ana"]
    again = await over(tmp_path / "old", cluster)
    assert (carried(again), again.brought, again.equal) == ([(5, 0)], 0, True)

    new = said("opt_out", LATER, words="no ads")
    for number in (NUMBER, OTHER):
        session = await cluster.open(f"{number}:MX.ana")
        holds = fold([STOP, START, ENTERED, new])
        own = (new,) if number == OTHER else ()
        await cluster.commit(talk("ana", number, session.sequence, consents=own, consent=holds))
    for folder, brought in (("new", 6), ("old", 1), ("old", 0)):
        back = await to_sqlite(cluster, tmp_path / folder, VirtualClock(), quietly)
        assert (carried(back), back.equal) == ([(6, brought)], True)
        entries, consent = await here(tmp_path / folder, "MX.ana")
        assert sorted(entries, key=lambda one: one.at) == [STOP, START, ENTERED, new]
        assert entries[-1] == new
        assert consent == holds
        assert await here(tmp_path / folder, "5215550007777") == ([IMPORTED, REFUSED], fold([IMPORTED, REFUSED]))
    last = await over(tmp_path / "new", cluster)
    assert (carried(last), last.equal) == ([(6, 0)], True)


async def test_who_was_two_and_what_no_table_takes(tmp_path: Path, cluster: ClusterStore) -> None:
    """Somebody whose two contacts turned out to be one, and words with a character that PostgreSQL has not: both are carried,
    and counted once when they are brought again."""
    folder = tmp_path / "old"
    odd = said("opt_in", words="yes\0 please")
    store = await open_store(folder, VirtualClock())
    await known(store, "cy")
    await store.commit(talk("cy", consents=(odd,), consent=fold([odd])))

    def merge(connection: Any) -> None:
        added = connection.execute("INSERT INTO contacts (handle, created_at) VALUES ('5215550006666', 1)")
        consents.write(connection, added.lastrowid, [STOP], NOW)
        (stays,) = connection.execute("SELECT key FROM contacts WHERE handle = 'MX.cy'").fetchone()
        connection.execute("UPDATE contacts SET merged_into = ? WHERE key = ?", (stays, added.lastrowid))
        consents.unite(connection, stays, NOW)

    await store.writer.submit(merge)
    await store.close()
    for brought in (2, 0):
        moved = await over(folder, cluster)
        assert (carried(moved), moved.equal) == ([(2, brought)], True)
    assert await ledger(cluster, "MX.cy") == [said("opt_in", words="yes please"), STOP]
    back = await to_sqlite(cluster, folder, VirtualClock(), quietly)
    assert (carried(back), back.equal) == ([(2, 0)], True)


async def test_a_line_is_made_up_where_none_was_kept(tmp_path: Path, cluster: ClusterStore) -> None:
    """A cluster of an older wabox kept what holds, and no lines: what holds is all that there is, and the line says so.
    Where there are lines, what they do not explain is added, and no refusal is undone."""
    holds = Consent(marketing=True, stopped=True, since=NOW, words="STOP", channel="message")
    await cluster.commit(talk("dan", consent=holds))
    await cluster.commit(talk("eve", consents=(ENTERED,), consent=holds))
    calm = Consent(marketing=True, since=NOW)
    await cluster.commit(talk("fay", consents=(STOP,), consent=calm))
    for brought in (2, 0):
        back = await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)
        assert carried(back) == [(2, brought)]
        entries, consent = await here(tmp_path / "new", "MX.dan")
        assert [(one.what, one.by, one.words) for one in entries] == [
            ("opt_in", MADE_UP, "STOP"),
            ("stop", MADE_UP, "STOP"),
        ]
        assert consent == holds
        entries, consent = await here(tmp_path / "new", "MX.eve")
        assert [(one.what, one.by) for one in entries] == [("opt_in", "marta"), ("stop", MADE_UP)]
        assert consent == holds
        entries, consent = await here(tmp_path / "new", "MX.fay")
        assert [(one.what, one.by) for one in entries] == [("stop", None), ("opt_in", MADE_UP)]
        assert consent.stopped
    assert not back.equal  # of Fay the two sides say different things


async def test_no_refusal_is_missing_when_it_was_interrupted(
    tmp_path: Path, cluster: ClusterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conversations come before the lines: what they refuse holds from the start. The next try brings the lines."""
    await cluster.commit(talk("ana", consents=(STOP,), consent=fold([STOP])))

    async def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("wabox.moving.ledger_to_sqlite", interrupted)
        with pytest.raises(KeyboardInterrupt):
            await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)
    assert await here(tmp_path / "new", "MX.ana") == ([], fold([STOP]))
    back = await to_sqlite(cluster, tmp_path / "new", VirtualClock(), quietly)
    assert (back.brought, carried(back), back.equal) == (0, [(1, 1)], True)
    assert await here(tmp_path / "new", "MX.ana") == ([STOP], fold([STOP]))


async def test_in_a_backup(tmp_path: Path, cluster: ClusterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as each conversation; who is forgotten while it is made is not in it."""
    await cluster.commit(talk("ana", consents=(STOP,), consent=fold([STOP])))
    await cluster.commit(talk("gil", consents=(ENTERED,), consent=fold([ENTERED])))

    async def meanwhile(*given: Any) -> Any:
        await cluster.register.forget(await whose(cluster, "MX.gil"))
        session = await cluster.open(f"{NUMBER}:MX.ana")
        again = changed(START, number_id=NUMBER)
        await cluster.commit(talk("ana", NUMBER, session.sequence, consents=(again,), consent=fold([STOP, again])))
        await cluster.settled()
        return await ledger_to_sqlite(*given)

    monkeypatch.setattr("wabox.moving.ledger_to_sqlite", meanwhile)
    assert await copy(cluster, tmp_path / "copy", VirtualClock(), quietly) == 2
    assert await here(tmp_path / "copy", "MX.ana") == ([STOP], fold([STOP]))
    store = await open_store(tmp_path / "copy", VirtualClock())
    assert await store.register.find("MX.gil") == []
    await store.close()
    assert b"on the phone" not in (tmp_path / "copy" / "wabox.db").read_bytes()
