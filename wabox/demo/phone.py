"""The phone in the browser: ``/phone`` and what it needs.

The page shows what the fake Cloud API tells it and asks it to act for a customer; it never talks to the bot. It has no
build step, no framework and asks nobody else for anything: its content security policy allows this server only.

============================================  ================================================================
``GET /phone``                                the page
``GET /phone/events``                         server-sent events: ``state`` first, then every change
``GET /phone/static/…`` · ``/phone/media/…``  its parts and product pictures · what customers sent or the bot uploaded
``POST /phone/api/…``                         what customers do: :mod:`wabox.demo.acts`
============================================  ================================================================
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from litestar import Response, Router, get
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect, Stream

from wabox.demo.acts import acts, plainly, same_site
from wabox.demo.cloud import FakeCloud
from wabox.demo.fault import GROUPS
from wabox.demo.happening import GROUPS as HAPPENINGS

HERE = Path(__file__).parent
PAGE = HERE / "pages" / "phone.html"
STATIC = HERE / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml"}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
HEARTBEAT = 15.0
"""Seconds between signs of life, so that a line that broke silently is noticed."""


@get("/", sync_to_thread=False)
def home() -> Redirect:
    """Whoever types only the host gets to the phone."""
    return Redirect("/phone")


def phone_router(cloud: FakeCloud) -> Router:
    """Everything under ``/phone``."""
    files = {path.relative_to(STATIC).as_posix(): path for path in sorted(STATIC.rglob("*")) if path.suffix in TYPES}
    pictures = [name for name in files if name.startswith("products/")]

    @get("/", sync_to_thread=False)
    def page() -> Response[bytes]:
        return Response(PAGE.read_bytes(), media_type="text/html", headers=HEADERS)

    @get("/static/{name:path}", sync_to_thread=False)
    def static(name: FromPath[Path]) -> Response[bytes]:
        file = files.get(name.as_posix().lstrip("/"))
        if file is None:
            raise NotFoundException
        return Response(file.read_bytes(), media_type=TYPES[file.suffix], headers=HEADERS)

    @get("/media/{media_id:str}", sync_to_thread=False)
    def media(media_id: FromPath[str]) -> Response[bytes]:
        found = cloud.media.get(media_id)
        if found is None:
            raise NotFoundException
        return Response(found.data, media_type=found.mime_type, headers=HEADERS)

    @get("/events", sync_to_thread=False)
    def events() -> Stream:
        return Stream(
            _events(cloud, pictures),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    return Router(
        "/phone",
        route_handlers=[page, static, media, events, Router("/api", route_handlers=acts(cloud))],
        guards=[same_site],
        exception_handlers={HTTPException: plainly},
        include_in_schema=False,
    )


async def _events(cloud: FakeCloud, pictures: list[str]) -> AsyncIterator[bytes]:
    with cloud.feed.watch() as changes:
        yield b"retry: 1000\n\n" + _event(
            "state", {**cloud.everything(), "kinds": GROUPS, "happenings": HAPPENINGS, "pictures": pictures}
        )
        while True:
            try:
                change = await asyncio.wait_for(changes.get(), HEARTBEAT)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if change is None:
                return
            yield _event(*change)


def _event(name: str, data: Any) -> bytes:
    # ASCII on purpose: U+2028 and lone surrogates of customers' texts pass unharmed.
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode("ascii")
