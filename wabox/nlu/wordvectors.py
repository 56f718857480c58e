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

    def sentence(self, found: Sequence[str]) -> Floats:
        """The mean of the words that have a vector, scaled to length one; zeros when there are none."""
        places = [place for place in map(self._places.get, found) if place is not None]
        if not places:
            return np.zeros(self.size, dtype=np.float32)
        total = self._scale[places] @ self._rows[places].astype(np.float32)
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
