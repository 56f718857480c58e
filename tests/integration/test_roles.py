"""Who may call what: every route of the API and the console, every role, no exception that nobody wrote down."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from tests.integration.doors import TOKEN, House, house
from wabox.core.agent import ROLES

OPEN = {
    # Whoever signs in is not signed in yet; the files of our pages are no secret; the proof tells nothing without the token.
    *(
        ("GET", "/console/login"),
        ("POST", "/console/login"),
        ("GET", "/console/static/{edition}/{name}"),
        ("GET", "/api/v1/proof"),
    ),
    *(("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/api/schema"), ("GET", "/api/schema/openapi.json")),
    ("GET", "/api/schema/{path}"),
}


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as found:
        await found.people()
        yield found


def litestar(found: House) -> Litestar:
    """Inside the wrapping."""
    return next(
        cell.cell_contents for cell in found.asgi._others.__closure__ if isinstance(cell.cell_contents, Litestar)
    )


def routes(found: House) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and what the route declares."""
    for route in litestar(found).routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    yield str(method), re.sub(r":\w+}", "}", route.path), handler.opt


async def test_every_route_declares_its_roles(doors: House) -> None:
    """A route that is behind no declaration is one that somebody forgot: declare it, or write it down here as open."""
    found = {(method, path): opt for method, path, opt in routes(doors)}
    undeclared = {route for route, opt in found.items() if not opt.get("roles")}
    assert undeclared == OPEN & found.keys()
    for opt in found.values():
        assert set(opt.get("roles", ())) <= set(ROLES)


async def test_each_role_gets_what_is_declared_and_no_more(doors: House) -> None:
    """Every route is tried by nobody, by a wrong token and by every role; who may not is refused before anything is read."""
    keys = {None: "", "wrong": "wabox_wrong", **doors.tokens, "shell": TOKEN}
    for method, path, opt in routes(doors):
        roles = opt.get("roles")
        if roles is None or path.endswith("/events"):  # a stream that is open stays open; it is refused like any other
            continue
        for who, token in keys.items():
            async with doors.client() as client:
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                answer = await client.request(method, re.sub(r"{\w+}", "x", path), headers=headers)
            if who in (None, "wrong"):
                assert answer.status_code == 401, (method, path, who)
            elif who == "shell" or who in roles:
                assert answer.status_code not in (401, 403), (method, path, who, answer.text)
            else:
                assert answer.status_code == 403, (method, path, who)


async def test_streams_are_refused_like_everything_else(doors: House) -> None:
    """Nobody listens without an account."""
    for _, path, opt in routes(doors):
        if path.endswith("/events"):
            assert opt["roles"]
            async with doors.client() as client:
                assert (await client.get(path)).status_code == 401


async def test_the_description_knows_every_route_of_the_api(doors: House) -> None:
    """What /api/schema lists is what is served, and each call in it wants a token."""
    async with doors.client() as client:
        described = (await client.get("/api/schema/openapi.json")).json()["paths"]
    listed = {(method.upper(), path) for path, calls in described.items() for method in calls}
    served = {(method, path) for method, path, _ in routes(doors) if path.startswith("/api/v1")}
    assert served == {one for one in listed if one[1].startswith("/api/v1")}


async def test_an_undeclared_route_is_the_owners(doors: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgets the declaration locks people out, not in."""
    handler = next(
        handler
        for route in litestar(doors).routes
        if isinstance(route, HTTPRoute) and route.path == "/api/v1/versions"
        for handler in route.route_handlers
        if "GET" in handler.http_methods
    )
    monkeypatch.delitem(handler.opt, "roles")
    answers = {}
    for who, token in doors.tokens.items():
        async with doors.client(headers={"Authorization": f"Bearer {token}"}) as client:
            answers[who] = (await client.get("/api/v1/versions")).status_code
    assert answers == {"owner": 200, "agent": 403, "viewer": 403}
