"""What a line of the transcript says after the customer edited or deleted the message that it is about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.core.conversation import Amendment

CONTENT = frozenset({"text", "payload", "raw", "before", "understood", "events"})
"""What a line repeats of a message."""


def amended(ref: str | None, body: Mapping[str, Any], amendment: Amendment) -> dict[str, Any] | None:
    """The new body of a line; None: it stays as it is. A deletion also takes what earlier edits of the message said."""
    if ref != amendment.ref and _target(body) != amendment.ref:
        return None
    if amendment.deleted:
        return {name: part for name, part in body.items() if name not in CONTENT} | {"deleted_at": amendment.at}
    if ref != amendment.ref:
        return None
    before = [*body.get("before", ()), body.get("text")]
    return {**body, "text": amendment.text, "edited_at": amendment.at, "before": before}


def _target(body: Mapping[str, Any]) -> str | None:
    """The message that an edit is about."""
    payload = body.get("payload")
    return payload.get("original_message_id") if isinstance(payload, dict) and body.get("type") == "edited" else None
