"""The whole way in under a Meta that went mad: whatever a webhook holds is handled, and the next customer is served."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import FakeMessenger, VirtualClock
from tests.property.test_webhook_parsing import webhooks
from tests.property.test_webhook_route import META, signed
from tests.simulated import SimulatedLoop
from wabox.app import App, build
from wabox.flowfile.bot import load_bot
from wabox.settings import Settings
from wabox.web.webhook import Webhook

BOT = Path(__file__).parents[1] / "data" / "bots" / "diary"
NUMBER = "200000000000002"
BUGS = {"turn.failed", "turn.not_stored", "web.bug", "outbox.bug", "lane.failed", "store.after_commit"}
"""Lines of the log that only a mistake of ours can write."""


def plain(id_: str) -> Any:
    """What an ordinary customer writes."""
    message = {"from": "15559990000", "id": id_, "timestamp": "1795300000", "type": "text", "text": {"body": "m1"}}
    value = {"metadata": {"phone_number_id": NUMBER}, "messages": [message]}
    return {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}


async def post(app: App, payload: Any) -> int:
    body = json.dumps(payload).encode()
    said: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    scope: Any = {"type": "http", "method": "POST", "path": "/webhook", "headers": signed(body), "query_string": b""}
    await Webhook(META, app)(scope, receive, send)
    status: int = said[0]["status"]
    return status


async def play(payloads: list[Any], folder: Path) -> None:
    messenger = FakeMessenger()
    app = await build(
        Settings(root=folder, data=folder / "data", whatsapp=META),
        load_bot(BOT),
        clock=VirtualClock(),
        messenger=messenger,
    )
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    loop.watch(app.store.writer)
    await app.start()
    try:
        for payload in payloads:
            assert await post(app, payload) == 200
        await asyncio.sleep(120)
        assert app.store.lanes.backlog == 0, "nothing is stuck"
        before = len(messenger.taken)
        assert await post(app, plain("wamid.PLAIN")) == 200
        await asyncio.sleep(1)
        assert [one.body["text"]["body"] for one in messenger.taken[before:]] == ["1 m1 first", "1 m1 paid"]
    finally:
        await app.stop()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(webhooks(), min_size=5, max_size=25))
def test_whatever_comes_is_handled_and_the_next_customer_is_served(payloads: list[Any]) -> None:
    """No turn fails over what a webhook holds, nothing stays in the inbox, and an ordinary message is answered afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        structlog.testing.capture_logs() as lines,
        asyncio.Runner(loop_factory=SimulatedLoop) as runner,
    ):
        runner.run(play(payloads, Path(folder)))
    assert [line for line in lines if line["event"] in BUGS] == []
