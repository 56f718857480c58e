"""What Meta would POST to us: signed Cloud API bodies, ready to be written to a socket.

Every body is exactly ``SIZE`` bytes, as large as a text message gets that came through an advertisement; the advertisement's
words are the padding. Ids and users are distinct where the caller makes them so.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

SIZE = 1024
SECRET = "bench-app-secret"
NUMBER_ID = "200000000000002"


def message_body(message_id: str, user: int, text: str, timestamp: int, *, size: int = SIZE) -> bytes:
    """One text message; ``timestamp`` in seconds."""
    user_id, wa_id = user_ids(user)
    referral = {"source_type": "ad", "source_id": "120000", "headline": "Oferta de verano", "body": ""}
    message = {
        "from": wa_id,
        "from_user_id": user_id,
        "id": message_id,
        "timestamp": str(timestamp),
        "type": "text",
        "text": {"body": text},
        "referral": referral,
    }
    contact = {"profile": {"name": "Ana Pérez"}, "wa_id": wa_id, "user_id": user_id}
    return _padded({"contacts": [contact], "messages": [message]}, referral, "body", size)


def status_body(
    wamid: str, user: int, status: str, timestamp: int, *, outbound_id: str | None = None, size: int = 0
) -> bytes:
    """One delivery status; padded when ``size`` says so (another system's ``biz_opaque_callback_data``)."""
    record = _status(wamid, user, status, timestamp, outbound_id)
    return _padded({"statuses": [record]}, record, "biz_opaque_callback_data", size)


def statuses_body(sent: Sequence[tuple[str, str]], status: str, timestamp: int) -> bytes:
    """As many delivery statuses in one webhook, as Meta does under load; each with its wamid and outbound id."""
    return _padded({"statuses": [_status(wamid, 0, status, timestamp, id_) for wamid, id_ in sent]}, {}, "", 0)


def _status(wamid: str, user: int, status: str, timestamp: int, outbound_id: str | None) -> dict[str, Any]:
    user_id, wa_id = user_ids(user)
    record: dict[str, Any] = {
        "id": wamid,
        "status": status,
        "timestamp": str(timestamp),
        "recipient_id": wa_id,
        "recipient_user_id": user_id,
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "service", "type": "regular"},
    }
    if outbound_id is not None:
        record["biz_opaque_callback_data"] = outbound_id
    return record


def user_ids(user: int) -> tuple[str, str]:
    """Business-scoped user id and phone number of the ``user``-th customer."""
    return f"MX.4{user:019d}", f"521555{user:07d}"


def signature(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def request(body: bytes, path: str = "/webhook") -> bytes:
    """The whole HTTP/1.1 request, signed."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: facebookexternalua\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Hub-Signature-256: {signature(body)}\r\n\r\n"
    )
    return head.encode() + body


def _padded(value: dict[str, Any], holder: dict[str, Any], key: str, size: int) -> bytes:
    metadata = {"display_phone_number": "15550001111", "phone_number_id": NUMBER_ID}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    envelope = {"object": "whatsapp_business_account", "entry": [{"id": "100000000000001", "changes": [change]}]}
    if size:
        holder[key] = ""
        room = size - len(_json(envelope))
        if room < 0:
            raise ValueError(f"the body needs {size - room} bytes, more than {size}")
        words = "Camisetas de algodon al mejor precio, hoy y manana. "
        holder[key] = (words * (room // len(words) + 1))[:room]
    return _json(envelope)


def _json(value: Any) -> bytes:
    """As Meta writes it: ASCII, with escapes."""
    return json.dumps(value, separators=(",", ":")).encode()
