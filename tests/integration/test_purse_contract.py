"""What the language model may still cost, and what it said before: the port ``Purse``, by every adapter alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOW
from tests.integration.storage import ADAPTERS, Adapter
from wabox.core.keep import DAY
from wabox.core.llm import Caps, Spent

TODAY = "2026-11-21"
CAPS = Caps(turn=100, conversation=300, day=1000)
KEY = b"\x00\x01question"


@pytest.fixture(params=sorted(ADAPTERS))
async def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adapter]:
    made = ADAPTERS[request.param](tmp_path)
    yield made
    await made.aclose()


@pytest.fixture
async def storage(adapter: Adapter) -> Any:
    return await adapter.open()


async def test_no_cap_is_passed(storage: Any) -> None:
    """Neither the conversation's nor the day's; what is refused takes nothing; another day has its own."""
    purse = storage.purse
    assert await purse.spent("200:MX.1", TODAY) == Spent(conversation=0, day=0)
    assert [await purse.take("200:MX.1", TODAY, 150, CAPS) for _ in range(3)] == [True, True, False]
    assert await purse.spent("200:MX.1", TODAY) == Spent(conversation=300, day=300)
    for number in range(2, 4):
        assert await purse.take(f"200:MX.{number}", TODAY, 300, CAPS)
    assert not await purse.take("200:MX.4", TODAY, 101, CAPS)
    assert await purse.spent("200:MX.4", TODAY) == Spent(conversation=0, day=900)
    assert await purse.take("200:MX.4", TODAY, 100, CAPS)
    assert await purse.take("200:MX.1", "2026-11-22", 300, CAPS)
    assert not await purse.take("200:MX.9", "2026-11-22", 1001, Caps(turn=1, conversation=9999, day=1000))


async def test_many_at_once_take_no_more_than_there_is(storage: Any) -> None:
    took = await asyncio.gather(*(storage.purse.take(f"200:MX.{n}", TODAY, 70, CAPS) for n in range(30)))
    assert sum(took) == 1000 // 70
    assert (await storage.purse.spent("200:MX.1", TODAY)).day == 70 * (1000 // 70)


async def test_what_it_really_cost(storage: Any) -> None:
    """Less is given back, more is added, and nobody owes less than nothing."""
    purse = storage.purse
    assert await purse.take("200:MX.1", TODAY, 200, CAPS)
    await purse.settle("200:MX.1", TODAY, 200, 20)
    assert await purse.spent("200:MX.1", TODAY) == Spent(conversation=20, day=20)
    await purse.settle("200:MX.1", TODAY, 0, 30)
    assert await purse.spent("200:MX.1", TODAY) == Spent(conversation=50, day=50)
    await purse.settle("200:MX.1", TODAY, 999, 0)
    assert await purse.spent("200:MX.1", TODAY) == Spent(conversation=0, day=0)


async def test_answers_are_kept_and_tries_counted(storage: Any) -> None:
    """An answer ends the counting; an old one is none; a try after an hour is the first."""
    purse = storage.purse
    assert [await purse.tries(KEY, NOW + n, NOW - 1) for n in range(3)] == [1, 2, 3]
    assert await purse.known(KEY, 0) is None
    await purse.keep(KEY, '{"decision": "unknown"}', NOW + 5)
    assert await purse.known(KEY, NOW + 5) == '{"decision": "unknown"}'
    assert await purse.known(KEY, NOW + 6) is None
    assert await purse.tries(KEY, NOW + 7, NOW) == 1
    assert await purse.tries(KEY, NOW + 9, NOW + 8) == 1


async def test_what_is_old_goes(storage: Any, adapter: Adapter) -> None:
    """Answers after 90 days, spending after 400."""
    purse = storage.purse
    await purse.keep(KEY, "{}", NOW)
    assert await purse.take("200:MX.1", "2025-10-01", 10, CAPS)
    assert await purse.take("200:MX.1", TODAY, 10, CAPS)
    await storage.prune(NOW + 91 * DAY)
    assert await purse.known(KEY, 0) is None
    assert (await purse.spent("200:MX.1", "2025-10-01")).day == 0
    assert (await purse.spent("200:MX.1", TODAY)).day == 10
