"""``/api/v1/conversations``: what the owner does to a conversation by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
from litestar import post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from wabox.core.conversation import Session
from wabox.web.desk import Desk
from wabox.web.guard import OWN

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCall:
    id: Named
    """The caller's, unique: the same one again does nothing."""
    state: str
    chart: str | None = None
    """The main one without it."""
    silent: bool = False
    """The customer is not asked what the state asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActCall:
    id: Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    conversation_id: str
    act: str


def conversation_routes(app: Desk) -> list[HTTPRouteHandler]:
    @post(
        "/conversations/{conversation_id:str}/move",
        status_code=200,
        summary="Move it to a state of the live flow",
        tags=["conversations"],
        roles=OWN,
    )
    async def move(conversation_id: FromPath[str], data: JSONBody[MoveCall]) -> Accepted:
        payload = {"state": data.state, "chart": data.chart, "silent": data.silent}
        return await _do(conversation_id, "move", payload, data.id)

    @post(
        "/conversations/{conversation_id:str}/reset",
        status_code=200,
        summary="End it; the next message begins anew",
        tags=["conversations"],
        roles=OWN,
    )
    async def reset(conversation_id: FromPath[str], data: JSONBody[ActCall]) -> Accepted:
        return await _do(conversation_id, "reset", {}, data.id)

    @post(
        "/conversations/{conversation_id:str}/end",
        status_code=200,
        summary="End it as its hard timeout would",
        tags=["conversations"],
        roles=OWN,
    )
    async def end(conversation_id: FromPath[str], data: JSONBody[ActCall]) -> Accepted:
        return await _do(conversation_id, "end", {}, data.id)

    async def _do(conversation_id: str, act: str, payload: Mapping[str, object], id_: str) -> Accepted:
        session: Session = await app.store.open(conversation_id)
        if session.contact is None:
            raise NotFoundException(f"there is no conversation {conversation_id!r}")
        await app.act(session, act, payload, id_)
        return Accepted(conversation_id=conversation_id, act=act)

    return [move, reset, end]
