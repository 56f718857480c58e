"""Reads ``collect``: the slot that a state fills.

::

    book_date:
      ask: Which day?
      collect: {slot: booking.date, type: date, future: true, retries: 2, invalid: booking.which_day}
      on: {collected: book_time, invalid: people}

The engine knows the slot, not how an answer is read: that is :mod:`wabox.nlu.slots`. The event ``collected`` brings the
values, ``{"slots": {path: value}}`` (or ``{"value": …}`` for the state's own slot); they enter the context before any guard
or action sees the event, so a transition may look at them. Only slots that the chart declares are filled. ``corrected``
does the same for a slot that was filled before.

A state that is entered when its slot is filled does not ask: it raises ``collected`` itself, with ``already: true``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, get_args

from wabox.core.pattern import trouble_of
from wabox.core.slot import MEDIA, Slot, SlotType
from wabox.engine.event import Event
from wabox.engine.problem import Path
from wabox.engine.reader import Reader
from wabox.engine.reference import keys_of
from wabox.engine.say import ButtonTemplate, ListTemplate, RowTemplate, SayTemplate, SectionTemplate
from wabox.engine.saying import read_say
from wabox.engine.value import look_up, plain, put_in

COLLECTED, CORRECTED, INVALID = "collected", "corrected", "invalid"

COLLECT_KEYS = (
    *("slot", "type", "retries", "required", "options", "pattern", "min", "max", "currency", "region"),
    *("past", "future", "kinds", "invalid"),
)
_ONLY_FOR = {
    "options": ("choice",),
    "pattern": ("pattern",),
    "currency": ("money",),
    "region": ("phone", "date", "datetime", "money"),
    "past": ("date", "datetime", "time"),
    "future": ("date", "datetime", "time"),
    "kinds": ("media",),
}
_SIZED = ("text", "name", "address", "number", "money", "pattern")
_DATED = {
    "date": r"\d{4}-\d{2}-\d{2}",
    "time": r"\d{2}:\d{2}",
    "datetime": r"(\d{4}-\d{2}-\d{2}T)?\d{2}:\d{2}",
}


@dataclass(frozen=True, slots=True)
class Collect:
    """A slot, and what is said about an answer that is none."""

    slot: Slot
    keys: tuple[str, ...]
    """The slot's path."""
    invalid: tuple[SayTemplate, ...] = ()
    """Said instead of wabox's own words and the question; empty: those."""


def read_collect(reader: Reader, written: object, path: Path) -> Collect | None:
    """The collect of a state; None, and reported, when it is none."""
    if written is None:
        return None
    spec = reader.mapping(written, path, "collect")
    reader.only(spec, path, COLLECT_KEYS, "collect")
    found = _Collecting(reader, spec, path)
    name, kind = found.name(), found.kind()
    if name is None or kind is None:
        return None
    slot = Slot(
        name=name,
        type=kind,
        retries=found.retries(),
        required=found.flag("required", True),
        options=found.options() if kind == "choice" else (),
        pattern=found.pattern() if kind == "pattern" else None,
        min=found.bound("min", kind),
        max=found.bound("max", kind),
        currency=found.code("currency", 3),
        region=found.code("region", 2),
        when="past" if found.flag("past", False) else "future" if found.flag("future", False) else None,
        kinds=found.kinds(),
    )
    found.fits(kind)
    return Collect(slot, tuple(name.split(".")), read_say(reader, spec.get("invalid"), (*path, "invalid")))


class _Collecting:
    """The keys of one collect."""

    def __init__(self, reader: Reader, spec: Mapping[str, Any], path: Path) -> None:
        self._reader = reader
        self._spec = spec
        self._path = path

    def _wrong(self, key: str, sentence: str, fix: str, code: str = "bad-collect") -> None:
        self._reader.wrong((*self._path, key) if key in self._spec else self._path, code, sentence, fix)

    def name(self) -> str | None:
        written = self._spec.get("slot")
        name = written.removeprefix("context.") if isinstance(written, str) else ""
        if not name or keys_of(name) is None or name.split() != [name]:
            self._wrong("slot", "collect needs the slot that it fills", "write collect: {slot: people, type: number}")
            return None
        return name

    def kind(self) -> SlotType | None:
        written: Any = self._spec.get("type")
        known: tuple[SlotType, ...] = get_args(SlotType)
        if not isinstance(written, str) or written not in known:
            fix = self._reader.instead(str(written), known, f"write one of {', '.join(known)}")
            sentence = "collect needs a type" if written is None else f"there is no slot type {_show(written)}"
            self._wrong("type", sentence, fix)
            return None
        return known[known.index(written)]

    def retries(self) -> int:
        written = self._spec.get("retries", 2)
        if isinstance(written, bool) or not isinstance(written, int) or not 0 <= written <= 10:
            self._wrong("retries", f"retries cannot be {_show(written)}", "write a whole number from 0 to 10")
            return 2
        return written

    def flag(self, key: str, otherwise: bool) -> bool:
        written = self._spec.get(key, otherwise)
        if not isinstance(written, bool):
            self._wrong(key, f"{key} cannot be {_show(written)}", "write true or false")
            return otherwise
        return written

    def options(self) -> tuple[tuple[str, str], ...]:
        written = self._spec.get("options")
        if isinstance(written, list | tuple):
            written = {str(item): item for item in written}
        found = []
        for value, title in self._reader.mapping(written, (*self._path, "options"), "options").items():
            words = self._reader.text(title, (*self._path, "options", value), "the title of an option")
            if words is not None:
                found.append((value, words))
        return tuple(found)

    def pattern(self) -> str | None:
        written = self._spec.get("pattern")
        if not isinstance(written, str) or not written:
            self._wrong("pattern", "a slot of type pattern needs one", "write pattern: '[A-Z]{2}[0-9]{4}'")
            return None
        trouble = trouble_of(written)
        if trouble is not None:
            self._wrong("pattern", trouble.sentence, trouble.fix, code="bad-pattern")
            return None
        return written

    def bound(self, key: str, kind: SlotType) -> int | float | str | None:
        written = self._spec.get(key)
        if written is None:
            return None
        if kind in _SIZED:
            if isinstance(written, int | float) and not isinstance(written, bool):
                return written
            self._wrong(key, f"{key} of {kind} cannot be {_show(written)}", "write a number")
        elif kind in _DATED:
            if isinstance(written, str) and re.fullmatch(_DATED[kind], written):
                return written
            shape = {
                "date": "'2026-12-24'",
                "time": "'17:00'",
                "datetime": "'2026-12-24T17:00', or '17:00' for every day",
            }[kind]
            self._wrong(key, f"{key} of {kind} cannot be {_show(written)}", f"write it as {shape}")
        else:
            self._wrong(key, f"{key} means nothing for {kind}", "take it out")
        return None

    def code(self, key: str, length: int) -> str | None:
        written = self._spec.get(key)
        if written is None:
            return None
        if not isinstance(written, str) or not re.fullmatch(rf"[A-Z]{{{length}}}", written):
            self._wrong(
                key, f"{key} cannot be {_show(written)}", f"write {'EUR' if length == 3 else 'ES'}, in capitals"
            )
            return None
        return written

    def kinds(self) -> tuple[str, ...]:
        written = self._spec.get("kinds")
        if written is None:
            return MEDIA
        found = self._reader.texts(written, (*self._path, "kinds"), "a kind of media")
        for kind in found:
            if kind not in MEDIA:
                fix = self._reader.instead(kind, MEDIA, f"write one of {', '.join(MEDIA)}")
                self._wrong("kinds", f"there is no kind of media {kind!r}", fix)
        return found or MEDIA

    def fits(self, kind: SlotType) -> None:
        """Report keys that mean nothing for this type."""
        for key, kinds in _ONLY_FOR.items():
            if self._spec.get(key) is not None and kind not in kinds:
                self._wrong(key, f"{key} means nothing for {kind}", f"take it out, or write type: {kinds[0]}")
        if self._spec.get("past") is True and self._spec.get("future") is True:
            self._wrong("past", "nothing is both past and future", "keep one of them")


def asking(ask: tuple[SayTemplate, ...], collect: Collect | None) -> tuple[SayTemplate, ...]:
    """The question with the options of a choice as buttons (three at most) or a list, when it has none of its own."""
    if collect is None or not collect.slot.options or not ask or any(bubble.options for bubble in ask):
        return ask
    *before, last = ask
    options = collect.slot.options
    if len(options) <= 3:
        return (*before, replace(last, buttons=tuple(ButtonTemplate(value, title) for value, title in options)))
    rows = tuple(RowTemplate(value, title) for value, title in options)
    return (*before, replace(last, list=ListTemplate("wabox.choose", (SectionTemplate(None, rows),))))


def filled(context: Mapping[str, Any], event: Event, slots: Mapping[str, Slot], own: Collect | None) -> dict[str, Any]:
    """The context with what ``collected`` or ``corrected`` brings."""
    values = event.data.get("slots")
    if not isinstance(values, Mapping):
        values = {own.slot.name: event.data["value"]} if own is not None and "value" in event.data else {}
    after = dict(context)
    for name, value in values.items():
        if name in slots:
            after = put_in(after, tuple(name.split(".")), plain(value))
    return after


def is_filled(collect: Collect, context: Mapping[str, Any]) -> bool:
    """Whether the slot has a value."""
    return look_up(context, collect.keys) is not None


def _show(value: object) -> str:
    return Reader.show(value)
