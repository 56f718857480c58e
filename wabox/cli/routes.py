"""What ``wabox serve`` answers besides webhooks: the API, the console, ``/metrics``. On one machine and in a cluster."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from litestar.types import ControllerRouterHandler

from wabox.services.throttle import Throttle
from wabox.settings import Settings
from wabox.web.api import api_router
from wabox.web.caller import Callers
from wabox.web.console import console_router
from wabox.web.desk import Desk
from wabox.web.guard import Guard

CALLS_A_SECOND: Final = 20
"""Of one agent, by cookie or token, to this process; the command line is not counted."""
CALLS_AT_ONCE: Final = 100


def routes(desk: Desk, settings: Settings, token: str, lacks: Collection[str] = ()) -> list[ControllerRouterHandler]:
    """The API and the console behind their guard. ``token``: the command line's; ``lacks``: what the console does not offer."""
    guard = Guard(
        desk.accounts,
        token,
        everywhere=settings.admin == "all",
        callers=Callers(settings.proxies),
        throttle=Throttle(desk.clock, burst=CALLS_AT_ONCE, every=1000 / CALLS_A_SECOND),
    )
    return [api_router(desk, token, guard), *console_router(desk.bot.title, guard, lacks=lacks)]
