"""What the held-out examples say: how sure a guess must be, how good the model is, and which examples want a look."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from wabox.nlu.card import Confusion, Doubt, Scores, Thresholds
from wabox.nlu.classifier import AGAINST
from wabox.nlu.examples import Example
from wabox.nlu.utterances import tokens

Floats = NDArray[np.float64]

RIGHT_WHEN_SURE = 0.9
"""The classifier may be sure from the confidence on from which this share of its held-out guesses was right."""
RIGHT_BESIDE_KEYWORDS = 0.75
"""The same for a bot with keywords: what has one the rules decide, so only the hard sentences are held out, and owners write
each unlike the others. Chosen with the two example bots in view (``python -m tests.bench small``), where 0.9 of the shop's
customers' were right; so it is a choice, not a finding."""
LEAST_LOST, LOST_OF_RIGHT = 0.02, 0.1
"""The share of right guesses that is rejected, and the most that may be."""
A_STRANGER = 0.5
"""How much it is worth to reject a share of what is nobody's, where rejecting the same share of right guesses costs 1."""
MOST_CONFUSIONS, MOST_TEXTS, MOST_DOUBTS = 20, 5, 20
CLOSE = 0.2
THIN = 5
DOUBTFUL = 0.7
"""An example that the others put elsewhere with this confidence looks mislabelled."""
Belief = tuple[float, float, float, float]
MIXTURE = (0.5, 1.0, 0.5)
"""How much the odds, the logit and the familiarity of a guess count, each by its spread among the held-out examples."""
WHEN_CALIBRATING = 0.04
"""How many strangers come with one sentence of the bot's own when the confidence is fitted."""
STRANGERS = 0.1
"""How many strangers come with one sentence of the bot's own when the thresholds are chosen."""
FEWEST = 10
"""Held-out examples from which something may be concluded."""
MOST_STRANGERS, MOST_RELATIVES = 0.02, 0.1
"""The shares of what is nobody's that the classifier may be sure of: of what people write to any bot, and of what would be the
business of a bot much like this one."""
LEAST_SURE, MOST_SURE = 0.6, 0.9
"""Whatever the held-out examples say."""
UNTRIED = Thresholds(accept=0.7, reject=0.3)


@dataclass(frozen=True, slots=True)
class Guesses:
    """What a model makes of some sentences."""

    logits: Floats | NDArray[np.float32]
    """N x C."""
    nobodys: Floats | NDArray[np.float32]
    """N: the logit of being no intent's."""
    familiar: Floats | NDArray[np.float32]
    """N: how much of the words it knows."""

    def __getitem__(self, part: slice) -> Guesses:
        return Guesses(self.logits[part], self.nobodys[part], self.familiar[part])

    def __len__(self) -> int:
        return len(self.logits)

    @classmethod
    def joined(cls, parts: Sequence[Guesses]) -> Guesses:
        return cls(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.nobodys for part in parts]),
            np.concatenate([part.familiar for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Heldout:
    """Examples and what models made of them that had not seen them."""

    places: NDArray[np.int64]
    """Among the examples."""
    own: Guesses
    labels: NDArray[np.int64]
    folds: int
    relatives: Guesses
    """Of sentences of intents that the model did not have."""
    strangers: Guesses
    """Of sentences that are no intent's, and that it had not seen."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What the held-out examples decide."""

    temperature: float = 0.3
    belief: Belief = (1.0, 0.0, 0.0, 0.0)
    thresholds: Thresholds = UNTRIED
    scores: Scores | None = None
    confusions: tuple[Confusion, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    close: tuple[tuple[str, str], ...] = ()


def settled(heldout: Heldout | None, examples: Sequence[Example], intents: Sequence[str]) -> Settled:
    """Temperature, confidence, thresholds, scores, and what to look at."""
    if heldout is None or len(heldout.labels) < FEWEST:
        return Settled()
    temperature = _temperature(heldout)
    best = heldout.own.logits.argmax(axis=1)
    right = best == heldout.labels
    belief = _belief(heldout, temperature, right)
    sure = confidences(heldout.own, temperature, belief)
    strangers = confidences(heldout.strangers, temperature, belief)
    relatives = confidences(heldout.relatives, temperature, belief)
    has_keywords = any(example.is_keyword for example in examples)
    limits = _thresholds(sure, right, relatives, strangers, RIGHT_BESIDE_KEYWORDS if has_keywords else RIGHT_WHEN_SURE)
    accepted = sure >= limits.accept
    return Settled(
        temperature=temperature,
        belief=belief,
        thresholds=limits,
        scores=Scores(
            accuracy=_share(right),
            accepted=_share(accepted),
            right_when_sure=_share(right[accepted]),
            asked=_share(~accepted & (sure >= limits.reject)),
            calibration_error=round(calibration_error(sure, right), 4),
            folds=heldout.folds,
            examples=len(right),
            stranger_auroc=auroc(sure, np.concatenate([relatives, strangers])),
        ),
        confusions=_confusions(heldout, best, examples, intents),
        doubts=_doubts(heldout, best, sure, examples, intents),
        close=_close(heldout.labels, best, intents),
    )


def confidences(guesses: Guesses, temperature: float, belief: Belief) -> Floats:
    """The confidence of the best guess of each row."""
    score = _signals(guesses, temperature) @ np.array(belief[:3]) + belief[3]
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -30, 30))))


def _signals(guesses: Guesses, temperature: float) -> Floats:
    """N x 3: how far the best guess is ahead of all others (log odds), how high it is above being nobody's, how familiar its
    words are."""
    if not len(guesses):
        return np.zeros((0, 3))
    top = guesses.logits.max(axis=1)
    share = np.maximum(1.0 / np.exp((guesses.logits - top[:, None]) / temperature).sum(axis=1), 1e-9)
    odds = np.log(share) - np.log(np.maximum(1.0 - share, 1e-9))
    return np.stack([odds, top - AGAINST * guesses.nobodys, guesses.familiar], axis=1).astype(np.float64)


def _belief(heldout: Heldout, temperature: float, right: NDArray[np.bool_]) -> Belief:
    """The signals count as in :data:`MIXTURE`; a logistic regression of "the guess is right" makes a confidence of that.

    How to mix them is not learnt anew for each bot: the held-out intents of one bot are close relatives of the others, and
    what customers write and no intent is for is not.
    """
    signals = _signals(heldout.own, temperature)
    middle, spread = signals.mean(axis=0), signals.std(axis=0) + 1e-3
    mixture = np.array(MIXTURE) / spread
    others = np.concatenate([_signals(heldout.relatives, temperature), _signals(heldout.strangers, temperature)])
    score = np.concatenate([signals, others]) @ mixture
    target = np.concatenate([right, np.zeros(len(others), dtype=bool)])
    if target.all() or not target.any():
        return 1.0, 0.0, 0.0, 0.0
    weights = np.ones(len(target))
    if len(others):
        weights[len(right) :] = WHEN_CALIBRATING * len(right) / len(others)
    model = LogisticRegression(C=10.0).fit((score - middle @ mixture)[:, None], target, weights)
    slope = float(model.coef_[0, 0])
    if slope <= 0:  # too few examples to tell: being ahead is what counts
        return 1.0, 0.0, 0.0, 0.0
    ahead, high, near = (round(float(part), 5) for part in slope * mixture)
    return ahead, high, near, round(float(model.intercept_[0] - slope * (middle @ mixture)), 5)


def auroc(known: Floats, strangers: Floats) -> float | None:
    """The chance that a sentence of the model's own has more confidence than a stranger's."""
    if not len(known) or not len(strangers):
        return None
    ordered = np.sort(strangers)
    below = np.searchsorted(ordered, known, "left") + np.searchsorted(ordered, known, "right")
    return round(float(below.mean() / 2 / len(strangers)), 4)


def softmax(logits: Floats | NDArray[np.float32]) -> Floats:
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
        found = softmax(heldout.own.logits / exp(log_temperature))[rows, heldout.labels]
        return float(-np.log(np.maximum(found, 1e-9)).mean())

    return round(exp(minimize_scalar(loss, bounds=(-4.0, 2.0), method="bounded").x), 4)


def _thresholds(
    sure: Floats, right: NDArray[np.bool_], relatives: Floats, strangers: Floats, target: float
) -> Thresholds:
    outside = np.concatenate([relatives, strangers])
    every = np.concatenate([sure, outside])
    good = np.concatenate([right, np.zeros(len(outside), dtype=bool)])
    weight = np.ones(len(every))
    if len(outside):
        weight[len(sure) :] = STRANGERS * len(sure) / len(outside)
    order = np.argsort(-every)
    precision = np.cumsum((good * weight)[order]) / np.cumsum(weight[order])
    enough = np.flatnonzero(precision >= target)
    accept = float(every[order][enough[-1]]) if len(enough) else 0.9
    for rest, share in ((strangers, MOST_STRANGERS), (relatives, MOST_RELATIVES)):
        if len(rest) >= FEWEST:
            accept = max(accept, float(np.quantile(rest, 1.0 - share)))
    accept = round(min(max(accept, LEAST_SURE), MOST_SURE), 4)
    return Thresholds(accept=accept, reject=round(min(_lost(sure[right], strangers), accept), 4))


def _lost(right: Floats, strangers: Floats) -> float:
    """Where rejecting pays best; at most :data:`LOST_OF_RIGHT` of the right guesses are below."""
    if not len(right):
        return 0.3
    lost = np.linspace(LEAST_LOST, LOST_OF_RIGHT, 20)
    cuts = np.quantile(right, lost)
    gained = np.array([float((strangers < cut).mean()) if len(strangers) else 0.0 for cut in cuts])
    return float(cuts[np.argmax(A_STRANGER * gained - lost)])


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


def _close(labels: NDArray[np.int64], best: NDArray[np.int64], intents: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of which :data:`CLOSE` of all held-out examples, and three at least, are taken for the other of the two."""
    size = Counter(labels.tolist())
    mixed = Counter(
        (min(pair), max(pair)) for pair in zip(labels.tolist(), best.tolist(), strict=True) if len(set(pair)) > 1
    )
    return tuple(
        (intents[one], intents[other])
        for (one, other), times in mixed.most_common()
        if times >= 3 and times >= CLOSE * (size[one] + size[other])
    )


def twice(examples: Sequence[Example]) -> tuple[str, ...]:
    """Texts that are examples of several intents."""
    owners: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for example in examples:
        owners[tokens(example.text)].add(example.intent)
    found = {example.text: None for example in examples if len(owners[tokens(example.text)]) > 1}
    return tuple(found)[:MOST_TEXTS]


def thin(examples: Sequence[Example]) -> tuple[str, ...]:
    """Intents with fewer than :data:`THIN` examples, the poorest first."""
    counts = Counter(example.intent for example in examples)
    return tuple(intent for intent, count in sorted(counts.items(), key=lambda item: item[1]) if count < THIN)


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
