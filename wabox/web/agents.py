"""``/api/v1/agents``: accounts of the people who look after conversations; ``/api/v1/audit``: what everybody did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody

from wabox.core.agent import Act, Agent, AgentLine
from wabox.services.accounts import Accounts, NewAgent
from wabox.services.secondfactor import Enrolment
from wabox.web.guard import OWN, VIEW


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordCall:
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageCall:
    language: str | None
    """Of the cards about cases; null: the bot's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCall:
    label: str = "default"
    """A new one takes the place of the one of the same label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    agent: str
    label: str
    token: str = field(repr=False)
    """It is shown once: only its hash is kept."""


def agent_routes(accounts: Accounts) -> list[HTTPRouteHandler]:
    # The service writes each of these into the log itself, in the transaction of the change: hence ``logs``.
    @get("/agents", summary="Accounts, and what each is signed in with", tags=["agents"], roles=OWN)
    async def agents() -> Sequence[AgentLine]:
        return await accounts.lines()

    @get("/agents/me", summary="Who the caller is", tags=["agents"], roles=VIEW)
    async def me(request: Request[Any, Any, Any]) -> Agent:
        found: Agent = request.state.agent
        return found

    @post("/agents", status_code=200, summary="Make an account", tags=["agents"], roles=OWN, logs=True)
    async def add(request: Request[Any, Any, Any], data: JSONBody[NewAgent]) -> AgentLine:
        return await accounts.add(data, *_by(request))

    @post("/agents/{id:str}/disable", status_code=200, summary="Close it", tags=["agents"], roles=OWN, logs=True)
    async def disable(request: Request[Any, Any, Any], id: FromPath[str]) -> AgentLine:
        return await accounts.disable(id, True, *_by(request))

    @post("/agents/{id:str}/enable", status_code=200, summary="Open it again", tags=["agents"], roles=OWN, logs=True)
    async def enable(request: Request[Any, Any, Any], id: FromPath[str]) -> AgentLine:
        return await accounts.disable(id, False, *_by(request))

    @post("/agents/{id:str}/passwd", status_code=200, summary="A new password", tags=["agents"], roles=OWN, logs=True)
    async def passwd(
        request: Request[Any, Any, Any],
        id: FromPath[str],
        data: JSONBody[PasswordCall],
    ) -> AgentLine:
        return await accounts.passwd(id, data.password, *_by(request))

    @post(
        "/agents/me/language", status_code=200, summary="The caller's language", tags=["agents"], roles=VIEW, logs=True
    )
    async def my_language(request: Request[Any, Any, Any], data: JSONBody[LanguageCall]) -> Agent:
        agent, address = _by(request)
        return (await accounts.speak(agent.id, data.language, agent, address)).agent

    @post("/agents/{id:str}/language", status_code=200, summary="Their language", tags=["agents"], roles=OWN, logs=True)
    async def language(
        request: Request[Any, Any, Any],
        id: FromPath[str],
        data: JSONBody[LanguageCall],
    ) -> AgentLine:
        return await accounts.speak(id, data.language, *_by(request))

    @post("/agents/{id:str}/token", status_code=200, summary="A new token", tags=["agents"], roles=OWN, logs=True)
    async def token(
        request: Request[Any, Any, Any],
        id: FromPath[str],
        data: JSONBody[TokenCall],
    ) -> NewToken:
        return NewToken(agent=id, label=data.label, token=await accounts.token(id, data.label, *_by(request)))

    @post(
        "/agents/{id:str}/revoke", status_code=200, summary="Take a token away", tags=["agents"], roles=OWN, logs=True
    )
    async def revoke(
        request: Request[Any, Any, Any],
        id: FromPath[str],
        data: JSONBody[TokenCall],
    ) -> AgentLine:
        return await accounts.revoke(id, data.label, *_by(request))

    @post("/agents/{id:str}/totp", status_code=200, summary="Ask for a code too", tags=["agents"], roles=OWN, logs=True)
    async def totp(request: Request[Any, Any, Any], id: FromPath[str]) -> Enrolment:
        return await accounts.totp(id, *_by(request))

    @post("/agents/{id:str}/totp/off", status_code=200, summary="Ask for none", tags=["agents"], roles=OWN, logs=True)
    async def totp_off(request: Request[Any, Any, Any], id: FromPath[str]) -> AgentLine:
        return await accounts.totp_off(id, *_by(request))

    @get("/audit", summary="Who did what, the newest first", tags=["agents"], roles=OWN)
    async def audit(who: FromQuery[str | None] = None, limit: FromQuery[int] = 100) -> Sequence[Act]:
        return await accounts.acts(limit, who)

    routes: list[HTTPRouteHandler] = [agents, me, add, disable, enable, passwd, my_language, language]
    return [*routes, token, revoke, totp, totp_off, audit]


def _by(request: Request[Any, Any, Any]) -> tuple[Agent, str]:
    return request.state.agent, request.state.address
