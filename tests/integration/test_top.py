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
from wabox.cli.top import _look
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
