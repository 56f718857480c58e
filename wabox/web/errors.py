"""What a caller is told when something goes wrong: a sentence, never a traceback."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from wabox.errors import NotHere, Unavailable, WaboxError

log = structlog.get_logger(__name__)


def http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    return Response({"error": error.detail}, status_code=error.status_code, headers=error.headers)


def wabox_error(_: Request[Any, Any, Any], error: WaboxError) -> Response[dict[str, Any]]:
    status = 503 if isinstance(error, Unavailable) else 501 if isinstance(error, NotHere) else 400
    return Response({"error": str(error)}, status_code=status)


def bug(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """The last border: report it where the operator looks, tell the caller nothing about the inside."""
    log.error("web.bug", path=request.url.path, exc_info=error)
    return Response({"error": "wabox failed here; its log says why"}, status_code=500)


HANDLERS: dict[Any, Any] = {HTTPException: http_error, WaboxError: wabox_error, Exception: bug}
