"""Corrections: "no, I meant 5 pm", "not Tuesday, Wednesday", "perdona, quise decir a las 5".

A message is one when it has a *cue*, and what follows the cue can be a value of a slot that was filled. Cues are strong ("I
meant", "quise decir") or weak ("no, …", "actually …", "sorry, …"): behind a weak one the value has to be certain, and the
question that stands comes first. "Not A, B" is one when A is what the slot holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 200

_STRONG = (
    r"i (?:really )?meant(?: to say)?|i mean|i was going to say|i should have said|correction"
    r"|make (?:it|that)|change (?:it|that) to"
    r"|(?:can|could) (?:you|we) (?:change|make) (?:it|that)(?: to)?|i said"
    r"|quise decir|quer[ií]a decir|quiero decir|me refer[ií]a a|digo|correcci[oó]n|c[aá]mbial[oa] (?:a|por|para)"
    r"|que sean?|ponlo|pon(?:lo)? (?:a|para)"
    r"|قصدت|أقصد|اقصد|قصدي|كنت أقصد|كنت اقصد|تصحيح|خليها|خليه"
    r"|je voulais dire|je veux dire|ich meinte|ich meine|eu quis dizer|quis dizer|quero dizer|volevo dire|intendevo"
)
_WEAK = (
    r"no|nope|sorry|oops|actually|wait|rather|instead|better|perd[oó]n|perdona|perdone|disculpa|mejor|en realidad|espera|bueno"
    r"|لا|عفوا|آسف|اسف|بل|في الواقع|non|pardon|plut[oô]t|nein|doch|entschuldigung|n[aã]o|desculpa|ali[aá]s|anzi|scusa"
)
_LEADING = re.compile(
    rf"^\s*(?:(?:{_WEAK})\b[\s,.!;:…-]*)*(?:,?\s*(?:{_STRONG})\b)[\s,:]*(?P<rest>.+)$", re.IGNORECASE | re.DOTALL
)
_LEADING_WEAK = re.compile(rf"^\s*(?:(?:{_WEAK})\b[\s,.!;:…-]+)+(?P<rest>.+)$", re.IGNORECASE | re.DOTALL)
_TRAILING = re.compile(
    r"^(?P<rest>.+?),?\s+(?:instead|i mean|i meant|rather|mejor|quise decir|quer[ií]a decir|أقصد|قصدي)[\s.!]*$",
    re.IGNORECASE | re.DOTALL,
)
_NOT = re.compile(
    r"^\s*(?:(?:no|sorry|perd[oó]na?|عفوا|لا)\s*[,.;:!]\s*)?"
    r"(?:(?:it'?s |it is )?not|no es|no(?! s[eé]\b)|ليس|ليست|مش|مو|pas|nicht|n[aã]o|non)\s+(?P<old>[^,;.]+?)"
    r"(?:\s*[,;.]\s*(?:but\s+|sino\s+|بل\s+|mais\s+|sondern\s+|mas\s+|ma\s+)?|\s+(?:but|sino|بل|mais|sondern|mas|ma)\s+)"
    r"(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_NEGATED_TAIL = re.compile(r"[,;]?\s+(?:not|no|ليس|مش|pas|nicht|non)\s+(?P<old>[^,;]+?)[\s.!]*$", re.IGNORECASE)


_SIGNS = str.maketrans("،؛", ",;")


@dataclass(frozen=True, slots=True)
class Correction:
    """What a message says instead of something."""

    new: str
    old: str | None = None
    """What it is said not to be."""
    strong: bool = True


def corrections(text: str) -> Iterator[Correction]:
    """The ways to read the message as a correction, the surest first."""
    if len(text) > LONGEST:
        return
    text = " ".join(text.split()).translate(_SIGNS)
    negated = _NOT.match(text)
    if negated is not None:
        yield Correction(_bare(negated["rest"]), negated["old"].strip())
    tail = _NEGATED_TAIL.search(text)
    if tail is not None and "," in text[tail.start() : tail.start() + 2]:
        yield Correction(text[: tail.start()].strip(), tail["old"].strip())
    for pattern, strong in ((_LEADING, True), (_TRAILING, True), (_LEADING_WEAK, False)):
        match = pattern.match(text)
        if match is None:
            continue
        rest = match["rest"]
        tail = _NEGATED_TAIL.search(rest)
        if tail is not None and rest[: tail.start()].strip():
            yield Correction(rest[: tail.start()].strip(), tail["old"].strip(), strong)
        yield Correction(_bare(rest), None, strong)


def _bare(rest: str) -> str:
    """Without a cue inside: "not 5, I meant 6" is about 6."""
    match = _LEADING.match(rest)
    return (match["rest"] if match is not None else rest).strip()
