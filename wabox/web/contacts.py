"""``/api/v1/contacts``: customers, what they agreed to, and how they are forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, get, post
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody

from wabox.core.agent import Agent
from wabox.core.person import Certificate, Person
from wabox.services import people
from wabox.services.people import OptIn, Wish
from wabox.web.desk import Desk
from wabox.web.guard import ACT, OWN, VIEW


@dataclass(frozen=True, slots=True, kw_only=True)
class WishCall:
    """What a customer said elsewhere than here."""

    who: str
    """Any of their ids, or a part of their name that no other has."""
    wish: Wish
    words: str = ""
    by: str = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCall:
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCall:
    people: list[OptIn]
    by: str = "api"


def contact_routes(app: Desk) -> list[HTTPRouteHandler]:
    @get(
        "/contacts",
        summary="The newest customers, or those that are meant",
        tags=["contacts"],
        roles=VIEW,
        everybody=True,
    )
    async def contacts(who: FromQuery[str] = "", stopped: FromQuery[bool] = False, limit: FromQuery[int] = 100) -> Any:
        register = app.store.register
        found: Sequence[Person] = (
            await register.find(who) if who else await register.people(max(1, min(limit, 1000)), stopped=stopped)
        )
        return found

    @get("/contacts/export", summary="Everything that is kept about one", tags=["contacts"], roles=OWN, reads=True)
    async def export(who: FromQuery[str]) -> Mapping[str, Any]:
        register = app.store.register
        return await register.export((await people.one(register, who)).key)

    @post("/contacts/wish", status_code=200, summary="Write down what one said elsewhere", tags=["contacts"], roles=ACT)
    async def wish(request: Request[Any, Any, Any], data: JSONBody[WishCall]) -> Person:
        account: Agent = request.state.agent
        register = app.store.register
        if account.restricted:
            found = await people.one(register, data.who)
            if not any([await app.dossiers.theirs(one, account) for one in found.conversations]):
                raise PermissionDeniedException(f"{account.name} has no case of this customer")
        return await people.wish(register, app.clock, data.who, data.wish, data.words, data.by)

    @post("/contacts/import", status_code=200, summary="Write down opt-ins", tags=["contacts"], roles=OWN)
    async def bring(data: JSONBody[ImportCall]) -> list[str]:
        return await people.bring(app.store.register, data.people, data.by)

    @post("/contacts/forget", status_code=200, summary="Erase one, and every trace", tags=["contacts"], roles=OWN)
    async def forget(data: JSONBody[ForgetCall]) -> Certificate:
        return await people.forget(app.store.register, data.who)

    return [contacts, export, wish, bring, forget]
