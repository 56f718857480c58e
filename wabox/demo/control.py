"""The fake Cloud API in the hands of a test, whatever that is written in: ``/fake`` on the port of the Graph endpoints.

======================================  ==========================================================================
``GET /fake``                           customers, exchanges with the bot, faults that are armed, the seed
``GET /fake/{customer}/messages``       what the bot sent, oldest first: ``{"id", "tick", "message"}``
``GET /fake/faults``                    ``{"armed": {name: amount}, "kinds": {name: what it does}, "seed": …}``
``PUT /fake/faults``                    ``{"hang": "3%", …}`` and nothing else from now on; ``?seed=7`` begins its draws anew
``PUT /fake/token``                     ``{"token": …}`` is the access token from now on
``POST /fake/change``                   ``{"field": "account_update", "value": {…}}``: a webhook of any other field
``POST /fake/settle``                   answers when every webhook was taken and every status told
``POST /fake/{customer}/say`` …         what customers do: :mod:`wabox.demo.acts`
======================================  ==========================================================================

Nothing here asks for a token, so it is served on this machine only.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Router, get, post, put
from litestar.exceptions import ClientException, HTTPException
from litestar.params import FromPath, FromQuery, JSONBody

from wabox.demo.acts import acts, known, plainly, same_site
from wabox.demo.cloud import FakeCloud
from wabox.demo.fault import KINDS
from wabox.demo.notification import JSON
from wabox.demo.thread import short


class Change(msgspec.Struct, forbid_unknown_fields=True):
    field: str
    value: dict[str, Any]


class Token(msgspec.Struct, forbid_unknown_fields=True):
    token: str


def control_router(cloud: FakeCloud) -> Router:
    """Everything under ``/fake``."""

    @get("/", sync_to_thread=False)
    def everything() -> JSON:
        return {**cloud.everything(), "seed": cloud.faults.lot.seed}

    @get("/{customer:str}/messages", sync_to_thread=False)
    def messages(customer: FromPath[str]) -> list[JSON]:
        known(cloud, customer)
        ours = cloud.threads[customer].ours()
        return [{"id": bubble.id, "tick": bubble.tick, "message": bubble.message} for bubble in ours]

    @get("/faults", sync_to_thread=False)
    def faults() -> JSON:
        return _faults(cloud)

    @put("/faults", sync_to_thread=False)
    def arm(data: JSONBody[dict[str, str]], seed: FromQuery[int | None] = None) -> JSON:
        before = cloud.faults.armed
        cloud.faults.clear()
        try:
            for name, amount in data.items():
                cloud.faults.arm(name, amount)
        except ValueError as error:
            cloud.faults.armed = before
            raise ClientException(str(error)) from None
        if seed is not None:
            cloud.faults.seed(seed)
        cloud.show_faults()
        return _faults(cloud)

    @put("/token", status_code=204, sync_to_thread=False)
    def renew(data: JSONBody[Token]) -> None:
        cloud.renew(data.token)

    @post("/change", status_code=202)
    async def change(data: JSONBody[Change]) -> None:
        await cloud.change(data.field, data.value, f"told of {short(data.field)}")

    @post("/settle", status_code=204)
    async def settle() -> None:
        await cloud.settle()

    handlers: list[Any] = [everything, messages, faults, arm, renew, change, settle, *acts(cloud)]
    return Router(
        "/fake",
        route_handlers=handlers,
        guards=[same_site],
        exception_handlers={HTTPException: plainly},
        include_in_schema=False,
    )


def _faults(cloud: FakeCloud) -> JSON:
    return {"armed": cloud.faults.shown(), "kinds": KINDS, "seed": cloud.faults.lot.seed}
