"""The language model on a cluster: asked by the worker whose conversation it is, out of one purse. On real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.integration.clustered import FOLDER
from tests.integration.test_cluster_desk import Business, business, until
from tests.integration.test_llm import PROMPT, Model, chooses, completion
from wabox.core.llm import Caps
from wabox.errors import Unavailable
from wabox.settings.models import LlmSettings

__all__ = ["business"]  # a fixture

pytestmark = pytest.mark.skipif(FOLDER is None, reason="WABOX_TEST_CLUSTER names no servers; see packaging/cluster/up")

COST = (PROMPT + 20 * 4) * 1
"""Micros of one answer, at the prices below."""


@pytest.fixture
async def model(business: Business) -> AsyncIterator[Model]:
    model = Model()
    await model.begin()
    llm = LlmSettings(url=model.url, model="tiny", price_in=1.0, price_out=4.0, retries=0, summaries=True)
    business.settings = replace(business.settings, llm=llm)
    yield model
    await model.end()


async def spent(business: Business) -> int:
    async with business.apps[0].store.database.transaction() as connection:
        query = "SELECT coalesce(sum(micros), 0) FROM llm_spending WHERE conversation = ''"
        return int(await connection.fetchval(query))


async def left(business: Business, words: str) -> None:
    async def there() -> bool:
        return words in business.left

    await until(there)


async def test_a_worker_asks_and_the_others_go_on(business: Business, model: Model) -> None:
    """While the model thinks about one customer, another one of the same worker is answered; what it says is done, paid once,
    and known to the other worker."""
    thinks, goes_on = asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        thinks.set()
        await goes_on.wait()
        return chooses(event="shop")

    model.plays = [slow]
    worker = await business.process("worker")
    await business.write(worker, "ana", "hi")
    await left(business, "Hello!")
    await business.write(worker, "ana", "I have need of trousers")
    await thinks.wait()
    before = len(business.left)
    await business.write(worker, "ben", "hi")

    async def answered() -> bool:
        return len(business.left) > before

    await until(answered)
    assert "Which size?" not in business.left
    goes_on.set()
    await left(business, "Which size?")
    assert (len(model.asked), await spent(business)) == (1, COST)
    await worker.stop()
    business.apps.remove(worker)
    other = await business.process("worker")
    await business.write(other, "ben", "I have need of trousers")

    async def both() -> bool:
        return business.left.count("Which size?") == 2

    await until(both)
    assert (len(model.asked), await spent(business)) == (1, COST)


async def test_a_case_gets_its_summary(business: Business, model: Model) -> None:
    """The worker that opens it waits until its records can be read; the money is of the same purse."""
    model.plays = [completion(json.dumps({"summary": "Wants a refund."}))]
    worker = await business.process("worker")
    case = await business.ask(worker, "ana")

    async def told() -> bool:
        return (await worker.desk.handoffs.case(case)).case.brief == "Wants a refund."

    await until(told)
    assert await spent(business) == COST


async def test_nothing_is_asked_that_nobody_can_count(business: Business, model: Model) -> None:
    """PostgreSQL is away: the customer is answered as without a model."""
    model.plays = [chooses(event="shop")]
    worker = await business.process("worker")
    await business.write(worker, "ana", "hi")
    await left(business, "Hello!")
    purse = worker.store.purse

    async def away(*_: object) -> None:
        raise Unavailable("PostgreSQL does not answer")

    purse.known = away  # type: ignore[method-assign,assignment]
    before = len(business.left)
    await business.write(worker, "ana", "I have need of trousers")

    async def answered() -> bool:
        return len(business.left) > before

    await until(answered)
    assert model.asked == []


async def test_a_slow_count_is_none(business: Business, model: Model) -> None:
    """A lock that somebody holds on the day's row: refused after the patience, and nothing was taken."""
    worker = await business.process("worker")
    purse, caps = worker.store.purse, Caps(turn=100, conversation=100, day=1000)
    assert await purse.take("200:MX.1", "2026-11-21", 10, caps)
    purse._patience = 0.1
    async with worker.store.database.transaction() as connection:
        await connection.execute("SELECT * FROM llm_spending FOR UPDATE")
        with pytest.raises(Unavailable, match=r"within 0\.1 s"):
            await purse.take("200:MX.1", "2026-11-21", 10, caps)
        await purse.settle("200:MX.1", "2026-11-21", 10, 5)  # is content
    purse._patience = 2.0
    assert (await purse.spent("200:MX.1", "2026-11-21")).day == 10
