"""What happens between a business and people beside messages: the phone app, groups, ads, past chats, errors.

Shapes: Meta, "messages webhook reference", "groups", "webhooks overview" (Oct 2026).
"""

from __future__ import annotations

from typing import Any

from wabox.whatsapp.fields.word import Id, Part, Seconds, Word


class Error(Part, frozen=True):
    """What Meta complains of. ``error_data`` is an object with ``details``, or plain text."""

    code: int | None = None
    title: str | None = None
    message: str | None = None
    error_data: dict[str, Any] | str | None = None
    href: str | None = None

    @property
    def sentence(self) -> str:
        """For a person."""
        details = self.error_data.get("details") if isinstance(self.error_data, dict) else self.error_data
        said = details or self.message or self.title
        return " ".join(str(part) for part in (self.code, said) if part is not None)


class Errors(Part, frozen=True):
    errors: tuple[Error, ...] = ()


class Call(Part, frozen=True):
    """One step of a call; times in seconds."""

    id: str | None = None
    event: str | None = None
    """connect, terminate, call_created, call_recording_available …"""
    direction: str | None = None
    status: str | None = None
    to: str | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None
    duration: int | None = None
    timestamp: Seconds | None = None
    biz_opaque_callback_data: str | None = None


class CallStatus(Part, frozen=True):
    id: str | None = None
    status: str | None = None
    """RINGING, ACCEPTED, REJECTED."""
    timestamp: Seconds | None = None
    recipient_id: str | None = None
    recipient_user_id: str | None = None
    biz_opaque_callback_data: str | None = None


class Calls(Part, frozen=True):
    calls: tuple[Call, ...] = ()
    statuses: tuple[CallStatus, ...] = ()
    errors: tuple[Error, ...] = ()


class SyncAction(Word):
    ADD = "add"
    REMOVE = "remove"


class SyncedContact(Part, frozen=True):
    full_name: str | None = None
    first_name: str | None = None
    phone_number: str | None = None
    user_id: str | None = None
    username: str | None = None


class Sync(Part, frozen=True):
    type: str | None = None
    action: SyncAction | None = None
    contact: SyncedContact | None = None
    metadata: dict[str, Any] | None = None


class AppState(Part, frozen=True):
    """The address book of the phone app."""

    state_sync: tuple[Sync, ...] = ()


class Phase(Part, frozen=True):
    phase: int | None = None
    """0: the last day, 1: 90 days, 2: 180 days."""
    chunk_order: int | None = None
    progress: int | None = None
    """Percent."""


class Thread(Part, frozen=True):
    id: str | None = None
    """The customer's number."""
    context: dict[str, Any] | None = None
    messages: tuple[dict[str, Any], ...] = ()


class Chunk(Part, frozen=True):
    metadata: Phase | None = None
    threads: tuple[Thread, ...] = ()
    errors: tuple[Error, ...] = ()


class PastChats(Part, frozen=True):
    """Chats from before the number joined the API; their pictures and files come afterwards, by themselves."""

    history: tuple[Chunk, ...] = ()
    messages: tuple[dict[str, Any], ...] = ()
    """From the customer, as in a webhook of the field ``messages``."""
    message_echoes: tuple[dict[str, Any], ...] = ()
    """From the business."""


class Group(Part, frozen=True):
    type: str | None = None
    """group_create, group_delete, group_participants_add, group_settings_update, group_suspend …"""
    group_id: str | None = None
    timestamp: Seconds | None = None
    request_id: str | None = None
    subject: str | None = None
    description: str | None = None
    invite_link: str | None = None
    join_approval_mode: str | None = None
    reason: str | None = None
    initiated_by: str | None = None
    join_request_id: str | None = None
    wa_id: str | None = None
    added_participants: tuple[dict[str, Any], ...] = ()
    removed_participants: tuple[dict[str, Any], ...] = ()
    failed_participants: tuple[dict[str, Any], ...] = ()
    errors: tuple[Error, ...] = ()


class Groups(Part, frozen=True):
    groups: tuple[Group, ...] = ()


class AutomaticEvent(Part, frozen=True):
    """A lead or a purchase that Meta recognised in a chat."""

    id: str | None = None
    event_name: str | None = None
    timestamp: Seconds | None = None
    ctwa_clid: str | None = None
    custom_data: dict[str, Any] | None = None


class AutomaticEvents(Part, frozen=True):
    automatic_events: tuple[AutomaticEvent, ...] = ()


class TrackingEvents(Part, frozen=True):
    events: tuple[dict[str, Any], ...] = ()
    tracking_events: tuple[dict[str, Any], ...] = ()


class Change(Part, frozen=True):
    """What an id was, and is."""

    previous: str | None = None
    current: str | None = None


class UserId(Part, frozen=True):
    wa_id: str | None = None
    detail: str | None = None
    user_id: Change | None = None
    parent_user_id: Change | None = None
    timestamp: Seconds | None = None


class UserIds(Part, frozen=True):
    """Of older samples; what happens now is a system message, ``user_changed_user_id``."""

    user_id_update: tuple[UserId, ...] = ()


class Payment(Part, frozen=True):
    """How far the payment of an order has come. It is not the delivery of the message that asked for it."""

    id: str | None = None
    status: str | None = None
    """captured, pending, failed."""
    recipient_id: str | None = None
    recipient_user_id: str | None = None
    payment: dict[str, Any] | None = None
    """``reference_id``, ``amount``, ``transaction`` …"""
    timestamp: Seconds | None = None


class Preference(Part, frozen=True):
    user_id: str | None = None
    wa_id: str | None = None
    category: str | None = None
    value: str | None = None
    """stop, resume, signup."""
    detail: str | None = None
    signup_id: Id | None = None
    timestamp: Seconds | None = None


class Preferences(Part, frozen=True):
    user_preferences: tuple[Preference, ...] = ()


class Handover(Part, frozen=True):
    type: str | None = None
    """control_passed, control_taken."""
    timestamp: Seconds | None = None
    sender: dict[str, Any] | None = None
    recipient: dict[str, Any] | None = None
    control_passed: dict[str, Any] | None = None
    control_taken: dict[str, Any] | None = None


class Standby(Part, frozen=True):
    standby: dict[str, Any] | None = None


class Echoes(Part, frozen=True):
    message_echoes: tuple[dict[str, Any], ...] = ()
