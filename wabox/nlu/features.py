"""A message as numbers: words, pairs of words and pieces of words, weighted by TF-IDF.

Two blocks, each scaled to a fixed length so that neither drowns the other:

* *words*: one and two neighbouring tokens of :func:`~wabox.nlu.utterances.tokens`. What a sentence says.
* *pieces*: two to five neighbouring letters within a word, its edges marked by a blank. What survives a typo, an ending, a
  dialect. Of scripts without blanks between words single letters count too.

Training and understanding use this one function of the text, so they cannot drift apart; nothing here needs scikit-learn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

from wabox.nlu.utterances import is_unspaced, tokens

SHORTEST, LONGEST_PIECE = 2, 5
LONGEST_TOKEN = 40
"""Letters of a token that are looked at: links and keyboards that slept on are not words."""
MOST_TOKENS = 120
"""Tokens of a message that are looked at: the cost of a long message is bounded, and what it wants it says early."""

Grams = tuple[Mapping[str, int], Mapping[str, int]]
"""How often each word gram and each piece is in a text."""


def read(text: str) -> list[str]:
    """The tokens of a text that are looked at."""
    return [token[:LONGEST_TOKEN] for token in tokens(text)[:MOST_TOKENS]]


def familiar(found: Sequence[str], idf: Mapping[str, float], unknown: float) -> float:
    """The share of tokens that examples have, by weight; a token that none has weighs ``unknown``. 0 to 1."""
    known = strange = 0.0
    for token in found:
        weight = idf.get(token)
        if weight is None:
            strange += unknown
        else:
            known += weight
    return known / (known + strange) if known else 0.0


def grams(found: Sequence[str]) -> Grams:
    """The word grams and the pieces of a text's tokens, counted."""
    pieces: dict[str, int] = {}
    for token, times in Counter(found).items():
        for piece in pieces_of(token):
            pieces[piece] = pieces.get(piece, 0) + times
    return word_grams(found), pieces


def word_grams(found: Sequence[str]) -> dict[str, int]:
    """The tokens and the pairs of neighbours, counted."""
    counts: dict[str, int] = {}
    before = ""
    for token in found:
        counts[token] = counts.get(token, 0) + 1
        if before:
            pair = f"{before} {token}"
            counts[pair] = counts.get(pair, 0) + 1
        before = token
    return counts


def pieces_of(token: str) -> list[str]:
    """The pieces of one token, one as often as it stands in it."""
    found = list(token) if is_unspaced(token) else []
    padded = f" {token} "
    length = len(padded)
    for size in range(SHORTEST, LONGEST_PIECE + 1):
        if size >= length:
            found.append(padded)
            break
        found += [padded[start : start + size] for start in range(length - size + 1)]
    return found


@dataclass(frozen=True, slots=True)
class Block:
    """One kind of grams: which there are, and what each weighs."""

    places: Mapping[str, int]
    """Gram → its place in the vector."""
    idf: Mapping[str, float]
    """Gram → inverse document frequency; rare ones weigh more."""
    length: float
    """Of every vector."""

    def vector(self, counts: Mapping[str, int]) -> tuple[list[int], list[float]]:
        """Places and weights of the known grams, scaled to the block's length."""
        places, idf = self.places, self.idf
        at: list[int] = []
        weights: list[float] = []
        total = 0.0
        for gram, count in counts.items():
            place = places.get(gram)
            if place is not None:
                weight = idf[gram] if count == 1 else idf[gram] * (1.0 + log(count))
                at.append(place)
                weights.append(weight)
                total += weight * weight
        if total:
            scale = self.length / sqrt(total)
            weights = [weight * scale for weight in weights]
        return at, weights
