"""``wabox handoff`` against a whole wabox and the fake Cloud API: what an agent types, and what the customer gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.integration.meta import Town, bot_folder, town
from wabox.cli.main import app as commands
from wabox.demo.customer import CUSTOMERS
from wabox.web.door import Door

SAM = next(one for one in CUSTOMERS if one.wa_id)


@pytest.fixture
async def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    monkeypatch.chdir(tmp_path)
    canned = 'hello: "Hello {customer}, {agent} here."\norder: "Order {order}"\n'
    (bot_folder(tmp_path) / "canned.yaml").write_text(canned, encoding="utf-8")
    async with town(tmp_path) as found:
        yield found


async def wabox(*args: str) -> Result:
    """The command, from a thread: it has a loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, commands, ["handoff", *args])


async def case_of(there: Town) -> str:
    await there.cloud.say(SAM.key, "Hi")
    await there.cloud.until(SAM.key, 1)
    await there.cloud.say(SAM.key, "a person please")
    await there.cloud.until(SAM.key, 2)
    await there.cloud.say(SAM.key, "in \x1b[31mred")
    listed = json.loads((await wabox("list", "--json")).stdout)
    return str(listed["id"])


def texts(bodies: list[dict[str, Any]]) -> list[str]:
    return [str(body[body["type"]].get("body")) for body in bodies]


async def test_from_the_list_to_the_close(there: Town) -> None:
    """List, show, reply, note, close: the customer reads the words, and the bot goes on."""
    case = await case_of(there)
    listed = await wabox("list")
    assert "waits" in listed.stdout
    assert SAM.name in listed.stdout
    shown = await wabox("show", case[:8])
    assert shown.exit_code == 0, shown.output
    assert "stands in" in shown.stdout
    assert "came by" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    early = await wabox("reply", case, "Hello?")
    assert early.exit_code == 1
    replied = await wabox("reply", case, "Good morning, Marta here", "--claim", "--as", "Marta")
    assert replied.exit_code == 0, replied.output
    assert texts(await there.cloud.until(SAM.key, 3))[-1] == "Good morning, Marta here"
    assert "Marta has it" in (await wabox("list")).stdout
    other = await wabox("claim", case, "--as", "Sam")
    assert other.exit_code == 1
    assert "Marta has this case" in str(other.exception)
    noted = await wabox("note", case, "VIP", "--as", "Sam")
    assert "Sam, note  VIP" in noted.stdout
    sent = await wabox("reply", case, "--template", "visit_reminder", "-v", "1=Ana", "-v", "2=Monday", "--as", "Marta")
    assert sent.exit_code == 0, sent.output
    assert (await there.cloud.until(SAM.key, 4))[-1]["template"]["name"] == "visit_reminder"
    (there.root / "menu.pdf").write_bytes(b"%PDF-1.7")
    sent = await wabox("reply", case, "--canned", "hello", "--attach", "menu.pdf", "--as", "Marta")
    assert sent.exit_code == 0, sent.output
    filed = (await there.cloud.until(SAM.key, 5))[-1]["document"]
    assert (filed["caption"], filed["filename"]) == (f"Hello {SAM.name}, Marta here.", "menu.pdf")
    lacks = await wabox("reply", case, "--canned", "order", "--as", "Marta")
    assert "does not know order" in str(lacks.exception)
    assert "order, en\n  Order {order}\n" in (await wabox("canned")).stdout
    closed = await wabox("close", case, "all told", "--as", "Marta")
    assert closed.exit_code == 0, closed.output
    assert (await there.cloud.until(SAM.key, 6))[-1]["interactive"]["body"]["text"] == "Hello!"
    assert (await wabox("list")).stdout.strip() == "nobody waits"
    assert "all told" in (await wabox("list", "--closed")).stdout


async def test_events_arrive_as_they_happen(there: Town) -> None:
    """A listener hears of a claim, without asking."""
    case = await case_of(there)
    token = Door(there.data).token()
    address = Door(there.data).address()
    assert address is not None
    async with (
        httpx.AsyncClient(base_url=address.url, headers={"Authorization": f"Bearer {token}"}) as client,
        client.stream("GET", "/api/v1/events") as stream,
    ):
        lines = stream.aiter_lines()
        heard = [line async for line in _until(lines, "{}")]
        claimed = asyncio.create_task(wabox("claim", case))
        heard += [line async for line in _until(lines, "claimed")]
        assert json.loads(heard[-1].removeprefix("data:"))["case_id"] == case
        await claimed
        there.app.changes.close()
        assert [line async for line in lines if line.startswith("data")] == []
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{address.url}/api/v1/events")).status_code == 401


async def _until(lines: AsyncIterator[str], word: str) -> AsyncIterator[str]:
    async for line in lines:
        if line.startswith("data"):
            yield line
            if word in line:
                return


async def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command says what to start."""
    monkeypatch.chdir(tmp_path)
    found = await wabox("list")
    assert found.exit_code == 1
    assert "start wabox serve or wabox demo" in str(found.exception)


async def test_the_next_case_and_a_conversation(there: Town) -> None:
    """``next`` takes the most urgent case, or says that there is none; ``take`` steps in where nobody was asked for."""
    case = await case_of(there)
    taken = await wabox("next", "--as", "Marta", "--json")
    assert taken.exit_code == 0, taken.output
    found = json.loads(taken.stdout)["case"]
    assert (found["id"], found["agent"]) == (case, "Marta")
    none = await wabox("next", "--as", "Sam")
    assert none.exit_code == 1
    assert "nobody waits" in str(none.exception)
    assert (await wabox("close", case, "--as", "Marta")).exit_code == 0
    stepped = await wabox("take", found["conversation_id"], "--as", "Marta")
    assert stepped.exit_code == 0, stepped.output
    assert "Marta has it" in stepped.stdout
    other = await wabox("take", found["conversation_id"], "--as", "Sam")
    assert other.exit_code == 1
    assert "Marta has this case" in str(other.exception)
    assert (await wabox("take", found["conversation_id"], "--take", "--as", "Sam")).exit_code == 0
    assert (await wabox("take", "1:nobody")).exit_code == 1
