"""What Meta's dashboards are used for, in the fake Cloud API: token, app, subscriptions, numbers; all of it can be set wrong.

==============================================  =========================================================
``GET /{version}/me``                           about the token's owner; without a token: 2500
``GET /{version}/debug_token``                  what kind of token ``input_token`` is
``GET /{version}/{app_id}/subscriptions``       where the app's webhooks go; asks for the app's token, ``id|secret``
``GET /{version}/{account_id}/subscribed_apps`` the apps that hear what happens in the account; POST adds ours
``GET /{version}/{account_id}/phone_numbers``   the account's numbers
==============================================  =========================================================

Versions up to v20.0 do not exist any more. Shapes: Meta, "debug_token", "App subscriptions", "Phone numbers" (Oct 2026).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from wabox.demo.customer import Business
from wabox.demo.notification import JSON
from wabox.demo.refusal import Refused

APP_ID: Final = "300000000000003"
SCOPES: Final = ("whatsapp_business_management", "whatsapp_business_messaging", "public_profile")
FIELDS: Final = (
    *("messages", "user_preferences", "account_update", "phone_number_quality_update"),
    *("message_template_status_update", "template_category_update", "security", "calls", "smb_message_echoes"),
)
EDGES: Final = ("subscriptions", "subscribed_apps", "phone_numbers")
DEAD: Final = 20.0
"""The newest version of the API that is no more."""


@dataclass(slots=True, kw_only=True)
class Dashboard:
    """As somebody has set it up."""

    token_type: str = "SYSTEM_USER"  # noqa: S105 - Meta's word for a kind of token
    expires_at: int = 0
    """Seconds since the epoch; 0: never."""
    scopes: Sequence[str] = SCOPES
    fields: Sequence[str] = FIELDS
    """That the app listens to; none: it has no webhook."""
    listens: bool = True
    """The account tells the app."""
    status: str = "CONNECTED"
    name_status: str = "APPROVED"
    troubles: list[JSON] = field(default_factory=list)
    """What keeps the number from sending: ``{"error_code", "error_description", "possible_solution"}``."""

    def about_token(self, valid: bool, business: Business) -> JSON:
        found: JSON = {"app_id": APP_ID, "type": self.token_type, "application": business.name, "is_valid": valid}
        if not valid:
            error = {"code": 190, "message": "Error validating access token: Session has expired.", "subcode": 463}
            return {"data": {**found, "error": error, "scopes": []}}
        granular = [{"scope": one, "target_ids": [business.account_id]} for one in self.scopes if one.startswith("wh")]
        more = {"expires_at": self.expires_at, "scopes": list(self.scopes), "granular_scopes": granular}
        return {"data": {**found, **more}}

    def subscriptions(self, url: str) -> JSON:
        if not self.fields:
            return {"data": []}
        fields = [{"name": name, "version": "v26.0"} for name in self.fields]
        one = {"object": "whatsapp_business_account", "callback_url": url, "active": True, "fields": fields}
        return {"data": [one]}

    def subscribed(self, business: Business) -> JSON:
        app = {"id": APP_ID, "name": business.name, "link": "https://www.facebook.com/games/?app_id=" + APP_ID}
        return {"data": [{"whatsapp_business_api_data": app}] if self.listens else []}

    def number(self, business: Business, url: str) -> JSON:
        """What is asked for rarely."""
        sends = "BLOCKED" if self.troubles else "AVAILABLE"
        entity: JSON = {"entity_type": "PHONE_NUMBER", "id": business.number_id, "can_send_message": sends}
        if self.troubles:
            entity["errors"] = self.troubles
        return {
            "status": self.status,
            "name_status": self.name_status,
            "throughput": {"level": "STANDARD"},
            "health_status": {"can_send_message": sends, "entities": [entity]},
            "webhook_configuration": {"application": url} if self.fields else {},
        }


def must_prove(asked: Any, access_token: str, app_secret: str) -> None:
    """Raises Refused for an ``appsecret_proof`` that is not one."""
    given = asked.get("appsecret_proof")
    wanted = hmac.new(app_secret.encode(), access_token.encode(), "sha256").hexdigest()
    if given is not None and not hmac.compare_digest(str(given).encode(), wanted.encode()):
        raise Refused(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")


def must_live(path: str) -> None:
    """Raises Refused for a version of the API that is no more."""
    version = path.split("/")[1]
    if version[:1] == "v" and version[1:].replace(".", "", 1).isdigit() and float(version[1:]) <= DEAD:
        raise Refused(2500, f"Unknown path components: {path.removeprefix('/' + version)}", status=400)


def wanted(found: JSON, fields: str | None) -> JSON:
    """What was asked for of it, and its id."""
    if fields is None:
        return found
    names = {"id", *fields.split(",")}
    return {name: value for name, value in found.items() if name in names}
