"""Accounts of several processes: what one changes the others know, what nobody can know, and PostgreSQL away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import tomllib
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import Result
from typer.testing import CliRunner

from tests.integration import clustered
from tests.integration.doors import house
from tests.integration.registers import Cluster, shared
from tests.integration.test_accounts_contract import HOME, PASSWORD, enter, refused

if clustered.FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from wabox.app import wall_clock
from wabox.cli.main import app as commands
from wabox.cluster.bus import Bus
from wabox.cluster.making import AGREED
from wabox.cluster.records import mirror
from wabox.cluster.records.accounts import PostgresAccounts
from wabox.cluster.records.database import Database
from wabox.cluster.records.mirror import TRUSTED
from wabox.errors import Unavailable
from wabox.services.accounts import BURST, EVERY, AccountError, Accounts, NewAgent


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with shared("postgres", tmp_path) as found:
        assert isinstance(found, Cluster)
        yield found


def register(accounts: Accounts) -> PostgresAccounts:
    assert isinstance(accounts._store, PostgresAccounts)
    return accounts._store


@contextlib.asynccontextmanager
async def listening(cluster: Cluster) -> AsyncIterator[Accounts]:
    """A process as it serves."""
    accounts, bus = cluster.process(), Bus(cluster.database())
    register(accounts).run(bus)
    task = asyncio.get_running_loop().create_task(bus.run())
    try:
        async with asyncio.timeout(20):
            await bus.listening.wait()
        yield accounts
    finally:
        await register(accounts).aclose()
        await bus.aclose()
        await asyncio.wait([task])


async def test_whoever_is_closed_is_out_at_every_process(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the next look, and though nobody asks PostgreSQL: somebody said so. So is a token that was taken away."""
    monkeypatch.setattr(mirror, "EVERY", 3600.0)
    here = cluster.process()
    await here.add(NewAgent(id="agent", password=PASSWORD))
    await here.add(NewAgent(id="crm"))
    cookie, token = await enter(here), await here.token("crm", "nightly")
    async with listening(cluster) as other:
        reads = 0
        read = register(other).mirror._read

        async def counted() -> None:
            nonlocal reads
            reads += 1
            await read()

        monkeypatch.setattr(register(other).mirror, "_read", counted)
        known, program = await other.by_cookie(cookie), await other.by_token(token)
        assert known is not None
        assert program is not None
        await here.disable("agent", True)
        await here.revoke("crm", "nightly")
        async with asyncio.timeout(20):
            while await other.holds(known) or await other.holds(program):  # noqa: ASYNC110 - another connection's note
                await asyncio.sleep(0.005)
        assert other.find("agent") == (await here.line("agent")).agent
        assert reads <= 4, "at first, when it began to listen, and for each of the two"


async def test_made_up_cookies_are_one_question(cluster: Cluster) -> None:
    """However many come at once; whoever signed in elsewhere a moment ago is found among them."""
    here, other = cluster.process(), cluster.process()
    await here.add(NewAgent(id="agent", password=PASSWORD))
    await register(other).mirror.read()
    cookie = await enter(here)
    asked = 0
    transaction = cluster.databases[-1].transaction

    def counted() -> object:
        nonlocal asked
        asked += 1
        return transaction()

    cluster.databases[-1].transaction = counted
    found = await asyncio.gather(*(other.by_cookie(f"made up {n}") for n in range(500)), other.by_cookie(cookie))
    assert [known.agent.id for known in found if known is not None] == ["agent"]
    assert asked == 1
    before = cluster.clock.now
    for number in range(5):
        assert await other.by_cookie(f"one after the other {number}") is None
    assert asked == 6
    assert cluster.clock.now - before == 250, "twenty a second at most"


@pytest.mark.parametrize("act", ["close", "enrol"])
async def test_two_at_the_same_moment(cluster: Cluster, act: str) -> None:
    """Both are in the middle of it before either is done: of two owners one stays, and of two phones one."""
    first, second = cluster.process(), cluster.process()
    for id_ in ("ana", "ben"):
        await first.add(NewAgent(id=id_, roles=("owner",)))
    ana, ben = first.find("ana"), (await second.line("ben")).agent
    assert ana is not None
    begun: tuple[Coroutine[Any, Any, object], ...]
    if act == "close":
        begun = (first.disable("ana", True, ben, HOME), second.disable("ben", True, ana, HOME))
    else:
        begun = (first.totp("ana"), second.totp("ana"))
    async with cluster.databases[0].transaction() as gate, cluster.databases[1].transaction() as look:
        await gate.execute("LOCK TABLE audit IN EXCLUSIVE MODE")
        mine = await gate.fetchval("SELECT pg_backend_pid()")
        tasks = [asyncio.ensure_future(one) for one in begun]
        held = (
            "WITH RECURSIVE held (pid) AS (SELECT $1::int UNION SELECT a.pid FROM pg_locks a, held h"
            " WHERE NOT a.granted AND h.pid = ANY (pg_blocking_pids(a.pid))) SELECT count(*) FROM held"
        )
        async with asyncio.timeout(20):
            while await look.fetchval(held, mine) < 3:  # noqa: ASYNC110 - other connections
                await asyncio.sleep(0.005)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    if act == "close":
        assert [type(one) for one in done if isinstance(one, BaseException)] == [AccountError]
        assert [line.agent.disabled for line in await first.lines()] in ([True, False], [False, True])
    else:
        assert [one for one in done if isinstance(one, BaseException)] == []
        assert await first._second.left("ana") == 10


async def test_an_address_is_counted_over_all_processes(cluster: Cluster) -> None:
    """Whoever goes from one to the next has no more attempts than with one."""
    processes = [cluster.process() for _ in range(3)]
    waits = [await refused(processes[n % 3], HOME, f"n{n}") for n in range(BURST + 3)]
    assert waits == [0] * BURST + [EVERY // 1000] * 3
    cluster.clock.now += EVERY
    assert [await refused(one, HOME, "n") for one in processes].count(0) == 1
    assert await refused(processes[0], "198.51.100.9", "n") == 0
    cluster.clock.now -= 10 * EVERY
    assert await refused(cluster.process(), HOME, "n") <= BURST * EVERY // 1000, "a clock that was set back"


async def test_while_postgresql_is_away(cluster: Cluster, tmp_path: Path) -> None:
    """Who is known stays so for a minute; nobody new comes in; browsers and programs are told in a sentence."""
    await cluster.process().add(NewAgent(id="agent", password=PASSWORD, roles=("owner",)))
    here = cluster.process()
    cookie, token = await enter(here), await here.token("agent", "crm")
    gone = Database("postgresql://nobody@127.0.0.1:1/nowhere")
    store = register(here)
    store._database = store.mirror._database = store.second._database = gone
    cluster.clock.now += TRUSTED - 10_000
    assert await here.by_cookie(cookie) is not None, "a sighting that nobody can write down turns nobody away"
    assert await here.by_token(token) is not None
    assert here.find("agent") is not None
    for nobody in (here.by_cookie("made up"), here.sign_in("agent", PASSWORD, HOME), here.lines()):
        with pytest.raises(Unavailable, match="PostgreSQL does not answer"):
            await nobody
    async with house(tmp_path) as doors:
        doors.guard.accounts = here
        browser, program = {"Accept": "text/html"}, {"Authorization": f"Bearer {token}"}
        async with doors.client(headers=browser) as client:
            entered = await client.post("/console/login", data={"who": "agent", "password": PASSWORD})
            assert (entered.status_code, "Nobody can sign in at this moment" in entered.text) == (503, True)
            made_up = await client.get("/console", headers={**browser, "Cookie": "wabox=made-up"})
            assert (made_up.status_code, "Nobody can sign in at this moment" in made_up.text) == (503, True)
            assert (await client.get("/console", headers={**browser, "Cookie": f"wabox={cookie}"})).status_code == 200
            assert (
                await client.get("/console/login", headers={**browser, "Cookie": "wabox=made-up"})
            ).status_code == 503
        async with doors.client(headers=program) as client:
            assert (await client.get("/api/v1/agents/me")).status_code == 200
            # What nobody can write into the log is not said to be done.
            changed = await client.post("/api/v1/conversations/nobody/end", json={"id": "1"})
            assert (changed.status_code, "PostgreSQL does not answer" in changed.text) == (503, True)
            cluster.clock.now += 10_000
            later = await client.get("/api/v1/agents/me")
            assert (later.status_code, "PostgreSQL does not answer" in later.text) == (503, True)


async def test_tables_of_an_older_wabox(cluster: Cluster) -> None:
    """What has to be done is said, and whoever asks may ask again."""
    older = Database(clustered.place(clustered.NAME).postgres, "pg_catalog")
    with pytest.raises(Unavailable, match="run wabox cluster init"):
        await PostgresAccounts(older, cluster.clock).lines(0, 0)
    await older.aclose()


async def test_the_log_calls_a_conversation_by_a_number(cluster: Cluster) -> None:
    """Which says nothing once it is forgotten, and is given once, also when the tables are made ready again."""
    here, database = cluster.process(), cluster.databases[0]
    async with database.transaction() as connection:
        await connection.executemany("INSERT INTO conversations (id) VALUES ($1)", [("1:ana",), ("1:ben",)])
    try:
        ana, ben = await here.conversation("1:ana"), await here.conversation("1:ben")
        await database.prepare()
        assert [await here.conversation("1:ana"), await here.conversation("1:ben")] == [ana, ben]
        assert ana != ben
        assert await here.conversation("1:cy") == "no conversation"
    finally:
        async with database.transaction() as connection:
            await connection.execute("DELETE FROM conversations")
    assert await here.conversation("1:ana") == "no conversation"


async def test_the_command_works_on_the_cluster(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From any machine whose settings name it, with no server; a folder that is named is that folder."""
    cluster.clock.now = wall_clock()  # as the commands have it
    async with cluster.databases[0].transaction() as connection:
        await connection.execute("DELETE FROM cluster")
    await cluster.databases[0].agree({"partitions": str(clustered.PARTITIONS), **AGREED})
    said = tomllib.loads((Path(str(clustered.FOLDER)) / "cluster.toml").read_text())["cluster"]
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**said, "name": clustered.NAME}.items())
    (tmp_path / "wabox.toml").write_text(f"[cluster]\n{lines}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    async def run(*words: str, stdin: str = "") -> Result:
        try:
            return await asyncio.to_thread(CliRunner().invoke, commands, ["agents", *words], input=stdin)
        finally:
            structlog.reset_defaults()
            logging.getLogger().handlers.clear()

    added = await run("add", "ana", "--role", "owner", "--password-file", "-", stdin=f"{PASSWORD}\n")
    assert added.exit_code == 0, (added.output, added.exception)
    token = (await run("token", "ana")).output.strip()
    here = cluster.process()
    assert await here.by_token(token) is not None
    assert "speaks hi" in (await run("language", "ana", "hi")).output
    made = json.loads((await run("totp", "ana", "--json")).output)
    assert await here.sign_in("ana", PASSWORD, HOME, made["recovery"][0]) is not None
    assert "signed in 1×" in (await run("list")).output
    assert "DISABLED" in (await run("disable", "ana")).output
    acts = [json.loads(line) for line in (await run("audit", "--json", "--limit", "2")).output.splitlines()]
    assert [(act["who"], act["what"], act["address"]) for act in acts] == [
        ("shell", "agent disable", "command line"),
        ("ana", "sign in", HOME),
    ]
    refused = await run("list", "--data", str(tmp_path / "data"))
    assert "there is no data in" in str(refused.exception)
    assert [path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))] == ["wabox.toml"]
