"""Slots of the types text, address and pattern: what the customer wrote, looked at but not changed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from wabox.core.slot import Slot, Value, Wrong
from wabox.nlu.slots.sentence import Sentence
from wabox.nlu.slots.words import digits

LONGEST = 1_000
"""Characters of a text that are stored, unless the slot says ``max``."""
LONGEST_PATTERN = 200
"""Characters that a pattern is tried on."""
PATIENCE = 0.02
"""Seconds after which an answer does not fit: ``\\w*\\w*\\w*!`` takes minutes to say so."""


def parse_text(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """The words, within the slot's lengths."""
    return _sized(slot, sentence.text)


def parse_address(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """An address in words: some letters and either a number, a comma or three words; not a question."""
    text = " ".join(sentence.text.split())
    letters = sum(sign.isalpha() for sign in text)
    if letters < 4 or text.endswith(("?", "؟")) or "@" in text or "://" in text:
        return Wrong()
    if not any(sign.isdigit() or sign in ",،" for sign in text) and len(text.split()) < 3 and "\n" not in sentence.text:
        return Wrong()
    sized = _sized(slot, text)
    return Value({"text": text}) if isinstance(sized, Value) else sized


def parse_pattern(slot: Slot, sentence: Sentence) -> Value | Wrong:
    """The whole answer, if it fits; digits of other scripts as 0 to 9, blanks around it and a full stop behind it do not
    count."""
    if slot.pattern is None or len(sentence.text) > LONGEST_PATTERN:
        return Wrong()
    text = digits(sentence.text)
    pattern = _compiled(slot.pattern)
    try:
        for candidate in dict.fromkeys((text, text.rstrip(" .!"), text.replace(" ", ""))):
            if pattern.fullmatch(candidate, timeout=PATIENCE):
                return Value(candidate)
    except TimeoutError:
        pass
    return Wrong()


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import regex  # like re, and it can be told to give up

    return regex.compile(pattern, regex.IGNORECASE)


def _sized(slot: Slot, text: str) -> Value | Wrong:
    if not text:
        return Wrong()
    if isinstance(slot.min, int | float) and len(text) < slot.min:
        return Wrong("min")
    if len(text) > (slot.max if isinstance(slot.max, int | float) else LONGEST):
        return Wrong("max")
    return Value(text)
