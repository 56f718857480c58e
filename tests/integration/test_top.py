"""``wabox top`` against a whole wabox: one frame, JSON, and live."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from textual.widgets import Static
from typer.testing import CliRunner

from tests.integration.meta import town
from wabox.cli.main import app as commands
from wabox.cli.top import _look, frame
from wabox.cli.topscreen import TopApp
from wabox.demo.customer import CUSTOMERS
from wabox.errors import WaboxError


async def test_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 80 columns; what happened is in it; a server that is gone is said to be."""
    monkeypatch.chdir(tmp_path)
    async with town(tmp_path) as there:
        await there.cloud.say(CUSTOMERS[0].key, "a person please")
        await there.cloud.until(CUSTOMERS[0].key, 1)
        once = await asyncio.to_thread(CliRunner().invoke, commands, ["top", "--once"])
        assert once.exit_code == 0, once.output
        assert max(map(len, once.stdout.splitlines())) <= 80
        assert "for a person 1" in once.stdout
        assert "bot › people" in once.stdout
        told = await asyncio.to_thread(CliRunner().invoke, commands, ["top", "--json"])
        assert any(one["name"] == "turn_seconds" for one in json.loads(told.stdout))
        gone = False

        async def look() -> list[dict[str, object]]:
            if gone:
                raise WaboxError("the server has stopped")
            return await _look(there.settings, None)

        app = TopApp(look, 3600.0)
        async with app.run_test(size=(80, 24)):
            await app.show()
            await app.show()
            assert "webhook answered" in str(app.query_one("#frame", Static).render())
            gone = True
            await app.show()
            assert "trying again" in str(app.query_one("#trouble", Static).render())


def test_a_process_of_a_cluster_is_shown_what_it_measures() -> None:
    """It has no database that could take nothing, and of what waits to be handled only RabbitMQ knows."""

    def shown(reachable: bool) -> str:
        found = {"cluster_broker_reachable": reachable, "conversations": 6, "outbox_messages": 2, "handoffs_waiting": 1}
        return "\n".join(frame([{"name": name, "labels": [], "value": one} for name, one in found.items()], None, 0.0))

    assert "conversations 6\n" in shown(True)
    assert "waiting   to leave 2   for a person 1\n" in shown(True)
    assert "active within" not in shown(True)
    assert "conversations 6  RABBITMQ DOES NOT ANSWER\n" in shown(False)
