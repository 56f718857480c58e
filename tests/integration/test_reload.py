"""A running server takes new settings up: on SIGHUP, those that it can, and says which have to wait."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from tests.integration.meta import bot_folder, hear, town
from wabox.cli.again import Again
from wabox.cli.main import app
from wabox.settings import settings_of
from wabox.settings.sources import Sources
from wabox.web.locks import Locks
from wabox.web.webhook import Webhook
from wabox.whatsapp.signature import sign

ENV = {"WABOX_APP_SECRET": "app-secret", "WABOX_VERIFY_TOKEN": "rosebud", "WABOX_ACCESS_TOKEN": "access-token"}
BODY = b'{"object":"whatsapp_business_account","entry":[]}'


@pytest.fixture(autouse=True)
def every_line() -> None:
    """A command that ran before in this process may have asked for errors only."""


async def test_what_can_change_while_it_runs(tmp_path: Path) -> None:
    """Manners of every version, pace, typing, keep, prices; and the webhook's secrets."""
    file = tmp_path / "wabox.toml"
    file.write_text("[bot]\nmerge = false\n[server]\nport = 8080\n")
    async with town(tmp_path) as it:
        env = dict(ENV)
        sources = Sources(tmp_path, env)
        locks = Locks(settings_of(sources).require_whatsapp())
        again = Again(it.app, locks, sources, settings_of, env)

        def said() -> dict[str, Any]:
            with capture_logs() as lines:
                again.read()
            return {line["event"]: line.get("settings") or line.get("error") for line in lines}

        assert said() == {"settings.unchanged": None}
        file.write_text(
            '[bot]\nmerge = true\npause = "1h"\nquiet_hours = "off"\ntimezone = "Europe/Madrid"\n[server]\nport = 9000\n'
            "[whatsapp]\nrate = 20\nhold = 0\ntyping = 3\nread = true\n[keep]\nmedia = 30\n"
        )
        env["WABOX_APP_SECRET"] = "a new one"
        assert said() == {
            "settings.taken": [
                *("[bot] timezone", "[bot] merge", "[bot] pause", "[bot] quiet_hours", "[whatsapp] rate"),
                *(
                    "[whatsapp] typing",
                    "[whatsapp] read",
                    "[whatsapp] hold",
                    "[whatsapp] app_secret_file",
                    "[keep] media",
                ),
            ],
            "settings.wait_for_a_restart": ["[server] port"],
        }
        manners = it.app.bot.manners
        assert (manners.merge, manners.pause, manners.night, manners.timezone) == (
            True,
            3_600_000,
            None,
            "Europe/Madrid",
        )
        assert it.app._presence.reads
        assert it.app._keep.media == 30
        assert it.app.outward.meter.timezone == "Europe/Madrid"
        await it.app._outbox.recover()
        await hear(it.app, "+15550002222", "Hi")
        transport = httpx.ASGITransport(Webhook(locks, it.app))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://wabox") as client:
            for secret, status in (("a new one", 200), ("app-secret", 401)):
                headers = {"X-Hub-Signature-256": sign(BODY, secret.encode())}
                assert (await client.post("/webhook", content=BODY, headers=headers)).status_code == status

        file.write_text("[bot]\nmerge = 3\n")
        found = said()
        assert "must be true or false" in found["settings.not_taken"]
        assert it.app.bot.manners.merge


async def test_the_pace_of_a_number(tmp_path: Path) -> None:
    """From Meta's rate to one of the owner's, to none, and back."""
    async with town(tmp_path) as it:
        numbers = it.app._outbox._numbers
        for rate, full in ((20.0, 20.0), (0.0, None), (None, 80.0)):
            it.app.take(replace(it.settings, rate=rate))
            pace = numbers._number("1").pace
            assert (None if pace is None else pace.full) == full
            assert it.app._rates.asks is (rate is None)


def test_the_signal(tmp_path: Path) -> None:
    """A server that gets SIGHUP goes on, with what is new."""
    bot_folder(tmp_path)
    file = tmp_path / "wabox.toml"
    file.write_text("[bot]\nmerge = false\n[whatsapp]\nrate = 5\n")
    env = {**os.environ, **ENV, "WABOX_GRAPH_URL": "http://127.0.0.1:9/v26.0", "WABOX_PORT": "0"}
    command = [sys.executable, "-m", "wabox", "serve"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            assert b"wabox serves" in server.stdout.readline()
            file.write_text("[bot]\nmerge = true\n[whatsapp]\nrate = 5\n")
            server.send_signal(signal.SIGHUP)
            line = next(line for line in server.stderr if b"settings" in line)
            assert json.loads(line)["settings"] == ["[bot] merge"]
        finally:
            server.terminate()
        assert server.wait(20) == 0


def config(command: str, *more: str, **env: str) -> Result:
    return CliRunner().invoke(app, ["config", command, *more], env=env)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows values and origins, hides secrets, and says what is wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("EAAG-hidden")
    (tmp_path / "wabox.toml").write_text('[bot]\nmerge = true\n[whatsapp]\naccess_token_file = "token"\n')
    shown = config("show", WABOX_KEEP_MEDIA="30", WABOX_SECRET_CRM="hidden-too")
    assert shown.exit_code == 0
    assert "* merge            true  (wabox.toml)" in shown.output
    assert "* media            30  (environment WABOX_KEEP_MEDIA)" in shown.output
    assert '* access_token     "(set)"  (file token)' in shown.output
    assert "hidden" not in shown.output
    lines = [json.loads(line) for line in config("show", "--given", "--json").output.splitlines()]
    assert [(line["name"], line["value"], line["live"]) for line in lines] == [
        ("merge", True, True),
        ("access_token", "(set)", True),
    ]
    checked = config("check", WABOX_BOT_MERG="true")
    assert (checked.exit_code, "did you mean WABOX_BOT_MERGE?" in checked.output) == (0, True)
    wrong = config("check", WABOX_BOT_MERGE="perhaps")
    assert wrong.exit_code == 1
    assert "WABOX_BOT_MERGE must be true or false" in str(wrong.exception)


def test_a_mistake_in_the_settings_fails_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the bots are looked at all the same."""
    monkeypatch.chdir(tmp_path)
    bot_folder(tmp_path)
    (tmp_path / "wabox.toml").write_text("[bot]\nmerg = true\n")
    ran = CliRunner().invoke(app, ["check"])
    assert ran.exit_code == 1
    assert "did you mean 'merge'" in ran.output
    assert "bot has" in ran.output or "bot is fine" in ran.output
