"""A message's grams as places and weights in a model, fast: what :class:`wabox.nlu.features.Block` does for training.

Customers use the same words again and again, so where a word's pieces stand is looked up once and remembered. The memory is
bounded: strange words cannot fill it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from wabox.nlu.features import Block, pieces_of, word_grams

REMEMBERED = 4_096
"""Words whose pieces are remembered; about 300 bytes each."""

Floats = NDArray[np.float32]
Places = NDArray[np.intp]


class Lookup:
    """The grams of one model."""

    def __init__(self, words: Block, pieces: Block, idf: Floats) -> None:
        self._words, self._pieces = words, pieces
        self._idf = idf
        """Of all places."""
        self._known: dict[str, Places] = {}

    def vector(self, found: Sequence[str]) -> tuple[Places, Floats]:
        """The places of the grams of some tokens, and their weights: words first, pieces behind them."""
        words, weights = self._words.vector(word_grams(found))
        places = [self._places(token) for token in found]
        every = np.concatenate(places) if places else np.zeros(0, dtype=np.intp)
        if not len(every):
            return np.array(words, dtype=np.intp), np.array(weights, dtype=np.float32)
        every.sort()
        starts = np.flatnonzero(np.concatenate((_YES, every[1:] != every[:-1])))
        at = every.take(starts)
        tf_idf = self._idf.take(at)
        if len(at) < len(every):
            times = np.concatenate((starts[1:], [len(every)])) - starts
            tf_idf *= 1.0 + np.log(times.astype(np.float32))
        tf_idf *= self._pieces.length / sqrt(float(tf_idf @ tf_idf))
        return (
            np.concatenate((np.array(words, dtype=np.intp), at)),
            np.concatenate((np.array(weights, dtype=np.float32), tf_idf)),
        )

    def share(self, found: Sequence[str]) -> float:
        """How many of the different pieces of some tokens the model knows, 0 to 1."""
        pieces = {piece for token in found for piece in pieces_of(token)}
        return sum(piece in self._pieces.places for piece in pieces) / max(len(pieces), 1)

    def _places(self, token: str) -> Places:
        """Of the known pieces of one token, one as often as it stands there."""
        found = self._known.get(token)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            places = self._pieces.places
            found = np.array([places[piece] for piece in pieces_of(token) if piece in places], dtype=np.intp)
            self._known[token] = found
        return found


_YES = np.array([True])
