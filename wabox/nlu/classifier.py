"""Understanding with a trained model: a linear one, in numpy. scikit-learn is not needed here, and not imported.

The weights are one row a gram and one column an intent, in 8 bits with a scale for each column: what a message has in it are
some hundred rows, and their weighted sum is a logit for each intent. One temperature, found by cross-validation, makes
probabilities of logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wabox.core.intent import Candidate, Decision, Verdict
from wabox.nlu.card import Card
from wabox.nlu.features import Block, grams

MOST_CANDIDATES = 5
NOTHING = Verdict("reject", ())

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What training finds. F grams, words before pieces; C intents."""

    words: tuple[str, ...]
    pieces: tuple[str, ...]
    idf: Floats
    """F."""
    weights: NDArray[np.int8]
    """F x C."""
    scale: Floats
    """C: what one step of a weight is worth."""
    bias: Floats
    """C."""


def blocks(words: Sequence[str], pieces: Sequence[str], idf: Sequence[float]) -> tuple[Block, Block]:
    """The grams with their places and weights: words first, pieces behind them."""
    count = len(words)
    return (
        Block(dict(zip(words, range(count), strict=True)), dict(zip(words, idf[:count], strict=True))),
        Block(
            dict(zip(pieces, range(count, count + len(pieces)), strict=True)),
            dict(zip(pieces, idf[count:], strict=True)),
        ),
    )


class LinearClassifier:
    """A trained model, ready. It holds no state: one serves every conversation."""

    def __init__(self, card: Card, arrays: Weights) -> None:
        self.card = card
        self._blocks = blocks(arrays.words, arrays.pieces, arrays.idf.tolist())
        self._weights = arrays.weights
        self._scale = arrays.scale
        self._bias = arrays.bias

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that it tells apart."""
        return self.card.intents

    @property
    def titles(self) -> Mapping[str, str]:
        """What a person calls an intent, where its name does not say."""
        return self.card.titles

    def classify(self, text: str) -> Verdict:
        """What the text means by itself; never raises."""
        words, pieces = grams(text)
        if not words:
            return NOTHING
        at, weights = self._blocks[0].vector(words)
        more, their = self._blocks[1].vector(pieces)
        logits = self._logits(at + more, weights + their)
        probabilities = _softmax(logits / np.float32(self.card.temperature))
        order = np.argsort(probabilities)[::-1][:MOST_CANDIDATES].tolist()
        names = self.card.intents
        found = tuple(Candidate(names[place], float(probabilities[place])) for place in order)
        return Verdict(self._decide(found[0].confidence), found)

    def _logits(self, at: list[int], weights: list[float]) -> Floats:
        if not at:
            return self._bias
        rows = self._weights[at].astype(np.float32)
        return np.asarray(np.asarray(weights, dtype=np.float32) @ rows * self._scale + self._bias, dtype=np.float32)

    def _decide(self, confidence: float) -> Decision:
        thresholds = self.card.thresholds
        if confidence >= thresholds.accept:
            return "accept"
        return "clarify" if confidence >= thresholds.reject else "reject"


def _softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max())
    return np.asarray(shifted / shifted.sum(), dtype=np.float32)
