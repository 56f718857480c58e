"""Who was forgotten, so that no backup brings them back (promise P11).

A file of its own, ``forgotten.jsonl`` in the data folder: it must outlive the database that a restore replaces. It names
nobody: each id is a keyed hash, and the key stands in the first line. Whoever has the file and a phone number can ask whether
that number was forgotten, which is what a restore must do; from the file alone nobody learns one but by trying them all.

A restore brings the file along from wherever there are copies (the backup, the folder that is replaced), unites them with
:func:`unite`, and lets :meth:`wabox.sqlite.register.Register.bury` erase, before the server may start, whoever was first seen
before they were forgotten; who came back later stays. A file may have several keys: lines belong to the key above them.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wabox.core import forgotten
from wabox.core.forgotten import Lists
from wabox.core.person import Person
from wabox.errors import StorageError

FILE = "forgotten.jsonl"


@dataclass(frozen=True, slots=True)
class Tombstones:
    """The list, read once."""

    path: Path
    lists: tuple[tuple[bytes, dict[str, int]], ...]
    """Key, and hash of an id → when it was last forgotten, ms since the epoch; new ones go to the last."""

    def hashes(self, person: Person) -> tuple[str, ...]:
        """What the list calls a person."""
        return forgotten.hashes(self.lists[-1][0], person)

    def at(self, value: str) -> int | None:
        """When whoever has this id was forgotten."""
        return forgotten.forgotten_at(dict(self.lists), value)

    def add(self, ids: Iterable[str], at: int) -> None:
        """Write it down, durably, before anything is erased. Raises StorageError."""
        ids = list(ids)
        try:
            with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_APPEND), "w", encoding="ascii") as file:
                file.write(json.dumps({"at": at, "ids": ids}) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error}. Nobody was forgotten") from error
        self.lists[-1][1].update(dict.fromkeys(ids, at))


def read(folder: Path) -> Tombstones:
    """The list of a data folder; begun when there is none. Raises StorageError."""
    path = folder / FILE
    try:
        _begin(path)
        _mend(path)
        return Tombstones(path, tuple(_parse(path)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"{path} cannot be read: {error!r}. It names who was forgotten: bring back a copy"
        ) from error


def unite(folder: Path, other: Path) -> Tombstones:
    """Take over what another copy of the file (its path) has and this folder's has not. Raises StorageError."""
    try:
        theirs = dict(_parse(other))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{other} cannot be read: {error!r}. It names who was forgotten") from error
    return learn(folder, theirs)


def learn(folder: Path, theirs: Lists) -> Tombstones:
    """Take over what other lists have and this folder's file has not. Raises StorageError."""
    ours = read(folder)
    known = dict(ours.lists)
    lines: list[dict[str, object]] = []
    for key, stones in theirs.items():
        new = {one: at for one, at in stones.items() if known.get(key, {}).get(one, -1) < at}
        if new or key not in known:  # a key alone says whose list may know more
            lines += [{"key": key.hex()}, *({"at": at, "ids": [one]} for one, at in sorted(new.items()))]
    if not lines:
        return ours
    # Ours goes last again, so that what is added later is under our key.
    lines.append({"key": ours.lists[-1][0].hex()})
    try:
        with ours.path.open("a", encoding="ascii") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{ours.path} cannot be written: {error}") from error
    return read(folder)


def _parse(path: Path) -> Iterable[tuple[bytes, dict[str, int]]]:
    lists: dict[bytes, dict[str, int]] = {}
    key = None
    for line in path.read_text(encoding="ascii").splitlines():
        found = json.loads(line)
        if "key" in found:
            key = bytes.fromhex(found["key"])
            lists[key] = lists.pop(key, {})
            continue
        if key is None:
            raise ValueError("the first line has no key")
        for one in found["ids"]:
            lists[key][one] = max(found["at"], lists[key].get(one, 0))
    if not lists:
        raise ValueError("it is empty")
    return lists.items()


def _begin(path: Path) -> None:
    if path.exists():
        return
    with contextlib.suppress(FileExistsError):
        # Complete under its name or not there.
        working = path.with_name(f".{FILE}-{os.getpid()}")
        with os.fdopen(os.open(working, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(json.dumps({"key": secrets.token_hex(32)}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(working, path)
        finally:
            working.unlink()


def _mend(path: Path) -> None:
    """Cut a line that the power went off in: nobody was told that this one was forgotten."""
    with path.open("r+b") as file:
        data = file.read()
        if data and not data.endswith(b"\n"):
            file.truncate(data.rfind(b"\n") + 1)
