"""What a line of the transcript says of a customer's message, and of what was made of it: for ``wabox learn``. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from wabox.core.contact import Contact
from wabox.core.learning import TAPS, Heard

TYPES: Final = frozenset({"text", "voice", "audio", *TAPS})
_BETWEEN: Final = "between sure and lost: "
"""How ``why`` begins where it was asked which intent is meant."""


class Body(msgspec.Struct):
    channel: str = ""
    type: str = ""
    text: str | None = None
    payload: dict[str, Any] = {}
    understood: tuple[str, str | None, float, str] | None = None
    candidates: tuple[tuple[str, float], ...] = ()
    events: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    why: str = ""


_body = msgspec.json.Decoder(Body, strict=False)


def read(raw: bytes) -> Body | None:
    """None for what no customer wrote, or is not there any more."""
    try:
        line = _body.decode(raw)
    except msgspec.MsgspecError:
        return None
    return line if line.channel == "whatsapp" and line.type in TYPES and line.understood is not None else None


def heard(conversation_id: str, contact: Contact, at: int, line: Body, *, handed_off: bool) -> Heard:
    """Of a line that could be read. ``at``: ms; ``handed_off``: it was the last one before a person took over."""
    assert line.understood is not None  # noqa: S101 - :func:`read` saw to it
    tier, intent, confidence, language = line.understood
    tapped = line.payload.get("id") if line.type in TAPS else None
    asked = line.why.removeprefix(_BETWEEN).rstrip("?").split(" or ") if line.why.startswith(_BETWEEN) else []
    return Heard(
        conversation_id=conversation_id,
        contact=contact,
        at=at,
        type=line.type,
        text=line.text or "",
        tier=tier,
        intent=intent,
        confidence=confidence,
        language=language,
        candidates=tuple(name for name, _ in line.candidates),
        asked=tuple(asked),
        tapped=tapped if isinstance(tapped, str) else None,
        events=line.events,
        states=line.states,
        handed_off=handed_off,
    )
