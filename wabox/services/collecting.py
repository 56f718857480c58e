"""What a turn does about slots: hints for wrong answers, thanks for corrections, values that came along."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from wabox.core.content import Content
from wabox.core.event import Event
from wabox.core.intent import Understanding
from wabox.core.slot import Slot
from wabox.engine.collect import COLLECTED, CORRECTED, INVALID
from wabox.engine.effect import Say
from wabox.engine.view import collecting
from wabox.nlu.resolver import Resolver
from wabox.nlu.slots.wording import worded
from wabox.services.replies import Lead
from wabox.services.slots import HALVES, Answers
from wabox.services.turn import Draft

_LONGEST = 60
"""Characters of half an answer that are kept until the next message."""
_DATED = ("date", "time", "datetime")
_COUNTED = ("number", "money")


def wrong(draft: Draft, found: Understanding, event: Event) -> None:
    """The answer is none: its hint and the question again; after the slot's retries the event ``invalid``, then a person."""
    snapshot = draft.snapshot
    collect = collecting(draft.bot.charts, snapshot) if snapshot is not None else None
    if snapshot is None or collect is None:
        return
    slot = collect.slot
    if snapshot.tries < slot.retries:
        draft.events.append(INVALID)
        half = str(found.data.get("reason")) in HALVES
        draft.keep(tries=snapshot.tries + 1, part=str(found.data.get("text") or "")[:_LONGEST] if half else "")
        if collect.invalid:
            draft.lines += [Say(template, snapshot.context, "", False) for template in collect.invalid]
        else:
            draft.lines.append(Lead(_hint(slot, str(found.data.get("reason") or "")), values=_bounds(draft, slot)))
        return
    draft.keep(tries=0)
    if draft.step(event):
        return
    draft.why = f"no valid answer for {slot.name}"
    if not draft.step(Event("human", event.data, customer=True)):
        draft.say("wabox.handoff")
        draft.hand_over("default", draft.why)


def corrected(draft: Draft, event: Event) -> None:
    """A filled slot has another value: say so in one line, then go where the chart leads, or ask again what stands."""
    before = draft.snapshot
    said = len(draft.lines)
    draft.step(event)
    draft.keep(misses=0)
    if draft.snapshot is None or before is None:
        return
    values = event.data["slots"]
    line = {"value": ", ".join(_worded(draft, name, value) for name, value in values.items())}
    if draft.snapshot.leaves == before.leaves and draft.snapshot.chart == before.chart:
        draft.lines.append(Lead("wabox.corrected", values=line))
    else:
        text = draft.bot.words("wabox.corrected", draft.language, line)
        draft.lines.insert(said, Content(text=text))


def volunteer(draft: Draft, resolver: Resolver, asked_before: str | None) -> None:
    """The message led to a form, and may have answered some of its questions already."""
    snapshot = draft.snapshot
    collect = collecting(draft.bot.charts, snapshot) if snapshot is not None else None
    if snapshot is None or collect is None or collect.slot.name == asked_before:
        return
    answers = Answers(draft.bot, resolver, snapshot, draft.message, draft.language, draft.now)
    values = answers.volunteered()
    if not values:
        return
    name = collect.slot.name
    data = {"slots": values, "slot": name, "value": values.get(name), "type": "text", "text": draft.message.text}
    draft.step(Event(COLLECTED if name in values else CORRECTED, data, customer=True))


def standing(draft: Draft) -> str | None:
    """The slot that the standing question asks for."""
    collect = collecting(draft.bot.charts, draft.snapshot) if draft.snapshot is not None else None
    return None if collect is None else collect.slot.name


def _hint(slot: Slot, reason: str) -> str:
    if reason in ("min", "max"):
        kind = "counted" if slot.type in _COUNTED else "dated" if slot.type in _DATED else "long"
        return f"wabox.invalid.{reason}_{kind}"
    return f"wabox.invalid.{reason or slot.type}"


def _bounds(draft: Draft, slot: Slot) -> Mapping[str, str]:
    """What the placeholders of the hints stand for."""
    return {
        "min": _bound(draft, slot, slot.min),
        "max": _bound(draft, slot, slot.max),
        "currency": slot.currency or "EUR",
    }


def _bound(draft: Draft, slot: Slot, value: Any) -> str:
    if slot.type not in _DATED or not isinstance(value, str):
        return "" if value is None else str(value)
    kind = Slot(name=slot.name, type="time" if len(value) == 5 else "datetime" if len(value) > 10 else "date")
    return worded(kind, value, draft.language, _today(draft))


def _worded(draft: Draft, name: str, value: Any) -> str:
    assert draft.snapshot is not None  # noqa: S101 - the caller has looked
    slot = draft.bot.charts.find(draft.snapshot.chart).slots.get(name)
    if slot is None:
        return str(value)
    choices = draft.bot.slot_choices(slot, draft.snapshot.context, draft.language)
    return worded(slot, value, draft.language, _today(draft), {choice.event: choice.title for choice in choices})


def _today(draft: Draft) -> date:
    return datetime.fromtimestamp(draft.now / 1000, ZoneInfo(draft.bot.manners.timezone)).date()
