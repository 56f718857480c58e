"""Understanding with a trained model: a linear one, in numpy. scikit-learn is not needed here, and not imported.

A message becomes one vector of three parts: its words, their pieces, and what its words mean
(:mod:`wabox.nlu.wordvectors`). The weights are one row a gram and one column an intent, in 8 bits with a scale for each
column: what a message has in it are some hundred rows, and their weighted sum is a logit for each intent. One temperature,
found by cross-validation, makes probabilities of logits; how far the best one rises above the logit of being nobody's says
whether the message is for this bot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from wabox.core.intent import Candidate, Decision, Verdict
from wabox.nlu.card import Card
from wabox.nlu.features import Block, familiar, read
from wabox.nlu.lookup import Lookup
from wabox.nlu.wordvectors import word_vectors

MOST_CANDIDATES = 5
NOTHING = Verdict("reject", ())
WORDS, PIECES, MEANING = 1.0, 1.0, 2.5**0.5
"""How much each part of a vector counts."""
AGAINST = 0.6
"""How much of the logit of being nobody's is taken off that of the best guess (chosen on CLINC150's validation split)."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What training finds. F grams, words before pieces; C intents and,
    behind them, what is nobody's; D numbers a word vector has."""

    words: tuple[str, ...]
    pieces: tuple[str, ...]
    idf: Floats
    """F."""
    weights: NDArray[np.int8]
    """F x C."""
    scale: Floats
    """C: what one step of a weight is worth."""
    meaning: Floats
    """D x C."""
    bias: Floats
    """C."""


def blocks(words: Sequence[str], pieces: Sequence[str], idf: Sequence[float]) -> tuple[Block, Block]:
    """The grams with their places and weights: words first, pieces behind them."""
    count = len(words)
    return (
        Block(dict(zip(words, range(count), strict=True)), dict(zip(words, idf[:count], strict=True)), WORDS),
        Block(
            dict(zip(pieces, range(count, count + len(pieces)), strict=True)),
            dict(zip(pieces, idf[count:], strict=True)),
            PIECES,
        ),
    )


class LinearClassifier:
    """A trained model, ready. It says the same of the same text, whatever came before: one serves every conversation."""

    def __init__(self, card: Card, arrays: Weights) -> None:
        self.card = card
        words, pieces = blocks(arrays.words, arrays.pieces, arrays.idf.tolist())
        self._lookup = Lookup(words, pieces, arrays.idf)
        self._idf = words.idf
        self._unknown = unknown(self._idf.values())
        self._weights = arrays.weights
        self._scale = arrays.scale
        self._meaning = np.ascontiguousarray(arrays.meaning * np.float32(MEANING))
        self._bias = arrays.bias
        self._vectors = word_vectors()

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
        found = read(text)
        if not found:
            return NOTHING
        at, weights = self._lookup.vector(found)
        logits = weights @ self._weights.take(at, axis=0).astype(np.float32) * self._scale + self._bias
        logits += self._vectors.sentence(found) @ self._meaning
        names = self.card.intents
        nobodys = float(logits[-1]) if len(logits) > len(names) else 0.0
        logits = logits[: len(names)]
        top = float(logits.max())
        shares = np.exp((logits - top) / np.float32(self.card.temperature))
        total = float(shares.sum())
        order = np.argpartition(shares, -min(MOST_CANDIDATES, len(shares)))[-MOST_CANDIDATES:]
        order = order[np.argsort(shares[order])[::-1]]
        known = familiar(found, self._idf, self._unknown)
        confidence = believed(1.0 / total, top - AGAINST * nobodys, known, self.card.belief)
        if not known and not self._vectors.knows(found):
            # Misspelt, or no words at all: as much as the pieces are worth.
            confidence *= self._lookup.share(found)
        # The others keep their shares of what is left.
        rest = (1.0 - confidence) / max(total - 1.0, 1e-9)
        candidates = [Candidate(names[order[0]], confidence)]
        for place in order[1:].tolist():
            candidates.append(Candidate(names[place], min(confidence, float(shares[place]) * rest)))
        tried = self.card.scores is not None
        return Verdict(self._decide(confidence), tuple(candidates), self.card.thresholds.accept, tried)

    def _decide(self, confidence: float) -> Decision:
        thresholds = self.card.thresholds
        if confidence >= thresholds.accept:
            return "accept"
        return "clarify" if confidence >= thresholds.reject else "reject"


def unknown(idf: Iterable[float]) -> float:
    """What a word weighs that no example has: more than the rarest of those that some have."""
    return max(idf, default=0.0) + 1.0


def believed(probability: float, top: float, known: float, belief: tuple[float, float, float, float]) -> float:
    """The confidence of a guess: from how far it is ahead of the others, how high it is, and how familiar the words are."""
    odds = log(max(probability, 1e-9)) - log(max(1.0 - probability, 1e-9))
    ahead, high, near, bias = belief
    score = min(max(ahead * odds + high * top + near * known + bias, -30.0), 30.0)
    return 1.0 / (1.0 + exp(-score))
