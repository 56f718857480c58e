"""Files of our pages. They are no secret, and a browser keeps them: their address changes when one of them does."""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from wabox.diagram import style

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
CHART: Final = "css/chart.css"
"""How the pictures of charts look: the diagram's own."""


def read(name: str) -> str:
    """A page, a file's text."""
    return _assets().joinpath(name).read_text(encoding="utf-8")


@functools.cache
def names() -> tuple[str, ...]:
    """Of every file that may be asked for, sorted."""
    return tuple(sorted([*_below(_assets(), ""), CHART]))


@functools.cache
def version() -> str:
    """12 hex digits over all of them."""
    digest = hashlib.sha256()
    for name in names():
        digest.update(name.encode() + b"\0" + _content(name) + b"\0")
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    return f"/console/static/{version()}/{name}"


def static_files() -> HTTPRouteHandler:
    @get("/static/{edition:str}/{name:path}", sync_to_thread=False)
    def static(edition: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        name = name.lstrip("/")
        if name not in names():
            raise NotFoundException("there is no such file")
        kept = "public, max-age=31536000, immutable" if edition == version() else "no-cache"
        kind = TYPES[name[name.rindex(".") :]]
        return Response(_content(name), media_type=kind, headers={"Cache-Control": kept})

    return static


def _content(name: str) -> bytes:
    return style().encode() if name == CHART else _assets().joinpath(name).read_bytes()


def _assets() -> Traversable:
    return files("wabox.web.console").joinpath("assets")


def _below(folder: Traversable, prefix: str) -> list[str]:
    found: list[str] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _below(entry, f"{prefix}{entry.name}/")
        elif entry.name[entry.name.rfind(".") :] in TYPES:
            found.append(prefix + entry.name)
    return found
