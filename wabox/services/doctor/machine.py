"""The machine: the data folder, its file system, owner and permissions, the disk, SQLite, backups."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from wabox.core.checkup import Finding, Notes
from wabox.errors import StorageError
from wabox.flowfile.folder import shown
from wabox.sqlite.backupfolder import listed, time_of
from wabox.sqlite.connection import DATABASE, OLDEST
from wabox.sqlite.folder import NETWORK, NETWORK_FUSE, file_system
from wabox.sqlite.inspection import VERSION, fixed

BACKUPS = "backups"
LOW, LITTLE = 200 * 1024**2, 1024**3
"""Bytes free: below the first nothing can be promised, below the second it is time to act."""
OLD = 8 * 86_400
"""Seconds after which a backup is too old to be of much use."""
PRIVATE = ("token",)
"""Files of the data folder that open something."""


def look(
    data: Path,
    secret_files: Sequence[Path],
    now: int,
    *,
    backups: Path | None = None,
    kind: Callable[[Path], str | None] = file_system,
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    sqlite: tuple[int, int, int] = VERSION,
) -> list[Finding]:
    """``now`` in ms; ``data`` may not be there yet."""
    notes = Notes("machine")
    there = next((place for place in (data, *data.parents) if place.is_dir()), Path("/"))
    _folder(notes, data, there, kind)
    _permissions(notes, data, secret_files)
    _disk(notes, data, free(there))
    _sqlite(notes, sqlite)
    if (data / DATABASE).is_file():
        _backups(notes, backups or data / BACKUPS, now)
    return notes.made


def beside(data: Path, secret_files: Sequence[Path], now: int, *, backups: Path | None = None) -> list[Finding]:
    """Of a machine whose conversations are a cluster's: who may read the secrets, the disk, and the backups if it makes any."""
    notes = Notes("machine")
    there = next((place for place in (data, *data.parents) if place.is_dir()), Path("/"))
    _permissions(notes, data, secret_files)
    _disk(notes, data, shutil.disk_usage(there).free)
    if backups is not None:
        _backups(notes, backups, now)
    return notes.made


def _folder(notes: Notes, data: Path, there: Path, kind: Callable[[Path], str | None]) -> None:
    name, found = shown(data), kind(there)
    if found in NETWORK or found in NETWORK_FUSE:
        notes.fail(
            "data folder",
            f"{name} is on a network file system ({found}), where the database could be damaged",
            "put it on a disk of this machine: [data] folder in wabox.toml, or WABOX_DATA",
        )
    elif data.exists() and not data.is_dir():
        notes.fail("data folder", f"{name} is a file", "name a folder: [data] folder in wabox.toml, or WABOX_DATA")
    elif not os.access(there, os.W_OK | os.X_OK):
        notes.fail(
            "data folder",
            f"{shown(there)} cannot be written by this user",
            f"sudo chown -R {_user()} {shown(there)}, or run wabox as its owner",
        )
    elif not data.is_dir():
        notes.ok("data folder", f"{name} is not there yet; the first start makes it")
    else:
        notes.ok("data folder", f"{name}, on a disk of this machine{f' ({found})' if found else ''}")


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _permissions(notes: Notes, data: Path, secret_files: Sequence[Path]) -> None:
    open_, foreign = [], []
    for path in (data, *(data / name for name in PRIVATE), *secret_files):
        try:
            found = path.stat()
        except OSError:
            continue
        if stat.S_IMODE(found.st_mode) & 0o077:
            open_.append(path)
        if path in (data, data / DATABASE) and found.st_uid != os.getuid() and os.getuid() != 0:
            foreign.append(path)
    for path in foreign:
        notes.fail(
            "owner",
            f"{shown(path)} is another user's",
            f"run wabox as that user, or sudo chown -R {_user()} {shown(path)}",
        )
    for path in open_:
        mode = "700" if path.is_dir() else "600"
        what = f"other users of this machine may read {shown(path)}"
        notes.warn("permissions", what, f"chmod {mode} {shown(path)}")
    if not open_ and not foreign and data.is_dir():
        notes.ok("permissions", "the data folder and the secrets are this user's alone")


def _disk(notes: Notes, data: Path, free: int) -> None:
    if free < LOW:
        notes.fail("disk", f"only {size(free)} are free: soon nothing can be stored", _ROOM)
    elif free < LITTLE:
        notes.warn("disk", f"{size(free)} are free", _ROOM)
    else:
        notes.ok("disk", f"{size(free)} are free")


_ROOM = "make room, or give it a larger disk; [keep] in wabox.toml says how long things are kept"


def _sqlite(notes: Notes, version: tuple[int, int, int]) -> None:
    name = ".".join(map(str, version))
    if version < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        notes.fail("SQLite", f"{name} is too old", f"use a Python whose SQLite is {wanted} or newer")
    elif fixed(version):
        notes.ok("SQLite", f"{name}, without the WAL-reset bug")
    else:
        notes.ok(
            "SQLite",
            f"{name} has the WAL-reset bug (two writers at one instant can damage the file); wabox has one writer, so "
            "it cannot do that",
            f"let no other program open {DATABASE} while the server runs: no sqlite3, no Litestream",
        )


def _backups(notes: Notes, folder: Path, now: int) -> None:
    try:
        newest = max((time_of(one) for one in listed(folder) if not one.upgrade), default=None)
    except StorageError as error:
        notes.fail("backups", str(error), "see whose folder it is, and whether its disk is there")
        return
    if newest is None:
        notes.warn("backups", f"there is none in {shown(folder)}", "make one: wabox backup; it can run every night")
        return
    age = (now - newest) / 1000
    what = f"the newest is {ago(age)} old"
    if age > OLD:
        notes.warn("backups", what, "make one now: wabox backup; and see why none was made since")
    else:
        notes.ok("backups", what)


def size(count: float) -> str:
    """``3.2 GB``."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def ago(seconds: float) -> str:
    """``3 hours``."""
    for length, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
