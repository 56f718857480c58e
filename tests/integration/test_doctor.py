"""``wabox doctor`` on a whole wabox and the fake Cloud API: all is well, then each fault by itself."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.integration.meta import Town, bot_folder, hear, town
from wabox.app import wall_clock
from wabox.cli.doctor import report
from wabox.cli.main import app as command
from wabox.core.checkup import Checkup, Level
from wabox.services.doctor.examination import examine
from wabox.settings import Secret
from wabox.whatsapp.graph import GraphClient

DAY = 86_400


@pytest.fixture(autouse=True)
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the project's folder, as people do."""
    monkeypatch.chdir(tmp_path)


@contextlib.asynccontextmanager
async def here(root: Path) -> AsyncIterator[Town]:
    async with town(root, wall_clock) as it:
        yield it


async def doctor(it: Town, **changes: Any) -> Checkup:
    """``changes``: of the settings, or of how it is looked."""
    around: dict[str, Any] = {"stopped": {}, "now": wall_clock()}
    around.update({name: changes.pop(name) for name in ("stopped", "now", "url", "offline") if name in changes})
    settings = replace(it.settings, **changes)
    whatsapp = settings.whatsapp
    graph = None if whatsapp is None else GraphClient(whatsapp.api_url, whatsapp.access_token.reveal())
    api = it.settings.require_whatsapp().api_url
    try:
        return await examine(
            settings,
            around.pop("now"),
            graph=graph,
            as_app=lambda token: GraphClient(api, token),
            **around,
        )
    finally:
        if graph is not None:
            await graph.aclose()


def levels(found: Checkup, check: str) -> list[Level]:
    return [one.level for one in found.findings if one.check == check]


async def test_a_connected_number(tmp_path: Path) -> None:
    """Nothing fails, every step is done; the report fits 80 columns."""
    async with here(tmp_path) as it:
        found = await doctor(it)
        assert [one for one in found.findings if one.level is Level.FAIL] == []
        assert found.step is None
        assert found.well
        assert levels(found, "signed post") == levels(found, "unsigned post") == [Level.OK]
        assert max(map(len, report(found))) <= 80


@pytest.mark.parametrize(
    ("set_up", "check", "level"),
    [
        (lambda it: it.cloud.renew("another"), "token", Level.FAIL),
        (lambda it: it.cloud.faults.arm("token", "1h"), "token", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "expires_at", wall_clock() // 1000 + DAY), "token", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "expires_at", wall_clock() // 1000 + 59 * DAY), "token", Level.WARN),
        (lambda it: setattr(it.cloud.dashboard, "scopes", ["public_profile"]), "permissions", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "fields", []), "subscription", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "fields", ["calls"]), "subscription", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "fields", ["messages"]), "subscription", Level.WARN),
        (lambda it: setattr(it.cloud.dashboard, "listens", False), "subscribed app", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "status", "PENDING"), "number", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "status", "BANNED"), "number", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "name_status", "DECLINED"), "name", Level.FAIL),
        (lambda it: setattr(it.cloud.dashboard, "name_status", "PENDING_REVIEW"), "name", Level.WARN),
        (lambda it: setattr(it.cloud, "quality", "RED"), "quality", Level.FAIL),
        (lambda it: setattr(it.cloud, "quality", "YELLOW"), "quality", Level.WARN),
        (lambda it: setattr(it.cloud, "webhook_url", "http://127.0.0.1:9/webhook"), "address", Level.FAIL),
        (lambda it: setattr(it.cloud, "webhook_url", "http://bot.example.org/webhook"), "address", Level.FAIL),
    ],
)
async def test_what_meta_has_otherwise(
    tmp_path: Path, set_up: Callable[[Town], object], check: str, level: Level
) -> None:
    """Each thing that can be wrong there is named, with what to do."""
    async with here(tmp_path) as it:
        set_up(it)
        found = await doctor(it)
        assert level in levels(found, check)
        assert all(one.todo for one in found.findings if one.level in (Level.FAIL, Level.WARN))
        assert found.well is (level is not Level.FAIL)
        assert max(map(len, report(found))) <= 80


async def test_meta_says_why_a_number_cannot_send(tmp_path: Path) -> None:
    """Its own words and advice are shown."""
    async with here(tmp_path) as it:
        it.cloud.dashboard.troubles = [
            {"error_code": 141006, "error_description": "There is no payment method", "possible_solution": "Add one"}
        ]
        (one,) = [one for one in (await doctor(it)).findings if one.check == "sending"]
        assert (one.level, one.what, one.todo) == (Level.FAIL, "There is no payment method", "Add one")


async def test_wrong_secrets(tmp_path: Path) -> None:
    """An app secret of another app, a verify token and a secret that the server does not know."""
    async with here(tmp_path) as it:
        whatsapp = it.settings.require_whatsapp()
        found = await doctor(it, whatsapp=replace(whatsapp, app_secrets=(Secret("another"),)))
        assert levels(found, "app secret") == levels(found, "signature") == [Level.FAIL]
        found = await doctor(it, whatsapp=replace(whatsapp, verify_token=Secret("another")))
        assert levels(found, "handshake") == [Level.FAIL]


async def test_versions_and_clocks(tmp_path: Path) -> None:
    """A version of the API that has ended, or soon will; a clock that is hours off."""
    async with here(tmp_path) as it:
        whatsapp = it.settings.require_whatsapp()
        for version, level in (("v20.0", Level.FAIL), ("v21.0", Level.WARN), ("v25.0", Level.OK)):
            url = whatsapp.api_url.replace("v26.0", version)
            at = 1_795_300_000_000 if level is not Level.OK else wall_clock()  # November 2026
            found = await doctor(it, whatsapp=replace(whatsapp, api_url=url), now=at)
            assert levels(found, "Graph version") == [level], version
        for hours, expected in ((2, Level.FAIL), (-2, Level.FAIL), (0, Level.OK)):
            found = await doctor(it, now=wall_clock() + hours * 3_600_000)
            assert levels(found, "clock") == [expected]


async def test_no_network(tmp_path: Path) -> None:
    """Is said once; the rest is looked at all the same, and where one stands nobody claims to know."""
    async with here(tmp_path) as it:
        whatsapp = it.settings.require_whatsapp()
        found = await doctor(it, whatsapp=replace(whatsapp, api_url="http://127.0.0.1:9/v26.0"))
        assert levels(found, "network") == [Level.FAIL]
        assert levels(found, "database") == [Level.OK]
        assert found.steps == ()
        assert not found.well
        assert (await doctor(it, offline=True)).well


async def test_a_newcomer_is_led(tmp_path: Path) -> None:
    """Without an account the first step that is not done is told in full; with half of one, the next."""
    async with here(tmp_path) as it:
        everything = ("WABOX_APP_SECRET", "WABOX_VERIFY_TOKEN", "WABOX_ACCESS_TOKEN")
        for missing, step in ((everything, 1), (everything[1:], 2), (everything[1:2], 3)):
            found = await doctor(it, whatsapp=None, missing=missing, offline=True)
            assert found.step == step
            lines = list(report(found))
            assert f"step {step + 1} of {len(found.steps)}" in "\n".join(lines)
            assert not found.well


async def test_with_two_bots_it_says_how_to_name_one(tmp_path: Path) -> None:
    """And not that a bot must be made."""
    async with here(tmp_path) as it:
        copytree(next((tmp_path / "flows").iterdir()), tmp_path / "flows" / "another")
        found = await doctor(it, whatsapp=None, missing=("WABOX_APP_SECRET",), offline=True)
    (flows,) = (one for one in found.findings if one.check == "flows")
    assert "several bots" in flows.what
    assert "export WABOX_BOT=another" in flows.todo
    assert found.step == 0
    assert "wabox new" not in "\n".join(report(found))


async def test_the_server_and_its_outbox(tmp_path: Path) -> None:
    """A server that does not run, a number that is stopped, what was answered."""
    async with here(tmp_path) as it:
        await hear(it.app, "+15550002222", "Hi")
        found = await doctor(it, stopped=None)
        assert levels(found, "server") == [Level.WARN]
        found = await doctor(it, stopped={"200000000000002": "190: the access token has expired"})
        assert levels(found, "sending") == [Level.FAIL]
        assert found.steps == ()  # it was connected already


async def test_a_damaged_database(tmp_path: Path) -> None:
    """Is found, with the server stopped, and nothing is written."""
    async with here(tmp_path) as it:
        await hear(it.app, "+15550002222", "Hi")
    path = it.data / "wabox.db"
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'conversations'").fetchone()
    raw = bytearray(path.read_bytes())
    raw[(root - 1) * 2048 : root * 2048] = b"\xff" * 2048
    path.write_bytes(raw)
    found = await doctor(it, offline=True, stopped=None)
    assert levels(found, "database") == [Level.FAIL]
    assert path.read_bytes() == bytes(raw)
    path.write_bytes(b"no database at all, but of some length" * 100)
    assert levels(await doctor(it, offline=True, stopped=None), "database") == [Level.FAIL]


async def test_it_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """With the server stopped, not even an empty log is made."""
    async with here(tmp_path) as it:
        await hear(it.app, "+15550002222", "Hi")
    before = {path: path.read_bytes() for path in sorted(it.data.rglob("*")) if path.is_file()}
    assert levels(await doctor(it, offline=True, stopped=None), "database") == [Level.OK]
    assert {path: path.read_bytes() for path in sorted(it.data.rglob("*")) if path.is_file()} == before


async def test_the_bot(tmp_path: Path) -> None:
    """A folder with a mistake, and none at all."""
    async with here(tmp_path) as it:
        (bot_folder(tmp_path) / "flow.yaml").write_text("initial: nowhere\nstates: {a: {}}\n")
        assert levels(await doctor(it), "flows") == [Level.FAIL]
        found = await doctor(it, root=tmp_path / "elsewhere")
        assert levels(found, "flows") == [Level.FAIL]


def test_the_command(tmp_path: Path) -> None:
    """Nothing at all: exit code 1, JSON that a script can read, and no secret in it."""
    ran = CliRunner().invoke(command, ["doctor", "--json", "--offline"], env={"WABOX_ACCESS_TOKEN": "EAAG-token"})
    assert ran.exit_code == 1
    found = json.loads(ran.stdout)
    assert (found["well"], found["step"]) == (False, 1)
    assert "EAAG-token" not in ran.stdout
    assert not (tmp_path / "data").exists()
