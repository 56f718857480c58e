"""Making an index, and choosing from which score on a passage answers.

Nobody has questions for the documents yet, so their own sentences stand in for them. Each is asked once with its whole section
gone: whatever is best then is no answer. The threshold is the score that all but :data:`WRONG` of these stay below. They are
harder than what strangers write, because they are about the same things in the same words; so the threshold stays between
:data:`LOWEST` and :data:`HIGHEST`, which were measured on questions that people might write to the example bots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from wabox.core.passage import Passage
from wabox.nlu.documents.index import Index, counted

UNTRIED = 0.45
LOWEST, HIGHEST = 0.42, 0.60
WRONG = 0.10
"""The share of sentences without their section that may be answered all the same."""
FEWEST = 20
"""Sentences from which something may be concluded."""
MOST = 500
"""Sentences asked; of more a sample is enough."""

Progress = Callable[[str, float], None]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the sentences whose section was taken out."""

    sentences: int
    answered: float
    """The share that is answered at the chosen threshold, 0 to 1. All of these answers are wrong."""


def index_of(passages: Sequence[Passage], progress: Progress = lambda what, share: None) -> tuple[Index, Held | None]:
    """An index with its threshold, and what that rests on; None when there are too few sentences."""
    index = Index(passages, counted(passages), UNTRIED)
    strangers = _strangers(index, progress)
    if len(strangers) < FEWEST:
        return index, None
    index.threshold = round(min(max(float(np.quantile(strangers, 1 - WRONG)), LOWEST), HIGHEST), 2)
    answered = sum(score >= index.threshold for score in strangers)
    return index, Held(sentences=len(strangers), answered=round(answered / len(strangers), 4))


def _strangers(index: Index, progress: Progress) -> list[float]:
    """The best score of each sentence when its section is gone."""
    sections: dict[tuple[str, str], list[int]] = {}
    for place, passage in enumerate(index.passages):
        sections.setdefault(_section(passage), []).append(place)
    asking = [(passage, sentence) for passage in index.passages for sentence in passage.sentences]
    asking = asking[:: -(-len(asking) // MOST)] if asking else []
    found = []
    for number, (passage, sentence) in enumerate(asking):
        asked = index.asked(sentence)
        if asked is None:
            continue
        scores = index.scores(asked)
        scores[[other.language not in (None, passage.language) for other in index.passages]] = 0.0
        scores[sections[_section(passage)]] = 0.0
        found.append(float(scores.max(initial=0.0)))
        progress("asking the documents", (number + 1) / len(asking))
    return found


def _section(passage: Passage) -> tuple[str, str]:
    return passage.id.partition("#")[0], passage.section
