"""People answer customers in the console of a web process, while a worker is another process. On real servers, real ports."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from typer.testing import CliRunner

from tests.integration.clustered import FOLDER, PARTITIONS

if FOLDER is None:
    pytest.skip("packaging/cluster/up was not run", allow_module_level=True)

from tests.integration.test_cluster_desk import Business, until
from tests.integration.test_cluster_desk import business as business
from wabox.cli.main import app as cli
from wabox.cli.routes import routes
from wabox.cluster.making import make, token
from wabox.cluster.records.database import Database
from wabox.clusterapp import ClusterApp
from wabox.clusterfront import LACKS, ClusterFront
from wabox.errors import Unavailable
from wabox.services.accounts import NewAgent
from wabox.services.passwords import Passwords
from wabox.settings import Secret, WhatsAppSettings
from wabox.web.api import openapi
from wabox.web.server import Server, asgi_app, listen

SECRET = Secret("x" * 20)
WHATSAPP = WhatsAppSettings(app_secrets=(SECRET,), verify_token=SECRET, access_token=SECRET)
PASSWORD = "four words in a row"


class Console:
    """A web process, and a browser that is signed in or not."""

    def __init__(self, app: ClusterApp, port: int, client: httpx.AsyncClient) -> None:
        self.app, self.port, self.client = app, port, client
        self._csrf = ""

    async def sign_in(self, who: str) -> None:
        answer = await self.client.post("/console/login", data={"who": who, "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")

    async def page(self) -> str:
        """The page of the console; what it says is sent along with every change."""
        answer = await self.client.get("/console", headers={"accept": "text/html"})
        assert answer.status_code == 200, answer.text
        self._csrf = answer.text.partition('data-csrf="')[2].partition('"')[0]
        return answer.text

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, data: dict[str, Any]) -> Any:
        answer = await self.client.post(f"/api/v1{path}", json=data, headers={"x-csrf-token": self._csrf})
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
        """What its stream says."""
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def listen_() -> None:
            async with self.client.stream("GET", "/api/v1/events") as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data: "):
                        heard.put_nowait(json.loads(line.removeprefix("data: ")))

        task = asyncio.create_task(listen_())
        try:
            async with asyncio.timeout(10):
                assert await heard.get() == {}
            yield heard
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def consoles(business: Business) -> AsyncIterator[list[Console]]:
    """Two web processes on ports of their own, and a worker without one."""
    async with AsyncExitStack() as stack:
        made = []
        store = (await business.process("worker")).store
        await make(store.database, store.broker, store.place.name, PARTITIONS)
        for _ in range(2):
            app = await business.process("web")
            app.desk.accounts._passwords = Passwords(cheap=True)
            shown: list[Any] = routes(ClusterFront(app), business.settings, await token(store.database), LACKS)
            server = Server(asgi_app(app, WHATSAPP, shown, openapi=openapi()), listen("127.0.0.1", 0))
            await server.begin()
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}"))
            stack.push_async_callback(_stop, server, app)
            made.append(Console(app, server.port, client))
        yield made


async def _stop(server: Server, app: ClusterApp) -> None:
    app.desk.changes.close()
    server.should_exit = True
    await server.task


async def test_a_person_works_in_the_console_of_one_process_and_a_colleague_sees_it_in_another(
    business: Business, consoles: list[Console]
) -> None:
    """Signed in once, for both; what is done in one is told to the other."""
    one, other = consoles
    for who in ("marta", "ben"):
        await one.app.desk.accounts.add(NewAgent(id=who, name=who.title(), roles=("agent",), password=PASSWORD))
    await one.sign_in("marta")
    other.client.cookies = one.client.cookies
    assert 'data-name="Marta"' in await one.page()
    assert 'data-lacks="unmatched"' in await other.page()
    async with other.listening() as heard:
        case = await business.ask(one.app, "ana")
        async with asyncio.timeout(10):
            while (await heard.get()).get("case_id") != case:
                pass
        (line,) = await one.get("/handoffs")
        assert (line["id"], line["customer"], line["status"]) == (case, "Ana", "waiting")
        claimed = await one.post(f"/handoffs/{case}/claim", {})
        assert (claimed["case"]["agent_name"], claimed["holder"]) == ("Marta", "agent")
        replied = await other.post(f"/handoffs/{case}/reply", {"text": "Good morning, Marta here"})
        assert replied["transcript"][-1]["text"] == "Good morning, Marta here"
        (spot,) = await other.get("/conversations")
        assert spot["case"]["status"] == "claimed"
        dossier = await one.get(f"/conversations/{spot['conversation_id']}")
        assert (dossier["holder"], dossier["contact"]["name"]) == ("agent", "Ana")
        assert [chart["flow"] for chart in await one.get("/charts")]
        closed = await one.post(f"/handoffs/{case}/close", {"text": "told"})
        assert (closed["case"]["status"], closed["case"]["outcome"]) == ("closed", "told")
        async with asyncio.timeout(10):
            while (await heard.get()).get("status") != "closed":
                pass
    await one.client.post("/console/logout", data={"csrf": one._csrf})

    async def signed_out() -> bool:
        return (await other.client.get("/api/v1/handoffs")).status_code == 401

    await until(signed_out)


async def test_the_command_line_of_any_machine_reaches_a_web_process(
    business: Business, consoles: list[Console], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows the token from the cluster; what a cluster lacks is said in a sentence."""
    case = await business.ask(consoles[0].app, "ana")
    monkeypatch.chdir(tmp_path)
    text = (tmp_path / "wabox.toml").read_text()
    (tmp_path / "wabox.toml").write_text(f"{text}[server]\nport = {consoles[0].port}\n")
    assert "Ana" in await _said("handoff", "list")
    there = f"http://127.0.0.1:{consoles[1].port}"
    assert "Marta has it" in await _said("handoff", "claim", case, "--server", there, "--as", "Marta")
    await _said("handoff", "close", case, "--as", "Marta")
    sent = json.loads(await _said("send", "+49151000304", "--text", "It is on its way", "--json"))
    assert (sent["delivery"]["status"], business.left[-1]) == ("sent", "It is on its way")
    figures = json.loads(await _said("top", "--json"))
    assert {one["name"]: one["value"] for one in figures if one["name"] == "conversations"} == {"conversations": 1.0}
    shared = await token(consoles[0].app.store.database)
    for path, code in (("/learn", 501), ("/broadcasts", 200), ("/meter", 200), ("/stats", 200), ("/templates", 200)):
        answer = await consoles[0].client.get(f"/api/v1{path}", headers={"authorization": f"Bearer {shared}"})
        assert (path, answer.status_code) == (path, code)
        assert code == 200 or "wabox learn" in answer.json()["error"]
    (tmp_path / "wabox.toml").write_text(f"{text}[server]\nport = 9\n")
    assert "nobody answers at http://127.0.0.1:9" in await _said("handoff", "list", code=1)


async def _said(*words: str, code: int = 0) -> str:
    """It has an event loop of its own."""
    try:
        found = await asyncio.to_thread(CliRunner().invoke, cli, words)
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
    said = found.output or str(found.exception)
    assert found.exit_code == code, (said, found.exception)
    return said


async def test_while_postgresql_is_away_people_wait_and_webhooks_go_on(
    business: Business, consoles: list[Console], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a sentence; nobody is signed out."""
    console = consoles[0]
    await console.app.desk.accounts.add(NewAgent(id="marta", name="Marta", roles=("agent",), password=PASSWORD))
    await console.sign_in("marta")
    await console.page()

    @asynccontextmanager
    async def away(_: Any) -> AsyncIterator[Any]:
        raise Unavailable("PostgreSQL does not answer: it is a test")
        yield  # type: ignore[unreachable]

    with monkeypatch.context() as now:
        now.setattr(Database, "transaction", away)
        for answer in (
            await console.client.get("/api/v1/handoffs"),
            await console.client.post("/api/v1/handoffs/h-1/claim", json={}, headers={"x-csrf-token": console._csrf}),
        ):
            assert (answer.status_code, answer.json()) == (503, {"error": "PostgreSQL does not answer: it is a test"})
        await business.write(console.app, "ana", "hi")
    assert await console.get("/handoffs") == []
