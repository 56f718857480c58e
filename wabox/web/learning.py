"""``/api/v1/learn``: what was not understood, in groups, and what the owner says it means."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, JSONBody, QueryParameter

from wabox.core.learning import DAY, MOST_LINES, Decision, Heard, Learnt, Lesson
from wabox.web.desk import Desk
from wabox.web.guard import OWN


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnCall:
    map: list[Decision]
    days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 30
    """How far back the groups go: as they were asked for."""


def learning_routes(app: Desk) -> list[HTTPRouteHandler]:
    one_at_a_time = asyncio.Lock()

    async def heard(days: int) -> list[Heard]:
        return list(await app.store.register.heard(app.clock() - max(days, 1) * DAY, MOST_LINES))

    @get("/learn", summary="What was not understood, the most frequent first", tags=["learn"], roles=OWN)
    async def lesson(days: Annotated[int, QueryParameter(ge=1, le=3660)] = 30, limit: FromQuery[int] = 50) -> Lesson:
        learning = app.learning
        found = await asyncio.to_thread(learning.lesson, await heard(days))
        return replace(found, groups=found.groups[: max(limit, 0)])

    @post(
        "/learn",
        status_code=200,
        summary="Say what groups mean: examples, tests, a new model",
        tags=["learn"],
        roles=OWN,
    )
    async def decide(data: JSONBody[LearnCall]) -> Learnt:
        learning = app.learning
        # Two at once would write the same files.
        async with one_at_a_time:
            return await asyncio.to_thread(learning.decide, await heard(data.days), data.map)

    return [lesson, decide]
