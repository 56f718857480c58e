"""``wabox handoff`` on a terminal, driven key by key, against a whole wabox and the fake Cloud API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from tests.integration.meta import Town, bot_folder, town
from wabox.cli.inbox.desk import PAUSE, Desk
from wabox.cli.inbox.screen import InboxApp, ReplyLine
from wabox.cli.running import line_to
from wabox.demo.customer import CUSTOMERS

SAM, *OTHERS = [one for one in CUSTOMERS if one.wa_id]


@pytest.fixture
async def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.chdir(tmp_path)
    (bot_folder(tmp_path) / "canned.yaml").write_text('hello: "Hello {customer}, {agent} here."\n', encoding="utf-8")
    async with town(tmp_path) as found:
        yield found


async def asks(there: Town, who: str) -> None:
    await there.cloud.say(who, "a person please")
    await there.cloud.until(who, 1)


@contextlib.asynccontextmanager
async def inbox(there: Town, who: str = "marta") -> AsyncIterator[tuple[InboxApp, Pilot[None]]]:
    app = InboxApp(Desk(lambda: line_to(there.settings), who, there.app.clock))
    async with app.run_test(size=(80, 24)) as pilot:
        yield app, pilot


async def until(pilot: Pilot[None], true: Callable[[], Any]) -> None:
    for _ in range(400):
        if true():
            return
        await asyncio.sleep(0.01)
        await pilot.pause()
    raise AssertionError("it never happened: " + written(pilot.app))


def written(app: Any) -> str:
    """What is on the screen."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


async def test_a_case_from_the_queue_to_the_close(there: Town) -> None:
    """It appears by itself; reply, tick, note, canned answer, file, close: everything by keys, at 80 columns."""
    async with inbox(there) as (app, pilot):
        await until(pilot, lambda: "0 wait" in written(app))
        await asks(there, SAM.key)
        await until(pilot, lambda: SAM.name in written(app) and "a person please" in written(app))
        assert "1 wait, 0 yours" in written(app)
        assert "understood human" in written(app)
        assert "hello → people" in written(app) or "people" in written(app)
        await pilot.press("r", *"Good", "ctrl+j", *"day", "enter")
        assert (await there.cloud.until(SAM.key, 2))[-1]["text"]["body"] == "Good\nday"
        await until(pilot, lambda: "marta  Good day ✓" in written(app))
        assert app.query_one("#reply", ReplyLine).text == ""
        await there.cloud.settle()
        await there.cloud.read(SAM.key)
        await until(pilot, lambda: "✓✓ read" in written(app))
        (there.root / "menu.pdf").write_bytes(b"%PDF-1.7")
        await pilot.press("escape", "a", *"menu.pdf", "enter")
        await until(pilot, lambda: "attached: menu.pdf" in written(app))
        await pilot.press("k")
        await until(pilot, lambda: "A canned answer" in written(app))
        await pilot.press("enter")
        await until(pilot, lambda: "marta here." in app.query_one("#reply", ReplyLine).text)
        await pilot.press("enter")
        filed = (await there.cloud.until(SAM.key, 3))[-1]["document"]
        assert (filed["caption"], filed["filename"]) == (f"Hello {SAM.name}, marta here.", "menu.pdf")
        await until(pilot, lambda: "[document]" in written(app) and "attached" not in written(app))
        await pilot.press("escape", "n", *"VIP", "enter")
        await until(pilot, lambda: "(marta)  VIP" in written(app))
        await pilot.press("x", *"done", "enter")
        assert (await there.cloud.until(SAM.key, 4))[-1]["interactive"]["body"]["text"] == "Hello!"
        await until(pilot, lambda: "0 wait, 0 yours" in written(app))


async def test_a_refusal_is_shown_and_nothing_typed_is_lost(there: Town) -> None:
    """Another has the case: the server's sentence, and the words are still there, also after a look at another case."""
    async with inbox(there) as (app, pilot):
        await asks(there, SAM.key)
        await asks(there, OTHERS[0].key)
        queue = app.query_one("#queue", OptionList)
        await until(pilot, lambda: queue.option_count == 2 and app.desk.report)
        case = str(app.desk.chosen)
        async with line_to(there.settings) as line:
            await line.call("POST", f"/api/v1/handoffs/{case}/claim", {"id": "1", "agent": "ana", "by": "Ana"})
        await pilot.press("r", *"Mine?", "enter")
        await until(pilot, lambda: "Ana has this case" in written(app))
        assert app.query_one("#reply", ReplyLine).text == "Mine?"
        await pilot.press("escape")
        queue.highlighted = 1 - int(queue.highlighted or 0)
        await until(pilot, lambda: app.desk.chosen != case and app.query_one("#reply", ReplyLine).text == "")
        queue.highlighted = 1 - int(queue.highlighted or 0)
        await until(pilot, lambda: app.query_one("#reply", ReplyLine).text == "Mine?")
        await pilot.press("q")
        await until(pilot, lambda: "1 reply is typed and not sent" in written(app))
        await pilot.press("C")
        await until(pilot, lambda: "1 yours" in written(app))
        await pilot.press("r", "enter")
        await until(pilot, lambda: app.query_one("#reply", ReplyLine).text == "")


async def test_a_server_that_restarts(tmp_path: Path) -> None:
    """What is typed survives, the inbox says that it is alone, and it comes back by itself."""
    first = contextlib.AsyncExitStack()
    there = await first.enter_async_context(town(tmp_path))
    await asks(there, SAM.key)
    gate = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0.02)
        if seconds == PAUSE:
            await gate.wait()

    desk = Desk(lambda: line_to(there.settings), "marta", there.app.clock, sleep=sleep)
    app = InboxApp(desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: desk.report)
        await pilot.press("r", *"Still", "escape")
        there.app.changes.close()  # as a server that stops does first
        await first.aclose()
        await until(pilot, lambda: desk.trouble)
        await pilot.press("r", *" here", "enter")
        await until(pilot, lambda: "not connected" in written(app))
        async with town(tmp_path) as again:
            gate.set()
            await until(pilot, lambda: not desk.trouble)
            assert app.query_one("#reply", ReplyLine).text == "Still here"
            await again.cloud.say(SAM.key, "Hello?")
            await pilot.press("enter")
            await until(pilot, lambda: "Still here ✓" in written(app))
            gate.clear()
            again.app.changes.close()


async def test_a_reply_whose_answer_was_lost(there: Town) -> None:
    """It had left: the transcript says so, and the line is cleared instead of sending it twice."""
    await asks(there, SAM.key)
    async with inbox(there) as (app, pilot):
        await until(pilot, lambda: app.desk.report)
        case = str(app.desk.chosen)
        await pilot.press("r", *"Once", "escape")
        draft = app.desk.draft(case)
        draft.id = "the-same"
        async with line_to(there.settings) as line:
            body = {"id": "the-same", "agent": "marta", "by": "marta", "text": "Once", "claim": True}
            await line.call("POST", f"/api/v1/handoffs/{case}/reply", body)
        await until(pilot, lambda: app.query_one("#reply", ReplyLine).text == "")
        assert [body["text"]["body"] for body in (await there.cloud.until(SAM.key, 2))[1:]] == ["Once"]


async def test_help(there: Town) -> None:
    """Fits 80 by 24 and names every key."""
    async with inbox(there) as (app, pilot):
        await pilot.press("question_mark")
        shown = written(app)
        for key in ("claim", "transfer", "canned answers", "attach a file", "claims it."):
            assert key in shown
        await pilot.press("escape")
        assert app.query_one("#top", Static)
