"""A server with accounts, asked without a socket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from tests.fakes import FakeMessenger, VirtualClock
from wabox.app import App, build
from wabox.core.agent import Role
from wabox.flowfile.bot import load_bot
from wabox.services.accounts import NewAgent
from wabox.services.passwords import Passwords
from wabox.services.throttle import Throttle
from wabox.settings import Secret, Settings, WhatsAppSettings
from wabox.web.api import api_router, openapi
from wabox.web.caller import Callers
from wabox.web.console import console_router
from wabox.web.guard import Guard
from wabox.web.server import asgi_app

TOKEN = "t" * 43
FLOW = "initial: hello\nstates: {hello: {ask: Hello!, timeouts: {hard: 1d}}}\n"
PASSWORD = "four words in a row"


class House:
    """The server, its clock, and what opens it."""

    def __init__(self, app: App, clock: VirtualClock, asgi: Any, guard: Guard) -> None:
        self.app = app
        self.clock = clock
        self.asgi = asgi
        self.guard = guard
        self.tokens: dict[Role, str] = {}

    def client(self, address: str = "127.0.0.1", **more: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.asgi, client=(address, 40_000))
        return httpx.AsyncClient(transport=transport, **{"base_url": "http://127.0.0.1", **more})

    async def people(self) -> None:
        """One of each role, ``owner`` to ``viewer``, all with the same password and a token."""
        roles: tuple[Role, ...] = ("owner", "agent", "viewer")
        for role in roles:
            await self.app.accounts.add(NewAgent(id=role, roles=(role,), password=PASSWORD))
            self.tokens[role] = await self.app.accounts.token(role, "default")

    async def sign_in(self, client: httpx.AsyncClient, who: str = "agent") -> httpx.Response:
        return await client.post("/console/login", data={"who": who, "password": PASSWORD})


@contextlib.asynccontextmanager
async def house(
    root: Path, *, everywhere: bool = False, throttle: tuple[int, float] | None = None, flow: str = FLOW
) -> AsyncIterator[House]:
    folder = root / "flows" / "bot"
    folder.mkdir(parents=True)
    (folder / "flow.yaml").write_text(flow)
    secret = Secret("x" * 20)
    whatsapp = WhatsAppSettings(app_secrets=(secret,), verify_token=secret, access_token=secret)
    clock = VirtualClock()
    settings = Settings(root=root, data=root / "data", whatsapp=whatsapp)
    app = await build(settings, load_bot(folder, published=True), clock=clock, messenger=FakeMessenger())
    app.accounts._passwords = Passwords(cheap=True)
    limit = None if throttle is None else Throttle(clock, burst=throttle[0], every=throttle[1])
    guard = Guard(app.accounts, TOKEN, everywhere=everywhere, callers=Callers(), throttle=limit)
    routes = [api_router(app, TOKEN, guard), *console_router("bot", guard)]
    await app.start()
    try:
        yield House(app, clock, asgi_app(app, whatsapp, routes, openapi=openapi()), guard)
    finally:
        await app.stop()
