"""Training: the only place where scikit-learn is loaded.

1. Every example becomes a vector (:mod:`wabox.nlu.features`); the grams that are kept and their weights come from the
   examples.
2. A logistic regression over all intents at once.
3. Some examples are held out in turns. What the others make of them gives the temperature, the thresholds and the scores.
"""

from __future__ import annotations

import platform
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from wabox import __version__
from wabox.errors import ModelError
from wabox.nlu.card import LAYOUT, OUT_OF_SCOPE, Card
from wabox.nlu.classifier import Weights, blocks
from wabox.nlu.evaluation import Heldout, fitted
from wabox.nlu.examples import Example, data_hash
from wabox.nlu.features import Grams, grams

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]
"""What is being done, and how much of it is done, 0 to 1."""

STRENGTH = 10.0
"""C of the logistic regression: the larger, the closer to the examples."""
FOLDS = 5
MANY = 6_000
"""From this many examples on, one part of ten is held out once: time matters more than the last digit."""
RARE = 3
"""From :data:`MANY` examples on, grams in fewer of them are left out."""


@dataclass(frozen=True, slots=True)
class Trained:
    card: Card
    weights: Weights


def train(examples: Sequence[Example], *, trained_at: str, progress: Progress = lambda what, share: None) -> Trained:
    """A model of the examples. Raises ModelError when they cannot make one."""
    progress("reading the examples", 0.0)
    kept = [example for example in examples if example.intent != OUT_OF_SCOPE]
    intents = tuple(sorted({example.intent for example in kept}))
    if len(intents) < 2:
        what = f"only {intents[0]!r} has examples" if intents else "there are no examples"
        raise ModelError(f"{what}, and a classifier tells two or more intents apart; write examples for another intent")
    place = {intent: number for number, intent in enumerate(intents)}
    labels = np.array([place[example.intent] for example in kept])
    counted = [grams(example.text) for example in kept]
    heldout = _held_out(counted, labels, len(intents), progress)
    progress("training on all examples", 0.0)
    fit = _fit(counted, labels, len(intents))
    settled = fitted(heldout, kept, intents)
    progress("training on all examples", 1.0)
    card = Card(
        layout=LAYOUT,
        wabox=__version__,
        trained_at=trained_at,
        data_hash=data_hash(examples),
        examples=len(examples),
        languages=tuple(sorted({example.language for example in kept if example.language})),
        intents=intents,
        temperature=settled.temperature,
        thresholds=settled.thresholds,
        scores=settled.scores,
        confusions=settled.confusions,
        doubts=settled.doubts,
        settings={"C": STRENGTH, "folds": FOLDS},
        versions=_versions(),
        files={},
    )
    return Trained(card, _packed(fit))


def _versions() -> Mapping[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


@dataclass(frozen=True, slots=True)
class _Fit:
    words: tuple[str, ...]
    pieces: tuple[str, ...]
    idf: Floats
    coefficients: Floats
    """F x C."""
    bias: Floats
    """C."""

    def logits(self, counted: Sequence[Grams]) -> Floats:
        return np.asarray(_matrix(self.words, self.pieces, self.idf, counted) @ self.coefficients + self.bias)


def _fit(counted: Sequence[Grams], labels: NDArray[np.int64], intents: int) -> _Fit:
    rare = RARE if len(counted) >= MANY else 1
    words, word_idf = _vocabulary([words for words, _ in counted], rare)
    pieces, piece_idf = _vocabulary([pieces for _, pieces in counted], rare)
    idf = np.concatenate([word_idf, piece_idf])
    x = _matrix(words, pieces, idf, counted)
    model = LogisticRegression(C=STRENGTH, tol=1e-3 if len(counted) >= MANY else 1e-4, max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, labels)
    coefficients, bias = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:  # two intents have one row: that of the second against the first
        coefficients, bias = np.hstack([-coefficients / 2, coefficients / 2]), np.array([-bias[0] / 2, bias[0] / 2])
    if len(model.classes_) < intents:
        # An intent whose only examples are held out: the others do not know it.
        whole, all_bias = np.zeros((len(idf), intents)), np.full(intents, -1e3)
        whole[:, model.classes_], all_bias[model.classes_] = coefficients, bias
        coefficients, bias = whole, all_bias
    return _Fit(words, pieces, idf, coefficients, bias)


def _vocabulary(counted: Sequence[Mapping[str, int]], rare: int) -> tuple[tuple[str, ...], Floats]:
    documents = Counter(gram for counts in counted for gram in counts)
    kept = tuple(sorted(gram for gram, times in documents.items() if times >= rare))
    frequency = np.array([documents[gram] for gram in kept], dtype=np.float64)
    return kept, np.log((1 + len(counted)) / (1 + frequency)) + 1


def _matrix(words: Sequence[str], pieces: Sequence[str], idf: Floats, counted: Sequence[Grams]) -> csr_matrix:
    first, second = blocks(words, pieces, idf.tolist())
    at: list[int] = []
    values: list[float] = []
    ends = [0]
    for words_in, pieces_in in counted:
        for block, counts in ((first, words_in), (second, pieces_in)):
            places, weights = block.vector(counts)
            at += places
            values += weights
        ends.append(len(at))
    return csr_matrix((np.array(values, dtype=np.float64), at, ends), shape=(len(counted), len(idf)))


def _held_out(counted: Sequence[Grams], labels: NDArray[np.int64], intents: int, progress: Progress) -> Heldout | None:
    """The logits of examples made by a model that did not see them."""
    folds = _folds(labels)
    logits = np.full((len(labels), intents), np.nan)
    turns = [0] if len(labels) >= MANY else range(int(folds.max()) + 1)
    for done, fold in enumerate(turns, 1):
        out = folds == fold
        if out.any() and len(set(labels[~out].tolist())) > 1:
            seen = _fit([one for one, held in zip(counted, out, strict=True) if not held], labels[~out], intents)
            logits[out] = seen.logits([one for one, held in zip(counted, out, strict=True) if held])
        progress("holding some examples out", done / len(turns))
    known = ~np.isnan(logits[:, 0])
    if not known.any():
        return None
    return Heldout(np.flatnonzero(known), logits[known], labels[known], len(turns))


def _folds(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fold for each example: of each intent about as many in each. -1: the only example of its intent stays in."""
    count = 10 if len(labels) >= MANY else FOLDS
    folds = np.full(len(labels), -1)
    shuffle = np.random.default_rng(0)
    next_fold = 0
    for label in np.unique(labels):
        own = shuffle.permutation(np.flatnonzero(labels == label))
        if len(own) < 2:
            continue
        folds[own] = (next_fold + np.arange(len(own))) % count
        next_fold += len(own)
    return folds


def _packed(fit: _Fit) -> Weights:
    """The weights in 8 bits, a scale for each intent."""
    scale = np.maximum(np.abs(fit.coefficients).max(axis=0), 1e-6) / 127
    return Weights(
        words=fit.words,
        pieces=fit.pieces,
        idf=fit.idf.astype(np.float32),
        weights=np.rint(fit.coefficients / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        bias=fit.bias.astype(np.float32),
    )
