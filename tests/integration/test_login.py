"""Signing in: the cookie, the forms, what slows those who guess, and what ends a session."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.integration.doors import PASSWORD, TOKEN, House, house
from wabox.services.accounts import ABSOLUTE, IDLE
from wabox.web.console import words

FORM = {"who": "agent", "password": PASSWORD}


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as found:
        await found.people()
        yield found


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[House]:
    """Open to other machines."""
    async with house(tmp_path, everywhere=True) as found:
        await found.people()
        yield found


async def csrf(client: httpx.AsyncClient) -> str:
    page = (await client.get("/console")).text
    found = re.search(r'data-csrf="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]


async def test_a_browser_signs_in_and_out(doors: House) -> None:
    """From the console to the login, in, out again; afterwards the old cookie opens nothing."""
    async with doors.client() as client:
        browser = {"Accept": "text/html"}
        sent_away = await client.get("/console", headers=browser)
        assert (sent_away.status_code, sent_away.headers["location"]) == (303, "/console/login")
        assert (await client.get("/api/v1/conversations")).status_code == 401
        entered = await doors.sign_in(client)
        assert (entered.status_code, entered.headers["location"]) == (303, "/console")
        cookie = entered.headers["set-cookie"].lower()
        assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
        assert (await client.get("/console/login")).status_code == 303
        kept = dict(client.cookies)
        assert (await client.post("/console/logout", data={"csrf": await csrf(client)})).status_code == 303
        assert not client.cookies
    async with doors.client(cookies=kept) as client:
        assert (await client.get("/console", headers=browser)).status_code == 303


@pytest.mark.parametrize(
    ("asked", "language", "direction", "said"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es", "ltr", "Escribe tu nombre"),
        ("fr, hi;q=0.4, ar;q=0.7", "ar", "rtl", "اكتب اسمك"),
        ("hi-IN", "hi", "ltr", "अपना नाम"),
        ("en;q=x, es;q=0", "en", "ltr", "Type your name"),
        ("", "en", "ltr", "Type your name"),
    ],
)
async def test_the_page_speaks_the_browsers_language(
    doors: House, asked: str, language: str, direction: str, said: str
) -> None:
    """What it says goes wrong, too."""
    async with doors.client(headers={"Accept-Language": asked}) as client:
        page = await client.get("/console/login")
        assert f'<html lang="{language}" dir="{direction}">' in page.text
        assert "{{" not in page.text
        assert said in (await client.post("/console/login", data={"who": ""})).text


def test_every_language_says_everything() -> None:
    assert {frozenset(texts) for texts in words.WORDS.values()} == {frozenset(words.WORDS["en"])}


async def test_signing_out_everywhere_ends_every_browser(doors: House) -> None:
    """The phone that was lost is out as well."""
    async with doors.client() as lost, doors.client() as here:
        await doors.sign_in(lost)
        await doors.sign_in(here)
        assert (await lost.get("/api/v1/agents/me")).json()["id"] == "agent"
        await here.post("/console/logout", data={"csrf": await csrf(here), "everywhere": "yes"})
        assert (await lost.get("/api/v1/agents/me")).status_code == 401


async def test_by_https_the_cookie_is_secure(world: House) -> None:
    """The proxy on this machine says that the browser came by HTTPS; from elsewhere such a word is not believed."""
    https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    async with world.client(headers=https) as client:
        cookie = (await world.sign_in(client)).headers["set-cookie"]
        assert cookie.startswith("__Host-wabox=")
        assert "Secure" in cookie
    async with world.client("203.0.113.9", headers=https) as client:
        assert "Secure" not in (await world.sign_in(client)).headers["set-cookie"]


@pytest.mark.parametrize("form", [{**FORM, "password": "wrong"}, {**FORM, "who": "nobody"}, {**FORM, "who": "shell"}])
async def test_what_is_wrong_is_not_told(doors: House, form: dict[str, str]) -> None:
    """A wrong password and a name that does not exist get the same page."""
    async with doors.client() as client:
        answer = await client.post("/console/login", data=form)
    assert answer.status_code == 401
    assert "do not go together" in answer.text
    assert form["password"] not in answer.text


async def test_what_was_typed_is_escaped(doors: House) -> None:
    """A name is shown again as text, whatever it is."""
    async with doors.client() as client:
        answer = await client.post("/console/login", data={"who": '"><script>alert(1)</script>', "password": "x"})
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_an_address_that_guesses_has_to_wait(world: House) -> None:
    """Ten attempts, then one in six seconds, whatever the names."""
    async with world.client("203.0.113.9") as client:
        codes = [
            (await client.post("/console/login", data={"who": f"n{n}", "password": "x"})).status_code for n in range(11)
        ]
        assert codes == [401] * 10 + [429]
        world.clock.now += 6_000
        assert (await client.post("/console/login", data=FORM)).status_code == 303


@pytest.mark.parametrize("who", ["agent", "nobody"])
async def test_a_name_that_is_guessed_at_has_to_wait(world: House, who: str) -> None:
    """From many addresses: five refusals, then a pause that doubles; the same for a name that does not exist."""

    async def attempt(number: int) -> httpx.Response:
        async with world.client(f"203.0.113.{number}") as client:
            return await client.post("/console/login", data={"who": who, "password": "wrong"})

    assert [(await attempt(number)).status_code for number in range(6)] == [401] * 5 + [429]
    world.clock.now += 1_000
    assert [(await attempt(number)).status_code for number in (6, 7)] == [401, 429]
    world.clock.now += 1_000
    refused = await attempt(8)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")


async def test_nobody_is_locked_out_by_others(world: House) -> None:
    """Where an agent has signed in before, others' guesses do not make them wait."""
    async with world.client("198.51.100.1") as home:
        await world.sign_in(home)
    for number in range(8):
        async with world.client(f"203.0.113.{number}") as client:
            await client.post("/console/login", data={**FORM, "password": "wrong"})
    async with world.client("198.51.100.1") as home, world.client("198.51.100.2") as elsewhere:
        assert (await world.sign_in(elsewhere)).status_code == 429
        assert (await world.sign_in(home)).status_code == 303


async def test_a_session_ends_when_nothing_happens_and_in_the_end(doors: House) -> None:
    """Eight hours without a call, or a week in all."""
    async with doors.client() as client:
        await doors.sign_in(client)
        doors.clock.now += IDLE + 1
        assert (await client.get("/api/v1/agents/me")).status_code == 401
        await doors.sign_in(client)
        for _ in range(ABSOLUTE // (IDLE - 1000)):
            doors.clock.now += IDLE - 1000
            assert (await client.get("/api/v1/agents/me")).status_code == 200
        doors.clock.now += IDLE - 1000
        assert (await client.get("/api/v1/agents/me")).status_code == 401


async def test_a_disabled_agent_is_out_at_once(doors: House) -> None:
    """Cookie and token open nothing any more, and signing in fails as for anybody; enabled again, it works."""
    async with doors.client() as client, doors.client(headers={"Authorization": f"Bearer {TOKEN}"}) as owner:
        await doors.sign_in(client)
        assert (await owner.post("/api/v1/agents/agent/disable")).status_code == 200
        assert (await client.get("/api/v1/agents/me")).status_code == 401
        token = {"Authorization": f"Bearer {doors.tokens['agent']}"}
        assert (await client.get("/api/v1/agents/me", headers=token)).status_code == 401
        assert (await doors.sign_in(client)).status_code == 401
        assert (await owner.post("/api/v1/agents/agent/enable")).status_code == 200
        assert (await doors.sign_in(client)).status_code == 303


async def test_a_change_by_cookie_needs_the_sessions_word(doors: House) -> None:
    """Without X-CSRF-Token, with another one's, or from another site's page: refused. A token of a program needs none."""
    async with doors.client() as client, doors.client() as other:
        await doors.sign_in(client, "owner")
        await doors.sign_in(other, "owner")
        word, others = await csrf(client), await csrf(other)
        path, body = "/api/v1/agents/viewer/disable", None
        for headers in ({}, {"X-CSRF-Token": others}, {b"X-CSRF-Token": b"\xe9"}):
            assert (await client.post(path, json=body, headers=headers)).status_code == 403
        for foreign in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
        ):
            assert (await client.post(path, headers={"X-CSRF-Token": word, **foreign})).status_code == 403
        ours = {"X-CSRF-Token": word, "Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
        assert (await client.post(path, headers=ours)).status_code == 200
        assert (await client.post("/console/logout")).status_code == 403
        program = {"Authorization": f"Bearer {doors.tokens['owner']}"}
        assert (await client.post("/api/v1/agents/viewer/enable", headers=program)).status_code == 200


async def test_nobody_is_signed_in_by_another_sites_page(doors: House) -> None:
    """Its form would sign the visitor in as somebody else."""
    async with doors.client() as client:
        answer = await client.post("/console/login", data=FORM, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
        assert not client.cookies


async def test_a_link_from_elsewhere_arrives(doors: House) -> None:
    """Such a call comes without the cookie (SameSite=Strict): the page comes back to itself instead of asking to sign in."""
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site"}
    async with doors.client() as client:
        answer = await client.get("/console", headers=headers)
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/console"' in answer.text


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.9", {}),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}),
        ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}),
        ("127.0.0.1", {"Host": "bot.example.org"}),
        ("127.0.0.1", {"Host": "rebound.example:8080"}),
    ],
    ids=["another machine", "a proxy", "a proxy by the standard", "a proxy that says only the name", "dns rebinding"],
)
async def test_only_this_machine_is_heard_at_first(doors: House, address: str, headers: dict[str, str]) -> None:
    """Even with the right token or password; /healthz answers everybody."""
    async with doors.client(address, headers={**headers, "Authorization": f"Bearer {TOKEN}"}) as client:
        assert (await client.get("/api/v1/agents/me")).status_code == 403
        assert (await client.get("/console")).status_code == 403
        assert (await client.get("/console/login")).status_code == 403
        assert (await doors.sign_in(client)).status_code == 403
        assert (await client.get("/healthz")).status_code == 200


async def test_everybody_says_what_they_speak(doors: House) -> None:
    """Of themselves; of others an owner does. What is no language is refused."""
    viewer = {"Authorization": f"Bearer {doors.tokens['viewer']}"}
    async with doors.client(headers=viewer) as client:
        assert (await client.post("/api/v1/agents/me/language", json={"language": "es"})).json()["language"] == "es"
        assert (await client.get("/api/v1/agents/me")).json()["language"] == "es"
        assert (await client.post("/api/v1/agents/me/language", json={"language": "xx"})).status_code == 400
        assert (await client.post("/api/v1/agents/me/language", json={"language": None})).json()["language"] is None
        assert (await client.post("/api/v1/agents/owner/language", json={"language": "es"})).status_code == 403
    async with doors.client(headers={"Authorization": f"Bearer {TOKEN}"}) as shell:
        answer = await shell.post("/api/v1/agents/me/language", json={"language": "es"})
        assert (answer.status_code, "no agent 'shell'" in answer.text) == (400, True)


async def test_calls_of_one_agent_are_counted(tmp_path: Path) -> None:
    """Three at once, then one a second; the command line is not counted."""
    async with house(tmp_path, throttle=(3, 1000)) as doors:
        await doors.people()
        async with doors.client(headers={"Authorization": f"Bearer {doors.tokens['viewer']}"}) as client:
            codes = [(await client.get("/api/v1/agents/me")).status_code for _ in range(4)]
            assert codes == [200, 200, 200, 429]
            doors.clock.now += 1000
            assert (await client.get("/api/v1/agents/me")).status_code == 200
            shell = {"Authorization": f"Bearer {TOKEN}"}
            assert {(await client.get("/api/v1/agents/me", headers=shell)).status_code for _ in range(9)} == {200}


async def test_the_pages_say_what_browsers_may_do(doors: House) -> None:
    """No script or style stands in a page, and the policy forbids any; every answer carries the other headers."""
    async with doors.client() as client:
        login = await client.get("/console/login")
        await doors.sign_in(client)
        for page in (login, await client.get("/console")):
            assert page.status_code == 200
            assert "script-src 'self'" in page.headers["content-security-policy"]
            assert "unsafe" not in page.headers["content-security-policy"]
            assert not re.search(r"<style|<script(?! src=)|\son\w+=|style=", page.text)
            for link in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
                assert (await client.get(link)).status_code == 200, link
        for path in ("/healthz", "/api/v1/agents/me", "/api/v1/nothing", "/console/login"):
            answer = await client.get(path)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
