"""``/api/v1/handoffs``: cases, and what people do about them; ``/api/v1/events``: what changes, as it happens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from wabox.core.act import Act
from wabox.core.agent import SHELL, Agent
from wabox.core.handoff import HandoffAct
from wabox.services.cases import CaseLine, CaseReport
from wabox.services.handoffs import NEWEST, NoCase, NotDone, NotYet, TemplateReply
from wabox.services.waiting import QueueReport
from wabox.web.desk import Desk
from wabox.web.guard import ACT, VIEW

_AS_IT_COMES: Final = {"Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no"}
Lines = Annotated[
    int, QueryParameter(ge=1, le=1000, description="How many of the newest lines of the transcript; 200 without it.")
]
Before = Annotated[
    int | None,
    QueryParameter(ge=0, le=(1 << 62), description="Of those before this one: the answer before said it in `first`."),
]
HEARTBEAT: Final = 20.0
"""s: a stream that says nothing for longer may be cut by a proxy, and nobody would notice that the other side is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: whose token the call carries. These two are for the command line alone, which acts for somebody."""

    agent: str = "shell"
    by: str = ""
    id: str = ""
    """The caller's, unique: the same act twice is done once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCall(Actor):
    take: bool = False
    """Take it from whoever has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextCall(Actor):
    queue: str | None = None
    """Of this one only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyCall(Actor):
    text: str | None = None
    template: str | None = None
    """The name of an approved one: what WhatsApp takes when the customer last wrote more than 24 hours ago."""
    file: str | None = None
    """The id of one that was attached to this case; ``text`` then stands below it."""
    language: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    claim: bool = False
    """Take the case first, if nobody has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteCall(Actor):
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCall(Actor):
    queue: str | None = None
    to: str | None = None
    """An agent's id."""
    text: str | None = None
    take: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCall(Actor):
    text: str | None = None
    """How it ended, in a few words; the customer does not see it."""
    take: bool = False


def handoff_routes(app: Desk) -> list[HTTPRouteHandler]:
    def wish(
        request: Any, kind: HandoffAct, case: str, data: Actor, text: str | None, **more: Any
    ) -> tuple[Act, Agent]:
        account: Agent = request.state.agent
        # Whoever has the data folder's token may say for whom they act; an agent is nobody else.
        agent, by = (data.agent, data.by or data.agent) if account is SHELL else (account.id, account.name)
        id_ = data.id or secrets.token_hex(12)
        act = Act(id=id_, kind=kind, case=case, agent=agent, by=by, text=text, more=more)
        return act, app.entry.agent(agent, by)

    async def act(request: Any, kind: HandoffAct, case: str, data: Actor, text: str | None, **more: Any) -> CaseReport:
        return await app.handoffs.act(*wish(request, kind, case, data, text, **more))

    @get("/handoffs", summary="Cases: the open ones by urgency, or closed ones", tags=["handoffs"], roles=VIEW)
    async def cases(
        request: Request[Any, Any, Any],
        status: FromQuery[str | None] = None,
        queue: FromQuery[str | None] = None,
        limit: FromQuery[int] = 200,
    ) -> list[CaseLine]:
        return await app.handoffs.lines(status=status, queue=queue, limit=limit, who=request.state.agent)

    @get("/handoffs/{case:str}", summary="Everything about one case", tags=["handoffs"], roles=VIEW)
    async def case(
        request: Request[Any, Any, Any], case: FromPath[str], lines: Lines = NEWEST, before: Before = None
    ) -> CaseReport:
        return await app.handoffs.case(case, lines, before, request.state.agent)

    @post("/handoffs/{case:str}/claim", status_code=200, summary="Take it", tags=["handoffs"], roles=ACT)
    async def claim(request: Request[Any, Any, Any], case: FromPath[str], data: JSONBody[ClaimCall]) -> CaseReport:
        return await act(request, "claim", case, data, None, take=data.take)

    @post(
        "/handoffs/{case:str}/decline",
        status_code=200,
        summary="Leave one that is offered to you to the next",
        tags=["handoffs"],
        roles=ACT,
    )
    async def decline(request: Request[Any, Any, Any], case: FromPath[str], data: JSONBody[Actor]) -> CaseReport:
        return await act(request, "decline", case, data, None)

    @post(
        "/handoffs/next", status_code=200, summary="Take the most urgent one that waits", tags=["handoffs"], roles=ACT
    )
    async def take_next(request: Request[Any, Any, Any], data: JSONBody[NextCall]) -> CaseReport:
        found = await app.handoffs.next(*wish(request, "claim", "", data, None), queue=data.queue)
        if found is None:
            raise NoCase("nobody waits whose case you may take")
        return found

    @post(
        "/conversations/{conversation_id:str}/take",
        status_code=200,
        summary="Step into a conversation, also one without a case",
        tags=["handoffs"],
        roles=ACT,
    )
    async def take(
        request: Request[Any, Any, Any], conversation_id: FromPath[str], data: JSONBody[ClaimCall]
    ) -> CaseReport:
        return await app.handoffs.take(conversation_id, *wish(request, "claim", "", data, None, take=data.take))

    @post("/handoffs/{case:str}/reply", status_code=200, summary="Answer the customer", tags=["handoffs"], roles=ACT)
    async def reply(request: Request[Any, Any, Any], case: FromPath[str], data: JSONBody[ReplyCall]) -> CaseReport:
        text, more = data.text, {}
        if data.template:
            wanted = TemplateReply(name=data.template, language=data.language, values=data.values)
            more = await app.handoffs.template(case, wanted, request.state.agent)
            text = more.pop("words")
        elif data.file:
            more = await app.handoffs.file(case, data.file, text, request.state.agent)
        return await act(request, "reply", case, data, text, claim=data.claim, **more)

    @post(
        "/handoffs/{case:str}/note",
        status_code=200,
        summary="Note something: no customer sees it",
        tags=["handoffs"],
        roles=ACT,
    )
    async def note(request: Request[Any, Any, Any], case: FromPath[str], data: JSONBody[NoteCall]) -> CaseReport:
        return await act(request, "note", case, data, data.text)

    @post("/handoffs/{case:str}/transfer", status_code=200, summary="Give it to others", tags=["handoffs"], roles=ACT)
    async def transfer(
        request: Request[Any, Any, Any], case: FromPath[str], data: JSONBody[TransferCall]
    ) -> CaseReport:
        names = {line.agent.id: line.agent.name for line in await app.accounts.lines()} if data.to else {}
        more = {"queue": data.queue, "to": data.to, "to_name": names.get(data.to or ""), "take": data.take}
        return await act(request, "transfer", case, data, data.text, **more)

    @post(
        "/handoffs/{case:str}/close", status_code=200, summary="Give it back to the bot", tags=["handoffs"], roles=ACT
    )
    async def close(request: Request[Any, Any, Any], case: FromPath[str], data: JSONBody[CloseCall]) -> CaseReport:
        return await act(request, "close", case, data, data.text, take=data.take)

    @get(
        "/queues",
        summary="Who waits in which queue, who is there, and how long it takes",
        tags=["handoffs"],
        roles=VIEW,
    )
    async def queues() -> list[QueueReport]:
        return await app.waiting.reports()

    @get(
        "/events",
        media_type="text/event-stream",
        summary="What changes, as server-sent events: read the truth from the other calls",
        tags=["events"],
        roles=VIEW,
    )
    async def events(request: Request[Any, Any, Any]) -> Stream:
        account: Agent = request.state.agent
        present = account.id if account.may(ACT) else None
        sees = account.sees if account.restricted else None
        listening = app.changes.stream(present, heartbeat=HEARTBEAT, sees=sees)
        return Stream(listening, media_type="text/event-stream", headers=_AS_IT_COMES)

    return [cases, case, take_next, take, claim, decline, reply, note, transfer, close, queues, events]


def no_case(_: Request[Any, Any, Any], error: NoCase) -> Response[dict[str, Any]]:
    return Response({"error": str(error)}, status_code=404)


def not_done(_: Request[Any, Any, Any], error: NotDone) -> Response[dict[str, Any]]:
    return Response({"error": str(error), "pending": isinstance(error, NotYet)}, status_code=409)
