"""What a power cut leaves of a database: what was synced, and of the rest whatever the disk happened to have written.

A disk writes sectors of 512 bytes whole, in any order, until it is told to sync. So each sector that was written since the
last sync of its file is kept or lost by lot: sometimes none, sometimes those before a moment, sometimes any.

What this does not try: files other than the database (a published version, a customer's photo), the directory's own entries,
a file system that breaks its promises, a disk that says "synced" and lies, a sector that is half written.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from tests.crash.disk import RECORD

SECTOR = 512

Change = tuple[bytes, int, bytes]
"""What (write, truncate, delete), the offset or size, the data."""


class Durable:
    """One file as the disk has it."""

    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)
        self.unsynced: list[Change] = []

    def sync(self) -> None:
        for what, offset, data in self.unsynced:
            self._apply(what, offset, data)
        self.unsynced.clear()

    def cut(self, chance: Random) -> int:
        """The power goes; how many sectors were lost."""
        if not self.unsynced:
            return 0
        most = chance.choice((0.0, chance.random(), chance.random(), None, None))
        lost = 0
        for place, (what, offset, data) in enumerate(self.unsynced):
            before = None if most is None else place < most * len(self.unsynced)
            if what != b"W":
                if before if before is not None else chance.random() < 0.5:
                    self._apply(what, offset, data)
                continue
            for start, end in _sectors(offset, len(data)):
                if before if before is not None else chance.random() < 0.5:
                    self._apply(b"W", start, data[start - offset : end - offset])
                else:
                    lost += 1
        self.unsynced.clear()
        return lost

    def _apply(self, what: bytes, offset: int, data: bytes) -> None:
        if what == b"W":
            if len(self.content) < offset:
                self.content.extend(bytes(offset - len(self.content)))
            self.content[offset : offset + len(data)] = data
        elif what == b"T":
            del self.content[offset:]
        else:
            self.content.clear()


def _sectors(offset: int, length: int) -> list[tuple[int, int]]:
    end = offset + length
    starts = [offset, *range(offset - offset % SECTOR + SECTOR, end, SECTOR)]
    return list(zip(starts, [*starts[1:], end], strict=True))


def cut(base: Path, journal: Path, data: Path, chance: Random) -> int:
    """Make ``data`` what is left when the power goes now; sectors lost.

    ``base``: a copy of the folder as it was when the journal begins.
    """
    files = {path.name: Durable(path.read_bytes()) for path in base.glob("wabox.db*") if not path.name.endswith("-shm")}
    for what, name, offset, content in records(journal.read_bytes()):
        file = files.setdefault(name, Durable(b""))
        if what == b"S" or (what == b"D" and offset):
            if what == b"D":
                file.unsynced.append((b"D", 0, b""))
            file.sync()
        else:
            file.unsynced.append((what, offset, content))
    lost = 0
    for path in data.glob("wabox.db*"):
        path.unlink()
    for name, file in files.items():
        lost += file.cut(chance)
        if file.content or name == "wabox.db":
            (data / name).write_bytes(file.content)
    return lost


def copy(data: Path, base: Path) -> None:
    """The database's files as they are, for :func:`cut`."""
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir()
    for path in data.glob("wabox.db*"):
        shutil.copy(path, base / path.name)


def records(raw: bytes) -> list[tuple[bytes, str, int, bytes]]:
    """The journal; what was cut off with the process is left out."""
    found = []
    at = 0
    while at + RECORD.size <= len(raw):
        what, named, offset, length = RECORD.unpack_from(raw, at)
        name_at = at + RECORD.size
        data_at = name_at + named
        at = data_at + length
        if at > len(raw):
            break
        found.append((what, raw[name_at:data_at].decode(), offset, raw[data_at:at]))
    return found
