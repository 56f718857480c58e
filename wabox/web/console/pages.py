"""One page for every address of the console; what it shows is decided in the browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from html import escape
from typing import Any, Final

from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotAuthorizedException
from litestar.types import ControllerRouterHandler

from wabox.errors import Unavailable
from wabox.services.accounts import Known
from wabox.web.console.files import address, names, read
from wabox.web.console.login import away, login_router, to_login
from wabox.web.guard import VIEW, Guard
from wabox.web.shield import PAGE

PLACES: Final = ["/", "/{page:str}", "/{page:str}/{id:path}"]
"""Whatever is below ``/console`` and nothing else of ours: a link into it can be sent to a colleague."""


def console_router(
    bot: str, guard: Guard, enter: Callable[[str], Awaitable[str]] | None = None, lacks: Collection[str] = ()
) -> list[ControllerRouterHandler]:
    """``enter``: in the demo nobody signs in; it begins a session for whoever asks from this address, and gives its cookie.
    ``lacks``: what this server does not have: pages by their address, ``stats``, ``files`` with replies."""
    head = "\n".join(
        [
            *(f'<link rel="stylesheet" href="{address(name)}">' for name in names() if _is_style(name)),
            f'<script src="{address("js/first.js")}"></script>',
            f'<script src="{address("js/main.js")}" type="module"></script>',
            *(f'<link rel="modulepreload" href="{address(name)}">' for name in names() if _is_module(name)),
        ]
    )
    page = read("index.html").replace("{{head}}", head).replace("{{bot}}", escape(bot))
    page = page.replace("{{lacks}}", escape(" ".join(lacks), quote=True))

    @get(PLACES, media_type=MediaType.HTML, sync_to_thread=False, roles=VIEW)
    def show(request: Request[Any, Any, Any]) -> Response[str]:
        known: Known = request.state.known
        agent = known.agent
        told = {"csrf": known.csrf, "agent": agent.id, "name": agent.name, "roles": " ".join(agent.roles)}
        filled = page
        for key, value in told.items():
            filled = filled.replace("{{" + key + "}}", escape(value, quote=True))
        return Response(filled, media_type=MediaType.HTML, headers={"Content-Security-Policy": PAGE})

    behind = Router(
        "/console",
        route_handlers=[show],
        guards=[guard],
        middleware=[guard.watch],
        exception_handlers={NotAuthorizedException: to_login, Unavailable: away},
        include_in_schema=False,
    )
    return [behind, login_router(guard, enter)]


def _is_style(name: str) -> bool:
    return name.startswith("css/") and name != "css/login.css"


def _is_module(name: str) -> bool:
    return name.startswith("js/") and name not in ("js/first.js", "js/main.js")
