"""``/console``: what the bot knows, as it happens. Read-only, and mounted by the demo alone: people's conversations are not
shown on an address without accounts in front of it.
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
from litestar import MediaType, Response, Router, get
from litestar.response import ServerSentEvent

from wabox.core.conversation import ConversationSummary, Record
from wabox.core.ports import Records
from wabox.engine.snapshot import Frame, Snapshot, decode

LOOK_EVERY = 0.3
"""s between looks at the store; something is sent only when it changed."""


def console_router(records: Records, bot: str, closing: asyncio.Event) -> Router:
    """``closing`` is set when the server stops: open event streams end then."""
    page = (
        files("wabox.web").joinpath("pages", "console.html").read_text(encoding="utf-8").replace("{{bot}}", escape(bot))
    )

    @get("/", media_type=MediaType.HTML, sync_to_thread=False)
    def show() -> str:
        return page

    @get("/events")
    async def events() -> ServerSentEvent:
        return ServerSentEvent(_changes(records, closing))

    @get("/transcript")
    async def transcript(conversation: str) -> Response[dict[str, Any]]:
        lines = await records.transcript(conversation)
        return Response({"lines": [_line(line) for line in lines]})

    return Router("/console", route_handlers=[show, events, transcript])


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
