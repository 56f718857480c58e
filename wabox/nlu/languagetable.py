"""What n-grams say for languages that share a script: arrays that stay on disk until they are looked at.

A row is a place that an n-gram's hash names, with a weight for each language of the script; the mark beside it tells whether it
is that n-gram's row or another's. See :mod:`wabox.nlu.identification`; made by ``packaging/languages.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wabox.nlu.identification import KEYS, LONGEST, MARK, SEEN

FOLDER = Path(__file__).parent / "languages"

_FACTOR, _MIX = 1_000_003, 0x9E3779B97F4A7C15
_FULL = (1 << 64) - 1
SCALE = 0.05
"""What one step of the table's numbers is, in logarithms."""

Longs = NDArray[np.uint64]


def hashes(grams: Sequence[str]) -> tuple[Longs, NDArray[np.uint16]]:
    """The place and the mark of each n-gram."""
    return _places(np.array([_hash(gram) for gram in grams], dtype=np.uint64))


def _hash(gram: str) -> int:
    value = 0
    for letter in gram:
        value = (value * _FACTOR + ord(letter)) & _FULL
    return value


def _places(values: Longs) -> tuple[Longs, NDArray[np.uint16]]:
    mixed = values * np.uint64(_MIX)
    return mixed >> np.uint64(44), ((mixed >> np.uint64(20)) & np.uint64(0xFFFF)).astype(np.uint16)


class Table:
    """The table, ready. Made once a process: see :func:`table`."""

    def __init__(self, rows: NDArray[np.int8], checks: NDArray[np.uint16]) -> None:
        self._rows, self._checks = rows, checks
        self._size = np.uint64(len(rows) - 1)
        self._factor = np.uint64(_FACTOR)

    def scores(self, words: Sequence[str]) -> NDArray[np.float32]:
        """By column: how likely the words are, as a logarithm that means nothing by itself."""
        text = MARK + MARK.join(words)[:SEEN] + MARK
        letters = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
        values = letters
        every = []
        for order in range(1, min(LONGEST, len(letters)) + 1):
            if order > 1:
                values = values[:-1] * self._factor + letters[order - 1 :]
            every.append(values)
        long = [_hash(f"{MARK}{word}{MARK}") for word in words if LONGEST - 2 < len(word) <= KEYS - 2]
        if long:
            every.append(np.array(long, dtype=np.uint64))
        keys, marks = _places(np.concatenate(every))
        keys &= self._size
        known = keys[self._checks[keys] == marks]
        found: NDArray[np.float32] = self._rows[known].sum(axis=0, dtype=np.int32).astype(np.float32)
        return found * np.float32(SCALE)


@lru_cache(maxsize=1)
def table() -> Table:
    """The table that comes with wabox; it stays on disk until it is looked at."""
    rows = np.load(FOLDER / "rows.npy", mmap_mode="r", allow_pickle=False)
    return Table(np.asarray(rows), np.load(FOLDER / "checks.npy", allow_pickle=False))
