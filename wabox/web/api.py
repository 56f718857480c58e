"""``/api/v1``: what the commands ask of the running server. Typed, described at ``/api/schema``; errors are JSON sentences.

Every call but ``/api/v1/proof`` says who it is: :mod:`wabox.web.guard`. The routers of other nouns join
:func:`api_router`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.exceptions import HTTPException, NotFoundException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from wabox import __version__
from wabox.core.delivery import Delivery
from wabox.core.version import Choice, Forecast, VersionReport
from wabox.errors import FlowError
from wabox.services.handoffs import NoCase, NotDone
from wabox.services.publishing import Refused
from wabox.web.agents import agent_routes
from wabox.web.contacts import contact_routes
from wabox.web.conversations import conversation_routes
from wabox.web.described import described
from wabox.web.desk import Desk
from wabox.web.door import proof
from wabox.web.following import following_routes
from wabox.web.guard import OWN, VIEW, Guard
from wabox.web.handoffs import handoff_routes, no_case, not_done
from wabox.web.learning import learning_routes
from wabox.web.metrics import figures_route, stats_route
from wabox.web.outgoing import outgoing_routes
from wabox.web.replies import reply_routes


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """Make a published copy live."""

    id: str
    """The copy in ``data/published/<bot>/``: 12 hex digits."""
    bot: str
    choice: Choice | None = None
    """What becomes of conversations that would be stranded."""
    expected: str | None = None
    """The version that was live when the owner decided."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxReport:
    messages: Sequence[Delivery]
    stopped: dict[str, str]
    """Numbers from which nothing leaves at present, and why."""


def api_router(app: Desk, token: str, guard: Guard | None = None) -> Router:
    """The routes, behind the guard; ``token`` is the data folder's."""
    guard = guard or Guard(app.accounts, token)

    @post("/publish", status_code=200, summary="Publish a version, or say what that would do", roles=OWN)
    async def publish(data: JSONBody[PublishRequest]) -> Forecast:
        publishing = app.publishing
        if publishing is None or publishing.bot != data.bot:
            serves = repr(app.bot.name)
            raise FlowError(f"this server answers for the bot {serves}, not for {data.bot!r}")
        return await publishing.publish(data.id, data.choice, expected=data.expected, dry_run=data.dry_run)

    @get("/versions", summary="Every version, and the conversations on it", roles=VIEW)
    async def versions() -> Sequence[VersionReport]:
        return [] if app.publishing is None else await app.publishing.reports()

    @get(
        "/outbox",
        summary="What still has to leave, or what failed",
        tags=["outbox"],
        roles=VIEW,
        everybody=True,
    )
    async def outbox(failed: FromQuery[bool] = False, limit: FromQuery[int] = 100) -> OutboxReport:
        found = await app.store.deliveries(max(1, min(limit, 1000)), failed=failed)
        return OutboxReport(messages=found, stopped=dict(app.stopped))

    @post("/outbox/{outbound_id:str}/retry", status_code=200, summary="Send it now", tags=["outbox"], roles=OWN)
    async def retry(outbound_id: FromPath[str]) -> Delivery:
        return _known(await app.send_again(outbound_id), outbound_id)

    @post("/outbox/{outbound_id:str}/drop", status_code=200, summary="Do not send it", tags=["outbox"], roles=OWN)
    async def drop(outbound_id: FromPath[str]) -> Delivery:
        return _known(await app.store.drop(outbound_id), outbound_id)

    @get("/proof", media_type="text/plain", sync_to_thread=False, summary="Prove that this server knows the token")
    def prove(
        request: Request[Any, Any, Any], nonce: Annotated[str, QueryParameter(pattern="^[0-9a-f]{32,64}$")]
    ) -> str:
        server = request.scope["server"]
        return proof(token, nonce, (server[1] if server else None) or 0)

    behind = Router(
        "/",
        route_handlers=described(
            [
                *(publish, versions, outbox, retry, drop),
                *outgoing_routes(app),
                *contact_routes(app),
                *conversation_routes(app),
                *following_routes(app),
                *learning_routes(app),
                figures_route(app.figures),
                *handoff_routes(app),
                *reply_routes(app),
                *agent_routes(app.accounts),
                stats_route(app),
            ]
        ),
        guards=[guard],
        middleware=[guard.watch],
        security=[{"token": []}],
        tags=["versions"],
    )
    return Router(
        "/api/v1",
        route_handlers=[*described([prove]), behind],
        exception_handlers={Refused: _refused, HTTPException: _wrong, NoCase: no_case, NotDone: not_done},
    )


def openapi() -> OpenAPIConfig:
    """The description at ``/api/schema/openapi.json``."""
    return OpenAPIConfig(
        title="wabox",
        version=__version__,
        path="/api/schema",
        render_plugins=[JsonRenderPlugin(path="/openapi.json"), JsonRenderPlugin(path="/")],
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
    )


def _known(found: Delivery | None, outbound_id: str) -> Delivery:
    if found is None:
        raise NotFoundException(f"there is no message {outbound_id!r} in the outbox")
    return found


def _refused(_: Request[Any, Any, Any], error: Refused) -> Response[dict[str, Any]]:
    body: dict[str, Any] = {"error": str(error)}
    if error.forecast is not None:
        body["forecast"] = asdict(error.forecast)
    return Response(body, status_code=409)


def _wrong(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    """What Litestar finds wrong with a request, place and reason in one sentence."""
    extra = error.extra if isinstance(error.extra, list) else []
    places = "; ".join(f"{one.get('key')}: {one.get('message')}" for one in extra if isinstance(one, dict))
    body = {"error": f"{error.detail}: {places}" if places else error.detail}
    return Response(body, status_code=error.status_code, headers=error.headers)
