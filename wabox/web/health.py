"""``/healthz``: the process lives. ``/readyz``: it can do its work; a load balancer sends traffic only then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response, Router, get

Probe = Callable[[], Awaitable[dict[str, Any]]]
"""What must work, each with ``True`` or the reason (a string) why it does not; and numbers worth a look."""


def health_router(probe: Probe) -> Router:
    @get("/healthz", media_type="text/plain", sync_to_thread=False)
    def healthz() -> str:
        return "alive"

    @get("/readyz")
    async def readyz() -> Response[dict[str, Any]]:
        found = await probe()
        ready = not any(isinstance(value, str) for value in found.values())
        return Response({"ready": ready, **found}, status_code=200 if ready else 503)

    return Router("/", route_handlers=[healthz, readyz])
