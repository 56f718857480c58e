"""The fast way to a message's vector is the slow one that training goes."""

from __future__ import annotations

import numpy as np
import pytest

from wabox.nlu import lookup
from wabox.nlu.classifier import blocks
from wabox.nlu.features import grams, read
from wabox.nlu.lookup import Lookup

TAUGHT = ("where is my parcel", "I want my money back", "أين طلبي", "मेरा ऑर्डर कहाँ है", "我的包裹在哪里")


def made() -> Lookup:
    words: set[str] = set()
    pieces: set[str] = set()
    for text in TAUGHT:
        for kind, found in zip((words, pieces), grams(read(text)), strict=True):
            kind.update(found)
    names = (*sorted(words), *sorted(pieces))
    idf = np.linspace(1.0, 7.0, len(names), dtype=np.float32)
    both = blocks(names[: len(words)], names[len(words) :], idf.tolist())
    return Lookup(*both, idf)


@pytest.mark.parametrize(
    "text",
    [
        *TAUGHT,
        "wheres my parcl",
        "money money money, my my money!",
        "parcel " * 300,
        "qqq",
        "🙂",
        "a",
        "包裹在哪里在哪里",
    ],
)
def test_same(text: str) -> None:
    """The same places, and the same weights; a second time too, from memory."""
    fast = made()
    words, pieces = grams(read(text))
    at, weights = fast._words.vector(words)
    more, their = fast._pieces.vector(pieces)
    want = dict(zip(at + more, weights + their, strict=True))
    for _ in range(2):
        places, found = fast.vector(read(text))
        assert dict(zip(places.tolist(), found.tolist(), strict=True)) == pytest.approx(want, abs=1e-5)


def test_share() -> None:
    """Of the different pieces, those that the model knows."""
    fast = made()
    _, pieces = grams(read("parcl"))
    assert fast.share(read("parcl")) == pytest.approx(
        sum(piece in fast._pieces.places for piece in pieces) / len(pieces)
    )
    assert fast.share(read("ω")) == 0


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strange words do not fill its memory, and cost nobody the right answer."""
    monkeypatch.setattr(lookup, "REMEMBERED", 10)
    fast = made()
    before = fast.vector(["parcel"])[1].tolist()
    for number in range(100):
        fast.vector([f"x{number}"])
    assert len(fast._known) <= 10
    assert fast.vector(["parcel"])[1].tolist() == before
