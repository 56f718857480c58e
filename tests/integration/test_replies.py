"""What agents send besides what they type: files and canned answers, through the API, against the fake Cloud API."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.meta import Town, bot_folder, town
from wabox.core.media import SIZES
from wabox.demo.customer import CUSTOMERS
from wabox.web.door import Door

SAM = next(one for one in CUSTOMERS if one.wa_id)
PNG = b"\x89PNG\r\n\x1a\n" + b"sunset" * 400
CANNED = """\
hello: "Good morning, {customer}. This is {agent}."
refund:
  title: The money comes back
  queue: refunds
  en: "You get it back within a week."
order:
  title: Order
  queue: [default, refunds]
  en: "Your order {order.number} leaves today."
  es: "Su pedido {order.number} sale hoy."
"""


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Town]:
    (bot_folder(tmp_path) / "canned.yaml").write_text(CANNED, encoding="utf-8")
    async with town(tmp_path) as found:
        yield found


@contextlib.asynccontextmanager
async def desk(there: Town) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """The API, and a case that waits."""
    await there.cloud.say(SAM.key, "a person please")
    await there.cloud.until(SAM.key, 1)
    address = Door(there.data).address()
    assert address is not None
    headers = {"Authorization": f"Bearer {Door(there.data).token()}"}
    async with httpx.AsyncClient(base_url=f"{address.url}/api/v1", headers=headers) as client:
        (case,) = (await client.get("/handoffs")).json()
        yield client, case["id"]


async def attach(client: httpx.AsyncClient, case: str, name: str, content: bytes) -> httpx.Response:
    return await client.post(f"/handoffs/{case}/files", params={"name": name}, content=content)


async def reply(client: httpx.AsyncClient, case: str, **body: Any) -> httpx.Response:
    return await client.post(f"/handoffs/{case}/reply", json={"by": "Marta", "agent": "marta", "claim": True, **body})


async def test_a_file_reaches_the_customer(there: Town) -> None:
    """Attached, sent with words below it, uploaded to Meta once; the transcript and the audit log show it."""
    async with desk(there) as (client, case):
        attached = (await attach(client, case, "../Shop window.PNG", PNG)).json()
        assert (attached["name"], attached["kind"], attached["size"]) == ("Shop window.PNG", "image", len(PNG))
        replied = await reply(client, case, file=attached["id"], text="Our window")
        assert replied.status_code == 200, replied.text
        sent = (await there.cloud.until(SAM.key, 2))[-1]
        assert sent["image"]["caption"] == "Our window"
        assert there.cloud.media[sent["image"]["id"]].data == PNG
        line = replied.json()["transcript"][-1]
        assert (line["who"], line["by"], line["type"], line["text"]) == ("agent", "Marta", "image", "Our window")
        again = await reply(client, case, file=attached["id"])
        assert again.status_code == 200, again.text
        assert (await there.cloud.until(SAM.key, 3))[-1]["image"] == {"id": sent["image"]["id"]}
        attached = (await attach(client, case, "prices.pdf", b"%PDF-1.7\nall of them")).json()
        replied = await reply(client, case, file=attached["id"])
        assert replied.json()["transcript"][-1]["text"] == "prices.pdf"
        assert (await there.cloud.until(SAM.key, 4))[-1]["document"]["filename"] == "prices.pdf"
        await there.cloud.settle()
        await there.cloud.read(SAM.key)
        await there.cloud.settle()
        (*_, last) = (await client.get(f"/handoffs/{case}")).json()["transcript"]
        assert last["delivery"] == "read"
        logged = (await client.get("/audit")).json()
        assert any("/files" in str(entry) and case in str(entry) for entry in logged)


REFUSED = (
    ("run.exe", b"MZ", "WhatsApp does not take run.exe"),
    (".png", PNG, "WhatsApp does not take .png"),
    ("menu.png", b"%PDF-1.7", "is not what its name says"),
    ("empty.pdf", b"", "is not what its name says"),
    ("big.png", PNG + bytes(SIZES["image"]), "has more than 5 MiB"),
)


async def test_what_whatsapp_would_refuse_is_refused_here(there: Town) -> None:
    """Type, contents and size, before anything is stored; and no words below a recording, which would not be shown."""
    async with desk(there) as (client, case):
        for name, content, why in REFUSED:
            refused = await attach(client, case, name, content)
            assert refused.status_code == 400
            assert why in refused.json()["error"]
        assert list((there.data / "media").glob("??/*")) == []
        attached = (await attach(client, case, "hello.mp3", b"ID3" + b"la" * 50)).json()
        refused = await reply(client, case, file=attached["id"], text="Listen")
        assert "in a reply of their own" in refused.json()["error"]
        assert (await reply(client, case, file=attached["id"])).status_code == 200


async def test_only_files_of_this_conversation_can_be_sent(there: Town) -> None:
    """Not what another customer's agent attached, and nothing that is gone with the customer."""
    async with desk(there) as (client, case):
        attached = (await attach(client, case, "menu.png", PNG)).json()
        other = next(one for one in CUSTOMERS if one.key != SAM.key)
        await there.cloud.say(other.key, "a person please")
        await there.cloud.until(other.key, 1)
        theirs = next(one for one in (await client.get("/handoffs")).json() if one["id"] != case)
        refused = await reply(client, theirs["id"], file=attached["id"])
        assert (refused.status_code, "no such file" in refused.text) == (400, True)
        mine = (await client.get(f"/handoffs/{case}")).json()["case"]["conversation_id"]
        await there.app.store.media.erase([mine])
        assert list((there.data / "media").glob("??/*")) == []
        assert (await reply(client, case, file=attached["id"])).status_code == 400


async def test_canned_answers_of_a_case(there: Town) -> None:
    """Those of its queue, filled; what the conversation does not know is named."""
    async with desk(there) as (client, case):
        found = (await client.get("/canned", params={"case": case, "by": "Marta"})).json()
        assert [one["name"] for one in found] == ["hello", "order"]
        assert found[0]["text"] == f"Good morning, {SAM.name}. This is Marta."
        assert found[1]["missing"] == ["order.number"]
        everything = (await client.get("/canned")).json()
        assert [one["title"] for one in everything] == ["hello", "The money comes back", "Order"]
        assert everything[2]["text"] == "Your order {order.number} leaves today."
        assert (await client.get("/canned", params={"case": "h-nothing"})).status_code == 404
