"""Asking a language model what a message means: what is asked, what it costs, what came of it.

It chooses; it never writes to the customer. It names one of the events that are possible here, or the sentences of the owner's
documents that answer, or says that it does not know. What else it says is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from wabox.core.passage import Passage

MILLION = 1_000_000
Sums = Mapping[tuple[str, str], tuple[int, int]]
"""By ISO day and conversation (empty: all of them together): micros spent, and calls."""

Outcome = Literal["event", "answer", "unknown", "refused", "failed", "saved"]
"""It chose an event; it chose sentences of the documents; it does not know; what it said is not allowed here; no answer that
could be read; it was not asked, to save money or time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmOption:
    """An event that is possible here."""

    event: str
    means: str
    """For the model: a title, some examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmQuestion:
    """Everything the model is told. No name, no number, no data of the customer but the words of this message."""

    bot: str
    language: str
    text: str
    """The customer's words. Data, whatever they say."""
    asked: str
    """The question that stands; empty when there is none."""
    options: tuple[LlmOption, ...]
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """What it said, for whoever asks the same."""

    key: bytes
    """A digest of everything that it was told."""
    at: int
    """ms since the epoch."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the endpoint said to one request."""

    text: str | None = None
    error: str | None = None
    """A sentence; the key is not in it."""
    again: bool = False
    """The same request may go better in a moment."""
    free: bool = False
    """Certainly nothing to pay for."""
    sick: bool = False
    """The endpoint itself is in trouble, not this request."""
    tokens_in: int | None = None
    tokens_out: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Of a million tokens, in micros: millionths of a unit of money."""

    read: int
    written: int

    def of(self, tokens_in: int, tokens_out: int) -> int:
        """Micros, rounded up."""
        return -(-(tokens_in * self.read + tokens_out * self.written) // MILLION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Micros."""

    turn: int
    conversation: int
    """On one day."""
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Micros, today."""

    conversation: int = 0
    day: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What came of asking."""

    outcome: Outcome
    why: str
    """A sentence for the owner."""
    event: str | None = None
    passage: Passage | None = None
    answer: str = ""
    """The passage's sentences that were chosen, as they stand in it."""
    trace: Mapping[str, Any] = field(default_factory=dict)
    """model, tokens, money, ms, tries, cached: what is stored with the turn."""


def micros(money: float) -> int:
    """A sum of money as millionths, rounded to the nearest."""
    return round(money * MILLION)


class LanguageModel(Protocol):
    """An endpoint that completes chats. It exists because a test cannot have one."""

    @property
    def model(self) -> str: ...

    async def complete(
        self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], max_tokens: int, deadline: float
    ) -> Completion:
        """One answer of up to ``max_tokens`` within ``deadline`` seconds; never raises for what happens out there."""

    async def aclose(self) -> None: ...


class Purse(Protocol):
    """What the language model may still cost, and what it said before. Sums are micros, days ISO dates."""

    async def spent(self, conversation_id: str, day: str) -> Spent: ...

    async def take(self, conversation_id: str, day: str, amount: int, caps: Caps) -> bool:
        """Take it before the request leaves, durably; False, and nothing taken, when a cap would be passed."""

    async def settle(self, conversation_id: str, day: str, taken: int, real: int) -> None:
        """What the request really cost."""

    async def known(self, key: bytes, since: int) -> str | None:
        """What was answered to the same question not before ``since`` (ms since the epoch)."""

    async def tries(self, key: bytes, now: int, since: int) -> int:
        """Count a try of this question; how many there were since then without an answer."""

    async def keep(self, key: bytes, text: str, now: int) -> None: ...
