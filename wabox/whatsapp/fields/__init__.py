"""Every webhook field that is known (Oct 2026), and the typed value of each.

What is about one customer (messages, echoes, calls, preferences, hand-overs) becomes an inbound message of that customer's
conversation in :mod:`wabox.whatsapp.webhook`; the rest is kept as it came and read here when somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wabox.core.message import OtherChange
from wabox.whatsapp import wire
from wabox.whatsapp.fields import account, people, template
from wabox.whatsapp.fields.word import Part, read
from wabox.whatsapp.wire import Malformed

FIELDS: Final[Mapping[str, type[Part]]] = {
    "account_alerts": account.AccountAlert,
    "account_review_update": account.AccountReview,
    "account_settings_update": account.AccountSettings,
    "account_update": account.AccountUpdate,
    "automatic_events": people.AutomaticEvents,
    "business_capability_update": account.Capability,
    "business_username_update": account.BusinessUsername,
    "business_username_updates": account.BusinessUsername,
    "calls": people.Calls,
    "flows": template.Forms,
    "group_lifecycle_update": people.Groups,
    "group_participants_update": people.Groups,
    "group_settings_update": people.Groups,
    "group_status_update": people.Groups,
    "history": people.PastChats,
    "message_template_components_update": template.TemplateComponents,
    "message_template_quality_update": template.TemplateQuality,
    "message_template_status_update": template.TemplateStatus,
    "messaging_handovers": people.Handover,
    "partner_solutions": account.PartnerSolution,
    "payment_configuration_update": account.PaymentConfiguration,
    "phone_number_name_update": account.NumberName,
    "phone_number_quality_update": account.NumberQuality,
    "security": account.Security,
    "smb_app_state_sync": people.AppState,
    "smb_message_echoes": people.Echoes,
    "standby": people.Standby,
    "template_category_update": template.TemplateCategory,
    "template_correct_category_detection": template.TemplateCategory,
    "tracking_events": people.TrackingEvents,
    "user_id_update": people.UserIds,
    "user_preferences": people.Preferences,
}


def details(change: OtherChange) -> Part | None:
    """The typed value of a change that was kept; ``None`` for a field that nobody knows. Never raises."""
    if change.field.endswith(".errors"):
        return read(people.Errors, {"errors": decoded(change.raw)})
    if change.field == "calls.statuses":
        return read(people.Calls, {"statuses": decoded(change.raw)})
    if change.field == "messages.payment":
        return read(people.Payment, decoded(change.raw))
    kind = FIELDS.get(change.field)
    return None if kind is None else read(kind, value(change))


def value(change: OtherChange) -> Any:
    """The value of the change, decoded; for a part of one, the part."""
    found = decoded(change.raw)
    whole = found.get("changes") if isinstance(found, dict) else None
    if isinstance(whole, list) and len(whole) == 1 and isinstance(whole[0], dict):
        return whole[0].get("value")
    return found


def decoded(raw: bytes) -> Any:
    """The JSON; ``None`` when it is none that could be taken in."""
    try:
        return None if wire.too_deep(raw) else wire.value(raw)
    except Malformed:
        return None
