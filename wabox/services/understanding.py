"""Asks the resolver with what the conversation is waiting for."""

from __future__ import annotations

from dataclasses import replace

from wabox.core.intent import Choice, Expected, Understanding
from wabox.core.message import InboundMessage
from wabox.engine.snapshot import Snapshot
from wabox.engine.view import accepts, expected, question
from wabox.flowfile.bot import Bot
from wabox.nlu.resolver import Resolver

OURS = ("handoff.", "timeout.", "done.", "error.", "after:", "raise:", "resumed", "delivery.", "window.")
"""Events that only wabox itself gives to a chart."""


def understand(bot: Bot, resolver: Resolver, snapshot: Snapshot, message: InboundMessage) -> Understanding:
    """What ``message`` means here and now."""
    language = snapshot.language or bot.default_language
    asked = question(bot.charts, snapshot)
    choices = tuple(
        Choice(event=event, title=title)
        for template in (asked[1] if asked else ())
        for event, title in bot.choices(template, snapshot.context, language)
    )
    waits_for = Expected(choices=choices, intents=expected(bot.charts, snapshot), accepts=accepts(bot.charts, snapshot))
    found = resolver.resolve(message, waits_for, language)
    if found.tier == "structured" and found.event.startswith(OURS):
        # Whoever forges a button must not close a case or end a conversation with it.
        return replace(found, event="fallback")
    return found
