"""What the held-out examples say: how sure a guess must be, how good the model is, and which examples want a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from wabox.nlu.card import Confusion, Doubt, Scores, Thresholds
from wabox.nlu.examples import Example

Floats = NDArray[np.float64]

RIGHT_WHEN_SURE = 0.93
"""The classifier may be sure from the confidence on from which this share of its held-out guesses was right."""
LOST_OF_RIGHT = 0.02
"""The share of right guesses that may be rejected."""
MOST_CONFUSIONS, MOST_TEXTS, MOST_DOUBTS = 20, 5, 20
DOUBTFUL = 0.7
"""An example that the others put elsewhere with this confidence looks mislabelled."""
UNTRIED = Thresholds(accept=0.7, reject=0.3)


@dataclass(frozen=True, slots=True)
class Heldout:
    """Examples and what a model made of them that had not seen them."""

    places: NDArray[np.int64]
    """Among the examples."""
    logits: Floats
    labels: NDArray[np.int64]
    folds: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What the held-out examples decide."""

    temperature: float = 0.3
    thresholds: Thresholds = UNTRIED
    scores: Scores | None = None
    confusions: tuple[Confusion, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def fitted(heldout: Heldout | None, examples: Sequence[Example], intents: Sequence[str]) -> Settled:
    if heldout is None:
        return Settled()
    temperature = _temperature(heldout)
    probabilities = softmax(heldout.logits / temperature)
    best = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1)
    right = best == heldout.labels
    limits = _thresholds(sure, right)
    accepted = sure >= limits.accept
    return Settled(
        temperature=temperature,
        thresholds=limits,
        scores=Scores(
            accuracy=_share(right),
            accepted=_share(accepted),
            right_when_sure=_share(right[accepted]),
            asked=_share(~accepted & (sure >= limits.reject)),
            calibration_error=calibration_error(sure, right),
            folds=heldout.folds,
            examples=len(right),
        ),
        confusions=_confusions(heldout, best, examples, intents),
        doubts=_doubts(heldout, best, sure, examples, intents),
    )


def softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: the mean distance of confidence and share of right guesses, over equally wide bins."""
    where = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for number in range(bins):
        inside = where == number
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(error)


def _share(values: NDArray[np.bool_]) -> float:
    return round(float(values.mean()), 4) if len(values) else 0.0


def _temperature(heldout: Heldout) -> float:
    """The one that makes the held-out labels likeliest."""
    rows = np.arange(len(heldout.labels))

    def loss(log_temperature: float) -> float:
        found = softmax(heldout.logits / exp(log_temperature))[rows, heldout.labels]
        return float(-np.log(np.maximum(found, 1e-9)).mean())

    return round(exp(minimize_scalar(loss, bounds=(-4.0, 2.0), method="bounded").x), 4)


def _thresholds(sure: Floats, right: NDArray[np.bool_]) -> Thresholds:
    order = np.argsort(-sure)
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(precision >= RIGHT_WHEN_SURE)
    accept = float(sure[order][enough[-1]]) if len(enough) else 0.9
    accept = round(min(max(accept, 0.35), 0.95), 4)
    reject = float(np.quantile(sure[right], LOST_OF_RIGHT)) if right.any() else 0.3
    return Thresholds(accept=accept, reject=round(min(reject, accept), 4))


def _confusions(
    heldout: Heldout, best: NDArray[np.int64], examples: Sequence[Example], intents: Sequence[str]
) -> tuple[Confusion, ...]:
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    for place, label, guess in zip(heldout.places.tolist(), heldout.labels.tolist(), best.tolist(), strict=True):
        if label != guess:
            found[label, guess].append(examples[place].text)
    often = sorted(found.items(), key=lambda item: -len(item[1]))[:MOST_CONFUSIONS]
    return tuple(
        Confusion(intent=intents[label], taken_for=intents[guess], times=len(texts), texts=tuple(texts[:MOST_TEXTS]))
        for (label, guess), texts in often
    )


def _doubts(
    heldout: Heldout, best: NDArray[np.int64], sure: Floats, examples: Sequence[Example], intents: Sequence[str]
) -> tuple[Doubt, ...]:
    wrong = [number for number in np.argsort(-sure).tolist() if best[number] != heldout.labels[number]]
    return tuple(
        Doubt(
            text=examples[heldout.places[number]].text,
            intent=intents[heldout.labels[number]],
            rather=intents[best[number]],
            confidence=round(float(sure[number]), 3),
        )
        for number in wrong[:MOST_DOUBTS]
        if sure[number] >= DOUBTFUL
    )
