"""Asks the resolver with what the conversation is waiting for, then whether the message fills a slot."""

from __future__ import annotations

from wabox.core.changed import changed
from wabox.core.intent import Understanding
from wabox.core.message import InboundMessage
from wabox.engine.collect import COLLECTED, CORRECTED, INVALID
from wabox.engine.snapshot import Snapshot
from wabox.engine.view import collecting, held
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import YES, Resolver
from wabox.nlu.resolver import accepts as takes
from wabox.nlu.utterances import tokens
from wabox.services.awaiting import awaited
from wabox.services.reading import look_up
from wabox.services.slots import Answers

OURS = ("handoff.", "documents.", "timeout.", "done.", "error.", "after:", "raise:", "resumed", "delivery.", "window.")
"""Events that only wabox itself gives to a chart."""
GO_ON = "go_on"
"""Yes, the customer goes on after a detour; for the services only, no chart gets it."""
OUR_SLOTS = frozenset({COLLECTED, CORRECTED, INVALID, "skipped"})


def understand(
    bot: Bot, resolver: Resolver, snapshot: Snapshot, message: InboundMessage, now: int, *, asked: bool = True
) -> Understanding:
    """What ``message`` means here and now; ``asked`` False: the customer has not seen the question that stands."""
    language = snapshot.language or bot.default_language
    waits_for = awaited(bot, snapshot, language)
    found = resolver.resolve(message, waits_for, language)
    if found.tier == "structured" and (found.event.startswith(OURS) or found.event in OUR_SLOTS):
        # Whoever forges a button must not close a case or end a conversation with it.
        return changed(found, event="fallback")
    found = look_up(resolver, message, found, waits_for, collects=collecting(bot.charts, snapshot) is not None)
    if asked and snapshot.offered and message.type == "text":
        answer = resolver.yes_or_no(tokens(message.text or ""))
        collect = collecting(bot.charts, snapshot)
        taken = collect is not None and collect.slot.type == "yes_no"
        if answer is not None and not taken and not takes(waits_for, answer):
            # "Let's go on where we were" – "yes" is no answer to the question itself, and "no" is none either.
            return changed(
                found, event=GO_ON if answer == YES else "cancel", intent=answer, confidence=1.0, tier="expected"
            )
    if not asked or not bot.collects or held(bot.charts, snapshot):
        return found
    return Answers(bot, resolver, snapshot, message, found.language, now).understand(found, waits_for)
