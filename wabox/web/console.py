"""``/console``: what the bot knows, as it happens. Read-only. ``wabox serve`` has accounts in front of it; the demo, whose
customers are made of paper, has none.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from html import escape
from importlib.resources import files
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromQuery
from litestar.response import ServerSentEvent
from litestar.types import ControllerRouterHandler

from wabox.core.conversation import ConversationSummary, Record
from wabox.core.ports import Records
from wabox.engine.snapshot import Frame, Snapshot, decode
from wabox.services.accounts import Known
from wabox.web.guard import VIEW, Guard
from wabox.web.login import account_bar, login_router, static_files, to_login
from wabox.web.shield import PAGE

LOOK_EVERY = 0.3
"""s between looks at the store; something is sent only when it changed."""


def console_router(
    records: Records, bot: str, closing: asyncio.Event, guard: Guard | None = None
) -> list[ControllerRouterHandler]:
    """``closing`` is set when the server stops: open event streams end then. Without a ``guard`` everybody may look."""
    page = (
        files("wabox.web").joinpath("pages", "console.html").read_text(encoding="utf-8").replace("{{bot}}", escape(bot))
    )

    @get("/", media_type=MediaType.HTML, sync_to_thread=False, roles=VIEW)
    def show(request: Request[Any, Any, Any]) -> Response[str]:
        known: Known | None = getattr(request.state, "known", None)
        account = account_bar(known.agent.name, known.csrf) if known is not None and known.by == "session" else ""
        headers = {"Content-Security-Policy": PAGE}
        return Response(page.replace("{{account}}", account), media_type=MediaType.HTML, headers=headers)

    @get("/events", roles=VIEW)
    async def events() -> ServerSentEvent:
        return ServerSentEvent(_changes(records, closing))

    @get("/transcript", roles=VIEW)
    async def transcript(conversation: FromQuery[str]) -> Response[dict[str, Any]]:
        lines = await records.transcript(conversation)
        return Response({"lines": [_line(line) for line in lines]})

    shown: list[ControllerRouterHandler] = [show, events, transcript]
    if guard is None:
        return [Router("/console", route_handlers=[*shown, static_files()], include_in_schema=False)]
    behind = Router(
        "/console",
        route_handlers=shown,
        guards=[guard],
        middleware=[guard.watch],
        exception_handlers={NotAuthorizedException: to_login},
        include_in_schema=False,
    )
    return [behind, login_router(guard)]


async def _changes(records: Records, closing: asyncio.Event) -> AsyncIterator[str]:
    before = ""
    while not closing.is_set():
        stats = await records.stats()
        waiting = {case.conversation_id: case.reason for case in await records.handoffs()}
        view = {
            "stats": msgspec.to_builtins(stats),
            "conversations": [_summary(summary, waiting) for summary in await records.conversations(50)],
        }
        now = json.dumps(view, ensure_ascii=False)
        if now != before:
            before = now
            yield now
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), LOOK_EVERY)


def _summary(summary: ConversationSummary, waiting: dict[str, str]) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": summary.conversation_id,
        "name": summary.contact.name or "no name",
        "turns": summary.sequence,
        "at": summary.updated_at,
        "waits_for_person": waiting.get(summary.conversation_id),
        "chart": None,
        "states": [],
        "stack": [],
        "knows": [],
        "language": None,
    }
    if summary.snapshot:
        snapshot = decode(summary.snapshot)
        frames: tuple[Snapshot | Frame, ...] = (snapshot, *reversed(snapshot.stack))
        view |= {
            "chart": _id(snapshot.chart),
            "states": list(snapshot.leaves),
            "stack": [[_id(frame.chart), *frame.leaves] for frame in snapshot.stack],
            "knows": [[_id(frame.chart), frame.context] for frame in frames if frame.context],
            "language": snapshot.language,
        }
    return view


def _id(ref: str) -> str:
    """The chart's id in ``id@hash``."""
    return ref.partition("@")[0]


def _line(record: Record) -> dict[str, Any]:
    return {"at": record.at, "kind": record.kind, "ref": record.ref, "body": record.body}
