"""What a conversation waits for, for whoever reads the customer's words."""

from __future__ import annotations

from dataclasses import dataclass

from wabox.core.intent import Expected
from wabox.engine.snapshot import Snapshot
from wabox.engine.view import accepts, expected, question
from wabox.flowfile.bot import Bot


@dataclass(frozen=True, slots=True)
class Lost:
    """A message that nobody understood, where it was read."""

    snapshot: Snapshot
    waits_for: Expected
    language: str


def awaited(bot: Bot, snapshot: Snapshot, language: str) -> Expected:
    """What the conversation waits for, where it stands."""
    standing = question(bot.charts, snapshot)
    choices = tuple(
        choice
        for template in (standing[1] if standing else ())
        for choice in bot.choices(template, snapshot.context, language)
    )
    return Expected(choices=choices, intents=expected(bot.charts, snapshot), accepts=accepts(bot.charts, snapshot))
