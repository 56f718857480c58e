"""What wabox is compared with: pywa's FastAPI integration, whose handler does the same durable insert.

Same server (uvicorn, httptools, uvloop), same signature check switched on, and the very same insert: ``SqliteStore.put``
of wabox, group commit with ``synchronous=FULL`` included. The difference that remains is in pywa's favour: it answers 200
*before* its handler runs, so its answer promises nothing.

    python -m tests.bench.pywa_server DATA_FOLDER
"""

from __future__ import annotations

import socket
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from pywa_async.client import WhatsApp
from pywa_async.types.message import Message

from tests.bench.webhooks import NUMBER_ID, SECRET
from wabox.core.contact import Contact, conversation_id
from wabox.core.message import Arrival, InboundMessage
from wabox.sqlite.store import SqliteStore, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def main(folder: Path) -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    store: SqliteStore

    @asynccontextmanager
    async def opened(_app: FastAPI) -> AsyncIterator[None]:
        nonlocal store
        store = await open_store(folder, lambda: time.time_ns() // 1_000_000)
        print(f"http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
        yield
        await store.close()

    app = FastAPI(lifespan=opened)
    whatsapp = WhatsApp(
        phone_id=NUMBER_ID,
        token="bench-token",
        server=app,
        webhook_endpoint="/webhook",
        verify_token="bench-verify",
        app_secret=SECRET,
    )

    @whatsapp.on_message  # type: ignore[misc]  # a decorator with and without arguments, typed for the latter
    async def insert(_: WhatsApp, message: Message) -> None:
        await store.put(Arrival(messages=(_inbound(message),)))

    uvicorn.Server(
        uvicorn.Config(
            app, http="httptools", loop="uvloop", ws="none", access_log=False, log_level="warning", backlog=2048
        )
    ).run(sockets=[sock])


def _inbound(message: Message) -> InboundMessage:
    sender: Any = message.from_user
    contact = Contact(user_id=sender.bsuid, wa_id=sender.wa_id, name=sender.name)
    number_id = message.metadata.phone_number_id
    return InboundMessage(
        message_id=message.id,
        number_id=number_id,
        conversation_id=conversation_id(number_id, contact),
        timestamp=int(message.timestamp.timestamp() * 1000),
        type=str(message.type.value),
        text=message.text,
        contact=contact,
        raw=message.raw["entry"][0]["changes"][0]["value"]["messages"][0],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
