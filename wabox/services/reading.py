"""The last tiers: the owner's documents, for what keywords and the classifier leave over; then a language model's advice."""

from __future__ import annotations

from wabox.core.changed import changed
from wabox.core.intent import Expected, Understanding
from wabox.core.llm import Advice
from wabox.core.message import InboundMessage
from wabox.core.passage import DOCUMENT, Found
from wabox.engine.snapshot import Snapshot
from wabox.engine.view import held
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import Resolver, accepts
from wabox.nlu.utterances import tokens
from wabox.services.awaiting import Lost, awaited

_ASKING = "?؟？"
SENTENCE = 4
"""Words of a message that is more than a value."""
LLM_CONFIDENCE = 0.5
"""A language model's own word on how sure it is means nothing: neither sure nor lost."""


def look_up(
    resolver: Resolver, message: InboundMessage, found: Understanding, waits_for: Expected, *, collects: bool = False
) -> Understanding:
    """``found``, or, when nobody was sure what the message means, the passage that answers it: better than to ask back.

    Where the state takes any text, only what ends like a question is looked up: the rest is its answer. Where it ``collects``
    a value, a few words are an attempt at that: "yesterday" is a wrong day, and no question about opening hours.
    """
    if found.tier != "fallback" or message.type != "text" or not accepts(waits_for, DOCUMENT):
        return found
    text = message.text or ""
    asks = any(sign in text for sign in _ASKING)
    if not asks and (accepts(waits_for, "message.text") or (collects and len(tokens(text)) < SENTENCE)):
        return found
    library = resolver.library()
    hits = library.search(text, found.language, 1) if library is not None else ()
    if library is None or not hits or hits[0].score < library.threshold:
        return found
    return changed(
        found,
        event=DOCUMENT,
        intent=DOCUMENT,
        confidence=hits[0].score,
        tier="documents",
        why=f"{hits[0].passage.id} answers it: {hits[0].score:.2f} of {library.threshold:.2f}",
        ask=(),
        data={**found.data, **hits[0].data()},
    )


def lost(bot: Bot, snapshot: Snapshot, message: InboundMessage, found: Understanding) -> Lost | None:
    """Whether a language model could be asked: nobody understood it, nobody takes it as it is, and no person reads it."""
    if found.tier != "fallback" or found.event != "fallback" or found.ask or message.type != "text":
        return None
    if not (message.text or "").strip() or held(bot.charts, snapshot):
        return None
    waits_for = awaited(bot, snapshot, found.language)
    if accepts(waits_for, "message.text"):
        return None
    return Lost(snapshot, waits_for, found.language)


def advised(found: Understanding, advice: Advice) -> Understanding:
    """``found`` with what the model said; an advice that is none leaves it as it is, but for the trace."""
    found = changed(found, why=f"language model: {advice.why}", trace=advice.trace)
    if advice.event is not None:
        return changed(found, event=advice.event, intent=advice.event, confidence=LLM_CONFIDENCE, tier="llm")
    if advice.passage is not None:
        data = Found(passage=advice.passage, score=LLM_CONFIDENCE, answer=advice.answer).data()
        return changed(
            found,
            event=DOCUMENT,
            intent=DOCUMENT,
            confidence=LLM_CONFIDENCE,
            tier="llm",
            data={**found.data, **data},
        )
    return found
