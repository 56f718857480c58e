"""A folder of backups: who works in it, what is left over, customers' files beside the archives.

A backup gets its name when it has been proven; until then it lies in a hidden folder, ``.wabox-making-…``, and the next one to
work there clears what a crash left. Customers' files are hard links where the file system can (they are never changed), else
copies; each is there once however many backups need it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from wabox.core.backup import SUFFIX, Kept, Member, named
from wabox.core.media import reference
from wabox.errors import StorageError
from wabox.sqlite.backupfile import BLOCK, digest

FOLDER = "backups"
MEDIA = "media"
LOCK = ".wabox-backups.lock"
WORKING = ".wabox-making-"


@contextlib.contextmanager
def working(folder: Path) -> Iterator[Path]:
    """A place to work in, gone at the end; nobody else works in the folder meanwhile. Raises StorageError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}. Check the path and its owner") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"another backup is being made in {folder}; wait for it") from None
        for left in folder.glob(f"{WORKING}*"):
            shutil.rmtree(left, ignore_errors=True)
        place = Path(tempfile.mkdtemp(prefix=WORKING, dir=folder))
        try:
            yield place
        except OSError as error:
            raise StorageError(
                f"the backup cannot be made in {folder}: {error.strerror or error}. Is the disk full?"
            ) from error
        finally:
            shutil.rmtree(place, ignore_errors=True)
    finally:
        os.close(lock)


def stamp(now: int) -> str:
    """``2026-11-22T030000Z``. ``now``: ms since the epoch."""
    return datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%dT%H%M%SZ")


def time_of(kept: Kept) -> int:
    """When a backup was made, ms since the epoch."""
    return round(datetime.strptime(kept.stamp, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)


def free_name(folder: Path, now: int, after: str = "", sealed: str = "") -> Path:
    """A name that is not taken."""
    number = 1
    while True:
        again = f"-{number}" if number > 1 else ""
        path = folder / f"wabox-{stamp(now)}{again}{after}{SUFFIX}{sealed}"
        if not path.exists():
            return path
        number += 1


def place(done: Path, target: Path) -> None:
    """Give what is proven its name, for good. Raises OSError."""
    done.rename(target)
    sync(target.parent)


def sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def listed(folder: Path) -> list[Kept]:
    """The oldest first. Raises StorageError when it cannot be read; one that is not there has none."""
    try:
        found = [kept for path in folder.iterdir() if (kept := named(path.name)) is not None]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{folder} cannot be read: {error.strerror}") from error
    return sorted(found, key=lambda one: (one.stamp, one.name))


def media(data: Path) -> list[tuple[str, Path]]:
    """Every file of customers in a data folder, by its hash."""
    return sorted(
        (path.name, path)
        for path in (data / MEDIA).glob("[0-9a-f][0-9a-f]/*")
        if len(path.name) == 64 and path.is_file()
    )


def share(path: Path, target: Path) -> bool:
    """Have the file there too: a link where that is possible, else a synced copy. False when it was. Raises OSError."""
    if target.exists():
        return False
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        part = target.with_name(f".{target.name}")
        with (
            path.open("rb") as source,
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
        ):
            shutil.copyfileobj(source, file, BLOCK)
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
    return True


def beside(folder: Path, sha256: str) -> Path:
    """Where a customer's file lies in a data folder or in a folder of backups."""
    return folder / MEDIA / reference(sha256)


def wrong(folder: Path, files: Sequence[Member], *, deep: bool) -> list[str]:
    """Which of these customers' files are missing there or are not what they were. ``deep``: every byte is read."""
    found = []
    for one in files:
        path = beside(folder, one.name)
        try:
            right = path.stat().st_size == one.size and (not deep or digest(path) == one.name)
        except OSError:
            right = False
        if not right:
            found.append(one.name)
    return found


def tidy(folder: Path, needed: Iterable[str]) -> int:
    """Delete customers' files beside backups that no backup needs; how many."""
    keep = set(needed)
    gone = 0
    for path in (folder / MEDIA).glob("[0-9a-f][0-9a-f]/*"):
        if path.name not in keep:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
