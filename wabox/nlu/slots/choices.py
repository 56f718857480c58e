"""Slots of the types choice and yes_no: an option by its words, its number or a tap; yes and no in many words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wabox.core.intent import Choice
from wabox.core.slot import Value, Wrong
from wabox.nlu.answers import by_number, by_slip, by_title
from wabox.nlu.slots.sentence import Found, Sentence
from wabox.nlu.utterances import tokens, words_only
from wabox.nlu.yes_no import yes_no as phrases

YesNo = Callable[[tuple[str, ...]], str | None]
"""``affirm``, ``deny`` or None for the tokens of a message."""


def parse_choice(sentence: Sentence, choices: Sequence[Choice]) -> Value | Wrong:
    """The option that is meant: title, part of one title only, number, or a title inside a sentence."""
    found = tokens(sentence.text)
    event = by_title(found, choices) or by_number(found, choices)
    if event is None:
        named = find_choices(sentence, choices)
        event = (
            named[0].value if len({one.value for one in named}) == 1 else by_slip(found, choices) if not named else None
        )
    return Wrong() if event is None else Value(event)


def find_choices(sentence: Sentence, choices: Sequence[Choice]) -> list[Found]:
    """Options whose whole title stands in the message; a title inside a longer one that stands there too does not count."""
    said = words_only(tokens(sentence.text))
    found: list[tuple[int, int, str]] = []
    for choice in choices:
        title = words_only(tokens(choice.title))
        for start in range(len(said) - len(title) + 1) if title and len("".join(title)) > 2 else ():
            if said[start : start + len(title)] == title:
                found.append((start, start + len(title), choice.event))
                break
    kept = [
        one
        for one in found
        if not any(
            other[0] <= one[0] and one[1] <= other[1] and other[1] - other[0] > one[1] - one[0] for other in found
        )
    ]
    return [Found(event, 0, 0) for _, _, event in kept]


def parse_yes_no(sentence: Sentence, yes_no: YesNo) -> Value | Wrong:
    """True or false, if the message says yes or no, or begins with it; not "yes, but …"."""
    found = tokens(sentence.text)
    answer = yes_no(found)
    if answer is not None:
        return Value(answer == "affirm")
    said, lead = phrases().read(found), phrases().lead(found)
    if lead is not None and not (lead.answer == "yes" and lead.loses):
        said = lead.answer
    return Wrong() if said in (None, "hold") else Value(said == "yes")
