"""A second proof for signing in: a code of the moment, once, or one of the paper, once; behind the right password only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pyotp import TOTP, parse_uri
from typer.testing import CliRunner

from tests.integration.doors import PASSWORD, TOKEN, House, house
from wabox.cli.main import app
from wabox.services.secondfactor import Enrolment


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as found:
        await found.people()
        yield found


async def enter(doors: House, code: str, password: str = PASSWORD, who: str = "agent") -> int:
    """The status of an attempt from an address of its own, so that guessing limits play no part."""
    doors.clock.now += 60_000_000
    return await soon(doors, code, password, who)


async def soon(doors: House, code: str, password: str = PASSWORD, who: str = "agent") -> int:
    async with doors.client() as client:
        form = {"who": who, "password": password, "code": code}
        return (await client.post("/console/login", data=form)).status_code


def phone(made: Enrolment) -> TOTP:
    found = parse_uri(made.uri)
    assert isinstance(found, TOTP)
    return found


async def test_a_code_of_the_moment(doors: House) -> None:
    """Without it nobody comes in; it is good once, a neighbour's half minute counts, an old one does not."""
    totp = phone(await doors.app.accounts.totp("agent"))
    assert await enter(doors, "") == 401
    assert await enter(doors, "000000") == 401
    doors.clock.now += 60_000_000
    code = totp.at(doors.clock.now // 1000)
    assert await soon(doors, "000000", "not the password") == 401
    assert await soon(doors, code, "not the password") == 401
    assert await soon(doors, f" {code[:3]} {code[3:]} ") == 303, "a wrong password spends no code"
    assert await soon(doors, code) == 401, "it was used"
    doors.clock.now += 3_600_000
    assert await soon(doors, totp.at(doors.clock.now // 1000 - 30)) == 303
    doors.clock.now += 3_600_000
    assert await soon(doors, totp.at(doors.clock.now // 1000 - 90)) == 401
    assert await enter(doors, "", who="viewer") == 303, "others are not asked"


async def test_a_code_of_the_paper(doors: House) -> None:
    """Each once, with or without dashes; ten there are."""
    made = await doors.app.accounts.totp("agent")
    assert len(set(made.recovery)) == 10
    assert await enter(doors, made.recovery[0]) == 303
    assert await enter(doors, made.recovery[0]) == 401
    assert await enter(doors, made.recovery[1].replace("-", "").upper()) == 303
    assert await doors.app.accounts._second.left("agent") == 8


async def test_anew_and_off(doors: House) -> None:
    """A new phone ends the old one's codes and paper; off asks for none; each ends what was signed in, and is in the log."""
    first = await doors.app.accounts.totp("agent")
    doors.clock.now += 60_000_000
    async with doors.client() as client:
        form = {"who": "agent", "password": PASSWORD, "code": first.recovery[0]}
        assert (await client.post("/console/login", data=form)).status_code == 303
        second = await doors.app.accounts.totp("agent")
        assert (await client.get("/console", headers={"Accept": "text/html"})).status_code == 303
    assert await enter(doors, first.recovery[1]) == 401
    assert await enter(doors, second.recovery[1]) == 303
    assert (await doors.app.accounts.line("agent")).code
    assert not (await doors.app.accounts.totp_off("agent")).code
    assert await enter(doors, "") == 303
    acts = [act.what for act in await doors.app.accounts.acts(100)]
    assert {"agent totp", "agent totp off"} <= set(acts)


async def test_the_api_is_the_owners(doors: House) -> None:
    """A token needs no code; only an owner may ask for one."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with doors.client(headers=headers) as client:
        made = (await client.post("/api/v1/agents/viewer/totp")).json()
        assert made["uri"].startswith("otpauth://totp/wabox:viewer?")
        assert (await client.post("/api/v1/agents/nobody/totp")).status_code == 400
        assert (await client.post("/api/v1/agents/agent/totp/off")).status_code == 400
        listed = (await client.get("/api/v1/agents")).text
        assert phone(Enrolment(**made)).secret not in listed
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(doors.asgi),
        base_url="http://127.0.0.1",
        headers={"Authorization": f"Bearer {doors.tokens['viewer']}"},
    ) as client:
        assert (await client.get("/api/v1/agents/me")).status_code == 200


def test_the_command_shows_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A QR code of at most 80 columns, the secret to type, and the paper."""
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert run(app, ["agents", "add", "ana", "--password-file", "-"], input=PASSWORD + "\n").exit_code == 0
    shown = run(app, ["agents", "totp", "ana"])
    assert shown.exit_code == 0, shown.output
    assert "█" in shown.output or "▀" in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    made = json.loads(run(app, ["agents", "totp", "ana", "--json"]).output)
    assert len(made["recovery"]) == 10
    assert "password and code" in run(app, ["agents", "list"]).output
    assert run(app, ["agents", "totp", "ana", "--off"]).exit_code == 0
    again = run(app, ["agents", "totp", "ana", "--off"])
    assert again.exit_code == 1
    assert "password alone already" in str(again.exception)
