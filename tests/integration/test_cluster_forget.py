"""Forget means forget (P11), on a cluster: from Redis, from PostgreSQL, from what is on its way, and from what a backup would
bring back. And what customers said elsewhere about being written to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.fakes import NOW, VirtualClock
from tests.integration import clustered
from tests.integration.clustered import command
from tests.integration.storage import Handler, arrival, conversation, message, outbound, unit
from wabox.core.changed import changed
from wabox.core.contact import Contact
from wabox.core.conversation import Record, Session, Timer
from wabox.core.delivery import Attempt, DeliveryStatus
from wabox.core.handoff import Handoff
from wabox.errors import Unavailable

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.cli.main import app
from wabox.cluster.document import unpack
from wabox.cluster.making import make
from wabox.cluster.records import erasure
from wabox.cluster.store import ClusterStore, open_cluster

SECRET = "my-secret-wish"
BEN = Contact(user_id="MX.ben", wa_id="5215550003333", name="Ben Ito")


def line(text: str, ref: str = "m1") -> Record:
    return Record(at=NOW, kind="in", ref=ref, body={"type": "text", "text": text})


@pytest.fixture
async def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClusterStore]:
    """Ana, with everything that a conversation can have, and Ben."""
    async with clustered.beside_commands(tmp_path, monkeypatch) as store:
        case = Handoff(
            id="case-1", conversation_id=conversation(), status="waiting", opened_at=NOW, at=NOW, reason=SECRET
        )
        begun = unit(
            "m1",
            snapshot=SECRET.encode(),
            records=[line(SECRET)],
            sends=[outbound("m1")],
            arm=[Timer(name="soft", due_at=NOW + 60_000, armed=1)],
        )
        assert await store.commit(changed(begun, handoffs=(case,), case=case)) == "committed"
        other = unit("m9", name="ben", records=[line("hello from Ben", "m9")])
        assert await store.commit(changed(other, contact=BEN)) == "committed"
        await store.settled()
        async with store.database.transaction() as connection:
            letter = b'{"from": "5215550002222", "odd": 1}'
            await connection.execute("INSERT INTO dead_letters (at, reason, raw) VALUES (1, 'odd', $1)", letter)
        yield store


async def found(store: ClusterStore, *words: str) -> list[str]:
    """Where any of these still stands: every key of Redis, unpacked, and every column of PostgreSQL."""
    there: list[str] = []
    wanted = [word.encode() for word in words]
    for node in store.shards.router.nodes:
        (keys,) = await store.shards.router.ask(node, ("KEYS", f"{store.place.name}:*"))
        for key in keys:
            (dump,) = await store.shards.router.ask(node, ("DUMP", key))
            (kind,) = await store.shards.router.ask(node, ("TYPE", key))
            said = [key, dump or b""]
            if kind == b"hash":
                (fields,) = await store.shards.router.ask(node, ("HGETALL", key))
                said += [unpack(part) for part in fields if part[:1] in (b"z", b"m") and len(part) > 2]
            there += [key.decode() for part in said for word in wanted if word in part]
    async with store.database.transaction() as connection:
        for row in await connection.fetch(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = current_schema()"
        ):
            name = f"{row['table_name']}.{row['column_name']}"
            column = f'"{row["column_name"]}"'
            said_ = column if row["data_type"] == "bytea" else f"convert_to({column}::text, 'UTF8')"
            query = f'SELECT count(*) FROM "{row["table_name"]}" WHERE position($1::bytea IN {said_}) > 0'
            there += [name for word in wanted if await connection.fetchval(query, word)]
    return there


async def test_nothing_of_a_person_is_left(cluster: ClusterStore, tmp_path: Path) -> None:
    """Not in any key of Redis nor any column of PostgreSQL; somebody else is not touched. There is a certificate."""
    marks = (SECRET, "MX.ana", "5215550002222", "Ana", "m1:0")
    assert len(await found(cluster, *marks)) > 10
    told = await command("contacts", "forget", "+52 1 555 000 2222", "--yes", "-o", str(tmp_path / "proof.json"))
    assert await found(cluster, *marks) == []
    proof = json.loads((tmp_path / "proof.json").read_text())
    assert proof["rows"] == {
        "conversations": 1,
        "dead_letters": 1,
        "handoffs": 1,
        "outbox": 1,
        "redis": 1,
        "transcript": 1,
    }
    assert (proof["left"], len(proof["ids"])) == (0, 2)
    assert "No id of theirs is left in PostgreSQL." in told
    assert max(map(len, told.splitlines())) <= 80
    assert await cluster.transcript(conversation("ben"))
    assert "nobody is known" in str((await _failed("contacts", "forget", "MX.ana", "--yes")).exception)


async def test_whoever_comes_back_begins_anew(cluster: ClusterStore) -> None:
    """What was written before and comes now (it waited in its lane, or Meta brings it again) is dropped, whoever remembers the
    conversation; what was computed from the old one is not stored; what is written from now on is a new customer's."""
    handler = Handler(cluster)  # type: ignore[arg-type]
    other = await open_cluster(cluster.place, VirtualClock(), "other")
    before = await cluster.open(conversation())
    (ana,) = await other.register.find("MX.ana")
    await other.register.forget(ana)
    with pytest.raises(Unavailable, match="forgotten"):
        await cluster.commit(unit("m2", expected=before.sequence))
    late = Attempt(
        outbound_id="m1:0", status=DeliveryStatus.SENT, at=NOW, conversation_id=conversation(), wamid="wamid.1"
    )
    await cluster.settle([late])
    assert (await cluster.open(conversation())).sequence == 0
    cluster.run(handler)
    await cluster.put(arrival(message("m1"), changed(message("m3"), timestamp=NOW + 1)))
    assert [id_.partition(":")[0] for id_ in await handler.until(1)] == ["m3"]
    await cluster.put(arrival(message("m0"), changed(message("m4"), timestamp=NOW + 2)))
    assert [id_.partition(":")[0] for id_ in await handler.until(2)] == ["m3", "m4"]
    await cluster.settled()
    assert [person.handle for person in await cluster.register.find("MX.ana")] == ["MX.ana"]
    await other.close()


async def test_a_killed_command_is_given_again(cluster: ClusterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it stopped: the person is still found, and the second time all of it goes."""

    async def killed(*_: object) -> dict[str, int]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "erase", killed)
        await _failed("contacts", "forget", "MX.ana", "--yes")
    assert await found(cluster, SECRET)
    await command("contacts", "forget", "MX.ana", "--yes")
    assert await found(cluster, SECRET, "MX.ana") == []


async def test_a_backup_does_not_bring_them_back(cluster: ClusterStore, tmp_path: Path) -> None:
    """One that was made before: neither into this cluster, emptied, nor into one of another name; who came back later stays."""
    made = json.loads(await command("backup", "--json"))
    await command("contacts", "forget", "MX.ana", "--yes")
    said = changed(line("I am back", "m5"), at=NOW * 2)
    again = changed(unit("m5", records=[said]), at=NOW * 2)
    assert await cluster.commit(again) == "committed"
    after = json.loads(await command("backup", "--json"))
    assert after["counts"]["transcript"] == 2
    settings = (tmp_path / "wabox.toml").read_text()
    for number, (file, people) in enumerate([(made["file"], ["Ben Ito"]), (after["file"], ["Ana", "Ben Ito"])]):
        name = f"{cluster.place.name}n{number}"
        (tmp_path / "wabox.toml").write_text(settings.replace(cluster.place.name, name))
        new = await open_cluster(replace(cluster.place, name=name), VirtualClock(), f"new{number}")
        await make(new.database, new.broker, name, clustered.PARTITIONS)
        told = json.loads(await command("restore", file, "--json"))
        assert told["forgotten"] == 1 - number
        assert sorted(person.name or "" for person in await new.register.people()) == people
        assert await found(new, SECRET) == []
        await clustered.clear(new)
        await new.topology.delete(await new.broker.channel())
        await new.database.drop()
        await new.close()


async def test_what_customers_said_elsewhere(cluster: ClusterStore, tmp_path: Path) -> None:
    """By phone, by letter, in a list: it is in the ledger, and it holds in the conversation. Nobody's own word is overruled."""
    assert "STOPPED" in await command("contacts", "optout", "MX.ana", "--words", "called")
    assert (await _fresh(cluster, "ana")).consent.stopped
    assert "wants marketing" in await command("contacts", "optin", "MX.ana", "--words", "signed the form")
    shown = json.loads(await command("contacts", "show", "MX.ana", "--json"))
    assert [one["what"] for one in shown["ledger"]] == ["stop", "start", "opt_in"]
    held = await _fresh(cluster, "ana")
    assert (held.consent.marketing, held.consent.stopped, held.case is not None) == (True, False, True)
    assert held.snapshot == SECRET.encode()
    await command("contacts", "optout", "Ben", "--marketing")
    await command("contacts", "forget", "Ben", "--yes")
    (tmp_path / "list.csv").write_text("who,words\n+5215550002222,a\n5215550003333,b\n5215550004444,c\nnobody,d\n")
    said = await _failed("contacts", "import", "list.csv")
    assert "1 added, 1 known before, 2 left out" in said.output
    assert "5215550003333: they asked to be forgotten" in said.output
    (new,) = await cluster.register.find("5215550004444")
    assert new.consent.marketing


async def _fresh(store: ClusterStore, name: str) -> Session:
    """As a process that remembers nothing has it."""
    other = await open_cluster(store.place, VirtualClock(), "reader")
    try:
        return await other.open(conversation(name))
    finally:
        await other.close()


async def _failed(*words: str) -> Result:
    said = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert said.exit_code != 0
    return said
