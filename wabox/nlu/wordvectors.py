"""What words mean, before anybody gave an example: a vector for each of some ten thousand words of sixteen languages.

"Refund" and "reembolsar" lie close together, "parcel" and "package" too, so an example with the one says something about
messages with the other. The vectors come with wabox (``vectors/NOTICE`` says from where): 8 bits a number, and a scale for
each word in which frequent words count little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "vectors"

Floats = NDArray[np.float32]


class WordVectors:
    """The vectors, ready. Made once a process: see :func:`word_vectors`."""

    def __init__(self, words: Sequence[str], rows: NDArray[np.int8], scale: Floats) -> None:
        self._places = {word: place for place, word in enumerate(words)}
        self._rows = rows
        self._scale = scale
        self.size = int(rows.shape[1])

    def knows(self, found: Sequence[str]) -> bool:
        """Whether any of the words has a vector."""
        return any(word in self._places for word in found)

    def weight(self, word: str) -> float | None:
        """How much the word says, whatever the text: near 0 for "the", near 1 for "refund"; None for one without a vector."""
        place = self._places.get(word)
        if place is None:
            return None
        row = self._rows[place].astype(np.float32)
        return min(1.0, float(self._scale[place]) * float(np.sqrt(row @ row)))

    def directions(self, words: Sequence[str]) -> Floats:
        """A vector of length one for each word, N x D; zeros for one without."""
        found = np.zeros((len(words), self.size), dtype=np.float32)
        known = [(number, place) for number, place in enumerate(map(self._places.get, words)) if place is not None]
        if known:
            numbers, places = zip(*known, strict=True)
            rows = self._rows[list(places)].astype(np.float32)
            found[list(numbers)] = rows / np.maximum(np.sqrt((rows * rows).sum(axis=1, keepdims=True)), 1e-9)
        return found

    def sentence(self, found: Sequence[str]) -> Floats:
        """The mean of the words that have a vector, scaled to length one; zeros when there are none."""
        places = [place for place in map(self._places.get, found) if place is not None]
        if not places:
            return np.zeros(self.size, dtype=np.float32)
        total = self._scale.take(places) @ self._rows.take(places, axis=0).astype(np.float32)
        return np.asarray(total / max(float(np.sqrt(total @ total)), 1e-9), dtype=np.float32)


@lru_cache(maxsize=1)
def word_vectors() -> WordVectors:
    """The vectors that come with wabox. The rows stay on disk until they are looked at."""
    words = (FOLDER / "words.txt").read_text(encoding="utf-8").split("\n")[:-1]
    rows = np.load(FOLDER / "rows.npy", mmap_mode="r", allow_pickle=False)
    return WordVectors(words, np.asarray(rows), np.load(FOLDER / "scale.npy", allow_pickle=False))


@lru_cache(maxsize=1)
def vectors_id() -> str:
    """Which vectors these are; a model works with those that it was trained with."""
    return hashlib.sha256((FOLDER / "words.txt").read_bytes() + (FOLDER / "scale.npy").read_bytes()).hexdigest()[:16]
