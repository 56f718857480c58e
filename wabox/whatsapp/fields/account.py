"""What Meta says about the account, its numbers and its partners. Shapes: Meta, "webhooks overview" (Oct 2026)."""

from __future__ import annotations

from typing import Any

from wabox.whatsapp.fields.word import Id, Part, Seconds, Word


class AccountEvent(Word):
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    ACCOUNT_OFFBOARDED = "ACCOUNT_OFFBOARDED"
    ACCOUNT_RECONNECTED = "ACCOUNT_RECONNECTED"
    ACCOUNT_RESTRICTION = "ACCOUNT_RESTRICTION"
    ACCOUNT_VIOLATION = "ACCOUNT_VIOLATION"
    AD_ACCOUNT_LINKED = "AD_ACCOUNT_LINKED"
    AUTH_INTL_PRICE_ELIGIBILITY_UPDATE = "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE"
    BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE = "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE"
    DISABLED_UPDATE = "DISABLED_UPDATE"
    MM_LITE_TERMS_SIGNED = "MM_LITE_TERMS_SIGNED"
    PARTNER_ADDED = "PARTNER_ADDED"
    PARTNER_APP_INSTALLED = "PARTNER_APP_INSTALLED"
    PARTNER_APP_UNINSTALLED = "PARTNER_APP_UNINSTALLED"
    PARTNER_CLIENT_CERTIFICATION_NEEDED = "PARTNER_CLIENT_CERTIFICATION_NEEDED"
    PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE = "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE"
    PARTNER_REMOVED = "PARTNER_REMOVED"
    VERIFIED_ACCOUNT = "VERIFIED_ACCOUNT"
    VOLUME_BASED_PRICING_TIER_UPDATE = "VOLUME_BASED_PRICING_TIER_UPDATE"

    @property
    def alarming(self) -> bool:
        """It may stop messages from being sent: an operator must see it."""
        return self.startswith("ACCOUNT_") or self is AccountEvent.DISABLED_UPDATE


class Restriction(Part, frozen=True):
    restriction_type: str | None = None
    expiration: Seconds | None = None


class Ban(Part, frozen=True):
    waba_ban_state: str | None = None
    """SCHEDULE_FOR_DISABLE, DISABLE, REINSTATE."""
    waba_ban_date: Seconds | None = None


class Violation(Part, frozen=True):
    violation_type: str | None = None
    remediation: str | None = None
    """What to do about it."""


class Disconnection(Part, frozen=True):
    reason: str | None = None
    initiated_by: str | None = None


class Account(Part, frozen=True):
    waba_id: Id | None = None
    owner_business_id: Id | None = None
    partner_app_id: Id | None = None
    solution_id: Id | None = None
    ad_account_linked: Id | None = None
    solution_partner_business_ids: tuple[Id, ...] = ()


class AccountUpdate(Part, frozen=True):
    event: AccountEvent | None = None
    phone_number: str | None = None
    country: str | None = None
    restriction_info: tuple[Restriction, ...] = ()
    ban_info: Ban | None = None
    violation_info: Violation | None = None
    disconnection_info: Disconnection | None = None
    waba_info: Account | None = None
    volume_tier_info: dict[str, Any] | None = None
    auth_international_rate_eligibility: dict[str, Any] | None = None
    partner_client_certification_info: dict[str, Any] | None = None
    partner_client_certification_needed_info: dict[str, Any] | None = None


class AccountAlert(Part, frozen=True):
    """Some samples have these members in ``alert_info``."""

    entity_type: str | None = None
    entity_id: Id | None = None
    alert_severity: str | None = None
    alert_status: str | None = None
    alert_type: str | None = None
    alert_description: str | None = None
    alert_info: dict[str, Any] | None = None


class AccountReview(Part, frozen=True):
    decision: str | None = None
    rejection_reason: str | None = None


class AccountSettings(Part, frozen=True):
    type: str | None = None
    phone_number_id: Id | None = None
    timestamp: Seconds | None = None
    phone_number_settings: dict[str, Any] | None = None


class Capability(Part, frozen=True):
    """A limit below zero means none."""

    max_daily_conversation_per_phone: int | None = None
    max_daily_conversations_per_business: Id | None = None
    max_phone_numbers_per_business: int | None = None
    max_phone_numbers_per_waba: int | None = None


class BusinessUsername(Part, frozen=True):
    display_phone_number: str | None = None
    phone_number_id: Id | None = None
    username: str | None = None
    status: str | None = None


class NumberName(Part, frozen=True):
    display_phone_number: str | None = None
    decision: str | None = None
    requested_verified_name: str | None = None
    rejection_reason: str | None = None


class NumberQualityEvent(Word):
    ONBOARDING = "ONBOARDING"
    FLAGGED = "FLAGGED"
    UNFLAGGED = "UNFLAGGED"
    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    THROUGHPUT_UPGRADE = "THROUGHPUT_UPGRADE"


class NumberQuality(Part, frozen=True):
    display_phone_number: str | None = None
    event: NumberQualityEvent | None = None
    current_limit: str | None = None
    old_limit: str | None = None
    max_daily_conversations_per_business: Id | None = None


class SecurityEvent(Word):
    PIN_CHANGED = "PIN_CHANGED"
    PIN_RESET_REQUEST = "PIN_RESET_REQUEST"
    PIN_RESET_SUCCESS = "PIN_RESET_SUCCESS"


class Security(Part, frozen=True):
    display_phone_number: str | None = None
    event: SecurityEvent | None = None
    requester: Id | None = None


class PartnerSolution(Part, frozen=True):
    event: str | None = None
    solution_id: Id | None = None
    solution_status: str | None = None


class PaymentConfiguration(Part, frozen=True):
    configuration_name: str | None = None
    provider_name: str | None = None
    provider_mid: str | None = None
    status: str | None = None
    created_timestamp: Seconds | None = None
    updated_timestamp: Seconds | None = None
