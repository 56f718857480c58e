"""What Meta says about the app, its token, the business account and its numbers: everything that a set-up can get wrong.

Shapes: Meta, "debug_token", "App subscriptions", "WhatsApp Business Account > subscribed apps", "Phone numbers" and "Health
status" (Oct 2026). Every part may be missing; what has an unexpected form counts as missing.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from wabox.whatsapp.graph import GraphClient, GraphRefused
from wabox.whatsapp.number import told
from wabox.whatsapp.quality import tier

OBJECT: Final = "whatsapp_business_account"
_PLAIN: Final = "display_phone_number,verified_name,quality_rating"
_WHOLE: Final = (
    f"{_PLAIN},status,name_status,code_verification_status,throughput,is_on_biz_app,health_status,webhook_configuration,"
    "whatsapp_business_manager_messaging_limit"
)
_INVALID: Final = 100
"""Meta's code for a parameter, a field too, that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    valid: bool
    type: str = ""
    """``SYSTEM_USER``, ``USER`` (a person's, among them the dashboard's temporary one) …"""
    app_id: str = ""
    expires_at: int = 0
    """Seconds since the epoch; 0: never."""
    scopes: Sequence[str] = ()
    accounts: Sequence[str] = ()
    """Business accounts (WABA) that it was made for, as far as Meta says."""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberInfo:
    id: str
    phone: str = ""
    name: str = ""
    quality: str = ""
    """GREEN YELLOW RED UNKNOWN."""
    status: str = ""
    """CONNECTED PENDING DISCONNECTED BANNED …"""
    name_status: str = ""
    """APPROVED AVAILABLE_WITHOUT_REVIEW PENDING_REVIEW DECLINED EXPIRED …"""
    rate: float | None = None
    """Messages a second."""
    limit: int | None = None
    """People a day outside of their windows."""
    sends: str = ""
    """AVAILABLE LIMITED BLOCKED."""
    troubles: Sequence[tuple[str, str]] = ()
    """What keeps it from sending, and what Meta advises."""
    webhook: str = ""
    """Where its webhooks go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Of the app, to what happens in business accounts."""

    url: str = ""
    active: bool = False
    fields: Sequence[str] = ()


async def token(graph: GraphClient, about: str) -> TokenInfo:
    """What kind of token ``about`` is. Raises GraphRefused."""
    data = _object(await graph.get("debug_token", {"input_token": about}), "data")
    granular = data.get("granular_scopes")
    ids = [
        str(id_)
        for one in (granular if isinstance(granular, list) else [])
        if isinstance(one, dict) and str(one.get("scope", "")).startswith("whatsapp_business_management")
        for id_ in (one.get("target_ids") or [])
    ]
    expires = data.get("expires_at")
    return TokenInfo(
        valid=data.get("is_valid") is True,
        type=_text(data, "type"),
        app_id=str(data.get("app_id") or ""),
        expires_at=expires if type(expires) is int else 0,
        scopes=[str(one) for one in data.get("scopes") or []],
        accounts=tuple(dict.fromkeys(ids)),
        error=_text(_object(data, "error"), "message"),
    )


async def proves(graph: GraphClient, object_id: str, access_token: str, app_secret: str) -> bool:
    """Whether this secret and this token are of one app. Raises GraphRefused when that cannot be told.

    Meta checks an ``appsecret_proof`` wherever one is given, and refuses a wrong one with code 100.
    """
    proof = hmac.new(app_secret.encode(), access_token.encode(), "sha256").hexdigest()
    try:
        await graph.get(quote(object_id, safe=""), {"fields": "id", "appsecret_proof": proof})
    except GraphRefused as refused:
        if refused.code == _INVALID and "appsecret_proof" in str(refused):
            return False
        raise
    return True


async def subscription(graph: GraphClient, app_id: str) -> Subscription | None:
    """The app's; ``graph`` must use the app's own token (``id|secret``). None: there is none. Raises GraphRefused."""
    found = await graph.get(f"{quote(app_id, safe='')}/subscriptions")
    for one in _list(found, "data"):
        if one.get("object") == OBJECT:
            fields = [str(field.get("name") if isinstance(field, dict) else field) for field in one.get("fields") or []]
            return Subscription(url=_text(one, "callback_url"), active=one.get("active") is True, fields=fields)
    return None


async def subscribed(graph: GraphClient, account_id: str) -> list[str]:
    """Ids of the apps that hear what happens in a business account. Raises GraphRefused."""
    found = await graph.get(f"{quote(account_id, safe='')}/subscribed_apps")
    return [str(_object(one, "whatsapp_business_api_data").get("id") or "") for one in _list(found, "data")]


async def numbers(graph: GraphClient, account_id: str) -> list[NumberInfo]:
    """Of a business account. Raises GraphRefused."""
    found = graph.each(f"{quote(account_id, safe='')}/phone_numbers", {"fields": _PLAIN})
    return [_number(one, str(one.get("id") or "")) async for one in found]


async def number(graph: GraphClient, number_id: str) -> NumberInfo:
    """Raises GraphRefused."""
    path = quote(number_id, safe="")
    try:
        found = await graph.get(path, {"fields": _WHOLE})
    except GraphRefused as refused:
        # A version of the API that does not know one of the fields refuses them all; a number that is not there, too.
        if refused.code != _INVALID or "does not exist, cannot be loaded" in str(refused):
            raise
        found = await graph.get(path, {"fields": _PLAIN})
    return _number(found, number_id)


def _number(found: dict[str, Any], id_: str) -> NumberInfo:
    health = _object(found, "health_status")
    hooks = _object(found, "webhook_configuration")
    return NumberInfo(
        id=id_,
        phone=_text(found, "display_phone_number"),
        name=_text(found, "verified_name"),
        quality=_text(found, "quality_rating"),
        status=_text(found, "status"),
        name_status=_text(found, "name_status"),
        rate=told(found),
        limit=tier(found.get("whatsapp_business_manager_messaging_limit")),
        sends=_text(health, "can_send_message"),
        troubles=[
            (_text(error, "error_description"), _text(error, "possible_solution"))
            for entity in _list(health, "entities")
            for error in _list(entity, "errors")
        ],
        webhook=_text(hooks, "phone_number") or _text(hooks, OBJECT) or _text(hooks, "application"),
    )


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _object(found: dict[str, Any], key: str) -> dict[str, Any]:
    value = found.get(key)
    return value if isinstance(value, dict) else {}


def _list(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = found.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
