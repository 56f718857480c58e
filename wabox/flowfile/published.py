"""Copies of bots' folders, for conversations to run on: ``<data>/published/<bot>/<version>``.

A copy is named by its content (12 hex digits over names and bytes of its files) and never changed. It is written under another
name, synced to the disk and then renamed, so under its own name it is whole or not there, whatever happens meanwhile.

Everything that customers could meet is copied: charts, texts, intents, FAQ, templates, ``actions.py`` and whatever it reads
beside itself. ``tests/``, hidden files and what Python and editors leave behind are not. A link to a file is copied as the
file; one to a folder is refused.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from wabox.errors import FlowError, StorageError
from wabox.flowfile.folder import shown

LARGEST = 64 * 1024 * 1024
MOST = 2000
WORKING = ".new-"
"""Begins the name of a copy that is being written."""
MODEL = ".model"
"""Ends the name of the folder beside a copy that has the model it was published with. Of a cluster's versions it also says
which: ``<version>.<12 hex digits>.model``."""
LEFT_OVER = 3600.0
"""s after which such a copy is nobody's any more."""

_ID = re.compile(r"[0-9a-f]{12}")
_SKIPPED = ("__pycache__",)
_NOT_ABOVE = ("tests",)


class SpoiltCopy(StorageError):
    """A published copy is missing, or is not what it was."""


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file of a bot that customers could meet, by its path with slashes. Raises FlowError."""
    found: dict[str, bytes] = {}
    size = 0
    try:
        for path in _walk(folder, top=True):
            # Asked before it is read: one huge file must not fill the memory first.
            size += path.stat().st_size
            if size > LARGEST or len(found) >= MOST:
                raise FlowError(
                    f"{shown(folder)} has more than {MOST} files or {LARGEST >> 20} MiB, too much for a bot: "
                    "keep large files elsewhere and send their addresses"
                )
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    except OSError as error:
        raise FlowError(f"{error.filename or folder} cannot be read: {error.strerror or error}") from error
    return found


def _walk(folder: Path, *, top: bool = False) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        name = path.name
        if name.startswith(".") or name.endswith(("~", ".pyc")) or name in _SKIPPED or (top and name in _NOT_ABOVE):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.is_file():
            yield path
        elif path.is_symlink():
            # Left out, it would be there in every test and missing for customers; followed, it could lead round in circles.
            leads = "to a folder" if path.is_dir() else "to no file"
            raise FlowError(
                f"{shown(path)} is a link {leads}, and a published copy has none: "
                "put what it leads to there instead of the link, or take the link out"
            )


def identity(files: Mapping[str, bytes]) -> str:
    """The version's id: 12 hex digits."""
    digest = hashlib.blake2b(digest_size=6)
    for name in sorted(files):
        for part in (name.encode("utf-8", "surrogateescape"), files[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


class Shelf:
    """The copies of one bot."""

    def __init__(self, data: Path, bot: str) -> None:
        self.bot = bot
        self._data = data
        self.folder = data / "published" / bot

    def place(self, id_: str) -> Path:
        """Where the copy lies, or would."""
        return self.folder / id_

    def keep(self, files: Mapping[str, bytes]) -> str:
        """Write a copy, if it is not there already; its id. It is on the disk when this returns. Raises StorageError."""
        id_ = identity(files)
        target = self.place(id_)
        try:
            self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            if target.exists():
                if self._whole(id_):
                    os.utime(target)  # as new: nobody needs it yet, and tidy would take it for left over
                    return id_
                # Somebody changed it. Its name says what it has to be, so it can be put right.
                target.rename(Path(tempfile.mkdtemp(prefix=WORKING, dir=self.folder)) / "spoilt")
            working = Path(tempfile.mkdtemp(prefix=WORKING, dir=self.folder))
            inner = working / id_
            _write(inner, files)
            try:
                inner.rename(target)
            except OSError:
                if not target.exists() or not self._whole(id_):
                    raise
                # Another process was faster with the same.
            shutil.rmtree(working, ignore_errors=True)
            for folder in (self.folder, *self.folder.parents[:2]):
                _sync(folder)
        except OSError as error:
            raise StorageError(
                f"{error.filename or self.folder} cannot be written: {error.strerror or error}. Is the disk full?"
            ) from error
        return id_

    def check(self, id_: str) -> Path:
        """The folder of a copy that is whole. Raises SpoiltCopy, or FlowError when that cannot be a version."""
        if not _ID.fullmatch(id_):
            raise FlowError(f"{id_[:80]!r} is no version: that is 12 hex digits, as wabox flows versions shows them")
        target = self.place(id_)
        if not target.is_dir():
            raise SpoiltCopy(f"{shown(target)}, the published copy of the bot {self.bot!r}, is missing")
        if not self._whole(id_):
            raise SpoiltCopy(f"{shown(target)}, a published copy of the bot {self.bot!r}, was changed by hand")
        return target

    def _whole(self, id_: str) -> bool:
        try:
            return identity(read_files(self.place(id_))) == id_
        except FlowError:
            return False

    def tidy(self, needed: set[str], now: float) -> list[str]:
        """Delete copies that nobody needs and that are no longer being written; their ids. ``now``: s since the epoch."""
        gone = []
        try:
            found = sorted(self.folder.iterdir())
        except OSError:
            return []
        for path in found:
            try:
                old = now - path.stat().st_mtime > LEFT_OVER
            except OSError:
                continue
            if old and path.name.partition(".")[0] not in needed:
                # Under another name first: what is half deleted must not look like a copy.
                hidden = path if path.name.startswith(WORKING) else path.with_name(f"{WORKING}gone-{path.name}")
                try:
                    path.rename(hidden)
                except OSError:
                    continue
                shutil.rmtree(hidden, ignore_errors=True)
                gone.append(path.name)
        return gone


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folders = {folder}
    folder.mkdir()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        folders.update(parent for parent in path.parents if parent.is_relative_to(folder))
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o444)
    for one in sorted(folders, key=lambda one: -len(one.parts)):
        _sync(one)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
