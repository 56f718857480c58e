"""The trained model of a bot, as it is on disk now: a new one is taken up between two messages, a broken one is left alone.

Without a model nothing is loaded, numpy included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog

from wabox.core.intent import Intent
from wabox.core.ports import Classifier
from wabox.errors import ModelError
from wabox.nlu.examples import trainable

log = structlog.get_logger(__name__)

CARD = "card.json"
LOOKS = 2.0
"""Seconds between two looks at the disk."""


def fits(classifier: Classifier, intents: Sequence[Intent], folder: Path) -> None:
    """Raises ModelError when the model was trained for other intents than the bot has: it would mistake some for others."""
    theirs, ours = set(classifier.intents), set(trainable(intents))
    if theirs == ours:
        return
    wrong = []
    if ours - theirs:
        wrong.append(f"it does not know {listed(ours - theirs)}")
    if theirs - ours:
        wrong.append(f"the bot has no {listed(theirs - ours)}")
    raise ModelError(
        f"the model in {folder} was trained for other intents: {'; '.join(wrong)}. It is not used; run wabox train"
    )


def listed(names: Iterable[str]) -> str:
    """``a, b and 3 more``."""
    known = sorted(names)
    return ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")


class Models:
    """The model in one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = lambda sentence: log.error("model.unusable", error=sentence),
    ) -> None:
        """``say`` is told why a model that is there is not used, once for each."""
        self._folder = folder
        self._clock = clock
        self._say = say
        self._looked = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._classifier: Classifier | None = None
        self._said: set[str] = set()

    def of(self, intents: Sequence[Intent]) -> Callable[[], Classifier | None]:
        """What to ask for the classifier of a bot with these intents, before each message.

        A model on disk that was trained for others is the next version's: the one that was in use goes on.
        """
        wanted = frozenset(trainable(intents))
        fitting: Classifier | None = None

        def classifier() -> Classifier | None:
            nonlocal fitting
            found = self._current()
            if found is None or wanted == set(found.intents):
                fitting = found
                return found
            try:
                fits(found, intents, self._folder)
            except ModelError as error:
                self._tell(str(error))
            return fitting

        return classifier

    def _current(self) -> Classifier | None:
        now = self._clock()
        if now - self._looked < LOOKS:
            return self._classifier
        self._looked = now
        try:
            status = (self._folder / CARD).stat()
        except OSError:
            self._seen = self._classifier = None
            return None
        if self._seen != (status.st_mtime_ns, status.st_ino):
            self._seen = (status.st_mtime_ns, status.st_ino)
            self._load()
        return self._classifier

    def _load(self) -> None:
        from wabox.nlu.modelfile import read_model

        try:
            self._classifier = read_model(self._folder)
        except ModelError as error:
            # The model that is in use goes on: what is on disk is no model.
            self._tell(str(error))

    def _tell(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._say(sentence)
