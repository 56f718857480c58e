"""The endpoints of the Cloud API that a bot calls, on a port of their own.

==============================================  =========================================================
``POST /{version}/{phone_number_id}/messages``  send a message; or ``status: read``, with or without typing
``POST /{version}/{phone_number_id}/media``     upload a file
``GET /{version}/{account_id}/message_templates``  the templates that were approved, page by page
``GET /{version}/{phone_number_id}``            about the number
``GET /{version}/debug_token`` …                what dashboards are used for: :mod:`wabox.demo.dashboard`
``GET /{version}/{media_id}``                   where to download a picture that a customer sent
``GET /media/{media_id}``                       the picture
==============================================  =========================================================

The version may be left out. Every answer, also of a wrong path, is JSON as Meta writes it; errors carry a ``fbtrace_id``.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler

from wabox.demo.account import page
from wabox.demo.body import check
from wabox.demo.cloud import FakeCloud
from wabox.demo.dashboard import APP_ID, EDGES, must_live, must_prove, wanted
from wabox.demo.feed import Exchange
from wabox.demo.media import ADDRESS, must_be_there, upload
from wabox.demo.notification import JSON
from wabox.demo.refusal import Refused
from wabox.demo.thread import summary

BODY_LIMIT = 1024 * 1024
UPLOAD_LIMIT = 101 * 1024 * 1024


def graph_app(cloud: FakeCloud, extra: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """The ASGI app of the Graph endpoints, and of what else is served on their port."""

    @post(["/{number_id:str}/messages", "/{version:str}/{number_id:str}/messages"], status_code=200)
    async def messages(request: Request[Any, Any, Any], number_id: FromPath[str]) -> Response[Any]:
        exchange: Exchange | None = None

        async def answer() -> JSON:
            nonlocal exchange
            _authorise(cloud, request)
            _own(cloud, number_id)
            body = await _json(request)
            exchange = _open(cloud, request, body)
            if isinstance(body, dict) and "status" in body:
                exchange.customer, reply = _read(cloud, body)
                return reply
            checked = check(body, cloud.templates)
            must_be_there(checked, {id_ for id_ in cloud.media if cloud.file(id_)})
            return await cloud.accept(checked, exchange)

        status, reply = await _attempt(cloud, answer)
        if exchange is None:
            exchange = _open(cloud, request, None)
        exchange.ok = status == 200
        exchange.reply = reply
        exchange.answer = str(status) if exchange.ok else f"{status} {_why(reply)}"
        cloud.feed.show(exchange)
        return _response(status, reply)

    @get(["/{account_id:str}/message_templates", "/{version:str}/{account_id:str}/message_templates"])
    async def templates(request: Request[Any, Any, Any], account_id: FromPath[str]) -> Response[Any]:
        async def answer() -> JSON:
            _authorise(cloud, request)
            if account_id != cloud.business.account_id:
                raise _missing(account_id)
            return page(cloud.templates or {}, request.query_params, str(request.url).partition("?")[0])

        return _response(*await _attempt(cloud, answer))

    @post(
        ["/{number_id:str}/media", "/{version:str}/{number_id:str}/media"],
        status_code=200,
        request_max_body_size=UPLOAD_LIMIT,
    )
    async def uploads(request: Request[Any, Any, Any], number_id: FromPath[str]) -> Response[Any]:
        async def answer() -> JSON:
            _authorise(cloud, request)
            _own(cloud, number_id)
            form = await request.form()
            file = form.get("file")
            data = await file.read() if isinstance(file, UploadFile) else b""
            kind = upload(form, file.content_type if isinstance(file, UploadFile) else None, len(data))
            return {"id": cloud.keep(data, kind)}

        return _response(*await _attempt(cloud, answer))

    def about_number() -> JSON:
        return {
            "verified_name": cloud.business.name,
            "display_phone_number": f"+{cloud.business.display_phone_number}",
            "quality_rating": cloud.quality,
            "whatsapp_business_manager_messaging_limit": cloud.tier,
            "code_verification_status": "VERIFIED",
            "id": cloud.business.number_id,
            **cloud.dashboard.number(cloud.business, cloud.webhook_url),
        }

    @get(["/debug_token", "/{version:str}/debug_token"])
    async def debug_token(request: Request[Any, Any, Any]) -> Response[Any]:
        async def answer() -> JSON:
            _authorise(cloud, request)
            valid = request.query_params.get("input_token") == cloud.access_token
            return cloud.dashboard.about_token(valid, cloud.business)

        return _response(*await _attempt(cloud, answer))

    @get([f"{front}/{{object_id:str}}/{edge}" for edge in EDGES for front in ("", "/{version:str}")])
    async def edges(request: Request[Any, Any, Any], object_id: FromPath[str]) -> Response[Any]:
        async def answer() -> JSON:
            edge = request.url.path.rpartition("/")[2]
            owner = APP_ID if edge == "subscriptions" else cloud.business.account_id
            _authorise(cloud, request, f"{APP_ID}|{cloud.app_secret}" if edge == "subscriptions" else None)
            if object_id != owner:
                raise _missing(object_id)
            if edge == "subscriptions":
                return cloud.dashboard.subscriptions(cloud.webhook_url)
            if edge == "subscribed_apps":
                return cloud.dashboard.subscribed(cloud.business)
            return {"data": [wanted(about_number(), request.query_params.get("fields"))]}

        return _response(*await _attempt(cloud, answer))

    @post(["/{account_id:str}/subscribed_apps", "/{version:str}/{account_id:str}/subscribed_apps"], status_code=200)
    async def subscribe(request: Request[Any, Any, Any], account_id: FromPath[str]) -> Response[Any]:
        async def answer() -> JSON:
            _authorise(cloud, request)
            if account_id != cloud.business.account_id:
                raise _missing(account_id)
            cloud.dashboard.listens = True
            return {"success": True}

        return _response(*await _attempt(cloud, answer))

    @get(["/{object_id:str}", "/{version:str}/{object_id:str}"])
    async def about(request: Request[Any, Any, Any], object_id: FromPath[str]) -> Response[Any]:
        async def answer() -> JSON:
            _authorise(cloud, request)
            asked = request.query_params
            must_prove(asked, cloud.access_token, cloud.app_secret)
            media = cloud.file(object_id)
            if media is None and object_id == "me":
                return {"name": cloud.business.name, "id": APP_ID}
            if media is None:
                _own(cloud, object_id)
                return wanted(about_number(), asked.get("fields"))
            return {
                "url": f"{request.base_url}media/{media.id}?until={cloud.clock() + ADDRESS}",
                "mime_type": media.mime_type,
                "sha256": media.sha256,
                "file_size": len(media.data),
                "id": media.id,
                "messaging_product": "whatsapp",
            }

        return _response(*await _attempt(cloud, answer))

    @get("/media/{media_id:str}")
    async def download(
        request: Request[Any, Any, Any], media_id: FromPath[str], until: FromQuery[int] = 0
    ) -> Response[Any]:
        try:
            _authorise(cloud, request)
        except Refused as refusal:
            return _response(refusal.status, _refusal(cloud, refusal))
        struck = cloud.faults.strikes("gone", media_id)
        if struck or cloud.clock() >= until:
            cloud.show_faults()
            return _response(404, _refusal(cloud, Refused(100, "URL signature expired", status=404)))
        media = cloud.file(media_id)
        if media is None:
            return _response(400, _refusal(cloud, _missing(media_id)))
        return Response(media.data, media_type=media.mime_type)

    def unknown(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        sentence = f"Unknown path components: {request.url.path}"
        return _response(error.status_code, _refusal(cloud, Refused(2500, sentence, status=error.status_code)))

    return Litestar(
        [messages, templates, uploads, debug_token, edges, subscribe, about, download, *extra],
        exception_handlers={HTTPException: unknown},
        openapi_config=None,
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
    )


async def _attempt(cloud: FakeCloud, answer: Callable[[], Awaitable[JSON]]) -> tuple[int, JSON]:
    """Status and body: of the answer, or of the refusal."""
    try:
        return 200, await answer()
    except Refused as refusal:
        return refusal.status, _refusal(cloud, refusal)


def _refusal(cloud: FakeCloud, refusal: Refused) -> JSON:
    return refusal.body(f"A{cloud.random.getrandbits(128):032x}"[:23])


def _response(status: int, body: JSON) -> Response[bytes]:
    # Written as Meta writes it; a lone surrogate that the bot sent goes back as it came.
    return Response(json.dumps(body).encode(), status_code=status, media_type="application/json")


def _authorise(cloud: FakeCloud, request: Request[Any, Any, Any], token: str | None = None) -> None:
    """``token``: the one that this path asks for, by default the bot's."""
    must_live(request.url.path)
    given = request.headers.get("authorization", "").encode()
    if not given:
        sentence = "An access token is required to request this resource."
        raise Refused(104, sentence, status=401)
    if not hmac.compare_digest(given, f"Bearer {token or cloud.access_token}".encode()):
        raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)
    if cloud.faults.strikes("token", ""):
        sentence = "Error validating access token: Session has expired. The current time is later than that."
        raise Refused(190, sentence, status=401, subcode=463)


def _why(body: JSON) -> str:
    error = body["error"]
    details: str = error.get("error_data", {}).get("details", "")
    return f"{error['message']}: {details}" if details else error["message"]


def _own(cloud: FakeCloud, number_id: str) -> None:
    if number_id != cloud.business.number_id:
        raise _missing(number_id)


def _missing(object_id: str) -> Refused:
    return Refused(
        100,
        f"Unsupported request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing permissions, "
        "or does not support this operation",
        kind="GraphMethodException",
        subcode=33,
    )


async def _json(request: Request[Any, Any, Any]) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise Refused(100, "(#100) Invalid parameter: the body is not JSON") from None


def _read(cloud: FakeCloud, body: JSON) -> tuple[str, JSON]:
    if body.get("messaging_product") != "whatsapp":
        raise Refused(100, "(#100) The parameter messaging_product is required.")
    if body["status"] != "read":
        raise Refused(100, "(#100) Param status must be one of {READ}.")
    if not isinstance(body.get("message_id"), str):
        raise Refused(100, "(#100) The parameter message_id is required.")
    typing = body.get("typing_indicator")
    if typing is not None and typing != {"type": "text"}:
        raise Refused(100, "(#100) Param typing_indicator['type'] must be one of {TEXT}.")
    return cloud.mark_read(body["message_id"], typing=typing is not None), {"success": True}


def _open(cloud: FakeCloud, request: Request[Any, Any, Any], body: Any) -> Exchange:
    known = body if isinstance(body, dict) else {}
    reads = "status" in known
    customer = cloud.customer_of(known)
    return cloud.feed.open(
        at=cloud.clock(),
        kind="read" if reads else "send",
        toward="cloud",
        title=("read, typing …" if "typing_indicator" in known else "read") if reads else summary(known),
        request=f"POST {request.url.path}",
        customer=customer.key if customer else None,
        headers={"Authorization": "Bearer •••", "Content-Type": request.headers.get("content-type", "")},
        body=body,
    )
