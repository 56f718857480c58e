"""Counting what the transcript says: a line in, a few counters up. Names are those of :mod:`wabox.core.figure`.

The transcript is the truth and outlives the process, so these numbers lose nothing when it dies. Its lines are gone after their
keep; what was counted stays, and says nothing about anybody.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from wabox.core.histogram import SECONDS

HOUR = 3_600_000
"""ms that one counter covers."""
VALUE, SUM = -1, -2
"""Buckets of what has none: a counter, and the sum of a histogram."""
TYPES = frozenset(
    {
        "text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts",
        "button_reply", "list_reply", "form", "button", "order", "reaction", "edited",
        "deleted", "system", "referral", "unsupported", "unknown", "timer", "call", "preference", "handover",
        "claim", "reply", "note", "transfer", "close", "move", "reset", "end", "send",
    }
)  # fmt: skip
CHANNELS = frozenset(
    {"whatsapp", "timer", "agent", "action", "echo", "standby", "notice", "delivery", "api", "colleague"}
)
LONGEST = 80
"""Characters of a label: a name of the owner's."""


class Tally(NamedTuple):
    name: str
    labels: tuple[str, ...] = ()
    bucket: int = VALUE


Counts = Mapping[int, Mapping[Tally, float]]
"""By the hour since the epoch."""


def counted(kind: str, body: Mapping[str, Any]) -> Iterator[tuple[Tally, float]]:
    """What a line of the transcript adds to which counters. Lines of any age and release: what is not there is not counted."""
    match kind:
        case "in":
            yield from _inbound(body)
        case "out":
            yield Tally("outbound_messages_total"), 1
        case "error":
            yield Tally("flow_errors_total"), 1
        case "status" if body.get("status") == "failed":
            yield Tally("outbound_failures_total"), 1
        case "event" if body.get("rating") == "skipped":
            yield Tally("handoff_ratings_total", ("skipped",)), 1
        case "event" if isinstance(body.get("follow_up"), str):
            yield Tally("handoff_follow_ups_total", (_label(body["follow_up"]),)), 1
        case "event" if isinstance(body.get("back"), str):
            yield Tally("returns_total", (_label(body["back"]),)), 1


def observed(name: str, labels: tuple[str, ...], value: float) -> Iterator[tuple[Tally, float]]:
    """One value of a histogram."""
    yield Tally(name, labels, bisect_left(SECONDS, value)), 1
    yield Tally(name, labels, SUM), value


def _inbound(body: Mapping[str, Any]) -> Iterator[tuple[Tally, float]]:
    channel, kind = str(body.get("channel")), str(body.get("type"))
    labels = (channel if channel in CHANNELS else "other", kind if kind in TYPES else "other")
    yield Tally("messages_total", labels), 1
    intent = "none"
    understood = body.get("understood")
    if isinstance(understood, list) and understood:
        tier = _label(understood[0])
        yield Tally("understood_total", (tier,)), 1
        if isinstance(ms := body.get("ms"), int | float):
            yield from observed("understanding_seconds", (tier,), ms / 1000)
        if len(understood) > 1 and understood[1] is not None:
            intent = _label(understood[1])
            yield Tally("intents_total", (intent,)), 1
        if tier == "fallback" and not taken_as_it_is(body.get("events")):
            yield Tally("fallbacks_total", (cause(body),)), 1
    if isinstance(asked := body.get("llm"), Mapping) and asked:
        yield from _asked(asked)
    yield from _moved(body)
    if body.get("handed"):
        yield Tally("handoffs_total", (intent,)), 1
    if isinstance(ms := body.get("claimed"), int):
        yield from observed("handoff_claim_seconds", (), ms / 1000)
    if isinstance(mark := body.get("rated"), int):
        yield Tally("handoff_ratings_total", (str(mark),)), 1


def _asked(asked: Mapping[str, Any]) -> Iterator[tuple[Tally, float]]:
    yield Tally("llm_requests_total", (_label(asked.get("outcome")),)), 1
    tokens = asked.get("tokens")
    if isinstance(tokens, list) and len(tokens) == 2:
        yield Tally("llm_tokens_total", ("read",)), tokens[0]
        yield Tally("llm_tokens_total", ("written",)), tokens[1]
    if isinstance(money := asked.get("money"), int | float):
        yield Tally("llm_spent_total"), money


def _moved(body: Mapping[str, Any]) -> Iterator[tuple[Tally, float]]:
    flow = _label(body.get("flow"))
    for state in body.get("entered", ()):
        yield Tally("state_entries_total", (flow, _label(state))), 1
    found = body.get("ended")
    ended = found if isinstance(found, list) and len(found) > 1 else None
    if body.get("began"):
        yield Tally("conversations_started_total", (_label(ended[1]) if ended else flow,)), 1
    if ended:
        state = _label(ended[2]) if len(ended) > 2 else ""
        yield Tally("conversations_ended_total", (_label(ended[1]), state, _label(ended[0]))), 1


def taken_as_it_is(events: Any) -> bool:
    """Whether the state that it stood in listens to free text: then there was nothing to understand."""
    if not isinstance(events, list) or "message.text" not in events:
        return False
    return not {"fallback", "reentered"} & set(events[events.index("message.text") :])


def cause(body: Mapping[str, Any]) -> str:
    """Why nobody understood it: ``asked`` (between sure and lost: the customer chooses), ``unsure`` (the classifier was not),
    ``llm`` (asked, and no help either), ``unknown`` (nobody knows it)."""
    if isinstance(asked := body.get("llm"), Mapping) and asked:
        return "llm"
    if str(body.get("why", "")).startswith("between sure and lost"):
        return "asked"
    return "unsure" if body.get("candidates") else "unknown"


def _label(value: Any) -> str:
    return value[:LONGEST] if isinstance(value, str) else "none"
