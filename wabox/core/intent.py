"""What a customer's message means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Tier = Literal["structured", "type", "expected", "rules", "classifier", "documents", "llm", "fallback"]
"""Which tier decided (the first that can, wins): a tap or form; the message's type; what the state waits for; keywords,
patterns and exact training sentences; the classifier; the owner's documents; the language model; nobody."""


OUT_OF_SCOPE = "oos"
"""The name under which sentences stand that are nobody's: in ``intents.yaml``, and in data to train on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How one intent is said in one language."""

    keywords: tuple[str, ...] = ()
    """A message that contains one of these as whole words is the intent."""
    patterns: tuple[str, ...] = ()
    """Regular expressions, searched case-insensitively."""
    examples: tuple[str, ...] = ()
    """Whole sentences; an exact one (but for case, accents and punctuation) is the intent, all of them train the classifier."""
    title: str | None = None
    """What the intent is called when customers are asked whether they meant it."""
    lent: tuple[str, ...] = ()
    """Whole sentences that wabox lends to every bot: an exact one is the intent, unless the bot's own words say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    name: str
    """Also the name of its event."""
    words: Mapping[str, Words]
    """By language (``en``, ``es`` …)."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """An option that the customer was shown and may answer by word or number."""

    event: str
    title: str


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the conversation is waiting for."""

    choices: tuple[Choice, ...] = ()
    """The options of the question that stands, in the order shown."""
    intents: tuple[str, ...] = ()
    """The state's ``expect``: tried first."""
    accepts: frozenset[str] = frozenset()
    """Names of events that some active state handles."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent that a message may mean."""

    intent: str
    confidence: float
    """0 to 1: how often such a guess is right."""


Decision = Literal["accept", "clarify", "reject"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the classifier makes of a text."""

    decision: Decision
    """Sure; between sure and lost: ask; lost."""
    candidates: tuple[Candidate, ...]
    """The likeliest intents, the best first; never empty but for a text without words."""
    sure_from: float = 1.0
    """The confidence from which on it accepts."""
    tried: bool = True
    """Whether sentences that it had not seen say what its doubts are worth."""

    @property
    def intent(self) -> str | None:
        """The best guess; None when it is rejected."""
        return self.candidates[0].intent if self.candidates and self.decision != "reject" else None

    @property
    def confidence(self) -> float:
        """Of the best guess, rejected or not."""
        return self.candidates[0].confidence if self.candidates else 0.0


class Understanding(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of one message."""

    event: str
    """The event to give to the chart: an intent, a tapped id, ``message.<type>`` or ``fallback``."""
    intent: str | None
    confidence: float
    """0 to 1; 1.0 for everything that is not a guess."""
    tier: Tier
    language: str
    """The language to answer in."""
    candidates: tuple[Candidate, ...] = ()
    """What the classifier thought of, if it was asked; the best first."""
    ask: tuple[str, ...] = ()
    """Intents of which one is probably meant: not sure enough to act, not lost enough to give up."""
    tone: tuple[int, str] | None = None
    """How angry the message sounds, in points, and by which words; None when it sounds calm."""
    ms: float | None = None
    """How long understanding took."""
    why: str = ""
    """What decided, for the owner: a few words."""
    trace: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """What asking the language model came to, if it was asked."""
    data: Mapping[str, Any] = msgspec.field(default_factory=dict)
