"""What an answer means for the slot that was asked for, and which slots a longer message fills by itself.

:func:`parse` reads an answer to the slot's own question: everything that a person would take for one, "the 5th" and a bare "8"
included. :func:`find` looks into any message and takes only what cannot be anything else: "tomorrow at 8" is a moment wherever
it stands, "8" is not. When two things in a message could be meant, neither is taken. What is read follows the language of
the message, the country of the customer and the bot's clock (:class:`~wabox.nlu.slots.setting.Setting`); nothing here reads a
clock or keeps anything.

::

    vocabulary, words, sentence      how people say numbers, days and hours; a message as words
    numbers, clock, days, moments    the small grammars
    dated, amounts, contacts, texts, choices, things    the slot types
    foreign                          dates of languages without a vocabulary here, read by dateparser
    correction                       "no, I meant 5 pm"
    wording                          a value as a customer reads it

Phone numbers are read by ``phonenumbers``, imported when the first one is needed.

Why a grammar of our own for dates: dateparser reads neither "pasado mañana" nor "el martes" nor "الثلاثاء القادم", and takes
"tomorrow at 8" for tomorrow at this hour and "the 5th" for a day in May. ``tests/unit/nlu/test_dateparser_limits.py`` keeps
these facts, so that one can see when they change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wabox.core.intent import Choice
from wabox.core.slot import Slot, Value, Wrong
from wabox.nlu.slots import amounts, choices, contacts, dated, foreign, texts
from wabox.nlu.slots.choices import YesNo
from wabox.nlu.slots.sentence import Found, Sentence
from wabox.nlu.slots.setting import Setting

__all__ = ["Found", "Reader", "Setting"]

OPEN = frozenset({"text", "name", "address"})
"""Types that take nearly any words: a command must be heard before them."""
_APART = ("email", "phone", "money", "datetime", "date", "time", "name", "choice")
"""In this order: what was taken by one is not taken again by a later one; numbers come last."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one message for slots."""

    sentence: Sentence
    yes_no: YesNo
    choices: Mapping[str, Sequence[Choice]] = field(default_factory=dict)
    """Options with their titles in the customer's language, by slot name."""

    @classmethod
    def of(
        cls, text: str, setting: Setting, yes_no: YesNo, options: Mapping[str, Sequence[Choice]] | None = None
    ) -> Reader:
        return cls(Sentence(text, setting), yes_no, options or {})

    def parse(self, slot: Slot) -> Value | Wrong:
        """The answer as a value of the slot."""
        sentence = self.sentence
        match slot.type:
            case "text":
                return texts.parse_text(slot, sentence)
            case "address":
                return texts.parse_address(slot, sentence)
            case "pattern":
                return texts.parse_pattern(slot, sentence)
            case "choice":
                return choices.parse_choice(sentence, self._options(slot))
            case "yes_no":
                return choices.parse_yes_no(sentence, self.yes_no)
            case "location" | "media":
                return Wrong()
        if not sentence.whole:
            return Wrong()
        match slot.type:
            case "date" | "time" | "datetime":
                read = dated.parse(slot, sentence)
                return read if isinstance(read, Value) or read.reason else foreign.parse(slot, sentence) or read
            case "number":
                return amounts.parse_number(slot, sentence, dated.spans(sentence))
            case "money":
                return amounts.parse_money(slot, sentence)
            case "phone":
                return contacts.parse_phone(slot, sentence)
            case "email":
                return contacts.parse_email(slot, sentence)
            case "name":
                return contacts.parse_name(slot, sentence)

    def find(self, slots: Sequence[Slot]) -> dict[str, Any]:
        """Values that the message certainly has for these slots, by name. Two slots of one type, or two values for
        one slot: none of them."""
        if not self.sentence.whole:
            return {}
        values: dict[str, Any] = {}
        taken: list[Found] = []
        for kind in (*_APART, "number"):
            wanted = [slot for slot in slots if slot.type == kind]
            if not wanted:
                continue
            found = self._find(wanted[0], taken)
            distinct = [one for place, one in enumerate(found) if one.value not in [two.value for two in found[:place]]]
            if len(wanted) == 1 and len(distinct) == 1:
                values[wanted[0].name] = distinct[0].value
            taken += found
        return values

    def _find(self, slot: Slot, taken: list[Found]) -> list[Found]:
        match slot.type:
            case "date" | "time" | "datetime":
                found = dated.find(slot, self.sentence)
            case "money":
                found = amounts.find_money(slot, self.sentence)
            case "phone":
                found = contacts.find_phones(slot, self.sentence)
            case "email":
                found = contacts.find_emails(slot, self.sentence)
            case "name":
                found = contacts.find_names(slot, self.sentence)
            case "choice":
                return choices.find_choices(self.sentence, self._options(slot))
            case _:
                return amounts.find_numbers(slot, self.sentence, [*taken, *dated.spans(self.sentence)])
        return [one for one in found if not any(one.start < other.end and other.start < one.end for other in taken)]

    def _options(self, slot: Slot) -> Sequence[Choice]:
        return self.choices.get(slot.name, ())
