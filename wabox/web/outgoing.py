"""``/api/v1``: what our own side sends, and the templates it is made of."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from wabox.core.delivery import Delivery, DeliveryStatus
from wabox.core.template import StoredTemplate
from wabox.services.broadcasts import BroadcastReport
from wabox.services.meter import MeterReport
from wabox.services.planning import BroadcastPlan, BroadcastRequest
from wabox.services.sends import CannotSend, Plan, SendRequest
from wabox.services.sheet import LARGEST
from wabox.services.templates import SyncReport
from wabox.web.desk import Desk
from wabox.web.guard import ACT, OWN, VIEW

LOOK_EVERY = 0.05
"""s between two looks at what became of a message that somebody waits for."""
LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCall:
    """What to send, and how long to wait for what becomes of it."""

    request: SendRequest
    id: str = ""
    """The caller's, unique: the same one again sends nothing. Not needed for a dry run."""
    dry_run: bool = False
    wait: float = 0.0
    """s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport:
    plan: Plan
    delivery: Delivery | None = None
    """As it is now; None: it was not sent, or nobody waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastCall:
    request: BroadcastRequest
    dry_run: bool = False


def outgoing_routes(app: Desk) -> list[HTTPRouteHandler]:
    @post(
        "/send",
        status_code=200,
        summary="Send one template, or a text inside the service window",
        tags=["send"],
        roles=ACT,
        everybody=True,
    )
    async def send(data: JSONBody[SendCall]) -> SendReport:
        if data.dry_run:
            return SendReport(plan=await app.outward.sends.plan(data.request))
        if not data.id:
            raise CannotSend("give the message an id of yours: the same one again sends nothing")
        plan = await app.outward.sends.send(data.request, data.id)
        return SendReport(plan=plan, delivery=await _became(app, plan.outbound_id or "", data.wait))

    @get("/templates", summary="Templates as WhatsApp has them, as far as we know", tags=["templates"], roles=VIEW)
    async def templates() -> list[StoredTemplate]:
        return list(await app.outward.templates.known())

    @post("/templates/sync", status_code=200, summary="Ask WhatsApp for its templates", tags=["templates"], roles=OWN)
    async def sync() -> SyncReport:
        return await app.outward.templates.sync()

    @get("/meter", summary="What was delivered this month, against the free messages", tags=["meter"], roles=VIEW)
    async def meter(month: FromQuery[str | None] = None) -> MeterReport:
        return await app.outward.meter.month(month)

    @post(
        "/broadcasts",
        status_code=200,
        request_max_body_size=2 * LARGEST,
        summary="Begin a broadcast, or say what it would be",
        tags=["broadcasts"],
        roles=OWN,
    )
    async def begin(data: JSONBody[BroadcastCall]) -> BroadcastPlan:
        return await (app.outward.broadcasts.plan if data.dry_run else app.outward.broadcasts.start)(data.request)

    @get("/broadcasts", summary="Every broadcast, the newest first", tags=["broadcasts"], roles=VIEW)
    async def broadcasts() -> list[BroadcastReport]:
        return await app.outward.broadcasts.reports()

    @get("/broadcasts/{name:str}", summary="How far it is", tags=["broadcasts"], roles=VIEW)
    async def broadcast(name: FromPath[str]) -> BroadcastReport:
        return await app.outward.broadcasts.report(name)

    @post("/broadcasts/{name:str}/pause", status_code=200, summary="Enter nobody more", tags=["broadcasts"], roles=OWN)
    async def pause(name: FromPath[str]) -> BroadcastReport:
        return await app.outward.broadcasts.pause(name)

    @post("/broadcasts/{name:str}/resume", status_code=200, summary="Go on", tags=["broadcasts"], roles=OWN)
    async def resume(name: FromPath[str]) -> BroadcastReport:
        return await app.outward.broadcasts.resume(name)

    @post("/broadcasts/{name:str}/stop", status_code=200, summary="End it for good", tags=["broadcasts"], roles=OWN)
    async def stop(name: FromPath[str]) -> BroadcastReport:
        return await app.outward.broadcasts.stop(name)

    routes: list[Any] = [send, templates, sync, meter, begin, broadcasts, broadcast, pause, resume, stop]
    return routes


async def _became(app: Desk, outbound_id: str, wait: float) -> Delivery | None:
    """The message once it has left or failed, as it is after ``wait`` seconds at most."""
    loop = asyncio.get_running_loop()
    end = loop.time() + min(wait, LONGEST_WAIT)
    while True:
        found = await app.store.delivery(outbound_id)
        under_way = found is None or found.status in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
        if not under_way or loop.time() >= end:
            return found
        await asyncio.sleep(LOOK_EVERY)
