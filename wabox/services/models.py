"""The trained model and the documents of a bot, as they are on disk now: new ones are taken up between two messages, broken
ones are left alone.

Without a model nothing is loaded, numpy included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import structlog

from wabox.core.intent import Intent
from wabox.core.ports import Classifier, Library
from wabox.errors import ModelError
from wabox.flowfile.library import has_documents
from wabox.nlu.examples import trainable
from wabox.services.keptmodels import CARD, INDEX, KeptModel, digest

if TYPE_CHECKING:
    from wabox.nlu.card import Card

log = structlog.get_logger(__name__)

LOOKS = 2.0
"""Seconds between two looks at the disk."""

_Kept = TypeVar("_Kept")


def fits(classifier: Classifier | Card, intents: Sequence[Intent], folder: Path) -> None:
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


def misfit(intents: Sequence[Intent], folder: Path) -> str | None:
    """Why a bot with these intents cannot use the model in the folder; None: it can. Reads the card alone."""
    from wabox.nlu.modelfile import read_card

    try:
        fits(read_card(folder), intents, folder)
    except ModelError as error:
        return str(error)
    return None


def listed(names: Iterable[str]) -> str:
    """``a, b and 3 more``."""
    known = sorted(names)
    return ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")


class _Shelved(Generic[_Kept]):
    """One thing in the folder, read anew when its card has changed; ``None`` while there is none."""

    def __init__(
        self, card: Path, read: Callable[[Path], _Kept], clock: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self._card = card
        self._read = read
        self._clock = clock
        self._tell = tell
        self._looked = float("-inf")
        self._seen: tuple[int, int] | None = None
        self._kept: _Kept | None = None
        self.digest: str | None = None
        """Of the card of what is kept."""

    def current(self) -> _Kept | None:
        now = self._clock()
        if now - self._looked < LOOKS:
            return self._kept
        self._looked = now
        try:
            status = self._card.stat()
        except OSError:
            self._seen = self._kept = None
            return None
        if self._seen != (status.st_mtime_ns, status.st_ino):
            self._seen = (status.st_mtime_ns, status.st_ino)
            try:
                self._kept = self._read(self._card.parent)
                self.digest = digest(self._card)
            except ModelError as error:
                # What is in use goes on: what is on disk is none.
                self._tell(str(error))
        return self._kept


class Models:
    """The model in one folder, and the index of the bot's documents beside it."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = lambda sentence: log.error("model.unusable", error=sentence),
    ) -> None:
        """``say`` is told why a model that is there is not used, once for each."""
        self._folder = folder
        self._say = say
        self._said: set[str] = set()
        self._classifier = _Shelved(folder / CARD, _read_classifier, clock, self._tell)
        self._library = _Shelved(folder / INDEX, _read_library, clock, self._tell)

    def outdated(self, bot: Path) -> str | None:
        """A sentence when the bot's documents are no longer those that the index was made of."""
        from wabox.nlu.documents.files import documents_hash

        if not has_documents(bot) and not (self._folder / INDEX).is_file():
            return None
        from wabox.nlu.documents.indexfile import read_index_card

        made_of = ""
        if (self._folder / INDEX).is_file():
            try:
                made_of = read_index_card(self._folder).documents_hash
            except ModelError:
                return None  # whoever reads it says so
        if documents_hash(bot) == made_of:
            return None
        if not made_of:
            return "nothing is looked up in the documents yet: wabox train makes their index"
        return "the documents have changed since they were indexed, so what is looked up is old; run wabox train"

    def library(self) -> Library | None:
        """The documents' index as it is on disk now."""
        return self._library.current()

    def library_of(self, kept: KeptModel) -> Callable[[], Library | None]:
        """What to ask for the index of a published version."""
        over = kept.over().get(INDEX)
        own = self._read(INDEX, kept, _read_library)

        def library() -> Library | None:
            found = self._library.current()
            return own if found is None or (own is not None and self._library.digest == over) else found

        return library

    def of(self, intents: Sequence[Intent], kept: KeptModel | None = None) -> Callable[[], Classifier | None]:
        """What to ask for the classifier of a bot with these intents, before each message.

        A model on disk that was trained for others is the next version's: the one that was in use goes on. ``kept`` is what a
        published version was published with: it is used until another is trained.
        """
        wanted = frozenset(trainable(intents))
        own = self._read(CARD, kept, _read_classifier) if kept is not None else None
        if own is not None and set(own.intents) != wanted:
            own = None
        over = kept.over().get(CARD) if kept is not None else None
        fitting = own

        def classifier() -> Classifier | None:
            nonlocal fitting
            found = self._classifier.current()
            if own is not None and (found is None or self._classifier.digest == over):
                fitting = own
                return own
            if found is None or wanted == set(found.intents):
                fitting = found
                return found
            try:
                fits(found, intents, self._folder)
            except ModelError as error:
                self._tell(str(error))
            return fitting

        return classifier

    def keep(self, kept: KeptModel, intents: Sequence[Intent], *, live: bool) -> None:
        """Give a version what is trained, if it is its; see :meth:`KeptModel.keep`. Raises StorageError."""
        kept.keep(self._folder, intents, live=live)

    def _read(self, card: str, kept: KeptModel, read: Callable[[Path], _Kept]) -> _Kept | None:
        if not kept.has(card):
            return None
        try:
            return read(kept.folder)
        except ModelError as error:
            self._tell(str(error))
            return None

    def _tell(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._say(sentence)


def _read_classifier(folder: Path) -> Classifier:
    from wabox.nlu.modelfile import read_model

    return read_model(folder)


def _read_library(folder: Path) -> Library:
    from wabox.nlu.documents.indexfile import read_index

    return read_index(folder)
