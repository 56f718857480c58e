"""Reads ``tests/data/webhooks``: one file is one POST as Meta writes it, named by its situation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wabox.core.message import Arrival, InboundMessage
from wabox.whatsapp.webhook import parse

FOLDER = Path(__file__).parents[2] / "data" / "webhooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
NUMBER = "200000000000002"
SENT_AT = 1_795_300_000_000
"""The timestamp of the messages in the files."""
NOW = SENT_AT + 5_000


def body(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def arrival(name: str) -> Arrival:
    return parse(body(name), NOW)


def message(name: str) -> InboundMessage:
    """The one message of a file that brings one message and nothing else that failed."""
    arrived = arrival(name)
    assert len(arrived.messages) == 1
    assert not arrived.dead
    return arrived.messages[0]


def envelope(*messages: Any, **value: Any) -> bytes:
    """A webhook with these messages."""
    content = {"metadata": {"phone_number_id": NUMBER}, "messages": list(messages), **value}
    change = {"field": "messages", "value": content}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


def text(words: Any = "hola", message_id: Any = "wamid.1", **more: Any) -> dict[str, Any]:
    """A text message object."""
    return {
        "from": "5215550002222",
        "id": message_id,
        "timestamp": "1795300000",
        "type": "text",
        "text": {"body": words},
        **more,
    }
