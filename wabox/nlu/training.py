"""Training: from examples to a model.

1. Every example becomes a vector (:mod:`wabox.nlu.features`, :mod:`wabox.nlu.wordvectors`). The name of an intent, or its
   title, is an example too, and counts as several: where examples are few, it says most in the fewest words.
2. A logistic regression over all intents at once (:mod:`wabox.nlu.regression`).
   What people write to any bot (``phrases/strangers.txt``) and the owner's own ``oos`` are in it as one more outcome.
3. In turns, some examples, some strangers' sentences and all examples of some intents are held out. What the others make of
   them gives the temperature, the confidence, the thresholds and the scores (:mod:`wabox.nlu.evaluation`): they stand for
   everything that customers write and no intent is for.
"""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from wabox import __version__
from wabox.core.intent import OUT_OF_SCOPE
from wabox.errors import ModelError
from wabox.nlu.card import LAYOUT, Card
from wabox.nlu.classifier import MEANING, Weights, blocks, unknown
from wabox.nlu.evaluation import Guesses, Heldout, settled, thin, twice
from wabox.nlu.examples import Example, data_hash
from wabox.nlu.features import Grams, familiar, grams, read
from wabox.nlu.language import short
from wabox.nlu.phrasebook import phrases
from wabox.nlu.regression import STRENGTH, Fit, Regression, Vectors, regression
from wabox.nlu.utterances import tokens
from wabox.nlu.wordvectors import vectors_id, word_vectors

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Progress = Callable[[str, float], None]
"""What is being done, and how much of it is done, 0 to 1."""

NAME_COUNTS = 1.5
"""As how many examples the name of an intent counts."""
STRANGER_COUNTS = 0.3
"""The same for a sentence that is nobody's."""
ALIKE = 0.7
"""Sentences are, from this cosine of what their words mean on."""
FOLDS = 5
MANY = 6_000
"""From this many examples on one part of ten is held out, once; and grams in fewer than :data:`RARE` of them are left out."""
RARE = 3
MOST_GRAMS = 60_000
"""Of each kind; the rarest go."""


@dataclass(frozen=True, slots=True)
class Trained:
    card: Card
    weights: Weights


@dataclass(frozen=True, slots=True)
class Lesson:
    """Everything that is trained on, as rows: the examples, the names of the intents, and what is nobody's."""

    examples: tuple[Example, ...]
    intents: tuple[str, ...]
    texts: tuple[str, ...]
    """The examples', then the names', then those that are nobody's."""
    labels: Labels
    """Of the texts; those that are nobody's have the one behind the last intent's."""
    read: tuple[list[str], ...]
    """The tokens of the texts."""
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def taught(self) -> int:
        """Rows with an intent."""
        return int(np.count_nonzero(self.labels < len(self.intents)))


def train(
    examples: Sequence[Example],
    *,
    trained_at: str,
    titles: Mapping[str, str] | None = None,
    progress: Progress = lambda what, share: None,
) -> Trained:
    """A model of the examples. ``titles`` are what people call an intent. Raises ModelError when they cannot make one."""
    progress("reading the examples", 0.0)
    lesson = _lesson(examples, titles or {})
    words, pieces, idf, vectors = _vectors(lesson)
    weights = _weights(lesson)
    model = regression(vectors, lesson.labels, weights, len(lesson.intents) + 1)
    idf_of = dict(zip(words, idf.tolist(), strict=False))
    heldout = _held_out(lesson, model, idf_of, progress)
    progress("training on all examples", 0.0)
    fit = model.fit()
    found = settled(heldout, lesson.examples, lesson.intents)
    progress("training on all examples", 1.0)
    card = Card(
        layout=LAYOUT,
        wabox=__version__,
        trained_at=trained_at,
        data_hash=data_hash(examples),
        examples=len(examples),
        languages=tuple(sorted({example.language for example in lesson.examples if example.language})),
        intents=lesson.intents,
        temperature=found.temperature,
        belief=found.belief,
        thresholds=found.thresholds,
        scores=found.scores,
        confusions=found.confusions,
        doubts=found.doubts,
        close=found.close,
        twice=twice(lesson.examples),
        thin=thin(lesson.examples),
        titles=dict(lesson.titles),
        settings={"C": STRENGTH, "folds": FOLDS, "name_counts": NAME_COUNTS},
        versions=_versions(),
        vectors=vectors_id(),
        files={},
    )
    return Trained(card, _packed(words, pieces, idf, fit))


def _lesson(examples: Sequence[Example], titles: Mapping[str, str]) -> Lesson:
    kept = tuple(example for example in examples if example.intent != OUT_OF_SCOPE)
    intents = tuple(sorted({example.intent for example in kept}))
    if len(intents) < 2:
        what = f"only {intents[0]!r} has examples" if intents else "there are no examples"
        raise ModelError(f"{what}, and a classifier tells two or more intents apart; write examples for another intent")
    place = {intent: number for number, intent in enumerate(intents)}
    names = {intent: spoken(titles.get(intent) or intent) for intent in intents}
    named = [intent for intent in intents if tokens(names[intent])]
    said = [example.text for example in examples if example.intent == OUT_OF_SCOPE]
    others = list(dict.fromkeys([*said, *_of_any_bot(kept)]))
    texts = (*(example.text for example in kept), *(names[intent] for intent in named), *others)
    return Lesson(
        examples=kept,
        intents=intents,
        texts=texts,
        read=tuple(map(read, texts)),
        labels=np.array(
            [place[example.intent] for example in kept]
            + [place[intent] for intent in named]
            + [len(intents)] * len(others)
        ),
        titles={intent: title for intent, title in titles.items() if intent in place},
    )


def _of_any_bot(kept: Sequence[Example]) -> Sequence[str]:
    """What people write to any bot, in the languages of the examples (English where they have none), but for what this bot may
    be there for: what is like one of its examples."""
    book = phrases("strangers")
    languages = dict.fromkeys(short(example.language or "en") for example in kept)
    said = [text for language in languages for text in book.get(language, {}).get("said", ())]
    if not said:
        return ()
    known = word_vectors()
    own = np.array([known.sentence(read(example.text)) for example in kept])
    alike = np.array([known.sentence(read(text)) for text in said]) @ own.T
    return [text for text, most in zip(said, alike.max(axis=1).tolist(), strict=True) if most < ALIKE]


def _weights(lesson: Lesson) -> Floats:
    """How much each row counts. An intent with far more rows than the others counts less a row: that owners and wabox think of
    many ways to ask for a person does not make everybody ask for one."""
    weights = np.ones(len(lesson.texts), dtype=np.float32)
    weights[len(lesson.examples) : lesson.taught] = NAME_COUNTS
    labels = lesson.labels[: lesson.taught]
    sums = np.bincount(labels, weights[: lesson.taught], minlength=len(lesson.intents))
    weights[: lesson.taught] *= np.sqrt(np.minimum(1.0, np.median(sums) / sums))[labels]
    weights[lesson.taught :] = STRANGER_COUNTS
    return weights


def spoken(name: str) -> str:
    """The name of an intent as words: ``faq.gift_wrap`` is "gift wrap", ``playMusic`` is "play Music"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[_.\-]+", " ", name.removeprefix("faq.")).strip()


def _versions() -> Mapping[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def _vectors(lesson: Lesson) -> tuple[tuple[str, ...], tuple[str, ...], Floats, Vectors]:
    """The grams that are kept, words and pieces; their idf; and the rows."""
    counted = [grams(found) for found in lesson.read]
    rare = RARE if lesson.taught >= MANY else 1
    words, word_idf = _vocabulary([words for words, _ in counted[: lesson.taught]], rare)
    pieces, piece_idf = _vocabulary([pieces for _, pieces in counted[: lesson.taught]], rare)
    idf = np.concatenate([word_idf, piece_idf])
    known = word_vectors()
    meaning = np.array([known.sentence(found) for found in lesson.read], dtype=np.float32) * np.float32(MEANING)
    return words, pieces, idf, Vectors(_matrix(words, pieces, idf, counted), meaning)


def _vocabulary(counted: Sequence[Mapping[str, int]], rare: int) -> tuple[tuple[str, ...], Floats]:
    documents = Counter(gram for counts in counted for gram in counts)
    often = [gram for gram, times in documents.most_common(MOST_GRAMS) if times >= rare]
    kept = tuple(sorted(often))
    frequency = np.array([documents[gram] for gram in kept], dtype=np.float32)
    return kept, np.asarray(np.log((1 + len(counted)) / (1 + frequency)) + 1, dtype=np.float32)


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
    return csr_matrix((np.array(values, dtype=np.float32), at, ends), shape=(len(counted), len(idf)))


def _held_out(lesson: Lesson, model: Regression, idf: Mapping[str, float], progress: Progress) -> Heldout | None:
    """What models that had not seen them make of examples, of examples of intents that they do not have, and of strangers."""
    count, nobodys = len(lesson.examples), len(lesson.intents)
    many = count >= MANY
    said = np.ones(len(lesson.texts), dtype=bool)
    said[:count] = [not example.is_keyword for example in lesson.examples]
    said[count : lesson.taught] = False
    folds, turns = _folds(np.where(said, lesson.labels, -1), 10 if many else FOLDS), 1 if many else FOLDS
    rare = unknown(idf.values())
    places: list[Labels] = []
    own: list[Guesses] = []
    near: list[Guesses] = []
    far: list[Guesses] = []
    for fold in range(turns):
        # Of few intents none can be spared.
        away = np.arange(nobodys)[fold :: 2 * FOLDS] if nobodys > FOLDS else np.arange(0)
        gone = np.isin(lesson.labels, away)
        out = folds == fold
        seen = np.flatnonzero(~out & ~gone)
        known = np.isin(lesson.labels, lesson.labels[seen])
        inside = np.flatnonzero(out & ~gone & known & (lesson.labels < nobodys))
        relatives = np.flatnonzero(gone & said)
        outside = np.flatnonzero(out & (lesson.labels == nobodys))
        if len(inside) and len(np.unique(lesson.labels[seen])) > 1:
            both = np.concatenate([inside, relatives, outside])
            words = {token for row in seen.tolist() if row < lesson.taught for token in lesson.read[row]}
            close = _familiar(lesson, both, {word: idf[word] for word in words if word in idf}, rare)
            logits = model.held_out(seen, both)
            found = Guesses(logits[:, :nobodys], logits[:, nobodys], close)
            places.append(inside)
            own.append(found[: len(inside)])
            near.append(found[len(inside) : len(inside) + len(relatives)])
            far.append(found[len(inside) + len(relatives) :])
        progress("holding some examples out", (fold + 1) / turns)
    if not places:
        return None
    where = np.concatenate(places)
    return Heldout(where, Guesses.joined(own), lesson.labels[where], turns, Guesses.joined(near), Guesses.joined(far))


def _familiar(lesson: Lesson, rows: Labels, idf: Mapping[str, float], rare: float) -> Floats:
    return np.array([familiar(lesson.read[row], idf, rare) for row in rows.tolist()], dtype=np.float32)


def _folds(labels: Labels, count: int) -> Labels:
    """A fold for each example: of each intent about as many in each. -1: the only example of its intent stays in, and so does
    what has the label -1."""
    folds = np.full(len(labels), -1)
    shuffle = np.random.default_rng(0)
    next_fold = 0
    for label in np.unique(labels):
        own = shuffle.permutation(np.flatnonzero(labels == label))
        if label < 0 or len(own) < 2:
            continue
        folds[own] = (next_fold + np.arange(len(own))) % count
        next_fold += len(own)
    return folds


def _packed(words: tuple[str, ...], pieces: tuple[str, ...], idf: Floats, fit: Fit) -> Weights:
    """The weights in 8 bits, a scale for each intent."""
    scale = np.maximum(np.abs(fit.grams).max(axis=0), 1e-6) / 127
    return Weights(
        words=words,
        pieces=pieces,
        idf=idf,
        weights=np.rint(fit.grams / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        meaning=np.asarray(fit.meaning, dtype=np.float32),
        bias=np.asarray(fit.bias, dtype=np.float32),
    )
