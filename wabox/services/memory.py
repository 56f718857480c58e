"""What was decided about messages that were not understood, so that nobody is asked about them twice.

Kept are digests of the words, never the words: a customer who is forgotten leaves nothing here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from wabox.errors import StorageError
from wabox.nlu.utterances import tokens

LAYOUT = 1
LARGEST = 32 << 20


class _File(msgspec.Struct):
    layout: int
    decided: dict[str, str]
    """Digest → intent, ``oos`` or ``ignore``."""


def digest(text: str) -> str:
    """The same for the same words."""
    return hashlib.sha256(" ".join(tokens(text)).encode("utf-8", "surrogatepass")).hexdigest()[:24]


class Memory:
    """The decisions about one bot's messages, in a file."""

    def __init__(self, path: Path) -> None:
        """Raises StorageError when there is a file that is none of ours."""
        self._path = path
        self._decided: dict[str, str] = {}
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST)
            found = msgspec.json.decode(raw, type=_File)
            if found.layout != LAYOUT:
                raise ValueError(f"its layout is {found.layout}, not {LAYOUT}")
            self._decided = found.decided
        except FileNotFoundError:
            pass
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise StorageError(f"{path}, what was decided so far, cannot be read: {error}. Move it away") from error

    def __contains__(self, text: str) -> bool:
        return digest(text) in self._decided

    def keep(self, texts: Iterable[str], to: str) -> None:
        """Remember a decision; on the disk when this returns. Raises StorageError."""
        self._decided |= {digest(text): to for text in texts}
        raw = msgspec.json.encode(_File(LAYOUT, self._decided))
        new = self._path.with_name(f".{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written: {error.strerror or error}") from error
