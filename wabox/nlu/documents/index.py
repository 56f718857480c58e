"""Finding the passage that answers a question. Numpy only; nothing is learnt, everything is counted.

A question is answered by a passage that *speaks of what it asks about*. So each word of the question looks for its best match
in the passage: itself, a word with the same pieces (an ending, a typo) or of the same meaning (:mod:`wabox.nlu.wordvectors`).
The score is the share of the question that found a match, each word weighed by how much it says: by its idf in these documents
and by how rare it is in its language. "How long do I have to …" weighs little, "refund" much, and a word that the documents do
not know at all counts against every passage, which is why a question about something else is not answered.

Half of the score is the passage's, half its best sentence's: what stands in one sentence belongs together. Headings count for
every sentence below them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from wabox.core.passage import Found, Passage, joined
from wabox.nlu.features import grams, read
from wabox.nlu.wordvectors import word_vectors

Floats = NDArray[np.float32]
Places = NDArray[np.int32]

SENTENCE = 0.5
"""The share of the score that the best sentence has."""
ABOUT = 0.08
"""What a passage gains when its heading says the same, and loses when that says nothing of it."""
MEANING = (0.45, 0.80)
"""Cosine of two words below which they mean different things, and from which on about the same."""
LIKE = 0.85
"""What a match counts that is not the same word."""
PIECES = (0.45, 0.80)
"""The same for the share of common pieces."""
SHORTEST = 4
"""Letters of a word whose pieces are compared; shorter ones are too alike."""
UNKNOWN = 0.9
"""How much a word without a vector says: a name, a product, a rare word."""
LEAST = 0.2
"""What a question must say at least, in words as rare as can be: "two" or "thanks" alone asks nothing."""
LONGEST_ANSWER = 600
"""Characters; WhatsApp takes 4096 in a text, but nobody reads them."""
MOST_WORDS = 40
"""Words of a question that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """What indexing counts. V words; S sentences of all passages, one after the other; P passages."""

    words: tuple[str, ...]
    idf: Floats
    """V."""
    at: Places
    """Words of the sentences, of one after the other, each once in its sentence."""
    ends: Places
    """S: where each sentence's words end in ``at``."""
    about: Places
    """Words of titles and headings, as ``at``."""
    about_ends: Places
    """P."""
    last: Places
    """P: the number of the sentence behind the passage's last."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of W words, compared with everything."""

    weights: Floats
    """W: how much each says; together somewhat less than 1."""
    here: Floats
    """W x S: the best match of each word in each sentence, 0 to 1."""
    above: Floats
    """W x P: the same in titles and headings."""


class Index:
    """Passages, ready to be asked. It holds no state: one serves every conversation."""

    def __init__(self, passages: Sequence[Passage], postings: Postings, threshold: float) -> None:
        self.passages = tuple(passages)
        self.threshold = threshold
        """The score from which on a passage answers."""
        self.postings = postings
        self._places = {word: place for place, word in enumerate(postings.words)}
        self._vectors = word_vectors()
        self._meanings = self._vectors.directions(postings.words)
        self._rarest = float(postings.idf.max(initial=1.0))
        self._first = np.concatenate([[0], postings.last[:-1]]).astype(np.intp)
        """P: the number of each passage's first sentence."""
        self._owner = np.repeat(np.arange(len(self.passages)), np.diff(postings.last, prepend=0))
        """S: the passage of each sentence."""
        self._pieces: dict[str, list[int]] = {}
        self._sizes = np.zeros(len(postings.words), dtype=np.float32)
        for place, word in enumerate(postings.words):
            if len(word) >= SHORTEST:
                pieces = _pieces(word)
                self._sizes[place] = len(pieces)
                for piece in pieces:
                    self._pieces.setdefault(piece, []).append(place)

    def search(self, text: str, language: str | None = None, limit: int = 5) -> tuple[Found, ...]:
        """The passages that speak of it most, the best first; those of another language are not looked at."""
        asked = self.asked(text)
        if asked is None or not len(self.passages):
            return ()
        scores = self.scores(asked)
        for place, passage in enumerate(self.passages):
            if passage.language is not None and language is not None and passage.language != language:
                scores[place] = 0.0
        order = np.argsort(-scores, kind="stable")[:limit].tolist()
        return tuple(self._found(place, float(scores[place]), asked) for place in order if scores[place] > 0)

    def asked(self, text: str) -> Asked | None:
        """The question, compared with everything; None when it says nothing."""
        words = list(dict.fromkeys(read(text)[:MOST_WORDS]))
        weights = np.array([self._weight(word) for word in words], dtype=np.float32)
        if float(weights.sum()) <= 0:
            return None
        alike = [self._alike(word) for word in words]
        postings = self.postings
        return Asked(
            weights=weights / (float(weights.sum()) + LEAST * self._rarest),
            here=np.array([_best(one, postings.at, postings.ends) for one in alike], dtype=np.float32),
            above=np.array([_best(one, postings.about, postings.about_ends) for one in alike], dtype=np.float32),
        )

    def scores(self, asked: Asked) -> Floats:
        """Of every passage, 0 to 1."""
        here = np.maximum(asked.here, asked.above[:, self._owner])
        whole = asked.weights @ np.maximum.reduceat(here, self._first, axis=1)
        sentence = np.maximum.reduceat(asked.weights @ here, self._first)
        scores = (1 - SENTENCE) * whole + SENTENCE * sentence
        return np.clip(scores + ABOUT * (asked.weights @ asked.above - scores), 0.0, 1.0)

    def _weight(self, word: str) -> float:
        says = self._vectors.weight(word)
        place = self._places.get(word)
        rare = self._rarest if place is None else float(self.postings.idf[place])
        return (UNKNOWN if says is None else says) ** 2 * rare

    def _alike(self, word: str) -> Floats:
        """How well each word of the documents matches this one: V."""
        low, high = MEANING
        direction = self._vectors.directions([word])[0]
        alike = np.clip((self._meanings @ direction - low) / (high - low), 0.0, 1.0) * np.float32(LIKE)
        if len(word) >= SHORTEST:
            pieces = _pieces(word)
            common = np.zeros(len(alike), dtype=np.float32)
            for piece in pieces:
                common[self._pieces.get(piece, [])] += 1
            low, high = PIECES
            share = 2 * common / (self._sizes + len(pieces))
            alike = np.maximum(alike, np.clip((share - low) / (high - low), 0.0, 1.0) * np.float32(LIKE))
        place = self._places.get(word)
        if place is not None:
            alike[place] = 1.0
        return np.asarray(alike, dtype=np.float32)

    def _found(self, place: int, score: float, asked: Asked) -> Found:
        passage = self.passages[place]
        begin, end = int(self._first[place]), int(self.postings.last[place])
        said = (asked.weights @ asked.here[:, begin:end]).tolist()
        return Found(passage=passage, score=round(score, 4), answer=shortened(passage.sentences, said))


def shortened(sentences: Sequence[str], said: Sequence[float], longest: int = LONGEST_ANSWER) -> str:
    """The sentences around the one that says most, as many as fit, in order; a gap at either end is marked."""
    if sum(map(len, sentences)) + len(sentences) <= longest:
        return joined(tuple(sentences))
    best = max(range(len(sentences)), key=lambda number: said[number])
    first = last = best
    size = len(sentences[best])
    while True:
        before = said[first - 1] if first > 0 else -1.0
        behind = said[last + 1] if last + 1 < len(sentences) else -1.0
        # What follows explains what was said more often than what comes before it.
        step = first - 1 if before > behind + 0.1 else last + 1
        if not 0 <= step < len(sentences):
            step = first - 1 if step >= len(sentences) else last + 1
        if not 0 <= step < len(sentences) or size + len(sentences[step]) + 1 > longest - 2:
            break
        size += len(sentences[step]) + 1
        first, last = min(first, step), max(last, step)
    text = joined(tuple(sentences[first : last + 1]))
    return ("… " if first else "") + text + (" …" if last + 1 < len(sentences) else "")


def _best(alike: Floats, at: Places, ends: Places) -> Floats:
    """The best match in each stretch of ``at``."""
    padded = np.append(alike[at], np.float32(0.0))
    starts = np.concatenate([[0], ends[:-1]])
    found = np.maximum.reduceat(padded, starts) if len(starts) else np.zeros(0, dtype=np.float32)
    return np.where(ends > starts, found, np.float32(0.0))


def _pieces(word: str) -> frozenset[str]:
    return frozenset(piece for piece in grams([word])[1] if 2 < len(piece) < 5)


def counted(passages: Sequence[Passage]) -> Postings:
    """The words of the passages and where they stand."""
    places: dict[str, int] = {}
    frequency: list[int] = []
    at: list[int] = []
    ends: list[int] = []
    about: list[int] = []
    about_ends: list[int] = []
    last: list[int] = []

    def of(text: str) -> list[int]:
        return sorted({places.setdefault(word, len(places)) for word in read(text)})

    for passage in passages:
        here: set[int] = set()
        found = of(f"{passage.title} {passage.section}")
        here.update(found)
        about += found
        about_ends.append(len(about))
        for sentence in passage.sentences:
            found = of(sentence)
            here.update(found)
            at += found
            ends.append(len(at))
        last.append(len(ends))
        frequency += [0] * (len(places) - len(frequency))
        for place in here:
            frequency[place] += 1
    idf = [log(1 + len(passages) / times) for times in frequency]
    return Postings(
        words=tuple(places),
        idf=np.array(idf, dtype=np.float32),
        at=np.array(at, dtype=np.int32),
        ends=np.array(ends, dtype=np.int32),
        about=np.array(about, dtype=np.int32),
        about_ends=np.array(about_ends, dtype=np.int32),
        last=np.array(last, dtype=np.int32),
    )
