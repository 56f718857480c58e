"""People and a bot on a cluster: a customer's case is opened by a worker and answered from another process. On real servers."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeMessenger
from tests.integration.clustered import FOLDER, NAME, PARTITIONS, PREPARED, clear, place, prepare
from tests.integration.test_alarms import Web, website
from tests.integration.test_desk import FLOW
from wabox.app import wall_clock
from wabox.cluster.store import open_cluster
from wabox.clusterapp import ClusterApp, Role, build_cluster
from wabox.core.act import Act
from wabox.core.agent import Agent
from wabox.core.change import Changed
from wabox.core.delivery import words
from wabox.core.handoff import HandoffAct
from wabox.services.attachments import CannotAttach
from wabox.services.cases import CaseReport
from wabox.services.entry import Full
from wabox.services.handoffs import NotDone
from wabox.settings import load
from wabox.whatsapp.webhook import parse

pytestmark = pytest.mark.skipif(FOLDER is None, reason="WABOX_TEST_CLUSTER names no servers; see packaging/cluster/up")

NUMBER = "200"
MARTAS = "34600111222"
"""Her own WhatsApp."""
MARTA = Agent(id="marta", name="Marta", roles=("agent",))


async def until(true: Callable[[], Awaitable[Any]]) -> Any:
    """What it says, once that is something."""
    async with asyncio.timeout(30):
        while not (found := await true()):  # noqa: ASYNC110 - other processes, by engines
            await asyncio.sleep(0.02)
        return found


class Business:
    """A bot, its processes, and one customer after the other."""

    def __init__(self, root: Path, web: Web) -> None:
        said = tomllib.loads((Path(str(FOLDER)) / "cluster.toml").read_text())["cluster"]
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**said, "name": NAME}.items())
        to = [f"http://127.0.0.1:{web.port}/told", f"whatsapp:+{MARTAS}"]
        (root / "wabox.toml").write_text(
            f'[cluster]\n{lines}[alerts]\nto = {json.dumps(to)}\n[queues.desk]\ncapacity = 1\n[calls]\nallow = ["127.0.0.1"]\n'
        )
        folder = root / "flows" / "shop"
        folder.mkdir(parents=True)
        (folder / "flow.yaml").write_text(FLOW)
        self.settings = load(root, {})
        self.folder = folder
        self.messenger, self.web = FakeMessenger(), web
        self.apps: list[ClusterApp] = []
        self._count = 0

    async def process(self, role: Role) -> ClusterApp:
        settings = replace(self.settings, data=self.settings.root / f"data{len(self.apps)}")  # a machine of its own
        app = await build_cluster(settings, self.folder, role, PARTITIONS, messenger=self.messenger)
        self.apps.append(app)
        app.desk.leader._sleep = _soon
        await app.start()
        async with asyncio.timeout(30):
            await app.store.bus.listening.wait()
            if role != "web":
                await app.store.lanes.ready.wait()
        return app

    async def write(self, app: ClusterApp, customer: str, text: str, quoted: str | None = None) -> None:
        self._count += 1
        phone = MARTAS if customer == "marta" else f"4915100{sum(customer.encode()):04d}"
        at = str(wall_clock() // 1000)
        message = {"id": f"wamid.{self._count}", "from": phone, "timestamp": at, "type": "text", "text": {"body": text}}
        if quoted:
            message["context"] = {"id": quoted}
        contact = {"profile": {"name": customer.title()}, "wa_id": phone}
        value = {"metadata": {"phone_number_id": NUMBER}, "contacts": [contact], "messages": [message]}
        body = json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
        await app.accept(parse(body, wall_clock()))

    async def ask(self, app: ClusterApp, customer: str) -> str:
        """They want a person; the case, once everybody can see it."""
        before = self.left.count("A person will answer.")
        for text in ("hi", "a person please"):
            await self.write(app, customer, text)

        async def waits() -> bool:
            return self.left.count("A person will answer.") > before

        await until(waits)

        async def seen() -> str | None:
            lines = await app.desk.handoffs.lines()
            return next((line.id for line in lines if line.customer == customer.title()), None)

        return str(await until(seen))

    async def act(self, app: ClusterApp, kind: HandoffAct, case: str, who: Agent = MARTA, **more: Any) -> CaseReport:
        self._count += 1
        act = Act(id=f"act-{self._count}", kind=kind, case=case, agent=who.id, by=who.name, **more)
        return await app.desk.handoffs.act(act, who)

    async def gone(self, process: int, app: ClusterApp) -> None:
        """Its connection is lost."""
        async with app.store.database.transaction() as connection:
            await connection.execute("SELECT pg_terminate_backend($1)", process)

    @property
    def left(self) -> list[str]:
        return [words(sent.body) for sent in self.messenger.taken]

    async def stop(self) -> None:
        for app in self.apps:
            await app.stop()
        last = await open_cluster(place(NAME), wall_clock, "last")
        await clear(last)
        await last.close()


async def _soon(_: float) -> None:
    await asyncio.sleep(0.02)


async def ready() -> None:
    """The servers have what a cluster needs."""
    if not PREPARED:
        store = await open_cluster(place(NAME), wall_clock, "first")
        await prepare(store)
        await store.close()
        PREPARED.append(True)


@pytest.fixture
async def business(tmp_path: Path) -> AsyncIterator[Business]:
    await ready()
    async with website() as web:
        made = Business(tmp_path, web)
        yield made
        await made.stop()


@asynccontextmanager
async def listening(app: ClusterApp, agent: str) -> AsyncIterator[list[Changed]]:
    """What somebody at this process hears."""
    heard: list[Changed] = []

    async def listen() -> None:
        async for change in app.desk.changes.listen(agent):
            heard.append(change)

    task = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_person_answers_from_a_process_that_has_no_lanes(business: Business) -> None:
    web, worker = await business.process("web"), await business.process("worker")
    async with listening(web, "marta") as heard:
        case = await business.ask(web, "ana")
        assert [(one.case_id, one.status) for one in heard if "case" in one.kinds] == [(case, "waiting")]

        async def known() -> bool:
            return worker.desk.changes.there == {"marta"}

        await until(known)
        claimed = await business.act(web, "claim", case)
        assert (claimed.case.status, claimed.case.agent_name, claimed.holder) == ("claimed", "Marta", "agent")
        replied = await business.act(web, "reply", case, text="Good morning, Marta here")
        assert (replied.transcript[-1].who, replied.transcript[-1].text) == ("agent", "Good morning, Marta here")

        async def answered() -> bool:
            return business.left[-1] == "Good morning, Marta here"

        await until(answered)
        with pytest.raises(NotDone, match="Marta has this case"):
            await business.act(web, "claim", case, Agent(id="ben", name="Ben", roles=("owner",)))
        with pytest.raises(CannotAttach, match="no such file in this conversation"):
            await web.desk.handoffs.file(case, "x", None)
        closed = await business.act(web, "close", case, text="told")
        assert (closed.case.status, closed.case.outcome, closed.states) == ("closed", "told", ["hello"])
        assert [one.status for one in heard if "case" in one.kinds] == ["waiting", "claimed", "claimed", "closed"]


async def test_the_leader_tells_people_and_another_takes_over(business: Business) -> None:
    workers = [await business.process("worker") for _ in range(2)]

    async def leads() -> ClusterApp | None:
        return next((one for one in workers if one.desk.leader.leads.is_set()), None)

    async def look() -> None:
        for one in workers:
            await one.desk.look_at_alarms()
            await one.desk.alarms.settled()

    first = await until(leads)
    case = await business.ask(first, "ana")
    await look()
    assert [post[2]["case"] for post in business.web.posts] == [case], "one of two told it"
    (line,) = await first.desk.handoffs.lines()
    assert line.told is True
    await business.gone(first.desk.leader.backend, first)

    async def another() -> bool:
        return await leads() not in (None, first)

    # Whoever comes back first leads: so the first one must not.
    first.desk.leader._sleep = asyncio.sleep
    second = await until(another) and await leads()
    other = await business.ask(second, "ben")
    await look()
    assert [post[2]["case"] for post in business.web.posts] == [case, other]


async def test_an_agent_is_told_and_answers_on_whatsapp(business: Business) -> None:
    worker, other = [await business.process("worker") for _ in range(2)]

    async def leads() -> ClusterApp | None:
        return next((one for one in (worker, other) if one.desk.leader.leads.is_set()), None)

    leader = await until(leads)
    await business.write(worker, "marta", "hello bot")  # her 24 hours begin
    case = await business.ask(worker, "ana")

    async def card() -> str | None:
        await leader.desk.look_at_alarms()
        await leader.desk.alarms.settled()
        cards = [one for one in business.messenger.taken if "Ana" in words(one.body)]
        return cards[0].id if cards else None

    told = await until(card)
    quoted = f"wamid.OUT-{told}"

    async def known() -> bool:
        return bool(await worker.store.alerts.by_card(quoted))

    await until(known)
    await business.write(worker, "marta", "Good morning, Ana", quoted)

    async def answered() -> bool:
        return {"Sent to Ana.", "Good morning, Ana"} <= set(business.left)

    await until(answered)
    report = await worker.desk.handoffs.case(case)
    assert (report.case.status, report.transcript[-1].text) == ("claimed", "Good morning, Ana")


async def test_two_processes_together_give_nobody_more_than_they_may_have(business: Business) -> None:
    webs = [await business.process("web") for _ in range(2)]
    await business.process("worker")
    cases = [await business.ask(webs[0], name) for name in ("ana", "ben")]
    tries = await asyncio.gather(
        *(business.act(web, "claim", case) for web, case in zip(webs, cases, strict=True)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in tries) == ["CaseReport", "Full"]
    assert any(isinstance(one, Full) for one in tries)
