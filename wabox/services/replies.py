"""From effects to bubbles: what is said in one turn, in order, in the customer's language.

Each delivered bubble may cost money since October 2026, so a short lead-in ("Shall we go on?") is put in front of the
question it belongs to and shares its bubble wherever WhatsApp's limits allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wabox.core.bubbles import bubbles
from wabox.core.content import Content
from wabox.core.limits import breaches
from wabox.core.markup import literal, settled
from wabox.engine.effect import Say
from wabox.engine.say import SayTemplate
from wabox.engine.snapshot import Snapshot
from wabox.engine.view import question, reprompt
from wabox.flowfile.bot import Bot


@dataclass(frozen=True, slots=True)
class Lead:
    """Our own words, then the standing question again."""

    text: str
    """A built-in text key such as ``wabox.resumed``."""
    numbered: bool = False
    """Spell the options out with their numbers."""
    own_words: bool = False
    """The state's ``reprompt`` replaces both when it has one."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What its placeholders stand for."""


Line = Say | Lead | Content
"""What a turn says, before it is rendered."""


def render(
    bot: Bot, lines: Iterable[Line], snapshot: Snapshot | None, active: frozenset[str], language: str
) -> tuple[Content, ...]:
    """The bubbles of a turn. ``active`` are the states that are active at its end: a question of any other is not asked.

    A question is asked once: of two leads the last one stands, and a lead takes the place of the same question asked before
    it in this turn (a greeting, then a detour that ended at once: "where were we" would make no sense there).
    """
    lines = [line for line in lines if not (isinstance(line, Say) and line.question and line.state not in active)]
    last = next((line for line in reversed(lines) if isinstance(line, Lead)), None)
    asked = question(bot.charts, snapshot) if snapshot and last else None
    said: list[Content] = []
    fresh = False
    for line in lines:
        match line:
            case Say():
                if asked and line.question and line.state == asked[0]:
                    fresh = True
                else:
                    said.append(bot.render(line.template, line.context, language))
            case Lead():
                if line is last:
                    said.extend(_lead(bot, line, snapshot, language, fresh=fresh))
            case Content():
                said.append(line)
    return bubbles(said, merge=bot.manners.merge)


def _lead(bot: Bot, lead: Lead, snapshot: Snapshot | None, language: str, *, fresh: bool) -> list[Content]:
    if snapshot is None:
        return [Content(text=bot.words(lead.text or "wabox.rephrase", language, lead.values))]
    asked = question(bot.charts, snapshot)
    own = reprompt(bot.charts, snapshot)
    if lead.own_words and own is not None and own != asked:
        return _rendered(bot, own[1], snapshot, language)
    again = _rendered(bot, asked[1], snapshot, language) if asked else []
    if fresh:
        return again
    if not lead.text and again:
        return again
    text = bot.words(lead.text or "wabox.rephrase", language, lead.values)
    titles = [option.title for content in again for option in content.options]
    if lead.numbered and titles:
        # The list takes the place of the question, which was not understood twice; its buttons stay.
        text = settled("\n".join([text, *(f"{place}. {literal(title)}" for place, title in enumerate(titles, 1))]))
        spelled = replace(again[0], text=text)
        if len(again) == 1 and not breaches(spelled):
            return [spelled]
    if again and again[0].text:
        joined = replace(again[0], text=f"{text}\n\n{again[0].text}")
        if not breaches(joined):
            return [joined, *again[1:]]
    return [Content(text=text), *again]


def _rendered(bot: Bot, templates: Iterable[SayTemplate], snapshot: Snapshot, language: str) -> list[Content]:
    return [bot.render(template, snapshot.context, language) for template in templates]
