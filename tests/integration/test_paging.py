"""A case with a long transcript is told page by page: nothing is missing between two pages, and nothing stands twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeMessenger, VirtualClock
from tests.integration.test_desk import Desk, wired
from tests.integration.test_following import caller
from wabox.cli.casepages import told
from wabox.services.cases import Said


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    app = await wired(tmp_path, VirtualClock(), messenger := FakeMessenger())
    await app.start()
    yield Desk(app, messenger, app.clock)
    await app.stop()


async def talk(desk: Desk) -> str:
    """An agent and a customer, ten times each."""
    await desk.write("hi")
    await desk.write("a person please")
    case = (await desk.act("claim")).case.id
    for number in range(10):
        await desk.act("reply", text=f"answer {number}")
        await desk.write(f"question {number}")
    return case


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_make_the_whole(desk: Desk, size: int) -> None:
    """Whatever the size of a page, the pages together are the transcript; an agent's words are the agent's on each."""
    case = await talk(desk)
    whole = await desk.app.handoffs.case(case, 1000)
    assert whole.first is None
    said: list[Said] = []
    before = None
    while True:
        page = await desk.app.handoffs.case(case, size, before)
        said[:0] = page.transcript
        if page.first is None:
            break
        assert before is None or page.first < before
        before = page.first
    assert [one.text for one in said] == [one.text for one in whole.transcript]
    if size > 1:
        assert said == list(whole.transcript)


async def test_over_http(desk: Desk) -> None:
    """200 lines without asking, at most 1,000; what is older is asked for with ``before``; the description says so."""
    case = await talk(desk)
    async with caller(desk) as client:
        path = f"/api/v1/handoffs/{case}"
        newest = (await client.get(path, params={"lines": 4})).json()
        assert newest["transcript"][-1]["text"] == "question 9"
        older = (await client.get(path, params={"lines": 4, "before": newest["first"]})).json()
        assert {one["ref"] for one in older["transcript"]}.isdisjoint({one["ref"] for one in newest["transcript"]})
        assert (await client.get(path, params={"lines": 1001})).status_code == 400
        assert (await client.get(path)).json()["first"] is None

        class Line:
            async def call(self, method: str, path: str, body: Any = None) -> Any:
                return (await client.request(method, path, json=body)).json()

            async def send_file(self, path: str, file: Path) -> Any: ...

        line: Any = Line()
        assert len((await told(line, case, 5000))["transcript"]) > 20
