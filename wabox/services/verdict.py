"""What was understood of a message, as it is stored with its line of the transcript."""

from __future__ import annotations

from typing import Any

from wabox.core.intent import Understanding


def verdict(found: Understanding) -> dict[str, Any]:
    """``understood`` is tier, intent, confidence, language; the rest is there when there is something to say."""
    body: dict[str, Any] = {"understood": [found.tier, found.intent, round(found.confidence, 3), found.language]}
    if found.candidates:
        body["candidates"] = [[one.intent, round(one.confidence, 3)] for one in found.candidates]
    if found.ms is not None:
        body["ms"] = found.ms
    if found.why:
        body["why"] = found.why
    if found.trace:
        body["llm"] = found.trace
    return body
