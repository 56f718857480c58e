"""Logistic regression over all intents at once, for few examples and for many.

The vectors of examples are sparse and long: tens of thousands of grams, a few hundred of them in a sentence.

* *Few examples* (a bot's): the weights are a combination of the examples, so what has to be found is as small as the examples
  are few. scikit-learn finds it exactly, on the Cholesky factor of the examples' products; leaving examples out for
  cross-validation means leaving rows out, not making features anew.
* *Many* (data of thousands): small steps over parts of the examples (Adam), which is not exact and is fast.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Rows = NDArray[np.int64]

STRENGTH = 20.0
"""C of the logistic regression: the larger, the closer to the examples."""
MOST_STEPS = 100
FEW = 2_500
"""Up to this many rows the exact way is the faster one."""
EPOCHS, PART, RATE = 6, 256, 0.015
ABSENT = -1e3
"""The logit of an intent that no example of was seen."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Rows of examples."""

    grams: csr_matrix
    """N x F."""
    meaning: Floats
    """N x D."""

    def __len__(self) -> int:
        return int(self.grams.shape[0])

    def logits(self, fit: Fit, rows: Rows) -> Floats:
        return np.asarray(self.grams[rows] @ fit.grams + self.meaning[rows] @ fit.meaning + fit.bias, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights of all intents; absent ones have a bias of :data:`ABSENT`."""

    grams: Floats
    """F x C."""
    meaning: Floats
    """D x C."""
    bias: Floats
    """C."""


class Regression(Protocol):
    """Fits parts of one set of examples."""

    def held_out(self, seen: Rows, others: Rows) -> Floats:
        """The logits of other rows by a model of the seen ones: others x C."""

    def fit(self) -> Fit:
        """The weights that all rows make."""


def regression(vectors: Vectors, labels: Labels, weights: Floats, intents: int) -> Regression:
    """``labels`` are places of intents, ``weights`` say how much each row counts."""
    kind = Exact if len(vectors) <= FEW else Steps
    return kind(vectors, labels, weights, intents)


class Exact:
    """For few examples."""

    def __init__(self, vectors: Vectors, labels: Labels, weights: Floats, intents: int) -> None:
        self._vectors, self._labels, self._weights, self._intents = vectors, labels, weights, intents
        products = (vectors.grams @ vectors.grams.T).toarray() + vectors.meaning @ vectors.meaning.T
        self._products = np.asarray(products, dtype=np.float64)

    def held_out(self, seen: Rows, others: Rows) -> Floats:
        combination, bias = self._combine(seen)
        return np.asarray(self._products[np.ix_(others, seen)] @ combination + bias, dtype=np.float32)

    def fit(self) -> Fit:
        combination, bias = self._combine(np.arange(len(self._labels)))
        return Fit(
            np.asarray(self._vectors.grams.T @ combination, dtype=np.float32),
            np.asarray(self._vectors.meaning.T @ combination, dtype=np.float32),
            bias.astype(np.float32),
        )

    def _combine(self, seen: Rows) -> tuple[Any, Any]:
        """How much each seen row counts for each intent, seen x C; and the bias, C."""
        products = self._products[np.ix_(seen, seen)]
        factor = cholesky(products + 1e-4 * np.eye(len(seen)), lower=True)
        model = LogisticRegression(C=STRENGTH, tol=1e-4, max_iter=MOST_STEPS)
        # Threads that wait for each other cost ten times the work where others use the cores too.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(factor.astype(np.float32), self._labels[seen], self._weights[seen])
        found, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:  # two intents have one row: that of the second against the first
            found, bias = np.vstack([-found / 2, found / 2]), np.array([-bias[0] / 2, bias[0] / 2])
        combination = np.zeros((len(seen), self._intents))
        combination[:, model.classes_] = solve_triangular(factor, found.T, lower=True, trans="T")
        whole = np.full(self._intents, ABSENT)
        whole[model.classes_] = bias
        return combination, whole


class Steps:
    """For many examples."""

    def __init__(self, vectors: Vectors, labels: Labels, weights: Floats, intents: int) -> None:
        self._vectors, self._labels, self._weights, self._intents = vectors, labels, weights, intents

    def held_out(self, seen: Rows, others: Rows) -> Floats:
        return self._vectors.logits(self._learn(seen), others)

    def fit(self) -> Fit:
        return self._learn(np.arange(len(self._labels)))

    def _learn(self, seen: Rows) -> Fit:
        grams, dimensions = self._vectors.grams.shape[1], self._vectors.meaning.shape[1]
        # Grams and meanings in one matrix, so that each step updates one array in place.
        weights = np.zeros((grams + dimensions + 1, self._intents), dtype=np.float32)
        first, second = np.zeros_like(weights), np.zeros_like(weights)
        right = np.eye(self._intents, dtype=np.float32)
        shuffle = np.random.default_rng(0)
        step, steps = 0, EPOCHS * -(-len(seen) // PART)
        for _ in range(EPOCHS):
            order = shuffle.permutation(seen)
            for start in range(0, len(order), PART):
                part = order[start : start + PART]
                step += 1
                gradient = self._gradient(weights, part, right)
                first += 0.1 * (gradient - first)
                gradient *= gradient
                gradient -= second
                gradient *= 0.02
                second += gradient
                rate = RATE * (1.0 - step / steps) + 1e-4
                scale = np.sqrt(second / np.float32(1.0 - 0.98**step))
                scale += 1e-8
                weights -= (rate / (1.0 - 0.9**step)) * first / scale
        absent = np.setdiff1d(np.arange(self._intents), self._labels[seen])
        weights[-1, absent] = ABSENT
        return Fit(weights[:grams], weights[grams:-1], weights[-1])

    def _gradient(self, weights: Floats, part: Rows, right: Floats) -> Floats:
        rows, meaning = self._vectors.grams[part], self._vectors.meaning[part]
        size = rows.shape[1]
        logits = rows @ weights[:size] + meaning @ weights[size:-1] + weights[-1]
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        shares /= shares.sum(axis=1, keepdims=True)
        shares -= right[self._labels[part]]
        shares *= (self._weights[part] / len(part))[:, None]
        gradient = np.empty_like(weights)
        gradient[:size] = rows.T @ shares
        gradient[size:-1] = meaning.T @ shares
        gradient[-1] = shares.sum(axis=0)
        return gradient
