"""A model's card: what ``models/<bot>/card.json`` says, for people and for whoever loads the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

LAYOUT = 2
"""Of the files. A release reads its own and the ones before it: in layout 1 there is no column of what is nobody's."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """On the confidence of the best guess."""

    accept: float
    """From here on the classifier is sure."""
    reject: float
    """Below it is lost; between the two it asks."""


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """Sentences of one intent that were taken for another, when they were held out."""

    intent: str
    taken_for: str
    times: int
    texts: tuple[str, ...] = ()


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """An example that looks as if it stood under the wrong intent."""

    text: str
    intent: str
    rather: str
    confidence: float


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """Of examples that were held out while the rest was trained on. Shares are 0 to 1."""

    accuracy: float
    """Best guess right."""
    accepted: float
    """Sure."""
    right_when_sure: float
    asked: float
    """Between sure and lost."""
    calibration_error: float
    """How far the confidence is from how often it is right."""
    folds: int
    examples: int
    stranger_auroc: float | None = None
    """How well sentences of other intents, all of whose examples were held out, are told from the model's own."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    layout: int
    wabox: str
    trained_at: str
    """ISO 8601, UTC."""
    data_hash: str
    """Of the examples, in any order."""
    examples: int
    languages: tuple[str, ...]
    intents: tuple[str, ...]
    """In the order of the weights' columns."""
    temperature: float
    belief: tuple[float, float, float, float]
    """What makes the confidence: of the odds of the best guess, of its logit, of how familiar the words are, and by itself."""
    thresholds: Thresholds
    scores: Scores | None
    """None when there were too few examples to hold some out."""
    settings: Mapping[str, Any]
    """What it was trained with."""
    versions: Mapping[str, str]
    """Of Python and the libraries that trained it."""
    vectors: str
    """Which word vectors it works with."""
    files: Mapping[str, str]
    """File beside the card → SHA-256."""
    confusions: tuple[Confusion, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    close: tuple[tuple[str, str], ...] = ()
    """Pairs of intents that are mistaken for each other again and again."""
    twice: tuple[str, ...] = ()
    """Examples that stand in several intents."""
    thin: tuple[str, ...] = ()
    """Intents with few examples."""
    titles: Mapping[str, str] = {}
