"""What people and tests do on the phones, over HTTP; the phone page has it under ``/phone/api``, tests under ``/fake``.

==============================  ====================================================================
``POST …/{customer}/say``       ``{"text": …}``
``POST …/{customer}/tap``       ``{"option": id or title, "message": wamid}``; without it the newest
``POST …/{customer}/place``     a place in Madrid, when the bot asks where the customer is
``POST …/{customer}/picture``   a JPEG, PNG or WebP file as the body
``POST …/{customer}/do/{what}`` a voice message, a reaction, a call …: :mod:`wabox.demo.happening`
``POST …/{customer}/message``   any message, as in a webhook, less who, when and its id
``POST …/{customer}/read``      the customer looks at the conversation
``POST …/{customer}/again``     post the customer's last webhook once more
``POST …/faults/{fault}``       arm a fault once, or as much as ``?amount=5%25`` says
==============================  ====================================================================
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, HTTPException, NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from wabox.demo.cloud import FakeCloud
from wabox.demo.fault import UnknownFault
from wabox.demo.happening import UnknownHappening, happen
from wabox.demo.thread import short

PICTURE_LIMIT = 5 * 1024 * 1024
"""Bytes: the Cloud API's limit for images."""
PLACE = (40.4154, -3.7074)
"""Where the customers of the demo are."""


class Say(msgspec.Struct, forbid_unknown_fields=True):
    text: str


class Tap(msgspec.Struct, forbid_unknown_fields=True):
    option: str
    message: str | None = None


def acts(cloud: FakeCloud) -> list[HTTPRouteHandler]:
    """The handlers, without what their paths begin with."""

    @post("/{customer:str}/say", status_code=202)
    async def say(customer: FromPath[str], data: JSONBody[Say]) -> None:
        known(cloud, customer)
        text = data.text.strip()
        if not 1 <= len(text) <= 4096:
            raise ClientException("a text has 1 to 4096 characters")
        await cloud.say(customer, text)

    @post("/{customer:str}/tap", status_code=202)
    async def tap(customer: FromPath[str], data: JSONBody[Tap]) -> None:
        known(cloud, customer)
        try:
            await cloud.tap(customer, data.option, data.message)
        except LookupError as error:
            raise ClientException(str(error)) from None

    @post("/{customer:str}/picture", status_code=202, request_max_body_size=PICTURE_LIMIT)
    async def picture(customer: FromPath[str], request: Request[Any, Any, Any]) -> None:
        known(cloud, customer)
        data = await request.body()
        await cloud.picture(customer, data, _picture_type(data))

    @post("/{customer:str}/place", status_code=202)
    async def place(customer: FromPath[str]) -> None:
        known(cloud, customer)
        await cloud.place(customer, *PLACE)

    @post("/{customer:str}/do/{what:str}", status_code=202)
    async def do(customer: FromPath[str], what: FromPath[str]) -> None:
        known(cloud, customer)
        try:
            await happen(cloud, customer, what)
        except UnknownHappening as error:
            raise NotFoundException(str(error)) from None
        except LookupError as error:
            raise ClientException(str(error)) from None

    @post("/{customer:str}/message", status_code=202)
    async def message(customer: FromPath[str], data: JSONBody[dict[str, Any]]) -> None:
        known(cloud, customer)
        kind = data.get("type")
        if not isinstance(kind, str) or not kind:
            raise ClientException('a message has a type: {"type": "text", "text": {"body": "Hi"}}')
        await cloud.write(customer, data, f"sent {short(kind)}")

    @post("/{customer:str}/read", status_code=202)
    async def read(customer: FromPath[str]) -> None:
        known(cloud, customer)
        await cloud.read(customer)

    @post("/{customer:str}/again", status_code=202)
    async def again(customer: FromPath[str]) -> None:
        known(cloud, customer)
        if not await cloud.again(customer):
            raise ClientException("this customer has not written yet")

    @post("/faults/{fault:str}", status_code=202, sync_to_thread=False)
    def arm(fault: FromPath[str], amount: FromQuery[str] = "1x") -> None:
        try:
            cloud.faults.arm(fault, amount)
        except UnknownFault:
            raise NotFoundException from None
        except ValueError as error:
            raise ClientException(str(error)) from None
        cloud.show_faults()

    return [say, tap, picture, place, do, message, read, again, arm]


def known(cloud: FakeCloud, customer: str) -> None:
    if customer not in cloud.threads:
        raise NotFoundException(f"no customer {customer!r}")


def same_site(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Another site's page, open in the same browser, may link here but must not press buttons."""
    site = connection.headers.get("sec-fetch-site", "same-origin")
    if connection.scope.get("method") not in ("GET", "HEAD") and site not in ("same-origin", "none"):
        raise PermissionDeniedException("only the page itself may do this")


def plainly(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What was wrong, in a sentence; not as Meta would say it."""
    return Response({"detail": error.detail}, status_code=error.status_code)


def _picture_type(data: bytes) -> str:
    """By its first bytes: what the browser says of a file proves nothing."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise ClientException("this is no JPEG, PNG or WebP picture")
