"""What was understood of a message, as it is stored with its line of the transcript and shown to the owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wabox.core.intent import Understanding


def verdict(found: Understanding) -> dict[str, Any]:
    """``understood`` is tier, intent, confidence, language; the rest is there when there is something to say."""
    body: dict[str, Any] = {"understood": [found.tier, found.intent, round(found.confidence, 3), found.language]}
    if found.candidates:
        body["candidates"] = [[one.intent, round(one.confidence, 3)] for one in found.candidates]
    if found.ms is not None:
        body["ms"] = found.ms
    if said := entities(found):
        body["entities"] = said
    body["why"] = why(found)
    if found.tone is not None:
        body["tone"] = list(found.tone)
    if found.trace:
        body["llm"] = found.trace
    return body


def entities(found: Understanding) -> Mapping[str, Any]:
    """The values that were read out of the message, by slot."""
    values = found.data.get("slots")
    return values if isinstance(values, Mapping) else {}


def why(found: Understanding) -> str:
    """What decided, in a few words."""
    if found.why:
        return found.why
    match found.tier:
        case "structured":
            return "a tap"
        case "type":
            return "not a text"
        case "expected" if "reason" in found.data:
            return f"no answer for {found.data.get('slot')}: {found.data['reason'] or 'nothing of the kind'}"
        case "expected" if entities(found):
            return f"has {', '.join(entities(found))}"
        case "expected":
            return "what the question waits for"
        case "classifier":
            return f"the classifier is sure: {found.confidence:.2f}"
        case "fallback" if found.ask:
            return f"between sure and lost: {' or '.join(found.ask)}?"
        case "fallback" if found.candidates:
            return f"nobody is sure; nearest is {found.candidates[0].intent}, {found.candidates[0].confidence:.2f}"
        case "fallback":
            return "nobody knows it"
    return "its words"
