"""Puts the routes together and serves them with uvicorn, in this process and this event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import uvicorn
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from wabox.core.measures import Measures
from wabox.errors import SettingsError
from wabox.settings import WhatsAppSettings
from wabox.web.errors import HANDLERS
from wabox.web.express import Express
from wabox.web.health import health_router
from wabox.web.locks import Locks
from wabox.web.patience import Patient
from wabox.web.shield import NOTHING, shielded
from wabox.web.webhook import WEBHOOK, Receiver, Webhook


class Routes:
    """Every route, as an ASGI application."""

    def __init__(self, webhook: Webhook, others: ASGIApp) -> None:
        self.webhook = webhook
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["path"] == WEBHOOK:
            await self.webhook(scope, receive, send)
        else:
            await self._others(scope, receive, send)


class Served(Receiver, Protocol):
    """What stands behind the routes."""

    @property
    def measures(self) -> Measures: ...

    async def probe(self) -> dict[str, Any]: ...


def asgi_app(
    app: Served,
    whatsapp: WhatsAppSettings | Locks,
    extra: Sequence[ControllerRouterHandler] = (),
    *,
    openapi: OpenAPIConfig | None = None,
    policy: str | None = NOTHING,
) -> Routes:
    """Every route; ``extra`` are those of ``wabox serve`` or of the demo alone. All but the webhook go through Litestar.

    ``policy`` is the Content-Security-Policy of answers that have none of their own.
    """
    litestar = Litestar(
        route_handlers=[health_router(app.probe), *extra],
        exception_handlers=HANDLERS,
        openapi_config=openapi,
        logging_config=None,
    )
    return Routes(Webhook(whatsapp, app, app.measures.answered), shielded(litestar, policy=policy))


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises SettingsError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        taken = "Is another wabox running? Choose another port with --port or WABOX_PORT"
        wrong = "Use an address of this machine, such as 127.0.0.1 or 0.0.0.0, with --host or WABOX_HOST"
        what_to_do = taken if error.errno == errno.EADDRINUSE else wrong
        if error.errno == errno.EACCES:
            what_to_do = (
                "Ports below 1024 need a permission: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or "
                "choose another port with --port or WABOX_PORT"
            )
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}. {what_to_do}") from error
    sock.set_inheritable(True)
    return sock


class Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to us: two of them share one process in the demo."""

    def __init__(self, asgi: Any, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        plain: Any = partial(Express, asgi.webhook.post) if isinstance(asgi, Routes) else Patient
        super().__init__(
            uvicorn.Config(
                asgi,
                http=plain,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                backlog=2048,
                limit_concurrency=1000,
                timeout_graceful_shutdown=1,  # a webhook takes milliseconds; who waits longer asks again
                h11_max_incomplete_event_size=None,
                ssl_context_factory=None if tls is None else lambda config, default: tls,
            )
        )
        self._sock = sock
        self._ready = asyncio.Event()
        self.task: asyncio.Task[None]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @property
    def port(self) -> int:
        port: int = self._sock.getsockname()[1]
        return port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    async def begin(self) -> None:
        """Start serving; returns when the port answers."""
        self.task = asyncio.create_task(self.serve(sockets=[self._sock]))
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait((self.task, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()


async def until_stopped(*servers: Server, first: Callable[[], None] = lambda: None) -> None:
    """Wait for Ctrl-C or SIGTERM, or for a server to end by itself; then let every server finish its requests.

    ``first`` is called before: it ends what would keep them waiting.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((stopping, *(server.task for server in servers)), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    first()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*(server.task for server in servers))
