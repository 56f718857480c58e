"""Answers to a question that collects, slots that a message fills by the way, and corrections of filled ones.

What wins when a text could be more than one thing is the first that applies:

1. A tap is its event; one on an option of the slot is its value.
2. A message that *is* a command: an exact example, keyword or pattern of an intent that somebody here handles, with nothing but
   polite words around it ("cancel", "a person, please", a question of the FAQ). Yes, no and hello are no commands.
3. A correction with a strong cue ("I meant …", "not A, B"), if what it names fits a slot that was filled.
4. The value; "no, at nine" is not just no. For the types that take nearly any words (text, name, address) a question is none
   when it is understood as an intent: "do you deliver on Sundays?" is no address.
5. A correction with a weak cue ("no, …", "sorry, …"), if its value cannot be anything else.
6. An intent that the message contains and somebody here handles.
7. Values for other open slots of the same form: they are kept, and the question is asked again.
8. "No" to a question that is not required skips it.
9. Otherwise the answer is wrong: its hint and the question again, and after ``retries`` of them the event ``invalid``.

Values for other slots of the same form are taken along with 4: only those that are certain (:mod:`wabox.nlu.slots`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from wabox.core.changed import changed
from wabox.core.intent import Choice, Expected, Understanding
from wabox.core.message import InboundMessage
from wabox.core.slot import Slot, Value, Wrong
from wabox.engine.collect import COLLECTED, CORRECTED, INVALID
from wabox.engine.snapshot import Snapshot
from wabox.engine.value import look_up
from wabox.engine.view import collecting, filled_slots, open_slots, own_events, question
from wabox.flowfile.bot import Bot
from wabox.nlu.anger import anger
from wabox.nlu.resolver import HOLD, NO, TAPS, Resolver, accepts
from wabox.nlu.slots import OPEN, Reader, Setting, dated, foreign
from wabox.nlu.slots.contacts import country_of
from wabox.nlu.slots.correction import Correction, corrections
from wabox.nlu.slots.sentence import Sentence
from wabox.nlu.slots.things import of_message
from wabox.nlu.utterances import tokens
from wabox.nlu.yes_no import yes_no

_PARTS = re.compile(r"[,;.!\n،؛]+|\b(?:and|y|et|und|e)\b|(?:^|\s)و(?=\s)", re.IGNORECASE)
"""What parts a message that says two things."""
HALVES = frozenset({"no_time", "no_day"})
"""Reasons why half an answer is none yet."""
_SILENT = frozenset({"reaction", "system", "edited", "deleted"})
"""Types that answer nothing."""
_BY_COUNTRY = frozenset({"phone", "date", "datetime", "money"})


def setting_of(bot: Bot, message: InboundMessage, language: str, now: int, *, country: bool = True) -> Setting:
    """Where and when the message was written; ``country`` False spares looking it up."""
    local = datetime.fromtimestamp(now / 1000, ZoneInfo(bot.manners.timezone)).replace(tzinfo=None)
    region = (country_of(message.contact.wa_id) or bot.manners.region) if country else None
    return Setting(language=language, now=local, languages=bot.languages, region=region)


def prepare(bot: Bot, now: int) -> None:
    """Load what the first answers will need, so that no customer waits for it: 160 ms for the words of yes, no and anger; for a
    bot that collects, 50 ms for the phone numbers' tables, 350 ms for a language whose dates dateparser reads."""
    yes_no()
    anger()
    types = {slot.type for chart in bot.charts.live.values() for slot in chart.slots.values()}
    if types & _BY_COUNTRY:
        country_of("34600000000")
    if types & {"date", "time", "datetime"}:
        for language in bot.languages:
            foreign.prepare(
                language, datetime.fromtimestamp(now / 1000, ZoneInfo(bot.manners.timezone)).replace(tzinfo=None)
            )


class Answers:
    """Reads one message for the slots of one conversation."""

    def __init__(
        self, bot: Bot, resolver: Resolver, snapshot: Snapshot, message: InboundMessage, language: str, now: int
    ) -> None:
        self._bot = bot
        self._resolver = resolver
        self._snapshot = snapshot
        self._message = message
        self._language = language
        self._now = now
        self._text = message.text or ""

    @cached_property
    def _filled(self) -> Mapping[str, Slot]:
        return filled_slots(self._bot.charts, self._snapshot)

    @cached_property
    def _open(self) -> tuple[Slot, ...]:
        return open_slots(self._bot.charts, self._snapshot)

    @cached_property
    def _setting(self) -> Setting:
        country = any(slot.type in _BY_COUNTRY for slot in (*self._open, *self._filled.values()))
        return setting_of(self._bot, self._message, self._language, self._now, country=country)

    def _reader(self, text: str) -> Reader:
        choices = {
            slot.name: self._choices(slot) for slot in (*self._open, *self._filled.values()) if slot.type == "choice"
        }
        return Reader.of(text, self._setting, self._resolver.yes_or_no, choices)

    def _choices(self, slot: Slot) -> Sequence[Choice]:
        """The options of a choice, or, if it has none of its own, those of the question that stands."""
        if slot.options:
            return self._bot.slot_choices(slot, self._snapshot.context, self._language)
        asked = question(self._bot.charts, self._snapshot)
        return [
            choice
            for template in (asked[1] if asked else ())
            for choice in self._bot.choices(template, self._snapshot.context, self._language)
        ]

    # -- the question that stands --------------------------------------------------------------------------------------

    def understand(self, found: Understanding, waits_for: Expected) -> Understanding:
        """What the message is, given what it was understood as without looking at slots."""
        collect = collecting(self._bot.charts, self._snapshot)
        if collect is None:
            return self._corrected(found, strong_only=False) or found
        slot = collect.slot
        if self._message.type in _SILENT:
            return found
        if self._message.type in TAPS:
            return self._tapped(slot, found, waits_for)
        if self._message.type != "text":
            read = of_message(slot, self._message.type, self._message.payload, self._message.text)
            return found if read is None else self._outcome(slot, read, found)
        own = own_events(self._bot.charts, self._snapshot)
        command = self._resolver.command(self._text, waits_for, self._language)
        if command is not None:
            return changed(found, event=command, intent=command, confidence=1.0, tier="rules", ask=())
        if found.tier == "rules" and found.intent in own and slot.type in OPEN:
            return found
        if (corrected := self._corrected(found, strong_only=True)) is not None:
            return corrected
        read = self._meant(slot) or self._reader(self._text).parse(slot)
        if isinstance(read, Wrong) and read.reason in HALVES and self._snapshot.part:
            # "tomorrow" – "At what time?" – "at 8": both halves together.
            read = self._reader(f"{self._snapshot.part}, {self._text}").parse(slot)
        understood = found.tier in ("rules", "classifier", "documents") and accepts(waits_for, found.event)
        if isinstance(read, Value) and not self._is_more(slot, understood):
            return self._outcome(slot, read, found)
        if (corrected := self._corrected(found, strong_only=False)) is not None:
            return corrected
        skips = not slot.required and self._says_no()
        if (understood or (found.tier == "expected" and accepts(waits_for, found.event))) and not skips:
            return found
        if isinstance(read, Value):
            return self._outcome(slot, read, found)
        others = self._others(slot)
        beside = self._beside(slot) if others else None
        if beside is not None:
            return self._filling(COLLECTED, found, slot.name, {slot.name: beside.value, **others})
        if others:
            return self._filling(CORRECTED, found, next(iter(others)), others)
        if skips:
            return self._filling(COLLECTED, found, slot.name, {slot.name: None}, skipped=True)
        if slot.type == "yes_no" and self._resolver.waits(tokens(self._text)):
            return changed(found, event=HOLD, intent=None, confidence=1.0, tier="expected", ask=())
        return self._outcome(slot, read, found)

    def _meant(self, slot: Slot) -> Value | None:
        """ "No, I meant John Smith", when the name that was asked for was not understood."""
        if slot.type != "name":
            return None
        for correction in corrections(self._text):
            if correction.strong and correction.old is None:
                read = self._reader(correction.new).parse(slot)
                if isinstance(read, Value):
                    return read
        return None

    def _beside(self, slot: Slot) -> Value | None:
        """The answer in a part of the message that has nothing for other slots: "city" of "city and next Friday"."""
        if slot.type not in ("choice", "name", "number"):
            return None
        rest = [one for one in self._open if one.name != slot.name]
        values: list[Value] = []
        for part in _PARTS.split(self._text):
            reader = self._reader(part)
            read = reader.parse(slot)
            if isinstance(read, Value) and read not in values and not reader.find(rest):
                values.append(read)
        return values[0] if len(values) == 1 else None

    def _is_more(self, slot: Slot, understood: bool) -> bool:
        """Whether the text says something else besides what could be taken for the value."""
        if slot.type == "yes_no":  # "no, at nine", "no, the address is wrong"
            return self._resolver.yes_or_no(tokens(self._text)) is None
        return slot.type in OPEN and understood and _asks(self._text)

    def _tapped(self, slot: Slot, found: Understanding, waits_for: Expected) -> Understanding:
        event = found.event
        own = slot.type == "choice" and event in {choice.event for choice in self._choices(slot)}
        if own and (slot.options or not accepts(waits_for, event)):
            return self._outcome(slot, Value(event), found)
        if slot.type == "yes_no" and event in ("affirm", NO):
            return self._outcome(slot, Value(event == "affirm"), found)
        if event in {choice.event for choice in waits_for.choices} and not accepts(waits_for, event):
            # A button that only saves typing: "Today".
            read = self._reader(self._text).parse(slot)
            return self._outcome(slot, read, found) if isinstance(read, Value) else found
        return found

    def _says_no(self) -> bool:
        return self._resolver.yes_or_no(tokens(self._text)) == NO

    def _outcome(self, slot: Slot, read: Value | Wrong, found: Understanding) -> Understanding:
        if isinstance(read, Wrong):
            data = {**found.data, "slot": slot.name, "reason": read.reason}
            return changed(found, event=INVALID, intent=None, confidence=1.0, tier="expected", data=data, ask=())
        # The whole of a name is the name: "Sun Li" and "May Friday" are no days.
        others = {} if slot.type == "name" else self._others(slot)
        values = {slot.name: read.value, **others}
        return self._filling(COLLECTED, found, slot.name, values)

    def _others(self, own: Slot) -> dict[str, Any]:
        """What the message certainly has for the other open slots of the form."""
        if self._message.type != "text" or own.type in ("text", "address", "pattern"):
            return {}
        rest = [slot for slot in self._open if slot.name != own.name]
        found = self._reader(self._text).find([own, *rest]) if rest else {}
        return {name: value for name, value in found.items() if name != own.name}

    def _filling(
        self, event: str, found: Understanding, slot: str, values: Mapping[str, Any], **more: Any
    ) -> Understanding:
        data = {**found.data, "slot": slot, "value": values[slot], "slots": dict(values), **more}
        return changed(found, event=event, intent=None, confidence=1.0, tier="expected", data=data, ask=())

    # -- values that nobody asked for ----------------------------------------------------------------------------------

    def volunteered(self) -> dict[str, Any]:
        """What the message that led to this form certainly says of its open slots."""
        return self._reader(self._text).find(self._open) if self._open and self._message.type == "text" else {}

    def _corrected(self, found: Understanding, *, strong_only: bool) -> Understanding | None:
        """The message as a correction of a slot that was filled."""
        if not self._filled or self._message.type != "text":
            return None
        for correction in corrections(self._text):
            if strong_only and not correction.strong:
                continue
            corrected = self._changed(correction)
            if corrected is not None:
                name, value = corrected
                return self._filling(CORRECTED, found, name, {name: value})
        return None

    def _changed(self, correction: Correction) -> tuple[str, Any] | None:
        """The slot that a correction is about, and its new value: the one that was asked for last, of those that fit."""
        reader = self._reader(correction.new)
        latest = tuple(reversed(list(self._filled.items())))
        same: tuple[str, Any] | None = None
        # A bare number is a number before it is an hour.
        # Nearly any words can be a name: that comes last.
        ordered = sorted(latest, key=lambda one: {"number": 0, "name": 2}.get(one[1].type, 1))
        for name, slot in ordered:
            before = look_up(self._snapshot.context, tuple(name.split(".")))
            value = self._new_value(reader, slot, before, correction)
            if value is None:
                continue
            if value.value == before:
                same = same or (name, before)
                continue
            if same is not None and slot.type == "name":
                break  # "I meant Tuesday", and it is Tuesday: nobody is called that
            if correction.old is not None and not self._was(slot, before, correction.old):
                continue
            return name, value.value
        return same if correction.strong and correction.old is None else None

    def _new_value(self, reader: Reader, slot: Slot, before: Any, correction: Correction) -> Value | None:
        if slot.type == "datetime" and isinstance(before, str):
            return dated.merged(slot, reader.sentence, before)
        if slot.type in ("text", "address", "pattern", "yes_no", "media", "location"):
            return None  # anything could be one; these are corrected by going back
        if slot.type == "name" and correction.strong and correction.old is None:
            if self._just_asked(slot):
                read = reader.parse(slot)
                return read if isinstance(read, Value) else None
            found = reader.find([slot])  # "make it spicy" is no name
            return Value(found[slot.name]) if slot.name in found else None
        if not correction.strong:
            found = reader.find([slot]) if slot.type != "number" else {}
            return Value(found[slot.name]) if slot.name in found else None
        read = reader.parse(slot)
        return read if isinstance(read, Value) else None

    def _just_asked(self, slot: Slot) -> bool:
        """Whether it was filled by the answer before this one."""
        states = self._bot.charts.find(self._snapshot.chart).states
        last = states.get(self._snapshot.back[-1]) if self._snapshot.back else None
        return last is not None and last.collect is not None and last.collect.slot.name == slot.name

    def _was(self, slot: Slot, before: Any, said: str) -> bool:
        """Whether the slot holds what the customer says it should not."""
        if slot.type == "datetime" and isinstance(before, str):
            same = dated.merged(slot, Sentence(said, self._setting), before)
            return same is not None and same.value == before
        read = self._reader(said).parse(slot)
        return isinstance(read, Value) and read.value == before


def _asks(text: str) -> bool:
    return text.rstrip().endswith(("?", "؟"))
