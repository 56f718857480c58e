"""What is kept for how long: periods per kind of data, enforced a little at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import NOW, VirtualClock
from tests.integration.storage import DAY, NUMBER, arrival, contact, conversation, message, unit
from wabox.core.changed import changed
from wabox.core.consent import ConsentEntry
from wabox.core.conversation import Record
from wabox.core.handoff import Handoff
from wabox.core.keep import KINDS, Keep, keep_of
from wabox.core.message import Arrival, DeadLetter, OtherChange
from wabox.errors import SettingsError
from wabox.settings import KNOWN, load
from wabox.sqlite.store import SqliteStore, open_store


async def lived(store: SqliteStore, clock: VirtualClock, name: str, *, open_case: bool = False) -> None:
    """Somebody wrote, was answered, and had a case."""
    said = message(f"wamid.{name}", name, at=clock.now)
    await store.put(arrival(changed(said, contact=changed(contact(name), wa_id=None))))
    case = Handoff(
        id=f"h-{name}",
        conversation_id=conversation(name),
        status="waiting",
        at=clock.now,
        opened_at=clock.now,
        queue="q",
        priority=0,
        reason="r",
    )
    closed = changed(case, status="closed")
    await store.commit(
        unit(
            f"wamid.{name}",
            name=name,
            at=clock.now,
            snapshot=None,
            handoffs=(case,) if open_case else (case, closed),
            records=[Record(at=clock.now, kind="in", body={"text": "hola"}, ref=str(number)) for number in range(600)],
        )
    )


async def rows(store: SqliteStore, table: str) -> int:
    query = f"SELECT count(*) FROM {table}"
    return await store.writer.submit(lambda connection: int(connection.execute(query).fetchone()[0]))


async def test_each_kind_has_its_period(tmp_path: Path) -> None:
    """What is older goes, what is younger stays; an open case stays however old."""
    clock = VirtualClock()
    store = await open_store(tmp_path, clock)
    odd = Arrival(
        dead=(DeadLetter(reason="odd", raw=b"{}"),), others=(OtherChange(field="x", number_id=None, raw=b"{}"),)
    )
    await store.put(odd)
    await lived(store, clock, "ana")
    await lived(store, clock, "eva", open_case=True)
    clock.now += 100 * DAY
    await lived(store, clock, "bob")
    keep = Keep(transcript=90, handoffs=50, dead_letters=101, other_changes=0, contacts=0)
    await store.prune(clock.now, keep)
    assert await rows(store, "transcript") == 600
    assert await rows(store, "handoffs") == 2  # eva's is open, bob's is young
    assert (await rows(store, "dead_letters"), await rows(store, "other_changes")) == (1, 1)
    clock.now += 2 * DAY
    await store.prune(clock.now, keep)
    assert (await rows(store, "dead_letters"), await rows(store, "other_changes")) == (0, 1)
    assert await rows(store, "contacts") == 3
    await store.close()


async def test_idle_customers_go_with_all_that_is_theirs(tmp_path: Path) -> None:
    """Not those who left a wish, who wait for a person, or who wrote since."""
    clock = VirtualClock()
    store = await open_store(tmp_path, clock)
    for name in ("ana", "bob", "eva"):
        await lived(store, clock, name, open_case=name == "eva")
    [bob] = await store.register.find("MX.bob")
    await store.register.enter(bob.key, ConsentEntry(at=NOW, what="stop", channel="command"))
    clock.now += 1000 * DAY
    await lived(store, clock, "joe")
    clock.now += 100 * DAY
    await store.prune(clock.now, Keep(transcript=0, handoffs=0))
    left = {one.handle for one in await store.register.people()}
    assert left == {"MX.bob", "MX.eva", "MX.joe"}
    assert await store.transcript(conversation("ana")) == []
    assert await rows(store, "transcript") == 3 * 600
    assert (await store.open(f"{NUMBER}:MX.bob")).consent.stopped
    await store.close()


def test_periods_come_from_the_settings(tmp_path: Path) -> None:
    """Each kind has a setting, in days; nonsense is refused with the reason."""
    assert set(KINDS) == KNOWN["keep"]
    (tmp_path / "wabox.toml").write_text("[keep]\ntranscript = 30\ncontacts = 0\n")
    keep = keep_of(load(tmp_path, {}).keep)
    assert (keep.transcript, keep.contacts, keep.media) == (30, 0, Keep().media)
    assert keep.before("transcript", 31 * DAY) == DAY
    assert keep.before("contacts", NOW) is None
    for line, sentence in (
        ('media = "1y"', "a number of days"),
        ("handoffs = -1", "a number of days"),
        ("outbox = 7", "reports on messages for 30 days"),
        ("transcripts = 7", "did you mean 'transcript'"),
    ):
        (tmp_path / "wabox.toml").write_text(f"[keep]\n{line}\n")
        with pytest.raises(SettingsError, match=sentence):
            load(tmp_path, {})
