"""``/api/v1/conversations`` and what belongs to them: what a console shows, whether a person was asked for or not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import File

from wabox.core.agent import SHELL
from wabox.core.media import MediaStatus
from wabox.core.template import APPROVED
from wabox.services.dossiers import Dossier, Spot
from wabox.web.desk import Desk
from wabox.web.guard import ACT, VIEW

SHOWN: Final = frozenset(
    {
        *("image/jpeg", "image/png", "image/webp", "image/gif"),
        *("audio/ogg", "audio/mpeg", "audio/mp4", "audio/aac", "audio/amr"),
        *("video/mp4", "video/3gpp"),
    }
)
"""Types that a browser shows and runs nothing of. Everything else is saved, never opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Whom a case can be given to."""

    id: str
    name: str
    queues: Sequence[str]
    skills: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    chart: str
    """Its reference."""
    flow: str
    states: int
    main: bool
    """Conversations begin in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTemplate:
    """A template that an agent may answer with."""

    name: str
    language: str
    category: str
    body: str
    variables: Sequence[str] = ()
    header: str | None = None
    """A text; None also for a picture."""
    footer: str | None = None
    examples: Mapping[str, str] = field(default_factory=dict)
    status: str = APPROVED
    """WhatsApp's, where it was asked."""


def following_routes(app: Desk) -> list[HTTPRouteHandler]:
    @get("/conversations", summary="Who is where, the most recently active first", tags=["conversations"], roles=VIEW)
    async def board(request: Request[Any, Any, Any], limit: FromQuery[int] = 200) -> list[Spot]:
        return await app.dossiers.board(limit, request.state.agent)

    @get(
        "/conversations/{conversation_id:str}",
        summary="One conversation: where it stands, and the newest of what was said",
        tags=["conversations"],
        roles=VIEW,
    )
    async def dossier(
        request: Request[Any, Any, Any],
        conversation_id: FromPath[str],
        lines: FromQuery[int] = 100,
        before: FromQuery[int | None] = None,
    ) -> Dossier:
        return await app.dossiers.one(conversation_id, lines, before, request.state.agent)

    @get("/charts", sync_to_thread=False, summary="The charts of the live version", tags=["conversations"], roles=VIEW)
    def charts() -> list[ChartLine]:
        live = app.bot.charts.live.values()
        return [
            ChartLine(chart=one.ref, flow=one.id, states=len(one.states), main=one.id == app.bot.main) for one in live
        ]

    @get(
        "/charts/{ref:str}",
        media_type="image/svg+xml",
        summary="The picture of a chart, without its style",
        tags=["conversations"],
        roles=VIEW,
    )
    async def chart(ref: FromPath[str]) -> Response[str]:
        drawn = await app.pictures.of(ref)
        if drawn is None:
            raise NotFoundException(f"there is no chart {ref!r} among the versions that are served")
        kept = "private, max-age=86400, immutable" if "@" in ref else "no-store"
        return Response(drawn, media_type="image/svg+xml", headers={"Cache-Control": kept})

    @get(
        "/media",
        summary="The file of a message that a customer sent",
        tags=["conversations"],
        roles=VIEW,
        media_type="application/octet-stream",
    )
    async def media(request: Request[Any, Any, Any], message: FromQuery[str]) -> File:
        found = await app.store.media.find(message)
        if found is not None and not await app.dossiers.theirs(found.conversation_id, request.state.agent):
            found = None
        if found is None or found.status is not MediaStatus.STORED or found.sha256 is None:
            raise NotFoundException("there is no file of that message")
        shown = found.content_type in SHOWN
        name = hashlib.sha256(message.encode()).hexdigest()[:12]
        return File(
            path=app.store.media.path(found.sha256),
            filename=f"{found.type}-{name}",
            media_type=found.content_type if shown and found.content_type else "application/octet-stream",
            content_disposition_type="inline" if shown else "attachment",
            headers={"Cache-Control": "private, max-age=3600"},
        )

    @get("/colleagues", summary="Whom a case can be given to", tags=["handoffs"], roles=VIEW)
    async def colleagues() -> list[Colleague]:
        people = [line.agent for line in await app.accounts.lines()]
        return [
            Colleague(id=one.id, name=one.name, queues=one.queues, skills=one.skills)
            for one in people
            if one.may(ACT) and one.id != SHELL.id
        ]

    @get("/templates/replies", summary="Templates that an agent may answer with", tags=["templates"], roles=VIEW)
    async def replies() -> list[ReplyTemplate]:
        at_whatsapp = {one.key: one for one in await app.store.outgoing.templates()}
        found = []
        for template in app.bot.templates.values():
            for code, text in template.languages.items():
                stored = at_whatsapp.get((template.name, code))
                if stored is not None and not stored.sendable:
                    continue
                found.append(
                    ReplyTemplate(
                        name=template.name,
                        language=code,
                        category=stored.category if stored is not None else template.category,
                        body=text.body,
                        variables=text.variables,
                        header=text.header if text.header_type == "text" else None,
                        footer=text.footer,
                        examples=text.examples,
                        status=stored.status if stored is not None else "",
                    )
                )
        return found

    routes: list[Any] = [board, dossier, charts, chart, media, colleagues, replies]
    return routes
