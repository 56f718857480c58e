"""After a person was there: how was it? Asked inside the service window, or by the queue's own template outside of it; answered
by a tap at any time later.

The question stands beside the flow's own, which it does not disturb: a tap on it is no event of the flow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from wabox.core import window
from wabox.core.content import Content, Option
from wabox.core.handoff import Handoff
from wabox.core.kind import TemplateUse
from wabox.flowfile.templates import message_of
from wabox.services.deskclock import queue_of
from wabox.services.turn import Draft

PREFIX: Final = "desk.rate:"
MARKS: Final = {"good": 5, "fair": 3, "poor": 1}


def ask(draft: Draft, case: Handoff) -> None:
    """If the queue wants to know, a person was there, and it may be said."""
    closes_at = window.closes(draft.session.opened_at)
    if not queue_of(draft, case).rating or case.claimed_at is None:
        return
    if closes_at is None or draft.now >= closes_at:
        asked = _template(draft, case)
        if asked is None:
            draft.record("event", {"rating": "skipped"})  # free words would not arrive: it is counted, not sent
        else:
            draft.lines.insert(0, asked)
        return
    words, language = draft.bot.words, draft.language
    options = tuple(
        Option(event=f"{PREFIX}{mark}:{case.id}", title=words(f"wabox.desk.{name}", language))
        for name, mark in MARKS.items()
    )
    draft.lines.insert(0, Content(text=words("wabox.desk.rate", language), buttons=options))


def _template(draft: Draft, case: Handoff) -> Content | None:
    """The queue's ``rating_template``: its quick replies are called ``good``, ``fair``, ``poor``, or some of these."""
    bot = draft.bot
    template = bot.templates.get(queue_of(draft, case).rating_template)
    if template is None:
        return None
    asked = message_of(TemplateUse(name=template.name), template, draft.language, bot.texts.default)
    taps = tuple(
        replace(button, value=f"{PREFIX}{MARKS[button.value]}:{case.id}")
        for button in asked.buttons
        if button.value in MARKS
    )
    return Content(kind=replace(asked, buttons=taps)) if taps and not asked.values else None


def given(draft: Draft) -> bool:
    """Whether the message is such a tap; if so it is written down, and the customer thanked."""
    message = draft.message
    tapped = message.payload.get("id")
    if message.type not in ("button_reply", "button") or not isinstance(tapped, str) or not tapped.startswith(PREFIX):
        return False
    mark, _, case = tapped.removeprefix(PREFIX).partition(":")
    if mark.isdecimal() and 1 <= int(mark) <= 5:
        draft.rated = (case, int(mark))
        draft.restore()
        draft.say("wabox.desk.thanks")
    return True
