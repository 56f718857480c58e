"""``/healthz``: the process lives. ``/readyz``: it can do its work; a load balancer sends traffic only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, Router, get

Probe = Callable[[], Awaitable[dict[str, Any]]]
"""Names of what must work, each with ``True`` or the reason why it does not."""


def health_router(probe: Probe) -> Router:
    @get("/healthz", media_type="text/plain", sync_to_thread=False)
    def healthz() -> str:
        return "alive"

    @get("/readyz")
    async def readyz() -> Response[dict[str, Any]]:
        found = await probe()
        ready = all(value is True for value in found.values())
        return Response({"ready": ready, **found}, status_code=200 if ready else 503)

    return Router("/", route_handlers=[healthz, readyz])
