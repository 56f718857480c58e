"""Lines of the transcript: what came in with what was made of it, and what was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wabox.core.conversation import Record
from wabox.core.delivery import DeliveryStatus, OutboundMessage
from wabox.core.handoff import Outcome
from wabox.core.intent import Understanding
from wabox.core.message import InboundMessage
from wabox.services.verdict import verdict

PLAIN = frozenset({"text", "button_reply", "list_reply"})
"""Types whose record needs no raw object to be read again."""


def of_message(
    message: InboundMessage,
    found: Understanding | None,
    events: Sequence[str],
    states: Sequence[str] | None,
    now: int,
    outcome: Outcome | None = None,
) -> Record:
    """What entered the conversation. ``states``: the active leaves after it; None: there is no conversation. ``outcome``: what
    became of it, when a person wanted it."""
    body: dict[str, Any] = {"channel": message.channel, "type": message.type, "text": message.text}
    if message.payload:
        body["payload"] = message.payload
    if message.type not in PLAIN and message.raw:
        body["raw"] = message.raw
    if outcome is not None:
        body["outcome"] = outcome.refusal or "done"
    if found is not None:
        body.update(verdict(found))
    if events:
        body["events"] = events
    if states is not None:
        body["states"] = list(states)
    return Record(at=now, kind="in", body=body, ref=message.message_id)


def of_sends(sends: Sequence[OutboundMessage], now: int) -> Iterator[Record]:
    """What is said, and why what will never leave does not."""
    for send in sends:
        yield Record(at=now, kind="out", body=send.body, ref=send.id)
        if send.status is DeliveryStatus.FAILED:
            body = {"status": send.status.value, "reason": send.reason}
            yield Record(at=now, kind="status", body=body, ref=send.id)
