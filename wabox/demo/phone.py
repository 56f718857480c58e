"""The phone in the browser: ``/phone`` and what it needs.

The page shows what the fake Cloud API tells it and asks it to act for a customer; it never talks to the bot. It has no
build step, no framework and asks nobody else for anything: its content security policy allows this server only.

============================================  ================================================================
``GET /phone``                                the page
``GET /phone/events``                         server-sent events: ``state`` first, then every change
``GET /phone/static/…`` · ``/phone/media/…``  its parts and product pictures · pictures that customers sent
``POST /phone/api/{customer}/say``            ``{"text": …}``
``POST /phone/api/{customer}/tap``            ``{"option": id, "message": wamid}``
``POST /phone/api/{customer}/place``          a place in Madrid, when the bot asks where the customer is
``POST /phone/api/{customer}/picture``        a JPEG, PNG or WebP file as the body
``POST /phone/api/{customer}/read``           the customer looks at the conversation
``POST /phone/api/{customer}/again``          post the customer's last webhook once more
``POST /phone/api/faults/{fault}``            arm a fault once, or as much as ``?amount=5%25`` says
============================================  ================================================================
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Redirect, Stream

from wabox.demo.cloud import FakeCloud
from wabox.demo.fault import UnknownFault

HERE = Path(__file__).parent
PAGE = HERE / "pages" / "phone.html"
STATIC = HERE / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml"}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
PICTURE_LIMIT = 5 * 1024 * 1024
"""Bytes: the Cloud API's limit for images."""
PLACE = (40.4154, -3.7074)
"""Where the customers of the demo are."""
HEARTBEAT = 15.0
"""Seconds between signs of life, so that a line that broke silently is noticed."""


class Say(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class Tap(msgspec.Struct, forbid_unknown_fields=True):
    option: str
    message: str


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

    @post("/api/{customer:str}/say", status_code=202)
    async def say(customer: FromPath[str], data: JSONBody[Say]) -> None:
        _known(cloud, customer)
        text = data.text.strip()
        if not 1 <= len(text) <= 4096:
            raise ClientException("a text has 1 to 4096 characters")
        await cloud.say(customer, text)

    @post("/api/{customer:str}/tap", status_code=202)
    async def tap(customer: FromPath[str], data: JSONBody[Tap]) -> None:
        _known(cloud, customer)
        try:
            await cloud.tap(customer, data.option, data.message)
        except LookupError as error:
            raise ClientException(str(error)) from None

    @post("/api/{customer:str}/picture", status_code=202, request_max_body_size=PICTURE_LIMIT)
    async def picture(customer: FromPath[str], request: Request[Any, Any, Any]) -> None:
        _known(cloud, customer)
        data = await request.body()
        await cloud.picture(customer, data, _picture_type(data))

    @post("/api/{customer:str}/place", status_code=202)
    async def place(customer: FromPath[str]) -> None:
        _known(cloud, customer)
        await cloud.place(customer, *PLACE)

    @post("/api/{customer:str}/read", status_code=202)
    async def read(customer: FromPath[str]) -> None:
        _known(cloud, customer)
        await cloud.read(customer)

    @post("/api/{customer:str}/again", status_code=202)
    async def again(customer: FromPath[str]) -> None:
        _known(cloud, customer)
        if not await cloud.again(customer):
            raise ClientException("this customer has not written yet")

    @post("/api/faults/{fault:str}", status_code=202, sync_to_thread=False)
    def arm(fault: FromPath[str], amount: FromQuery[str] = "1x") -> None:
        try:
            cloud.faults.arm(fault, amount)
        except UnknownFault:
            raise NotFoundException from None
        except ValueError as error:
            raise ClientException(str(error)) from None
        cloud.show_faults()

    return Router(
        "/phone",
        route_handlers=[page, static, media, events, say, tap, picture, place, read, again, arm],
        guards=[_same_site],
        include_in_schema=False,
    )


async def _events(cloud: FakeCloud, pictures: list[str]) -> AsyncIterator[bytes]:
    with cloud.feed.watch() as changes:
        yield b"retry: 1000\n\n" + _event("state", {**cloud.everything(), "pictures": pictures})
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


def _known(cloud: FakeCloud, customer: str) -> None:
    if customer not in cloud.threads:
        raise NotFoundException(f"no customer {customer!r}")


def _picture_type(data: bytes) -> str:
    """By its first bytes: what the browser says of a file proves nothing."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise ClientException("this is no JPEG, PNG or WebP picture")


def _same_site(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Another site's page, open in the same browser, may link here but must not press buttons."""
    site = connection.headers.get("sec-fetch-site", "same-origin")
    if connection.scope.get("method") == "POST" and site not in ("same-origin", "none"):
        raise PermissionDeniedException("only the page itself may do this")
