"""Slots that a message fills by what it is: media and locations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.core.slot import Slot, Value, Wrong

_OF_MEDIA = ("file", "id", "mime_type", "sha256", "filename")
_OF_PLACE = ("name", "address", "url")


def of_message(slot: Slot, kind: str, payload: Mapping[str, Any], text: str | None) -> Value | Wrong | None:
    """What a message that is not text means for the slot; None when the slot does not wait for such a thing."""
    if slot.type == "media":
        if kind not in slot.kinds or not payload.get("id"):
            return Wrong()
        value = {"type": kind, **{key: payload[key] for key in _OF_MEDIA if payload.get(key)}}
        return Value({**value, "caption": text} if text else value)
    if slot.type not in ("location", "address"):
        return None
    if kind != "location":
        return Wrong() if slot.type == "location" else None
    latitude, longitude = _degrees(payload.get("latitude"), 90), _degrees(payload.get("longitude"), 180)
    if latitude is None or longitude is None:
        return Wrong()
    place: dict[str, Any] = {"latitude": latitude, "longitude": longitude}
    place |= {key: str(payload[key]) for key in _OF_PLACE if payload.get(key)}
    if slot.type == "address":
        named = [place[key] for key in ("name", "address") if key in place]
        place["text"] = ", ".join(dict.fromkeys(named)) or f"{latitude}, {longitude}"
    return Value(place)


def _degrees(value: Any, most: int) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if -most <= number <= most else None
