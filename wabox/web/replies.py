"""``/api/v1/canned`` and the files of replies: what agents send besides what they type."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from wabox.core.agent import SHELL, Agent
from wabox.services.attachments import LARGEST, Attachment
from wabox.services.canned import CannedLine
from wabox.web.described import Bytes
from wabox.web.desk import Desk
from wabox.web.guard import ACT, VIEW


def reply_routes(app: Desk) -> list[HTTPRouteHandler]:
    @get("/canned", summary="Canned answers: all of the bot's, or filled for a case", tags=["handoffs"], roles=VIEW)
    async def canned(
        request: Request[Any, Any, Any], case: FromQuery[str | None] = None, by: FromQuery[str] = ""
    ) -> list[CannedLine]:
        account: Agent = request.state.agent
        return await app.handoffs.canned(case, by if account is SHELL else account.name, account)

    @post(
        "/handoffs/{case:str}/files",
        status_code=200,
        summary="Attach a file, its bytes as the body: a reply then names it",
        operation_class=Bytes,
        request_max_body_size=LARGEST + 1,
        tags=["handoffs"],
        roles=ACT,
    )
    async def attach(
        request: Request[Any, Any, Any], case: FromPath[str], name: Annotated[str, QueryParameter(max_length=500)]
    ) -> Attachment:
        return await app.handoffs.attach(case, secrets.token_hex(12), name, request.stream(), request.state.agent)

    return [canned, attach]
