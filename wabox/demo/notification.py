"""Webhook payloads as Meta writes them; pure functions.

The bytes matter as much as the JSON: Meta escapes everything outside ASCII as ``\\uXXXX`` and ``/`` as ``\\/``, and signs
exactly these bytes. A receiver that parses, writes JSON again and verifies that, fails on the first accent.

This module writes and signs by itself and shares no code with ``wabox.whatsapp``: two sides that share a mistake agree
with each other.
Source of the shapes: Meta, "Messages webhook reference", "Status messages webhook reference" (Sept 2026).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from wabox.demo.customer import Business, Customer

JSON = dict[str, Any]


def wire(payload: Mapping[str, Any]) -> bytes:
    """The payload as the bytes that Meta sends."""
    return json.dumps(payload, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def signature(raw: bytes, app_secret: str) -> str:
    """The value of ``X-Hub-Signature-256``."""
    return "sha256=" + hmac.new(app_secret.encode(), raw, hashlib.sha256).hexdigest()


def envelope(business: Business, field: str = "messages", **value: Any) -> JSON:
    """``value`` (``messages`` and ``contacts``, or ``statuses``, or that of another field) as a whole webhook body."""
    return {
        "object": "whatsapp_business_account",
        "entry": [
            {
                "id": business.account_id,
                "changes": [
                    {
                        "value": {
                            "messaging_product": "whatsapp",
                            "metadata": {
                                "display_phone_number": business.display_phone_number,
                                "phone_number_id": business.number_id,
                            },
                            **value,
                        },
                        "field": field,
                    }
                ],
            }
        ],
    }


def of_account(business: Business, at: int, field: str, value: Mapping[str, Any]) -> JSON:
    """A webhook about the account, which names no number besides what ``value`` says; ``at`` in ms."""
    change = {"field": field, "value": dict(value)}
    entry = {"id": business.account_id, "time": at // 1000, "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def wamid(peer: str, at: int, lot: int, *, inbound: bool) -> str:
    """An id like Meta's: base64 that embeds the peer's number. The time in it keeps ids of two runs apart."""
    raw = b"\x1c\x18" + bytes([len(peer)]) + peer.encode() + b"\x15\x02\x00" + (b"\x12" if inbound else b"\x11")
    return "wamid." + base64.b64encode(raw + b"\x18\x14" + f"{at:012X}{lot:08X}".encode() + b"\x00").decode()


def contact(customer: Customer) -> JSON:
    profile: JSON = {"name": customer.name}
    if customer.username:
        profile["username"] = customer.username
    known: JSON = {"profile": profile}
    if customer.wa_id:
        known["wa_id"] = customer.wa_id
    return known | {"user_id": customer.user_id}


def message(customer: Customer, wamid: str, at: int, said: Mapping[str, Any]) -> JSON:
    """One message of ``customer``; ``at`` in ms, ``said`` is its type, the type's own object and what stands beside it."""
    head: JSON = {"from": customer.wa_id} if customer.wa_id else {}
    return head | {"from_user_id": customer.user_id, "id": wamid, "timestamp": _seconds(at), **said}


def tapped(kind: str, reply: Mapping[str, Any]) -> JSON:
    """The ``interactive`` object of a tap; ``kind`` is ``button_reply`` or ``list_reply``."""
    return {"type": kind, kind: dict(reply)}


def status(
    wamid: str,
    name: str,
    at: int,
    *,
    customer: Customer | None,
    to: str | None,
    callback_data: str | None,
    price: JSON | None = None,
    error: JSON | None = None,
) -> JSON:
    """One delivery status. ``customer`` is ``None`` when nobody has that number: then ``to`` is all Meta knows."""
    body: JSON = {"id": wamid, "status": name, "timestamp": _seconds(at)}
    if number := (customer.wa_id if customer else to):
        body["recipient_id"] = number
    # Meta leaves the user id out of a failed status when the message was addressed by phone.
    if customer and not (error and to):
        body["recipient_user_id"] = customer.user_id
    if callback_data is not None:
        body["biz_opaque_callback_data"] = callback_data
    if price:
        body["pricing"] = price
    if error:
        body["errors"] = [error]
    return body


def pricing(delivered_so_far: int, category: str = "service") -> JSON:
    """Since October 2026 service messages are billed after 1,000 delivered a month."""
    free = category == "service" and delivered_so_far < 1000
    return {
        "billable": not free,
        "pricing_model": "PMP",
        "category": category,
        "type": "free_customer_service" if free else "regular",
    }


def digits(number: str) -> str:
    """A phone number without ``+`` and blanks."""
    return "".join(character for character in number if character.isdigit())


def _seconds(at: int) -> str:
    return str(at // 1000)
