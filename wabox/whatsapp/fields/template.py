"""What becomes of templates and WhatsApp forms. Shapes: Meta, "webhooks overview" (Oct 2026)."""

from __future__ import annotations

from typing import Any

from wabox.whatsapp.fields.word import Id, Part, Seconds, Word


class TemplateEvent(Word):
    APPROVED = "APPROVED"
    ARCHIVED = "ARCHIVED"
    DISABLED = "DISABLED"
    FLAGGED = "FLAGGED"
    IN_APPEAL = "IN_APPEAL"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    PAUSED = "PAUSED"
    PENDING = "PENDING"
    PENDING_DELETION = "PENDING_DELETION"
    REINSTATED = "REINSTATED"
    REJECTED = "REJECTED"
    UNARCHIVED = "UNARCHIVED"


class Category(Word):
    AUTHENTICATION = "AUTHENTICATION"
    MARKETING = "MARKETING"
    UTILITY = "UTILITY"


class Quality(Word):
    GREEN = "GREEN"
    YELLOW = "YELLOW"
    RED = "RED"
    UNKNOWN = "UNKNOWN"


class Rejection(Part, frozen=True):
    reason: str | None = None
    recommendation: str | None = None


class Disabling(Part, frozen=True):
    disable_date: Seconds | None = None


class Other(Part, frozen=True):
    title: str | None = None
    description: str | None = None
    reason: str | None = None


class Template(Part, frozen=True):
    """Which one."""

    message_template_id: Id | None = None
    message_template_name: str | None = None
    message_template_language: str | None = None


class TemplateStatus(Template, frozen=True):
    event: TemplateEvent | None = None
    message_template_category: Category | None = None
    reason: str | None = None
    disable_info: Disabling | None = None
    other_info: Other | None = None
    rejection_info: Rejection | None = None


class TemplateQuality(Template, frozen=True):
    previous_quality_score: Quality | None = None
    new_quality_score: Quality | None = None


class TemplateCategory(Template, frozen=True):
    """Of both fields: a category that was changed, and one that Meta says should be."""

    category: Category | None = None
    """As it is."""
    previous_category: Category | None = None
    new_category: Category | None = None
    correct_category: Category | None = None
    category_update_timestamp: Seconds | None = None


class TemplateComponents(Template, frozen=True):
    message_template_title: str | None = None
    message_template_element: str | None = None
    message_template_footer: str | None = None
    message_template_buttons: tuple[dict[str, Any], ...] = ()


class FormsEvent(Word):
    FLOW_STATUS_CHANGE = "FLOW_STATUS_CHANGE"
    CLIENT_ERROR_RATE = "CLIENT_ERROR_RATE"
    ENDPOINT_ERROR_RATE = "ENDPOINT_ERROR_RATE"
    ENDPOINT_LATENCY = "ENDPOINT_LATENCY"
    ENDPOINT_AVAILABILITY = "ENDPOINT_AVAILABILITY"
    FLOW_VERSION_EXPIRY_WARNING = "FLOW_VERSION_EXPIRY_WARNING"


class Forms(Part, frozen=True):
    """Of a WhatsApp form; Meta calls them flows."""

    event: FormsEvent | None = None
    flow_id: Id | None = None
    message: str | None = None
    old_status: str | None = None
    new_status: str | None = None
    warning: str | None = None
    alert_state: str | None = None
    threshold: float | None = None
    availability: float | None = None
    error_rate: float | None = None
    p50_latency: float | None = None
    p90_latency: float | None = None
    requests_count: int | None = None
    errors: tuple[dict[str, Any], ...] = ()
