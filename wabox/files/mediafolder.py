"""The files that customers sent: ``<data>/media/<2 hex digits>/<SHA-256>``, for this user's eyes only.

A file is written under another name in ``media/.parts``, synced, and renamed: under its hash it is whole or not there. Nothing
that a customer wrote is part of a path. Blocking; call from a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from wabox.core.media import HEAD, reference

FOLDER = "media"
PARTS = ".parts"


class MediaFolder:
    def __init__(self, data: Path) -> None:
        """``data``: the data folder."""
        self.folder = data / FOLDER

    def prepare(self) -> None:
        """Make the folder, and clear what a crash left half-written."""
        parts = self.folder / PARTS
        for folder in (self.folder, parts):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in parts.iterdir():
            path.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the file with this hash (hex) is, or would be."""
        return self.folder / reference(sha256)

    def size(self, sha256: str) -> int | None:
        """Of a file that is there, bytes."""
        try:
            return self.path(sha256).stat().st_size
        except OSError:
            return None

    def head(self, sha256: str) -> bytes:
        """Its first bytes."""
        with self.path(sha256).open("rb") as file:
            return file.read(HEAD)

    def begin(self) -> Part:
        """A file to write. Raises OSError."""
        self.prepare_folder(self.folder / PARTS)
        handle, name = tempfile.mkstemp(dir=self.folder / PARTS)  # 0600
        return Part(self, os.fdopen(handle, "wb"), Path(name))

    def delete(self, hashes: Iterable[str]) -> int:
        """Remove these; how many were there."""
        gone = 0
        for sha256 in hashes:
            with contextlib.suppress(FileNotFoundError):
                self.path(sha256).unlink()
                gone += 1
        return gone

    def used(self, sha256: str, now: int) -> None:
        """Somebody needs it now, ms since the epoch; nothing happens when it is gone."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.path(sha256), (now / 1000, now / 1000))

    def unused(self, since: int) -> list[str]:
        """Hashes of those that nobody has needed since then, ms, where :meth:`used` is told; what a crash left half-written
        is deleted."""
        found = []
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime * 1000 < since:
                    if path.parent.name == PARTS:
                        path.unlink()
                    else:
                        found.append(path.name)
        return found

    def prepare_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class Part:
    """A file that is being written."""

    def __init__(self, owner: MediaFolder, file: IO[bytes], path: Path) -> None:
        self._owner = owner
        self._file = file
        self._path = path
        self._digest = hashlib.sha256()
        self.size = 0
        self.head = b""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Raises OSError, when the disk is full for one."""
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)
        if len(self.head) < HEAD:
            self.head = (self.head + data)[:HEAD]

    def keep(self) -> None:
        """It is whole: give it its name, for good. Raises OSError."""
        target = self._owner.path(self.sha256)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._owner.prepare_folder(target.parent)
        self._path.rename(target)
        for folder in (target.parent, self._owner.folder):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def drop(self) -> None:
        """Nobody wants it; also after :meth:`keep`, then it does nothing."""
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)
