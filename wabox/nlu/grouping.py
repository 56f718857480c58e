"""Messages that are alike, found with the classifier's own features: words, pieces of words, and what words mean.

Average linkage over cosine distances: deterministic, no number of groups to be guessed, and a message that is like no other
stays by itself. Its cost grows with the square of the number of messages, so :data:`MOST` are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import squareform

from wabox.nlu.classifier import MEANING, blocks
from wabox.nlu.features import grams, read
from wabox.nlu.wordvectors import word_vectors

MOST = 1_500
"""Different messages."""
APART = 0.62
"""Groups further apart than this (mean cosine distance) are not joined. Chosen on one sample each of the
training sentences of BANKING77 and CLINC150: at the nearest distances tried, 70 to 90 % and 98 % of the messages in groups of
three or more were of their group's intent."""


def alike(texts: Sequence[str], background: Sequence[str] = ()) -> list[list[int]]:
    """Places of the texts, group by group, the most typical of a group first. ``background`` says which words are common."""
    if len(texts) < 2:
        return [[place] for place in range(len(texts))]
    near = _nearness(texts[:MOST], background)
    distance = np.clip(1.0 - near, 0.0, 2.0)
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(linkage(squareform(distance, checks=False), "average"), APART, "distance")
    groups: dict[int, list[int]] = {}
    for place, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(place)
    return [sorted(places, key=lambda one: (-near[one, places].sum(), one)) for places in groups.values()]


def _nearness(texts: Sequence[str], background: Sequence[str]) -> np.ndarray:
    """The cosine of each with each, N x N."""
    known = word_vectors()
    tokens = [read(text) for text in texts]
    counted = [grams(found) for found in tokens]
    every = [*counted, *(grams(read(text)) for text in background)]
    words, word_idf = _idf([words for words, _ in every])
    pieces, piece_idf = _idf([pieces for _, pieces in every])
    first, second = blocks(words, pieces, [*word_idf, *piece_idf])
    at: list[int] = []
    values: list[float] = []
    ends = [0]
    for words_in, pieces_in in counted:
        for block, counts in ((first, words_in), (second, pieces_in)):
            places, weights = block.vector(counts)
            at += places
            values += weights
        ends.append(len(at))
    rows = csr_matrix((np.array(values, dtype=np.float32), at, ends), shape=(len(texts), len(words) + len(pieces)))
    meaning = np.array([known.sentence(found) for found in tokens], dtype=np.float32) * np.float32(MEANING)
    products = np.asarray((rows @ rows.T).toarray() + meaning @ meaning.T, dtype=np.float64)
    length = np.sqrt(np.maximum(products.diagonal(), 1e-9))
    return np.asarray(products / length[:, None] / length[None, :])


def _idf(counted: Sequence[Mapping[str, int]]) -> tuple[tuple[str, ...], list[float]]:
    documents = Counter(gram for counts in counted for gram in counts)
    kept = tuple(sorted(documents))
    return kept, [log((1 + len(counted)) / (1 + documents[gram])) + 1 for gram in kept]
