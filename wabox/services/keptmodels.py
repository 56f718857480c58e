"""The model that a published version was published with, beside its copy: ``<data>/published/<bot>/<version>.model/``.

A version that goes live again (``wabox publish --rollback``) comes back with its model. What ``wabox train`` makes after that
takes the place of the kept one; what lay in ``models/`` at that moment does not (``over.json`` names it), or a
rollback would go on with the model that it wants to get away from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wabox.core.intent import Intent
from wabox.errors import ModelError, StorageError
from wabox.nlu.examples import data_hash, of_bot, trainable

CARD, INDEX, OVER = "card.json", "documents.json", "over.json"
ARRAYS = {CARD: "model-*.npz", INDEX: "documents-*.npz"}
LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class KeptModel:
    """Of one version."""

    folder: Path

    def over(self) -> Mapping[str, str]:
        """Which cards lay in ``models/`` when the version went live: file → digest."""
        try:
            return msgspec.json.decode((self.folder / OVER).read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError):
            return {}

    def has(self, card: str) -> bool:
        return (self.folder / card).is_file()

    def keep(self, trained: Path, intents: Sequence[Intent], *, live: bool) -> None:
        """Take the model and the documents' index in ``trained`` if they are this version's. ``live``: it runs already.

        Raises StorageError.
        """
        try:
            seen = {card: digest(trained / card) for card in ARRAYS if (trained / card).is_file()}
            for card in seen:
                old = self.over().get(card) if live else None
                if seen[card] != old and self._wants(card, trained, intents):
                    self._copy(card, trained)
            if not live and (seen or self.folder.is_dir()):
                self.folder.mkdir(parents=True, exist_ok=True)
                _write(self.folder / OVER, msgspec.json.encode(seen))
        except OSError as error:
            raise StorageError(
                f"{self.folder} cannot be written: {error.strerror or error}. Is the disk full?"
            ) from error

    def _wants(self, card: str, trained: Path, intents: Sequence[Intent]) -> bool:
        if card == INDEX:
            return not self.has(INDEX)
        from wabox.nlu.modelfile import read_card

        try:
            found = read_card(trained)
        except ModelError:
            return False
        if set(found.intents) != set(trainable(intents)):
            return False
        # One of these very examples is better than the kept one; of others only when there is none: it may be the next one's.
        return not self.has(CARD) or found.data_hash == data_hash(of_bot(intents))

    def _copy(self, card: str, trained: Path) -> None:
        """Arrays first: the card is what makes them a model."""
        self.folder.mkdir(parents=True, exist_ok=True)
        arrays = sorted(trained.glob(ARRAYS[card]))
        for path in (*arrays, trained / card):
            _write(self.folder / path.name, path.read_bytes())
        for path in self.folder.glob(ARRAYS[card]):
            if path.name not in {one.name for one in arrays}:
                path.unlink()


def digest(card: Path) -> str:
    """Which card it is."""
    import hashlib

    with card.open("rb") as file:
        return hashlib.sha256(file.read(LARGEST)).hexdigest()


def _write(path: Path, raw: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
