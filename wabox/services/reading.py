"""The tier of the owner's documents: what keywords and the classifier leave over, if a passage answers it."""

from __future__ import annotations

from dataclasses import replace

from wabox.core.intent import Expected, Understanding
from wabox.core.message import InboundMessage
from wabox.core.passage import DOCUMENT
from wabox.nlu.resolver import Resolver, accepts

_ASKING = "?؟？"


def look_up(resolver: Resolver, message: InboundMessage, found: Understanding, waits_for: Expected) -> Understanding:
    """``found``, or, when nobody was sure what the message means, the passage that answers it: better than to ask back.

    Where the state takes any text, only what ends like a question is looked up: the rest is its answer.
    """
    if found.tier != "fallback" or message.type != "text" or not accepts(waits_for, DOCUMENT):
        return found
    text = message.text or ""
    if accepts(waits_for, "message.text") and not any(sign in text for sign in _ASKING):
        return found
    library = resolver.library()
    hits = library.search(text, found.language, 1) if library is not None else ()
    if library is None or not hits or hits[0].score < library.threshold:
        return found
    return replace(
        found,
        event=DOCUMENT,
        intent=DOCUMENT,
        confidence=hits[0].score,
        tier="documents",
        ask=(),
        data={**found.data, **hits[0].data()},
    )
