"""What customers wrote and the bot did not understand, and what the owner says it means (``wabox learn``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from wabox.core.contact import Contact

Reason = Literal["unknown", "asked", "handed_off", "unsure", "reprompted", "llm"]
"""Why a message is worth a look. ``unknown``: nobody knew it. ``asked``: "did you mean …?". ``handed_off``: it was the third
in a row, and a person took over. ``unsure``: the classifier acted, hardly sure. ``reprompted``: no answer to the question.
``llm``: only the language model knew it."""

SURE = 0.7
"""A classifier below it acted, but hardly sure."""
TAPS = frozenset({"button_reply", "list_reply", "button"})
NO_MORE = "third misunderstanding"
"""The reason of a case that the fallback ladder opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A line of the transcript: what a customer wrote or tapped, and what was made of it."""

    conversation_id: str
    contact: Contact
    at: int
    """ms since the epoch."""
    type: str
    text: str
    tier: str
    intent: str | None
    confidence: float
    language: str
    candidates: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    """Intents of which it was asked which one is meant."""
    tapped: str | None = None
    events: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    handed_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A message that was not understood, or hardly."""

    heard: Heard
    reason: Reason
    chosen: str | None = None
    """What the customer then chose of what they were asked, or what the language model made of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """Messages of the same words."""

    text: str
    """Personal data replaced."""
    times: int
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Messages that are alike, and that perhaps want the same."""

    id: str
    """Named by its commonest text."""
    times: int
    customers: int
    sayings: tuple[Saying, ...]
    """The most frequent first."""
    languages: Mapping[str, int]
    states: Mapping[str, int]
    reasons: Mapping[Reason, int]
    chosen: Mapping[str, int]
    """What customers chose when they were asked."""
    suggestions: tuple[str, ...] = ()
    """Intents that it may be, the likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What there is to learn."""

    bot: str
    groups: tuple[Group, ...]
    messages: int
    """That were looked at."""
    missed: int
    """Of them, not understood when they came."""
    since_then: int
    """Of those, understood by now."""
    decided: int
    """Of those, decided about earlier."""
    intents: tuple[str, ...]
    """What a group may be mapped to."""
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A decision about one group: ``to`` is an intent, ``faq:KEY``, ``oos`` or ``ignore``."""

    group: str
    to: str
    answer: Mapping[str, str] = field(default_factory=dict)
    """Of a new question, by language; under no language (``""``) it is the bot's default one."""


DAY = 24 * 3600 * 1000
MOST_LINES = 50_000
"""Messages that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """A past message that is read differently now."""

    text: str
    times: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What became of decisions."""

    files: tuple[str, ...]
    """Written."""
    added: Mapping[str, tuple[str, ...]]
    """Intent → new examples."""
    trained: bool
    accuracy: float | None
    """Of the new model on held-out examples, 0 to 1; None: too few to hold some out, or no model."""
    before: float | None
    """The same of the old one."""
    reread: tuple[Reread, ...]
    notes: tuple[str, ...]
    """Sentences: what could not be done, and what is left to do."""


def missed(lines: Iterable[Heard]) -> list[Missed]:
    """What was not understood, in the order in which it came. ``lines`` are in the order of time."""
    by_conversation: dict[str, list[Heard]] = defaultdict(list)
    for line in lines:
        by_conversation[line.conversation_id].append(line)
    found = [one for those in by_conversation.values() for one in _of_one(those)]
    return sorted(found, key=lambda one: (one.heard.at, one.heard.conversation_id))


def _of_one(lines: Sequence[Heard]) -> list[Missed]:
    found = []
    for line, after in zip(lines, (*lines[1:], None), strict=True):
        if line.type in TAPS or not line.text.strip():
            continue
        chosen = after.tapped if after is not None and after.tapped in line.asked else None
        reason = _reason(line)
        if reason is not None:
            found.append(Missed(heard=line, reason=reason, chosen=line.intent if reason == "llm" else chosen))
    return found


def _reason(line: Heard) -> Reason | None:
    match line.tier:
        case "fallback" if line.handed_off:
            return "handed_off"
        case "fallback":
            return "asked" if line.asked else "unknown"
        case "classifier" if line.confidence < SURE:
            return "unsure"
        case "llm":
            return "llm"
        case "expected" if "invalid" in line.events:
            return "reprompted"
    return None
