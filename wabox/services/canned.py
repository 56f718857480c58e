"""Canned answers for one case: those of its queue, in the customer's language, filled with what the conversation knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wabox.engine.text import fill, placeholders, written
from wabox.engine.value import look_up
from wabox.flowfile.bot import Bot
from wabox.flowfile.canned import CannedAnswer
from wabox.flowfile.formats import in_language


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedLine:
    """A canned answer as an agent is offered it."""

    name: str
    title: str
    queues: Sequence[str]
    """Where it is offered; empty: everywhere."""
    language: str
    text: str
    """Filled, when it is for a case."""
    missing: Sequence[str]
    """Placeholders that this conversation has nothing for: nothing stands in their place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The case that answers are wanted for."""

    queue: str
    language: str | None
    slots: Mapping[str, Any]
    agent: str
    customer: str


def offered(bot: Bot, asked: Asked | None = None) -> list[CannedLine]:
    """All of the bot's, or those that fit the case."""
    return list(_offered(bot, asked))


def _offered(bot: Bot, asked: Asked | None) -> Iterator[CannedLine]:
    for answer in bot.canned.values():
        if asked is None:
            language, text = answer.text(bot.default_language)
            yield _line(answer, language, text, ())
        elif not answer.queues or asked.queue in answer.queues:
            language, text = answer.text(asked.language, bot.default_language)
            values = {**asked.slots, "agent": asked.agent, "customer": asked.customer}
            missing = [path for path in placeholders(text) if not written(look_up(values, tuple(path.split("."))))]
            yield _line(answer, language, fill(text, values, in_language(language)), missing)


def _line(answer: CannedAnswer, language: str, text: str, missing: Sequence[str]) -> CannedLine:
    return CannedLine(
        name=answer.name, title=answer.title, queues=answer.queues, language=language, text=text, missing=missing
    )
